"""What a run comes to is compared with what a cell states, and a narrow cell runs what its claims are named by."""

from __future__ import annotations

import re
import threading
from collections.abc import Iterator
from contextlib import contextmanager, nullcontext
from pathlib import Path

import pytest

from judging.claims import load_claims
from tests.matrix import cells
from tests.matrix.cells import FEATURES, Cell, Result, all_cells, judge_all, named

DEFECT = Cell("duplicate", "sock_shop", "orders", {"R000_12": "2 open"}, {"R000_13": "2 in all"})
STATED = ("R000_12", "VIOLATED", "2 open")


def run(*claims: tuple[str, str, str], ended: int = 1) -> Result:
    """A run with these verdicts, and for each what was seen."""
    verdicts, seen = {name: verdict for name, verdict, _ in claims}, {name: told for name, _, told in claims}
    return Result(ended, verdicts, seen, "")


@pytest.mark.parametrize(
    ("result", "differing"),
    [
        (run(STATED), []),
        (run(STATED, ("R000_13", "CONFORMS", "")), []),
        (run(STATED, ("R000_13", "VIOLATED", "2 in all")), []),
        (run(STATED, ("R000_13", "VIOLATED", "none")), ["R000_13: 'none' instead of '2 in all'"]),
        (run(STATED, ("R000_01", "VIOLATED", "none")), ["R000_01: 'none', which is not stated"]),
        (run(("R000_12", "VIOLATED", "1 open")), ["R000_12: '1 open' instead of '2 open'"]),
        (run(("R000_12", "CONFORMS", ""), ended=0), ["R000_12: CONFORMS instead of VIOLATED"]),
        (run(ended=0), ["R000_12: not judged instead of VIOLATED"]),
        (run(("R000_12", "UNKNOWN", "2 open"), ended=3), ["R000_12: UNKNOWN instead of VIOLATED", "exit code 3"]),
    ],
)
def test_only_what_is_stated_may_be_red_and_all_that_is_demanded_must(result: Result, differing: list[str]):
    assert result.differs(DEFECT) == differing


def test_a_mended_system_runs_everything_and_a_defect_if_narrow_what_names_its_claims():
    cells, folder = all_cells(), FEATURES / "otp_gateway"
    assert cells["fixed otp_gateway"].features(narrow=True) == [folder]
    assert cells["failure_untold"].features(narrow=False) == [folder]
    assert cells["failure_untold"].features(narrow=True) == [folder / "database_away.feature"]


def test_briefly_a_defect_is_judged_by_one_feature_and_by_what_that_names():
    defect = all_cells()["session_not_stored"]
    brief = defect.briefly()

    assert brief.features(narrow=True) == [FEATURES / "otp_gateway" / "codes_stay_private.feature"]
    assert brief.breaks.keys() < defect.breaks.keys()
    assert brief.breaks.keys() <= set(re.findall(r"@(R002_\w+)", brief.only.read_text()))


def test_who_stops_the_matrix_waits_for_no_cell_that_has_not_begun(monkeypatch: pytest.MonkeyPatch, tmp_path: Path):
    """Of three cells on one stack the first is judged, and the second, if it has begun, ends."""
    switched, stopped, free = list[str](), threading.Event(), cells._queue([tmp_path])

    @contextmanager
    def switch(kubeconfig: Path, namespace: str, cell: Cell) -> Iterator[None]:
        switched.append(f"{cell.name} on")
        yield
        switched.append(f"{cell.name} off")

    def judge(*asked: object) -> Result:
        assert len(switched) == 1 or stopped.wait(10)
        return run(STATED)

    monkeypatch.setattr(cells, "Event", lambda: stopped)
    monkeypatch.setattr(cells, "switched", switch)
    monkeypatch.setattr(cells, "settle", lambda stack, system: None)
    monkeypatch.setattr(cells, "run_suite", judge)
    monkeypatch.setattr(cells, "_stacks", lambda profile, chosen: nullcontext({"sock_shop": free}))

    judged = judge_all([DEFECT] * 3, tmp_path)
    next(judged)
    judged.close()

    assert switched in (["duplicate on", "duplicate off"], ["duplicate on", "duplicate off"] * 2)


@pytest.mark.parametrize("system", ["sock_shop", "otp_gateway"])
def test_every_required_claim_that_is_judged_has_a_defect_that_breaks_it(system: str):
    claims, judged = load_claims(FEATURES / system / "claims.toml"), set[str]()
    for feature in (FEATURES / system).glob("*.feature"):
        judged |= {name for name in named(feature) & claims.keys() if claims[name].kind == "required"}

    assert judged
    assert judged <= {claim for each in all_cells().values() for claim in each.breaks}
