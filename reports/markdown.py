"""The run as Markdown, for the summary page of a CI job."""

from __future__ import annotations

import html
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from judging.journal import Event
from judging.statement import statement
from judging.verdicts import MEANING
from reports.table import QUIET, Row, by_attention, cut, rows_of

LIMIT = 1_000_000  # bytes: GitHub shows no summary that is larger than 1 MiB
LONGEST = 300  # characters of a cell
FILES = ("allure.html", "allure-results", "junit.xml", "statement.json", "journal.jsonl", "evidence")
HEAD = "| claim | verdict | it says | what was seen |\n| --- | --- | --- | --- |\n"


def markdown(events: Sequence[Event], out: Path, link: str = "") -> str:
    """The headline, what the run is, the claims with their verdicts; *link* leads to the files in *out*."""
    told, rows = statement(events), rows_of(events)
    room, text = LIMIT, _opening(told) + _files(out, link)
    quiet = [row for row in rows if row.verdict in QUIET]
    disputed = [row for row in rows if row.claim.disputes]
    for title, group, folded in (
        *((title, group, False) for title, group in by_attention(rows).items()),
        ("Where the document is wrong", disputed, True),
        ("As claimed", quiet, True),
    ):
        text += _section(title, group, room - len(text.encode()), folded=folded) if group else ""
    for title, names in (("Not judged in this run", "not_judged"), ("Named by no scenario", "uncovered")):
        listed = f"\n{title} ({len(told[names])}): {', '.join(map(cell, told[names]))}\n" if told[names] else ""
        text += listed if len((text + listed).encode()) < room else ""
    return text


def cell(text: str) -> str:
    """A text as it stands in a cell: on one line, none of it read as Markdown, HTML or a link."""
    plain = html.escape(cut(text, LONGEST), quote=False)
    return re.sub(r"([\\`*_\[\]|~$])", r"\\\1", plain).replace("://", "&#58;//")


def _opening(told: Mapping[str, Any]) -> str:
    code = told["exit"]
    ended = "the run was cut short" if code is None else f"exit {code}, {MEANING.get(code, 'unknown')}"
    stack = told["stack"].get("title") or told["stack"].get("name") or "unknown stack"
    counts = ", ".join(f"{count} {verdict}" for verdict, count in told["counts"].items())
    facts = (f"**{ended}**", cell(stack), counts, f"{told['seconds']:.0f} s", cell(told["scope"]))
    return f"## {cell(told['headline'])}\n\n{' · '.join(filter(None, facts))}\n"


def _files(out: Path, link: str) -> str:
    names = ", ".join(f"`{name}`" for name in FILES if (out / name).exists())
    where = f"[the run's files]({link})" if link else "the run's files"
    return f"\nIn {where}: {names}\n" if names else ""


def _section(title: str, rows: Sequence[Row], room: int, *, folded: bool) -> str:
    if folded:
        before, after = f"\n<details><summary>{title} ({len(rows)})</summary>\n\n", "\n</details>\n"
    else:
        before, after = f"\n### {cell(title)} ({len(rows)})\n\n", ""
    return before + HEAD + "".join(_lines(rows, room - 500)) + after


def _lines(rows: Sequence[Row], room: int) -> Iterator[str]:
    """The rows that there is room for (bytes), and how many there is none for."""
    for place, row in enumerate(rows):
        said = f"{row.claim.text} (the document says: {row.claim.document})" if row.claim.document else row.claim.text
        line = f"| {row.claim.id} | {row.verdict} | {cell(said)} | {cell(row.seen)} |\n"
        room -= len(line.encode())
        if room < 0:
            yield f"\n{len(rows) - place} more in `statement.json`\n"
            return
        yield line
