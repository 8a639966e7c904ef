"""A statement says what a journal says, and no more."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import asdict
from typing import Any

import pytest

from judging.baseline import Entry
from judging.book import VerdictBook
from judging.claims import Claim
from judging.statement import statement
from judging.verdicts import Verdict

CLAIMS = [
    Claim("R1", "payments fail", "reported", "Phase 2"),
    Claim("R2", "the cart stays", "reported", "Bug 3", cured_by=("R3",)),
    Claim("R3", "one order", "required", "Bug 1", bug="BUG_1"),
    Claim("R4", "not shipped", "required", "Bug 2", bug="BUG_2"),
    Claim("R5", "exact cents", "required", "Phase 2"),
    Claim("R6", "nobody asks", "required", "Phase 3"),
]
BASELINE = [Entry("R3", "wrong", "BUG_1"), Entry("R5", "wrong", "beyond the report")]
Event = dict[str, Any]


def run(seen: dict[str, str], *, witnessed: bool = True, left_out: Iterable[str] = ()) -> list[Event]:
    """A run of one scenario for each claim: what is seen of it (`right` holds), or how the scenario ended."""
    events: list[Event] = [
        {
            "event": "run_started",
            "run": "one",
            "claims": [asdict(claim) for claim in CLAIMS],
            "baseline": [asdict(entry) for entry in BASELINE],
            "selected": {name: [name] for name in seen},
            "covered": [claim.id for claim in CLAIMS[:5]],
            "left_out": list(left_out),
        },
        {"event": "fault", "fault": "outage", "phase": "witnessed" if witnessed else "applied"},
    ]
    for name, what in seen.items():
        said = what in ("right", "wrong", "other")
        facts = {"title": name, "feature": "Outage", "file": "outage.feature", "line": 1, "claims": [name]}
        events.append({"event": "scenario_started", "scenario": name, **facts})
        if said:
            finding = {
                "expected": "x",
                "seen": what,
                "where": "here",
                "holds": what == "right",
                "evidence": [],
            }
            events.append({"event": "finding", "scenario": name, "claims": [name], **finding})
        ended = {"right": "passed"}.get(what, "violation") if said else what
        events.append({"event": "scenario_finished", "scenario": name, "ended": ended, "message": what, "seconds": 1})
    events.append({"event": "run_finished", "verdicts": {}, "exit": 0})
    return [{"n": n, "at": "2026-03-01T10:00:00.000000Z", "t": n / 10, **event} for n, event in enumerate(events)]


REPORTED = {"R1": "right", "R2": "right", "R3": "wrong", "R4": "right", "R5": "right"}


@pytest.mark.parametrize(
    ("change", "headline"),
    [
        ({}, "incident confirmed; of the report's 2 bugs 1 present"),
        (
            {"R5": "wrong"},
            "incident confirmed; of the report's 2 bugs 1 present; 1 known finding beyond the report",
        ),
        (
            {"R5": "other"},
            "incident confirmed; of the report's 2 bugs 1 present; 1 new finding beyond the report",
        ),
        ({"R4": "wrong"}, "incident confirmed; of the report's 2 bugs 2 present"),
        ({"R3": "right", "R2": "wrong"}, "incident confirmed; of the report's 2 bugs 0 present"),
        ({"R1": "wrong"}, "incident not confirmed: R1 not as reported; of the report's 2 bugs 1 present"),
        ({"R1": "broken"}, "incident could not be judged: R1 UNKNOWN; of the report's 2 bugs 1 present"),
        (
            {"R4": "not witnessed"},
            "incident confirmed; of the report's 2 bugs 1 present, 1 not judged",
        ),
        ({"R1": "unsupported"}, "incident confirmed; of the report's 2 bugs 1 present"),
    ],
)
def test_headline(change: dict[str, str], headline: str) -> None:
    assert statement(run(REPORTED | change))["headline"] == headline


def test_an_incident_without_a_witnessed_fault_is_not_confirmed() -> None:
    told = statement(run(REPORTED, witnessed=False))["headline"]
    assert told.startswith("incident not confirmed: no fault was witnessed")


def test_a_part_is_said_to_be_one() -> None:
    told = statement(run({"R3": "right"}))
    assert told["headline"].startswith("incident not judged: no reported claim was")
    assert told["scope"] == "part of the claims judged: 1 of 5; claims that no scenario names: 1"
    assert told["not_judged"] == ["R1", "R2", "R4", "R5"]
    assert told["uncovered"] == ["R6"]


def test_fixed_needs_every_scenario_of_the_claim() -> None:
    assert VerdictBook.of(run(REPORTED | {"R3": "right"})).verdicts()["R3"] is Verdict.FIXED
    assert VerdictBook.of(run({"R3": "right"}, left_out=["R3"])).verdicts()["R3"] is Verdict.CONFORMS
    unfinished = run({"R3": "right"})
    unfinished[0]["selected"]["another"] = ["R3"]
    assert VerdictBook.of(unfinished).verdicts()["R3"] is Verdict.CONFORMS


def test_a_known_bug_seen_once_is_not_fixed() -> None:
    events = run({"R3": "wrong"})
    other = [each | {"scenario": "another"} for each in run({"R3": "right"}) if "scenario" in each]
    assert VerdictBook.of([*events, *other]).verdicts() == {"R3": Verdict.KNOWN}


@pytest.mark.parametrize("verdict", [Verdict.CONTAMINATED, Verdict.INVALID, Verdict.COMPROMISED])
@pytest.mark.parametrize("name", ["Outage", "outage.feature"])
def test_a_spoiled_enactment_replaces_whatever_was_found(verdict: Verdict, name: str) -> None:
    spoiled = {"event": "spoiled", "feature": name, "verdict": verdict.value, "reason": "not put back"}
    told = statement([*run(REPORTED), {"n": 99, "at": "2026-03-01T10:01:00Z", "t": 9.9, **spoiled}])
    assert {each["verdict"] for each in told["claims"]} == {verdict}
    assert {each["verdict"] for each in told["scenarios"]} == {verdict}
    other = [*run(REPORTED), {**spoiled, "feature": "Else"}]
    assert VerdictBook.of(other).verdicts() == VerdictBook.of(run(REPORTED)).verdicts()


def test_the_worse_of_two_spoils_counts() -> None:
    spoils = [
        {"event": "spoiled", "feature": "Outage", "verdict": verdict, "reason": verdict.lower()}
        for verdict in ("INVALID", "CONTAMINATED", "COMPROMISED")
    ]
    judged = VerdictBook.of([*run(REPORTED), *spoils]).judge("R1")
    assert (judged.verdict, judged.reason) == (Verdict.CONTAMINATED, "contaminated")


def test_a_claim_that_its_scenarios_never_came_to_is_unknown() -> None:
    events = run({"R3": "wrong"})
    for event in events:
        if event["event"] == "scenario_started":
            event["claims"] = ["R3", "R4"]
    assert VerdictBook.of(events).verdicts() == {"R3": Verdict.KNOWN, "R4": Verdict.UNKNOWN}


def test_a_run_cut_short_says_so() -> None:
    whole = run(REPORTED)
    assert statement(whole)["complete"]
    for events in (whole[:-1], whole[:-2], whole[:5]):
        assert not statement(events)["complete"]
    seen_but_cut = whole[:4]
    assert seen_but_cut[-1]["event"] == "finding"
    assert statement(seen_but_cut)["claims"][0]["verdict"] == "UNKNOWN"


def test_a_stored_book_is_read_only() -> None:
    with pytest.raises(RuntimeError):
        VerdictBook.of(run(REPORTED)).contaminate("Outage", "why")


def test_each_report_has_its_own_sentence() -> None:
    """What was witnessed in one system confirms nothing of the other."""
    events = run(REPORTED | {"G1": "right"})
    shop = [asdict(claim) | {"system": "sock_shop"} for claim in CLAIMS]
    other = asdict(Claim("G1", "no code", "reported", "Failure")) | {"system": "otp_gateway"}
    began, fault, *rest = events
    for event in rest:
        if event["event"] == "scenario_started":
            event["file"] = f"features/{'otp_gateway' if event['scenario'] == 'G1' else 'sock_shop'}/a.feature"
    inside = next(n for n, event in enumerate(rest) if event["event"] == "scenario_started") + 1
    told = statement([began | {"claims": [*shop, other]}, *rest[:inside], fault, *rest[inside:]])["headline"]

    gateway, shops = told.split(". ")
    assert gateway == "Otp gateway: incident not confirmed: no fault was witnessed"
    assert shops.startswith("Sock shop: incident confirmed; of the report's 2 bugs")
