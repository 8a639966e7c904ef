"""What a run comes to is compared with what a cell states, and a narrow cell runs what its claims are named by."""

from __future__ import annotations

import re
import threading
from contextlib import nullcontext
from dataclasses import replace
from pathlib import Path

import pytest

from fixtures.stack.profile_file import load_profile
from judging.claims import load_claims
from tests.matrix import cells
from tests.matrix.__main__ import tell
from tests.matrix.cells import FEATURES, Cell, Place, Result, all_cells, judge_all, named

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


def test_what_a_run_said_is_told_where_it_is_not_as_stated(capsys: pytest.CaptureFixture[str]):
    assert tell(DEFECT, replace(run(STATED), said="1 failed")) == []
    assert "1 failed" not in capsys.readouterr().out
    assert tell(DEFECT, replace(run(ended=4), said="the page does not open\nremedy: open it"))
    assert "    | the page does not open\n    | remedy: open it\n" in capsys.readouterr().out


def test_a_mended_system_runs_everything_and_a_defect_if_narrow_what_names_its_claims():
    cells, folder = all_cells(), FEATURES / "otp_gateway"
    assert cells["fixed otp_gateway"].features(narrow=True) == [folder]
    assert cells["failure_untold"].features(narrow=False) == [folder]
    assert cells["failure_untold"].features(narrow=True) == [folder / "database_away.feature"]


def test_briefly_a_defect_is_judged_by_one_feature_and_by_what_that_names():
    defect = all_cells()["session_not_stored"]
    brief = defect.briefly()

    assert brief.features(narrow=True) == [FEATURES / "otp_gateway" / "paying_with_a_code.feature"]
    assert brief.breaks.keys() < defect.breaks.keys()
    assert brief.breaks.keys() <= set(re.findall(r"@(R002_\w+)", brief.only.read_text()))


class Noted(Place):
    """A place that notes what is set in which Deployment; what it had before is switched off with it."""

    def __init__(self, folder: Path) -> None:
        super().__init__(load_profile(cells.ROOT / "stacks" / "fixed.toml"), folder)
        self.set: list[tuple[str, dict[str, str]]] = []

    def _set(self, deployment: str, entries: list[dict[str, str]]) -> None:
        self.set.append((deployment, {each["name"]: each.get("value", "off") for each in entries}))


@pytest.fixture
def place(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Noted:
    """A place that has taken its settings at once."""
    monkeypatch.setattr(cells, "settle", lambda stack, system: None)
    return Noted(tmp_path)


def test_a_place_has_one_defect_at_a_time_and_rolls_out_once_for_two_in_a_row(place: Noted):
    for name in (
        "cart_kept",
        "paid_without_charge",
        "fixed sock_shop",
        "fixed sock_shop",
        "cart_kept",
        "no_busy_state",
    ):
        place.have(all_cells()[name])

    assert place.set[:3] == [
        ("orders", {"DEFECT_CART_KEPT": "on"}),
        ("orders", {"DEFECT_CART_KEPT": "off", "DEFECT_PAID_WITHOUT_CHARGE": "on"}),
        ("orders", {"DEFECT_PAID_WITHOUT_CHARGE": "off"}),
    ]
    assert sorted(place.set[4:]) == [
        ("front-end", {"DEFECT_NO_BUSY_STATE": "on"}),
        ("orders", {"DEFECT_CART_KEPT": "off"}),
    ]


def test_what_could_not_be_switched_off_is_tried_again(place: Noted, monkeypatch: pytest.MonkeyPatch):
    def away(*_: object) -> None:
        raise ConnectionError

    place.have(DEFECT)
    with monkeypatch.context() as meanwhile:
        meanwhile.setattr(place, "_set", away)
        with pytest.raises(ConnectionError):
            place.have(replace(DEFECT, name="kept"))
    place.mend("sock_shop")

    assert place.set[1:] == [("orders", {"DEFECT_DUPLICATE": "off", "DEFECT_KEPT": "off"})]


def test_who_stops_the_matrix_waits_for_no_cell_that_has_not_begun(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path, place: Noted
):
    """Of three cells on one stack the first is judged, and the second, if it has begun, ends."""
    stopped, judged_by = threading.Event(), list[object]()

    def judge(*asked: object) -> Result:
        judged_by.append(asked)
        assert len(judged_by) == 1 or stopped.wait(10)
        return run(STATED)

    monkeypatch.setattr(cells, "Event", lambda: stopped)
    monkeypatch.setattr(cells, "run_suite", judge)
    monkeypatch.setattr(cells, "_places", lambda profile, chosen: nullcontext({"sock_shop": cells._queue([place])}))

    judged = judge_all([DEFECT] * 3, tmp_path)
    next(judged)
    judged.close()

    assert len(judged_by) in (1, 2)


@pytest.mark.parametrize("system", ["sock_shop", "otp_gateway"])
def test_every_required_claim_that_is_judged_has_a_defect_that_breaks_it(system: str):
    claims, judged = load_claims(FEATURES / system / "claims.toml"), set[str]()
    for feature in (FEATURES / system).glob("*.feature"):
        judged |= {name for name in named(feature) & claims.keys() if claims[name].kind == "required"}

    assert judged
    assert judged <= {claim for each in all_cells().values() for claim in each.breaks}
