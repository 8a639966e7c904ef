"""Verdicts: what a claim ends as; pure functions, so that a stored journal is judged again the same way."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from judging.findings import NotRestored, NotSteady, NotWitnessed, Unsupported, Violation


class Verdict(StrEnum):
    """What a claim ends as, the worst first: across enactments the worst counts."""

    CONTAMINATED = "CONTAMINATED"
    VIOLATED = "VIOLATED"
    INVALID = "INVALID"
    COMPROMISED = "COMPROMISED"
    UNKNOWN = "UNKNOWN"
    FIXED = "FIXED"
    KNOWN = "KNOWN"
    UNSUPPORTED = "UNSUPPORTED"
    CURED = "CURED"
    CONFORMS = "CONFORMS"


class Ended(StrEnum):
    """How a scenario ended, before anything is judged."""

    PASSED = "passed"
    VIOLATION = "violation"
    UNSUPPORTED = "unsupported"
    NOT_STEADY = "not steady"
    NOT_WITNESSED = "not witnessed"
    NOT_RESTORED = "not restored"
    BROKEN = "broken"
    INTERRUPTED = "interrupted"


_SEVERITY = {verdict: place for place, verdict in enumerate(Verdict)}
_EXIT = {
    Verdict.CONTAMINATED: 7,
    Verdict.VIOLATED: 1,
    Verdict.FIXED: 1,
    Verdict.INVALID: 3,
    Verdict.COMPROMISED: 3,
    Verdict.UNKNOWN: 3,
}


def worst(verdicts: Iterable[Verdict]) -> Verdict | None:
    """The verdict that counts among several, or None where there is none."""
    return min(verdicts, key=_SEVERITY.__getitem__, default=None)


def exit_code(verdicts: Iterable[Verdict], *, tests_failed: bool = False) -> int:
    """The exit code of a run: 7 wins over 1, over 3, over 0; a failed ordinary test counts as 1."""
    codes = {_EXIT.get(verdict, 0) for verdict in verdicts} | ({1} if tests_failed else set())
    return next((code for code in (7, 1, 3) if code in codes), 0)


def ended_by(error: BaseException | None) -> Ended:
    """How the exception that left a scenario (None: no exception) says that it ended."""
    kinds: list[tuple[type[BaseException], Ended]] = [
        (Violation, Ended.VIOLATION),
        (Unsupported, Ended.UNSUPPORTED),
        (NotSteady, Ended.NOT_STEADY),
        (NotWitnessed, Ended.NOT_WITNESSED),
        (NotRestored, Ended.NOT_RESTORED),
        (KeyboardInterrupt, Ended.INTERRUPTED),
    ]
    if error is None:
        return Ended.PASSED
    return next((ended for kind, ended in kinds if isinstance(error, kind)), Ended.BROKEN)
