"""Two stacks count as judged alike only if every claim was judged, on both, with the same verdict."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests import parity
from tests.parity import compare, incomplete

ROOT = Path(__file__).parents[2]


def stated(*, complete: bool = True, **verdicts: str) -> dict[str, object]:
    claims = [{"id": name, "verdict": verdict} for name, verdict in verdicts.items()]
    return {"claims": claims, "complete": complete, "stack": {"title": "a stack"}}


def test_the_same_verdicts_are_no_problem() -> None:
    rows = compare(stated(R_1="KNOWN", R_2="CONFORMS"), stated(R_2="CONFORMS", R_1="KNOWN"))

    assert [(row.claim, row.problem) for row in rows] == [("R_1", ""), ("R_2", "")]


@pytest.mark.parametrize(
    ("one", "other", "problem"),
    [
        ("CONFORMS", "VIOLATED", "differs"),
        ("KNOWN", None, "differs"),
        (None, "KNOWN", "differs"),
        ("UNKNOWN", "UNKNOWN", "unknown"),
        ("UNSUPPORTED", "UNSUPPORTED", "unsupported"),
    ],
)
def test_each_problem(one: str | None, other: str | None, problem: str) -> None:
    first, second = ({"R_1": verdict} if verdict else {} for verdict in (one, other))

    assert [row.problem for row in compare(stated(**first), stated(**second))] == [problem]


def test_what_is_listed_may_be_unsupported(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(parity.MAY_BE_UNSUPPORTED, "R_1", "it has no eyes")

    assert compare(stated(R_1="UNSUPPORTED"), stated(R_1="UNSUPPORTED"))[0].problem == ""
    assert compare(stated(R_1="UNSUPPORTED"), stated(R_1="CONFORMS"))[0].problem == "differs"


def test_a_run_that_proves_nothing_is_a_problem() -> None:
    assert incomplete(stated()) == "no claim was judged"
    assert incomplete(stated(R_1="CONFORMS", complete=False)) == "the run was cut short"
    assert incomplete(stated(R_1="CONFORMS")) == ""


def test_the_command_line(tmp_path: Path) -> None:
    for name, verdict in (("a", "CONFORMS"), ("b", "CONFORMS"), ("c", "VIOLATED")):
        (tmp_path / name).mkdir()
        (tmp_path / name / "statement.json").write_text(json.dumps(stated(R_1=verdict)))

    def told(*names: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "tests.parity", *(str(tmp_path / name) for name in names)]
        ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=False)
        return ended.returncode, ended.stdout + ended.stderr

    assert told("a", "b")[0] == 0
    code, said = told("a", "c")
    assert code == 1
    assert "! R_1: differs" in said
    code, said = told("a", "nothing")
    assert code == 4
    assert "E-PARITY" in said
    assert "Traceback" not in said
