"""Whether two stacks of one variant are judged alike, claim by claim."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

# Claims that one of our stacks cannot show, each with the reason: none.
MAY_BE_UNSUPPORTED: dict[str, str] = {}
Statement = Mapping[str, Any]


@dataclass(frozen=True)
class Row:
    """One claim and its verdict on each stack; `problem` is empty where all is well."""

    claim: str
    verdicts: tuple[str, ...]
    problem: str


def compare(*statements: Statement) -> list[Row]:
    """Every claim of the statements: any difference, any UNKNOWN and any unlisted UNSUPPORTED is a problem."""
    told = [{claim["id"]: str(claim["verdict"]) for claim in each["claims"]} for each in statements]
    names = dict.fromkeys(name for each in told for name in each)
    return [_row(name, tuple(each.get(name, "not judged") for each in told)) for name in names]


def incomplete(statement: Statement) -> str:
    """Why a statement proves nothing, in words; empty where it does."""
    if not statement["claims"]:
        return "no claim was judged"
    return "" if statement["complete"] else "the run was cut short"


def _row(claim: str, verdicts: tuple[str, ...]) -> Row:
    if len(set(verdicts)) > 1:
        return Row(claim, verdicts, "differs")
    if verdicts[0] == "UNSUPPORTED" and claim in MAY_BE_UNSUPPORTED:
        return Row(claim, verdicts, "")
    return Row(claim, verdicts, verdicts[0].lower() if verdicts[0] in ("UNKNOWN", "UNSUPPORTED", "not judged") else "")
