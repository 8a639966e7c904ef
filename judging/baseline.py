"""The baseline: the known bugs of one stack, each with the signature that its finding must have."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields
from datetime import date
from itertools import pairwise

from judging.claims import Claim, closest
from judging.refusal import Refusal

BEYOND = "beyond the report"


@dataclass(frozen=True)
class Entry:
    """One known bug: `signature` is a regular expression for the whole of what its finding has seen."""

    claim: str
    signature: str
    bug: str
    ticket: str = ""
    since: str = ""
    expires: str = ""

    def matches(self, seen: str) -> bool:
        """Whether what was seen is exactly this known bug."""
        return re.fullmatch(self.signature, seen) is not None

    def expired(self, on: date) -> bool:
        """Whether the day up to which the bug may be known has passed."""
        return bool(self.expires) and date.fromisoformat(self.expires) < on


def load_baseline(tables: Iterable[Mapping[str, str]], source: str, claims: Mapping[str, Claim]) -> tuple[Entry, ...]:
    """The entries of [[baseline]] tables; Refusal E-BASELINE names the entry and what is wrong."""
    return tuple(_entry(table, source, claims) for table in tables)


def _entry(table: Mapping[str, str], source: str, claims: Mapping[str, Claim]) -> Entry:
    allowed = [field.name for field in fields(Entry)]
    name = f"{source}: [[baseline]] of {table.get('claim', '?')}"
    for key in table:
        if key not in allowed:
            raise Refusal("E-BASELINE", f"{name} has the unknown key {key!r}", f"allowed: {', '.join(allowed)}")
    for key in ("claim", "signature", "bug"):
        if not table.get(key):
            raise Refusal("E-BASELINE", f"{name} has no {key}", f'add {key} = "…"')
    entry = Entry(**{key: str(value) for key, value in table.items()})
    if entry.claim not in claims:
        raise Refusal("E-BASELINE", f"{name} names no known claim", closest(entry.claim, list(claims)))
    if entry.bug not in (BEYOND, claims[entry.claim].bug):
        known = " or ".join(repr(bug) for bug in (claims[entry.claim].bug, BEYOND) if bug)
        raise Refusal("E-BASELINE", f"{name} has bug = {entry.bug!r}", f"write {known}")
    try:
        re.compile(entry.signature)
    except re.error as error:
        raise Refusal("E-BASELINE", f"{name}: signature {error}", "write a regular expression") from None
    for key, value in (("since", entry.since), ("expires", entry.expires)):
        try:
            date.fromisoformat(value or "2000-01-01")
        except ValueError:
            raise Refusal("E-BASELINE", f"{name} has {key} = {value!r}", "write a date: 2026-12-31") from None
    return entry


def removal(entry: Entry, source: str, text: str) -> str:
    """The patch that takes an entry out of the profile `source` with this text, as lines to delete."""
    for first, lines in _tables(text):
        table = tomllib.loads("".join(lines))["baseline"][0]
        if table.get("claim") == entry.claim and table.get("signature") == entry.signature:
            while not lines[-1].strip() or lines[-1].startswith("#"):
                lines.pop()
            where = f"{source}: delete lines {first} to {first + len(lines) - 1}"
            return "\n".join([where, *(f"-{line.rstrip()}" for line in lines)])
    told = (f"-{key} = {value!r}" for key, value in asdict(entry).items() if value)
    return "\n".join([f"{source}, or what it extends: delete", "-[[baseline]]", *told])


def _tables(text: str) -> Iterator[tuple[int, list[str]]]:
    """Each [[baseline]] table of a TOML text: the number of its first line, its lines."""
    lines = text.splitlines(keepends=True)
    heads = [place for place, line in enumerate(lines) if line.startswith("[")]
    for head, end in pairwise([*heads, len(lines)]):
        if lines[head].startswith("[[baseline]]"):
            yield head + 1, lines[head:end]
