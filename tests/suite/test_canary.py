"""A real run, with its real secrets, leaves none of them in any file of its report nor on the terminal."""

from __future__ import annotations

import base64
import json
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import quote

import yaml

from tests.reports.journals import embedded
from tests.suite.runs import profile, run

KINDS = {"password", "card number", "CVV", "cookie"}


def spellings(kind: str, secret: str) -> Iterator[bytes]:
    """How a secret may be written; three digits are a CVV only where they stand as a value of their own."""
    if kind == "CVV":
        yield from (
            wrapped.encode() for wrapped in (f'"{secret}"', f'\\"{secret}\\"', f"ccv={secret}", f"ccv: {secret}")
        )
        return
    raw = secret.encode()
    yield from {raw, quote(secret, safe="").encode(), base64.b64encode(raw)}
    if kind == "card number":
        yield from (between.join(secret[at : at + 4] for at in range(0, 16, 4)).encode() for between in " -")


def sinks(reports: Path, *terminal: str) -> Iterator[tuple[str, bytes]]:
    """Everything that the run has left behind, also what the page embeds."""
    yield from (("terminal", text.encode()) for text in terminal)
    for file in filter(Path.is_file, reports.rglob("*")):
        yield str(file.relative_to(reports)), file.read_bytes()
        if file.suffix == ".html":
            yield from (("embedded", body.encode("latin-1")) for body in embedded(file.read_text("utf-8")))


def test_no_secret_of_a_run_is_left_behind(standing: Path, tmp_path: Path) -> None:
    confessed = tmp_path / "confessed"
    options = (f"--stack={profile(tmp_path, standing)}", "-p", "tests.suite.confessing", "-m", "story", "-s", "-vv")
    done = run(tmp_path / "out", *options, env={"CONFESSED": str(confessed)})
    secrets = {tuple(json.loads(line)) for line in confessed.read_text().splitlines()}
    assert done.code == 0, done.out
    assert {kind for kind, _ in secrets} == KINDS
    (user,) = (entry["user"] for entry in yaml.safe_load(standing.read_text())["users"])
    secrets |= {("token", user[key]) for key in ("token", "client-key-data") if key in user}
    assert "token" in {kind for kind, _ in secrets}

    left = list(sinks(tmp_path / "out", done.out, done.err))
    found = [
        f"a {kind} in {name}"
        for name, body in left
        for kind, secret in secrets
        if any(spelling in body for spelling in spellings(kind, secret))
    ]
    assert not found
    assert {"allure.html", "embedded", "journal.jsonl", "statement.json", "terminal"} <= {name for name, _ in left}
    assert any("«redacted card number ending".encode() in body for _, body in left), "the cards came by"
