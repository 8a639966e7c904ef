"""The summary of a CI job, read as a Markdown reader does: every claim, whole tables, never too large."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
from markdown_it import MarkdownIt

from reports.markdown import markdown
from tests.reports.journals import Run, finish, leaks, whole_run

ROOT = Path(__file__).parents[2]
READER = MarkdownIt("commonmark").enable(["table", "strikethrough"])
TOO_LARGE = 1024 * 1024  # bytes: GitHub then shows no summary at all
NASTY = "a | b\nc \\| d `e|f` *g* _h_ [i](j) ~~k~~ <b>l</b> </details> &amp; $m$ http://n/_o_ ||"


def rows(text: str) -> list[list[str]]:
    """The rows of all tables but their heads; each cell as it is read."""
    found: list[list[str]] = []
    inside = False
    for token in READER.parse(text):
        inside = {"tbody_open": True, "tbody_close": False}.get(token.type, inside)
        if inside and token.type == "tr_open":
            found.append([])
        elif inside and token.type == "inline":
            assert {each.type for each in token.children or ()} <= {"text", "text_special"}, token.content
            found[-1].append("".join(each.content for each in token.children or ()))
    return found


def run_of(out: Path, *seen: str, text: str = "It is so.") -> Run:
    """A run with one claim for each thing seen, all wrong."""
    run = Run(out)
    run.events[0]["claims"] = [
        {"id": f"R_{number}", "kind": "required", "section": "One", "text": text} for number in range(len(seen))
    ]
    for number, each in enumerate(seen):
        run.scenario(f"Scenario {number}", f"R_{number}", "something else", each)
    run.note("run_finished", verdicts={}, exit=1)
    return run


def test_the_headline_comes_first_and_no_claim_is_left_out(tmp_path: Path) -> None:
    run = finish(whole_run(tmp_path))
    run.written()
    (tmp_path / "allure.html").touch()
    text = markdown(run.events, tmp_path, "https://ci.example/run/7")

    lines = text.splitlines()
    assert lines[0].startswith("## incident ")
    assert "embedded" in lines[2]
    assert lines[4] == "In [the run's files](https://ci.example/run/7): `allure.html`, `journal.jsonl`, `evidence`"
    assert [line for line in lines if line.startswith(("###", "<details>"))] == [
        "### Where the stack is wrong (2)",
        "### What could not be judged (2)",
        "### Known bug: BUG\\_1 (1)",
        "<details><summary>Where the document is wrong (1)</summary>",
        "<details><summary>As claimed (2)</summary>",
    ]
    told = {row[0]: row[1:] for row in rows(text)}
    assert told["R000_12"] == ["KNOWN", "One basket has at most one open order.", "2 open orders"]
    assert told["R000_19"][0] == "FIXED"
    assert told["R000_16"][0] == "CURED"
    assert "the document says: once right, once wrong" in told["R000_09"][1]
    for name in ("R000\\_50", "R000\\_51"):
        assert name in text
    assert not list(leaks(text))


def test_the_end_of_the_run_is_told(tmp_path: Path) -> None:
    run = run_of(tmp_path, "wrong")

    assert "**exit 1, violated, or a known bug is gone**" in markdown(run.events, tmp_path)
    assert "**the run was cut short**" in markdown(run.events[:-1], tmp_path)
    assert "**the run was cut short**" in markdown([], tmp_path)


@pytest.mark.parametrize("nasty", [NASTY, "|" * 9, "\\", "`", "x\r\ny\u2028z", "", "- [ ] # > 1. | --- |"])
def test_nothing_that_was_seen_breaks_the_table(tmp_path: Path, nasty: str) -> None:
    text = markdown(run_of(tmp_path, nasty, "plain", text=nasty or "It is so.").events, tmp_path)

    first, second = rows(text)
    assert "://" not in text, "an address is no link"
    one_line = " ".join(nasty.split())
    assert first == ["R_0", "VIOLATED", one_line or "It is so.", one_line]
    assert second == ["R_1", "VIOLATED", one_line or "It is so.", "plain"]


@pytest.mark.parametrize("character", ["x", "|", "🧦"])
def test_it_is_never_too_large_and_says_what_is_left_out(tmp_path: Path, character: str) -> None:
    claims = 3000
    text = markdown(run_of(tmp_path, *[character * 1000] * claims).events, tmp_path)

    shown = len(rows(text))
    assert len(text.encode()) < TOO_LARGE
    assert 0 < shown < claims
    assert f"{claims - shown} more in `statement.json`" in text


def test_it_is_printed_and_nothing_is_written(tmp_path: Path) -> None:
    run = finish(whole_run(tmp_path / "out"))
    run.written()
    before = sorted((tmp_path / "out").rglob("*"))
    ended = reports(tmp_path / "out", "--markdown")

    assert (ended.returncode, ended.stderr) == (0, "")
    assert ended.stdout == markdown(run.events, tmp_path / "out")
    assert sorted((tmp_path / "out").rglob("*")) == before


def test_a_folder_without_a_run_is_told_with_a_remedy(tmp_path: Path) -> None:
    ended = reports(tmp_path, "--markdown")

    assert (ended.returncode, ended.stdout) == (4, "")
    assert ended.stderr.startswith("E-JOURNAL no journal.jsonl in ")
    assert ended.stderr.splitlines()[1:] == ["remedy: name the folder that a run left"]


def reports(*arguments: Any) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "reports", *map(str, arguments)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=60, check=False)
