"""Claims: the sentences of an incident document that can be judged, read from claims.toml."""

from __future__ import annotations

import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, fields
from difflib import get_close_matches
from pathlib import Path
from typing import Any

from judging.refusal import Refusal

LISTS = ("cured_by", "needs")
KINDS = ("reported", "required")


@dataclass(frozen=True)
class Claim:
    """One judgeable sentence: `reported` says what happens under the fault, `required` what is right."""

    id: str
    text: str
    kind: str
    section: str
    bug: str | None = None
    cured_by: tuple[str, ...] = ()
    disputes: bool = False
    document: str | None = None
    core: bool = False
    needs: tuple[str, ...] = ()
    system: str = ""  # whose document it is: the folder of its file


_TYPES: dict[str, tuple[type, str]] = {
    "text": (str, "a string"),
    "kind": (str, "a string"),
    "section": (str, "a string"),
    "bug": (str, "a string"),
    "cured_by": (list, "a list of claim ids"),
    "disputes": (bool, "true or false"),
    "document": (str, "a string"),
    "core": (bool, "true or false"),
    "needs": (list, "a list of capabilities"),
}


def load_claims(path: Path) -> dict[str, Claim]:
    """The claims of one claims.toml by id; Refusal E-CLAIMS names the file, the claim and what is wrong."""
    try:
        tables = tomllib.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise _refusal(path, f"cannot be read: {error}", "correct the file") from None
    claims = {name: _claim(path, name, table) for name, table in tables.items()}
    for claim in claims.values():
        for cure in claim.cured_by:
            if cure not in claims or claims[cure].kind != "required":
                near = closest(cure, [name for name, each in claims.items() if each.kind == "required"])
                raise _refusal(path, f"[{claim.id}] cured_by names {cure!r}, no required claim", near)
        if claim.core and claim.needs:
            raise _refusal(path, f"[{claim.id}] is core and needs {', '.join(claim.needs)}", "remove one of the two")
        if claim.cured_by and claim.kind != "reported":
            raise _refusal(path, f"[{claim.id}] is required and has cured_by", "remove it")
    return claims


def claim_from(record: Mapping[str, object]) -> Claim:
    """The claim that a journal embeds; fields that it does not know are left out."""
    known = {field.name for field in fields(Claim)}
    given = {key: value for key, value in record.items() if key in known}
    for key in LISTS:
        value = given.get(key)
        given[key] = tuple(value) if isinstance(value, (list, tuple)) else ()
    return Claim(**given)  # type: ignore[arg-type]


def closest(word: str, known: list[str]) -> str:
    """A remedy for an unknown word: the nearest known ones."""
    near = get_close_matches(word, sorted(known), 3, 0.5) or sorted(known)[:3]
    return f"write one of the known ones, the nearest are: {', '.join(near) or 'none'}"


def _claim(path: Path, name: str, table: Any) -> Claim:
    if not isinstance(table, Mapping):
        raise _refusal(path, f"{name} is no table", f"write [{name}]")
    if not name.isidentifier():
        raise _refusal(path, f"[{name}] cannot be a tag", "use letters, digits and _")
    for key, value in table.items():
        if key not in _TYPES:
            raise _refusal(path, f"[{name}] has the unknown key {key!r}", f"allowed: {', '.join(_TYPES)}")
        kind, said = _TYPES[key]
        if not isinstance(value, kind) or not str(value).strip():
            raise _refusal(path, f"[{name}] {key} = {value!r}", f"write {said}")
    for key in ("text", "kind", "section"):
        if key not in table:
            raise _refusal(path, f"[{name}] has no {key}", f'add {key} = "…"')
    if table["kind"] not in KINDS:
        raise _refusal(path, f"[{name}] kind = {table['kind']!r}", f"write one of: {', '.join(KINDS)}")
    given: dict[str, Any] = {key: tuple(map(str, value)) if key in LISTS else value for key, value in table.items()}
    return Claim(id=name, system=path.parent.name, **given)


def _refusal(path: Path, cause: str, remedy: str) -> Refusal:
    return Refusal("E-CLAIMS", f"{path.parent.name}/{path.name}: {cause}", remedy)
