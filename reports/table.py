"""The run as a table: every claim, its verdict, what was seen, where the evidence is."""

from __future__ import annotations

import os
import textwrap
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from judging.baseline import BEYOND
from judging.book import VerdictBook
from judging.claims import Claim
from judging.journal import Event
from judging.statement import statement
from judging.verdicts import Verdict
from reports.html import NoPage, make_page

WIDTH = 120
INDENT = 24
WRONG = (Verdict.CONTAMINATED, Verdict.VIOLATED, Verdict.FIXED)
UNJUDGED = (Verdict.INVALID, Verdict.COMPROMISED, Verdict.UNKNOWN)
QUIET = (Verdict.CONFORMS, Verdict.CURED)
COLOURS = {
    Verdict.CONFORMS: "green",
    Verdict.CURED: "green",
    Verdict.KNOWN: "yellow",
    Verdict.UNSUPPORTED: "",
}


@dataclass(frozen=True)
class Line:
    """One line of the table and the markup it is shown in, if any."""

    text: str
    markup: str = ""


@dataclass(frozen=True)
class Row:
    """What the run says of one claim."""

    claim: Claim
    verdict: Verdict
    reason: str
    evidence: str
    bug: str  # where it is known

    @property
    def seen(self) -> str:
        """What was seen; a known bug's heading says already which it is."""
        return self.reason.removeprefix(f"known bug {self.bug}: ")

    @property
    def lines(self) -> Iterator[Line]:
        """The claim in words; below it what was seen and the evidence."""
        head = f"  {self.claim.id:<9}{self.verdict:<13}"
        yield Line(head + cut(self.claim.text, WIDTH - INDENT), COLOURS.get(self.verdict, "red"))
        told = cut(self.seen, WIDTH - INDENT)
        both = f"{told}  {self.evidence}".strip()
        for below in [both] if len(both) <= WIDTH - INDENT else [told, self.evidence]:
            yield Line(" " * INDENT + below)


def table(events: Sequence[Event], *, folder: str = "", verbose: bool = False) -> Iterator[Line]:
    """The lines of the summary, what needs attention first; *folder* goes before the names of evidence."""
    rows = rows_of(events, folder)
    for title, group in by_attention(rows).items():
        yield from _heading(title, group)
        for row in group:
            yield from row.lines
    yield from _disputed([row for row in rows if row.claim.disputes])
    yield from _as_claimed([row for row in rows if row.verdict in QUIET], verbose)
    told = statement(events)
    for title, names in (("Not judged in this run", "not_judged"), ("Named by no scenario", "uncovered")):
        yield from _heading(title, told[names])
        yield from _wrapped(told[names])


def rows_of(events: Sequence[Event], folder: str = "") -> list[Row]:
    """What the run says of each claim that it has judged, in the order of their ids."""
    book, evidence = VerdictBook.of(events), _evidence(events, folder)
    judged = {claim: book.judge(name) for name, claim in sorted(book.claims.items())}
    return [
        Row(claim, each.verdict, each.reason, evidence.get(claim.id, ""), _bug(book, claim))
        for claim, each in judged.items()
        if each.verdict
    ]


def by_attention(rows: Sequence[Row]) -> dict[str, list[Row]]:
    """The rows that are not as claimed under their headings, the gravest first."""
    known = [row for row in rows if row.verdict is Verdict.KNOWN]
    bugs = sorted({row.bug for row in known} - {BEYOND})
    return {
        "Where the stack is wrong": [row for row in rows if row.verdict in WRONG],
        "What could not be judged": [row for row in rows if row.verdict in UNJUDGED],
        **{f"Known bug: {bug}": [row for row in known if row.bug == bug] for bug in bugs},
        "Known bugs beyond the report": [row for row in known if row.bug == BEYOND],
        "Not supported by this stack": [row for row in rows if row.verdict is Verdict.UNSUPPORTED],
    }


def _bug(book: VerdictBook, claim: Claim) -> str:
    return next((entry.bug for entry in book.known_as(claim.id)), BEYOND)


def _heading(title: str, group: Sequence[object]) -> Iterator[Line]:
    if group:
        yield Line("")
        yield Line(f"{title} ({len(group)})", "bold")


def _disputed(rows: Sequence[Row]) -> Iterator[Line]:
    yield from _heading("Where the document is wrong", rows)
    for row in rows:
        yield from row.lines
        if row.claim.document:
            yield Line(" " * INDENT + cut(f"the document says: {row.claim.document}", WIDTH - INDENT))


def _as_claimed(rows: Sequence[Row], verbose: bool) -> Iterator[Line]:
    yield from _heading("As claimed", rows)
    if verbose:
        for row in rows:
            yield from row.lines
    else:
        cured = {row.claim.id for row in rows if row.verdict is Verdict.CURED}
        yield from _wrapped([row.claim.id + (" (cured)" if row.claim.id in cured else "") for row in rows])


def _evidence(events: Sequence[Event], folder: str) -> dict[str, str]:
    """For each claim what was shown when it was decided, by an accusation rather than a confirmation."""
    decided: dict[str, tuple[bool, str]] = {}
    shown: dict[str, str] = {}
    for event in events:
        if event.get("evidence"):
            shown[event["scenario"]] = folder + event["evidence"][0]["file"]
        if event["event"] == "finding":
            for claim in event["claims"]:
                if decided.get(claim, (True, ""))[0]:
                    decided[claim] = event["holds"], shown.get(event["scenario"], "")
    return {claim: file for claim, (_, file) in decided.items()}


def _wrapped(words: Sequence[str]) -> Iterator[Line]:
    whole = textwrap.wrap(", ".join(words), WIDTH - 2, break_long_words=False)
    return (Line(f"  {part}") for part in whole)


def cut(text: str, room: int) -> str:
    """The text on one line of at most so many characters."""
    text = " ".join(text.split())
    return text if len(text) <= room else text[: room - 1] + "…"


def closing(
    events: Sequence[Event], results: Path, out: Path, history: Path | None = None, *, page: bool = True
) -> Iterator[Line]:
    """Make allure.html, if a page is wanted; say the headline and where everything is."""
    yield Line("")
    told = statement(events)
    for line in textwrap.wrap(f"{told['headline']}; {told['scope']}", WIDTH):
        yield Line(line, "bold")
    try:
        if page:
            yield Line(f"report     {relative(make_page(results, out / 'allure.html', history))}")
    except NoPage as problem:
        yield Line(str(problem), "yellow")
    yield Line(f"statement  {relative(out / 'statement.json')}")


def relative(path: Path) -> str:
    """The path as seen from the current folder."""
    return os.path.relpath(path)
