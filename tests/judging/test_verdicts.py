"""A claim ends as exactly one verdict; no data is never green."""

from __future__ import annotations

from datetime import date
from itertools import combinations

import pytest

from judging.baseline import Entry
from judging.claims import Claim
from judging.findings import Finding, NotRestored, NotSteady, NotWitnessed, Unsupported, Violation
from judging.verdicts import Ended, Verdict, ended_by, exit_code, judge_claim, worst

ORDER = "CONTAMINATED VIOLATED INVALID COMPROMISED UNKNOWN FIXED KNOWN UNSUPPORTED CURED CONFORMS"
TODAY = date(2026, 3, 1)
HARM = Claim("R1", "two orders", "reported", "Bug 1", cured_by=("R2",))
CORE = Claim("R3", "a payment succeeds", "required", "Phase 1", core=True)
CLAIM = Claim("R4", "one order", "required", "Bug 1", bug="BUG_1")
KNOWN = Entry("R4", "[2-9] orders", "BUG_1")
OLD = Entry("R4", "[2-9] orders", "BUG_1", expires="2026-02-28")
LAST_DAY = Entry("R4", "[2-9] orders", "BUG_1", expires="2026-03-01")


def found(seen: str, *, holds: bool = False) -> Finding:
    return Finding(("R4",), "1 order", seen, "order list", holds)


RIGHT, WRONG = found("1 order", holds=True), found("2 orders")


@pytest.mark.parametrize(
    ("claim", "ended", "findings", "baseline", "cure", "verdict"),
    [
        (CLAIM, Ended.PASSED, [RIGHT], [], None, Verdict.CONFORMS),
        (CLAIM, Ended.PASSED, [RIGHT], [KNOWN], None, Verdict.CONFORMS),
        (CLAIM, Ended.PASSED, [], [], None, Verdict.UNKNOWN),
        (CLAIM, Ended.PASSED, [], [KNOWN], None, Verdict.UNKNOWN),
        (CLAIM, Ended.PASSED, [WRONG], [], None, Verdict.VIOLATED),  # a step has swallowed the Violation
        (CLAIM, Ended.VIOLATION, [WRONG], [], None, Verdict.VIOLATED),
        (CLAIM, Ended.VIOLATION, [RIGHT, WRONG], [], None, Verdict.VIOLATED),
        (CLAIM, Ended.VIOLATION, [RIGHT], [], None, Verdict.CONFORMS),  # another claim is violated
        (CLAIM, Ended.VIOLATION, [], [], None, None),
        (CLAIM, Ended.VIOLATION, [WRONG], [KNOWN], None, Verdict.KNOWN),
        (CLAIM, Ended.VIOLATION, [WRONG, found("0 orders")], [KNOWN], None, Verdict.VIOLATED),
        (CLAIM, Ended.VIOLATION, [found("12 orders")], [KNOWN], None, Verdict.VIOLATED),  # fullmatch
        (CLAIM, Ended.VIOLATION, [WRONG], [OLD], None, Verdict.VIOLATED),
        (CLAIM, Ended.VIOLATION, [WRONG], [OLD, KNOWN], None, Verdict.KNOWN),
        (CLAIM, Ended.VIOLATION, [WRONG], [LAST_DAY], None, Verdict.KNOWN),
        (CLAIM, Ended.BROKEN, [WRONG], [KNOWN], None, Verdict.UNKNOWN),  # never a known bug
        (CLAIM, Ended.BROKEN, [WRONG], [], None, Verdict.VIOLATED),
        (CLAIM, Ended.BROKEN, [RIGHT], [], None, Verdict.UNKNOWN),
        (CLAIM, Ended.INTERRUPTED, [RIGHT], [], None, Verdict.UNKNOWN),
        (HARM, Ended.VIOLATION, [WRONG], [], Verdict.CONFORMS, Verdict.CURED),
        (HARM, Ended.VIOLATION, [WRONG], [], Verdict.FIXED, Verdict.CURED),
        (HARM, Ended.VIOLATION, [WRONG], [], Verdict.KNOWN, Verdict.VIOLATED),
        (HARM, Ended.VIOLATION, [WRONG], [], Verdict.UNKNOWN, Verdict.VIOLATED),
        (HARM, Ended.VIOLATION, [WRONG], [], None, Verdict.VIOLATED),
        (HARM, Ended.VIOLATION, [WRONG], [KNOWN], Verdict.CONFORMS, Verdict.KNOWN),
        (CLAIM, Ended.UNSUPPORTED, [], [], None, Verdict.UNSUPPORTED),
        (CLAIM, Ended.UNSUPPORTED, [RIGHT], [], None, Verdict.UNSUPPORTED),
        (CLAIM, Ended.UNSUPPORTED, [WRONG], [], None, Verdict.VIOLATED),
        (CORE, Ended.UNSUPPORTED, [], [], None, Verdict.UNKNOWN),
        (CLAIM, Ended.NOT_WITNESSED, [WRONG], [KNOWN], None, Verdict.INVALID),
        (CLAIM, Ended.NOT_STEADY, [RIGHT], [], None, Verdict.COMPROMISED),
        (CLAIM, Ended.NOT_RESTORED, [WRONG], [], None, Verdict.CONTAMINATED),
    ],
)
def test_one_scenario_judges_one_claim(
    claim: Claim,
    ended: Ended,
    findings: list[Finding],
    baseline: list[Entry],
    cure: Verdict | None,
    verdict: Verdict | None,
) -> None:
    judged = judge_claim(claim, ended, "why", findings, baseline, TODAY, {"R2": cure})
    assert judged.verdict is verdict
    assert judged.reason


