"""The statement: what a run says of each claim, as data; a pure function of the journal."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from judging.baseline import BEYOND
from judging.book import Outcome, VerdictBook
from judging.claims import LISTS, Claim
from judging.journal import Event
from judging.verdicts import Verdict, worst

SEEN_AS_CLAIMED = (Verdict.CONFORMS, Verdict.CURED)
SEEN_OTHERWISE = (Verdict.VIOLATED, Verdict.KNOWN)
NOT_IN_STACK = "not_in_stack"  # in the description of a stack: systems that it has not, with their scenarios' number


def statement(events: Sequence[Event]) -> dict[str, Any]:
    """The statement of the run that these events tell; one that was cut short is incomplete, without exit."""
    book = VerdictBook.of(events)
    verdicts = book.verdicts()
    started = book.started
    unfinished = set(started.get("selected", ())) - {
        name for name, outcome in book.outcomes.items() if outcome.finished
    }
    return {
        "headline": headline(book),
        "scope": scope(book),
        "complete": bool(book.finished) and not unfinished,
        "run": started.get("run"),
        "started": started.get("at"),
        "ended": events[-1]["at"] if events else None,
        "seconds": events[-1]["t"] if events else 0,
        "exit": book.finished.get("exit"),
        "suite": started.get("suite"),
        "python": started.get("python"),
        "versions": started.get("versions", {}),
        "stack": started.get("stack", {}),
        "profile": started.get("profile"),
        "counts": {name: n for name in Verdict if (n := Counter(verdicts.values())[name])},
        "claims": [_claim(book, name) for name in book.claims if name in verdicts],
        "not_judged": [name for name in book.claims if name not in verdicts and _covered(book, name)],
        "uncovered": [name for name in book.claims if not _covered(book, name)],
        "fixed": [asdict(entry) for entry in book.fixed()],
        "spoiled": [
            {"feature": feature, "verdict": judged.verdict, "reason": judged.reason}
            for feature, judged in book.spoiled.items()
        ],
        "scenarios": [_scenario(book, outcome) for outcome in book.outcomes.values()],
    }


def headline(book: VerdictBook) -> str:
    """One sentence a report: is the incident as reported, which of its bugs are present, what is beyond the report.

    Where several systems were judged each sentence begins with its own.
    """
    verdicts = book.verdicts()
    systems = sorted({claim.system for claim in book.claims.values() if claim.id in verdicts}) or [""]
    told = {system: _of_system(book, system, every=len(systems) == 1) for system in systems}
    if len(told) == 1:
        return next(iter(told.values()))
    return ". ".join(f"{system.replace('_', ' ').capitalize()}: {said}" for system, said in told.items())


def _of_system(book: VerdictBook, system: str, *, every: bool) -> str:
    claims = [claim for claim in book.claims.values() if every or claim.system == system]
    return "; ".join(filter(None, (_incident(book, claims, system), _bugs(book, claims), _beyond(book, claims))))


def scope(book: VerdictBook) -> str:
    """How many of the claims that scenarios name were judged, how many none names, which systems the stack has not."""
    covered = [name for name in book.claims if _covered(book, name)]
    judged = book.verdicts().keys() & covered
    part = f"part of the claims judged: {len(judged)} of {len(covered)}"
    whole = f"all {len(covered)} claims that scenarios name were judged"
    bare = len(book.claims) - len(covered)
    told = whole if len(judged) == len(covered) else part
    unnamed = f"claims that no scenario names: {bare}" if bare else ""
    return "; ".join(filter(None, (told, unnamed, not_in_stack(book.started.get("stack", {})))))


def not_in_stack(stack: Mapping[str, Any]) -> str:
    """Which systems a stack has not, as it is described, and how many scenarios were left out for it."""
    told = (f"{name}, {count} scenario{'s' * (count > 1)}" for name, count in stack.get(NOT_IN_STACK, {}).items())
    return f"not in this stack: {'; '.join(told)}" if stack.get(NOT_IN_STACK) else ""


def _incident(book: VerdictBook, claims: Sequence[Claim], system: str) -> str:
    verdicts = {name: verdict for name, verdict in _of_kind(book, claims, "reported") if verdict is not None}
    judged = {name: verdict for name, verdict in verdicts.items() if verdict is not Verdict.UNSUPPORTED}
    otherwise = [name for name, verdict in judged.items() if verdict in SEEN_OTHERWISE]
    unseen = [name for name, verdict in judged.items() if verdict not in (*SEEN_OTHERWISE, *SEEN_AS_CLAIMED)]
    if otherwise:
        return f"incident not confirmed: {_few(otherwise)} not as reported"
    if unseen:
        counts = worst(judged[name] for name in unseen)
        return f"incident could not be judged: {_few(unseen)} {counts}"
    if not judged:
        return "incident not judged: no reported claim was"
    return "incident confirmed" if system in book.witnessed else "incident not confirmed: no fault was witnessed"


def _bugs(book: VerdictBook, claims: Sequence[Claim]) -> str:
    verdicts = book.verdicts()
    bugs: dict[str, list[Verdict]] = {}
    for claim in claims:
        if claim.bug and claim.kind == "required":
            bugs.setdefault(claim.bug, []).extend([verdicts[claim.id]] if claim.id in verdicts else [])
    if not bugs:
        return ""
    present = [bug for bug, seen in bugs.items() if any(verdict in SEEN_OTHERWISE for verdict in seen)]
    seen_of = (*SEEN_OTHERWISE, Verdict.CONFORMS, Verdict.FIXED)
    unseen = [bug for bug, seen in bugs.items() if not any(verdict in seen_of for verdict in seen)]
    told = f"of the report's {len(bugs)} bug{'s' * (len(bugs) > 1)} {len(present)} present"
    return told + (f", {len(unseen)} not judged" if unseen else "")


def _beyond(book: VerdictBook, claims: Sequence[Claim]) -> str:
    verdicts = book.verdicts()
    known = [
        claim.id
        for claim in claims
        if verdicts.get(claim.id) is Verdict.KNOWN and any(entry.bug == BEYOND for entry in book.known_as(claim.id))
    ]
    new = [
        name
        for name, verdict in _of_kind(book, claims, "required")
        if verdict is Verdict.VIOLATED and not book.claims[name].bug
    ]
    return "; ".join(
        f"{len(names)} {word} finding{'s' * (len(names) > 1)} beyond the report"
        for word, names in (("known", known), ("new", new))
        if names
    )


def _claim(book: VerdictBook, name: str) -> dict[str, Any]:
    claim, judged = book.claims[name], book.judge(name)
    naming = book.naming(name)
    return {
        **asdict(claim),
        **{key: list(getattr(claim, key)) for key in LISTS},
        "verdict": judged.verdict,
        "reason": judged.reason,
        "baseline": [asdict(entry) for entry in book.known_bugs(name)],
        "known_as": [asdict(entry) for entry in book.known_as(name)],
        "scenarios": [each.scenario for each in naming],
        "findings": [
            {
                "scenario": each.scenario,
                **{key: getattr(finding, key) for key in ("expected", "seen", "where", "holds")},
                "evidence": [asdict(kept) for kept in finding.evidence],
            }
            for each in naming
            for finding in each.findings
            if name in finding.claims
        ],
    }


def _scenario(book: VerdictBook, outcome: Outcome) -> dict[str, Any]:
    judged = book.conclude_scenario(outcome.scenario)
    facts = ("scenario", "title", "feature", "file", "line", "ended", "message", "seconds")
    return {
        **{key: getattr(outcome, key) for key in facts},
        "verdict": worst(each.verdict for each in judged.values() if each.verdict),
        "verdicts": {name: each.verdict for name, each in judged.items()},
    }


def _of_kind(book: VerdictBook, claims: Sequence[Claim], kind: str) -> Iterable[tuple[str, Verdict | None]]:
    verdicts = book.verdicts()
    return [(claim.id, verdicts.get(claim.id)) for claim in claims if claim.kind == kind]


def _covered(book: VerdictBook, name: str) -> bool:
    return name in book.started.get("covered", ()) or bool(book.naming(name))


def _few(names: list[str]) -> str:
    return ", ".join(names[:3]) + (f" and {len(names) - 3} more" if len(names) > 3 else "")
