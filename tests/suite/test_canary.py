"""A real run, with its real secrets, leaves none of them in any file of its report nor on the terminal.

The gateway's is also one of a suite whose clock is wrong, which changes no verdict.
"""

from __future__ import annotations

import base64
import json
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from urllib.parse import quote

import pytest
import yaml

from fixtures.cluster.driver import Cluster
from fixtures.cluster.tunnel import open_tunnels
from fixtures.databases.payments import PaymentBook
from fixtures.payment_records import CodeSession
from fixtures.stack.profile import Capability
from tests.reports.journals import embedded
from tests.suite.runs import ROOT, Run, profile, run

SHOP = {"password", "card number", "CVV", "cookie"}
CODE = "one-time password"
GATEWAY = {"card number", "CVV", CODE, "session"}
ALONE = re.compile(rb"(?<![\w.])\d{6}(?![\w.])")
DRAWN = re.compile(rb'(?<=[ "])(?:width|height|font-weight)="\d{3}"')  # how a plot is drawn, in digits of its own
AHEAD = "5"  # seconds that the suite's clock is wrong by
AWAY = "database_away"  # goes first: what is in the database is gone with it
JUDGED_WITHIN = 170  # seconds


def spellings(kind: str, secret: str) -> Iterator[bytes]:
    """How a secret may be written; three digits are a CVV only where they stand as a value of their own."""
    if kind == "CVV":
        named = (f"{name}{sign}{secret}" for name in ("ccv", "cvv") for sign in ("=", ": "))
        yield from (wrapped.encode() for wrapped in (f'"{secret}"', f'\\"{secret}\\"', *named))
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


def everything(done: Run) -> list[tuple[str, bytes]]:
    """All that a run has left behind, where customers' cards have come by."""
    left = list(sinks(done.reports, done.out, done.err))
    assert {"allure.html", "embedded", "journal.jsonl", "statement.json", "terminal"} <= {name for name, _ in left}
    assert any("«redacted card number ending".encode() in body for _, body in left), "the cards came by"
    return left


def leaks(left: list[tuple[str, bytes]], secrets: Iterable[tuple[str, str]]) -> list[str]:
    """Where which kind of secret was left; six digits are a code only where they stand alone, and sizes are none."""
    codes = {secret.encode() for kind, secret in secrets if kind == CODE}
    others = [(kind, each) for kind, secret in secrets if kind != CODE for each in spellings(kind, secret)]
    found = []
    for body, name in {DRAWN.sub(b"", body): name for name, body in left}.items():  # most are left several times
        found += [f"a {CODE} in {name}: {each!r}" for each in {*ALONE.findall(body)} & codes]
        found += [f"a {kind} in {name}" for kind, each in others if each in body]
    return found


def confessed(file: Path) -> set[tuple[str, str]]:
    """Every secret that a run has known, with its kind."""
    return {tuple(json.loads(line)) for line in file.read_text().splitlines()}


@pytest.mark.parametrize(
    ("kind", "secret", "left", "leaking"),
    [
        ("one-time password", "271828", '{"otp": "271828"}', True),
        ("one-time password", "271828", "code 271828, sent", True),
        ("one-time password", "271828", "<b>271828</b>", True),
        ("one-time password", "271828", "10:00:00.271828 +1.271828", False),
        ("CVV", "958", '{"cvv": "958"}', True),
        ("CVV", "958", "cvv=958", True),
        ("CVV", "958", "958 ms", False),
        ("CVV", "958", '<input value="958">', True),
        ("CVV", "958", '<rect width="958" height="958"/>', False),
        ("card number", "4242424242424242", "4242-4242-4242-4242", True),
        ("session", "2f0b0e0e-0001", "…/2f0b0e0e-0001?", True),
    ],
)
def test_a_secret_is_found_however_it_is_written(kind: str, secret: str, left: str, leaking: bool) -> None:
    assert bool(leaks([("a file", left.encode())], [(kind, secret)])) is leaking


def test_no_secret_of_a_run_is_left_behind(standing: Path, tmp_path: Path) -> None:
    told = tmp_path / "confessed"
    options = (f"--stack={profile(tmp_path, standing)}", "-p", "tests.suite.confessing", "-m", "story", "-s", "-vv")
    done = run(tmp_path / "out", *options, env={"CONFESSED": str(told)})
    secrets = confessed(told)
    assert done.code == 0, done.out
    assert {kind for kind, _ in secrets} == SHOP
    (user,) = (entry["user"] for entry in yaml.safe_load(standing.read_text())["users"])
    secrets |= {("token", user[key]) for key in ("token", "client-key-data") if key in user}
    assert "token" in {kind for kind, _ in secrets}

    assert not leaks(everything(done), secrets)


@pytest.fixture(scope="module")
def judged(standing_gateway: Path, tmp_path_factory: pytest.TempPathFactory) -> tuple[Run, set[tuple[str, str]]]:
    """A run of the whole gateway by a suite whose clock is ahead, and every secret that it has known."""
    folder = tmp_path_factory.mktemp("judged")
    told, plugins = folder / "confessed", ("-p", "tests.suite.confessing", "-p", "tests.suite.skewed")
    options = (f"--stack={profile(folder, standing_gateway)}", *plugins, "-s", "-vv")
    features = sorted((ROOT / "features" / "otp_gateway").glob("*.feature"), key=lambda path: path.stem != AWAY)
    env = {"CONFESSED": str(told), "SKEW": AHEAD}
    done = run(folder / "out", *options, *map(str, features), env=env, patience=JUDGED_WITHIN)
    return done, confessed(told)


def test_no_code_of_anybody_is_left_behind(judged: tuple[Run, set[tuple[str, str]]], standing_gateway: Path) -> None:
    done, secrets = judged
    assert done.code == 0, done.out
    assert {kind for kind, _ in secrets} == GATEWAY
    kept = codes_in_books(standing_gateway)
    assert len(kept) > 20, "those of the crowds are there, too"
    secrets |= {(CODE, each.code) for each in kept} | {("session", each.id) for each in kept}

    assert not leaks(everything(done), secrets)


def test_a_clock_that_is_ahead_changes_no_verdict(judged: tuple[Run, set[tuple[str, str]]]) -> None:
    done, _ = judged

    assert {name for name, verdict in done.claims.items() if verdict != "CONFORMS"} == {"R002_43", "R002_47"}, done.out
    assert {done.claims["R002_43"], done.claims["R002_47"]} == {"KNOWN"}
    assert done.code == 0


def codes_in_books(kubeconfig: Path) -> tuple[CodeSession, ...]:
    """Every code that the gateway has written down."""
    with open_tunnels(Cluster(kubeconfig, "", "sock-shop")) as lend:
        book = PaymentBook(Capability("payment_records", "payment-mongodb", 27017, database="payment_db"), lend)
        try:
            return tuple(each for paid in book.payments_of("") for each in book.sessions(paid.id))
        finally:
            book.close()