def test_an_expired_entry_says_so() -> None:
    judged = judge_claim(CLAIM, Ended.VIOLATION, "", [WRONG], [OLD], TODAY, {})
    assert "expired 2026-02-28" in judged.reason


def test_a_known_bug_is_named() -> None:
    assert judge_claim(CLAIM, Ended.VIOLATION, "", [WRONG], [KNOWN], TODAY, {}).reason == "known bug BUG_1: 2 orders"


def test_the_worst_counts_in_the_order_of_the_design() -> None:
    for worse, better in combinations(ORDER.split(), 2):
        assert worst([Verdict(better), Verdict(worse)]) is Verdict(worse)
        assert worst([Verdict(worse), Verdict(better)]) is Verdict(worse)
    assert worst([]) is None


@pytest.mark.parametrize(
    ("verdicts", "code"),
    [
        ("", 0),
        ("CONFORMS CURED KNOWN UNSUPPORTED", 0),
        ("VIOLATED KNOWN", 1),
        ("FIXED CONFORMS", 1),
        ("INVALID", 3),
        ("COMPROMISED", 3),
        ("UNKNOWN CONFORMS", 3),
        ("UNKNOWN VIOLATED", 1),
        ("CONTAMINATED VIOLATED UNKNOWN", 7),
    ],
)
def test_exit_code(verdicts: str, code: int) -> None:
    assert exit_code(map(Verdict, verdicts.split())) == code


def test_a_failed_ordinary_test_counts_as_1() -> None:
    assert exit_code([Verdict.UNKNOWN], tests_failed=True) == 1
    assert exit_code([Verdict.CONTAMINATED], tests_failed=True) == 7


@pytest.mark.parametrize(
    ("error", "ended"),
    [
        (None, Ended.PASSED),
        (Violation(WRONG), Ended.VIOLATION),
        (Unsupported("ledger", "404"), Ended.UNSUPPORTED),
        (NotSteady("x"), Ended.NOT_STEADY),
        (NotWitnessed("x"), Ended.NOT_WITNESSED),
        (NotRestored("x"), Ended.NOT_RESTORED),
        (KeyboardInterrupt(), Ended.INTERRUPTED),
        (AssertionError("Playwright's expect"), Ended.BROKEN),
        (TimeoutError("x"), Ended.BROKEN),
        (pytest.skip.Exception("x"), Ended.BROKEN),
    ],
)
def test_only_a_finding_accuses(error: BaseException | None, ended: Ended) -> None:
    assert ended_by(error) is ended
