"""Verdicts: what a claim ends as; pure functions, so that a stored journal is judged again the same way."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date
from enum import StrEnum

from judging.baseline import Entry
from judging.claims import Claim
from judging.findings import Finding, NotRestored, NotSteady, NotWitnessed, Unsupported, Violation


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
_REPLACED = {
    Ended.NOT_RESTORED: Verdict.CONTAMINATED,
    Ended.NOT_WITNESSED: Verdict.INVALID,
    Ended.NOT_STEADY: Verdict.COMPROMISED,
}
_EXIT = {
    Verdict.CONTAMINATED: 7,
    Verdict.VIOLATED: 1,
    Verdict.FIXED: 1,
    Verdict.INVALID: 3,
    Verdict.COMPROMISED: 3,
    Verdict.UNKNOWN: 3,
}

MEANING = {
    0: "as claimed or known",
    1: "violated, or a known bug is gone",
    2: "interrupted",
    3: "could not be judged",
    4: "unusable input",
    5: "nothing was selected",
    6: "refused as unsafe",
    7: "the stack was left changed",
}  # of an exit code


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


@dataclass(frozen=True)
class Judged:
    """A claim's verdict, and why in one line; no verdict: the scenario ended before it came to the claim."""

    verdict: Verdict | None
    reason: str


def judge_claim(
    claim: Claim,
    ended: Ended,
    message: str,
    findings: Sequence[Finding],
    baseline: Sequence[Entry],
    on: date,
    cures: Mapping[str, Verdict | None],
) -> Judged:
    """What one scenario says of one claim that it names.

    `findings` and `baseline` are the claim's own, `on` is the day of the run, `cures` holds the verdicts
    of the claims in `cured_by`.
    """
    if ended in _REPLACED:
        return Judged(_REPLACED[ended], message)
    accusations = [finding for finding in findings if not finding.holds]
    said = [Judged(*accuse(claim, finding, baseline, on, cures)) for finding in accusations]
    if ended in (Ended.BROKEN, Ended.INTERRUPTED):
        said.append(Judged(Verdict.UNKNOWN, message))
    elif ended is Ended.UNSUPPORTED:
        said.append(
            Judged(Verdict.UNKNOWN, f"a core claim may not be unsupported: {message}")
            if claim.core
            else Judged(Verdict.UNSUPPORTED, message)
        )
    elif not said and findings:
        said.append(Judged(Verdict.CONFORMS, findings[-1].seen))
    elif not said and ended is Ended.PASSED:
        said.append(Judged(Verdict.UNKNOWN, "no data: the scenario passed without a finding for this claim"))
    counts = worst(each.verdict for each in said if each.verdict)
    return next(
        (each for each in said if each.verdict is counts),
        Judged(None, "the scenario ended before it came to this claim"),
    )


def accuse(
    claim: Claim,
    finding: Finding,
    baseline: Sequence[Entry],
    on: date,
    cures: Mapping[str, Verdict | None],
) -> tuple[Verdict, str]:
    """What follows for a claim from a finding that does not hold: known, cured or violated, and why."""
    matching = [entry for entry in baseline if entry.matches(finding.seen)]
    known = [entry for entry in matching if not entry.expired(on)]
    if known:
        return Verdict.KNOWN, f"known bug {known[0].bug}: {finding.seen}"
    if claim.cured_by and all(cures.get(cure) in (Verdict.CONFORMS, Verdict.FIXED) for cure in claim.cured_by):
        return Verdict.CURED, f"cured by {', '.join(claim.cured_by)}: {finding.seen}"
    if matching:
        return (
            Verdict.VIOLATED,
            f"{finding.seen} (known, but its baseline entry expired {matching[0].expires})",
        )
    if baseline:
        return Verdict.VIOLATED, f"{finding.seen} (no signature of the baseline matches)"
    if claim.cured_by:
        return (
            Verdict.VIOLATED,
            f"{finding.seen} (not cured: {', '.join(claim.cured_by)} not seen to conform)",
        )
    return Verdict.VIOLATED, finding.seen
