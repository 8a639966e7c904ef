"""Reads feature files before they are bound, and refuses what pytest-bdd would let pass unseen."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterator
from dataclasses import dataclass
from pathlib import Path

from pytest_bdd.exceptions import GherkinParseError
from pytest_bdd.gherkin_parser import Feature, Scenario, Tag, get_gherkin_document
from pytest_bdd.parser import Step

from judging.claims import closest
from judging.refusal import Refusal

CLAIM_ID = re.compile(r"[A-Z]\d+_\d+[a-z]?")  # what looks like one, so that a slip of the pen is found


@dataclass(frozen=True)
class ScenarioText:
    """A scenario as its file tells it, with the tags of its feature, rule and examples."""

    file: Path
    name: str
    tags: frozenset[str]


def read_feature(path: Path, shown: str, claims: Collection[str], markers: Collection[str]) -> list[ScenarioText]:
    """The scenarios of one feature file; `shown` is its name in a Refusal.

    Refusals: E-GHERKIN, E-TWIN, E-TAG, E-NO-CLAIM, E-NO-STEPS, E-NO-THEN, E-NO-EXAMPLES, E-NO-SCENARIO.
    """
    try:
        feature: Feature | None = get_gherkin_document(str(path)).feature
    except GherkinParseError as error:
        where = f"{shown}:{error.line}"
        raise Refusal("E-GHERKIN", f"{where}: {error.message}", f"correct {error.line_content!r}") from None
    except (TypeError, KeyError):  # what pytest-bdd makes of a file without a feature
        feature = None
    except (OSError, ValueError) as error:
        raise Refusal("E-GHERKIN", f"{shown} cannot be read: {error}", "write it in UTF-8") from None
    found = list(_scenarios(feature)) if feature else []
    if not found:
        raise Refusal("E-NO-SCENARIO", f"{shown} has no scenario", "write one, or delete the file")
    lines: dict[str, int] = {}
    for scenario, tags in found:
        where = f"{shown}:{scenario.location.line}"
        if scenario.name in lines:
            told = f"{where}: a second scenario named {scenario.name!r}, the first is on line "
            raise Refusal("E-TWIN", f"{told}{lines[scenario.name]}", "give each scenario its own name")
        lines[scenario.name] = scenario.location.line
        _refuse_vacuous(scenario, where)
        names = [tag.name.lstrip("@") for tag in tags]
        for name, tag in zip(names, tags, strict=True):
            if name not in claims and name not in markers:
                known = [f"@{each}" for each in (*claims, *markers)]
                cause = f"{shown}:{tag.location.line}: @{name} is no claim id and no registered marker"
                raise Refusal("E-TAG", cause, closest(f"@{name}", known))
        _refuse_strangers(scenario, shown, set(names), claims)
        if not any(name in claims for name in names):
            remedy = "tag it with the id of a claim in claims.toml"
            raise Refusal("E-NO-CLAIM", f"{where}: {scenario.name!r} names no claim", remedy)
    return [ScenarioText(path, scenario.name, _names(tags)) for scenario, tags in found]


def _scenarios(feature: Feature) -> Iterator[tuple[Scenario, list[Tag]]]:
    """Each scenario with all tags that it carries or inherits."""
    groups = [(feature.children, list(feature.tags))]
    for child in feature.children:
        if child.rule:
            groups.append((child.rule.children, [*feature.tags, *child.rule.tags]))
    for children, inherited in groups:
        for child in children:
            if child.scenario:
                own = [tag for examples in child.scenario.examples for tag in examples.tags]
                yield child.scenario, [*inherited, *child.scenario.tags, *own]


def _refuse_vacuous(scenario: Scenario, where: str) -> None:
    if not scenario.steps:
        raise Refusal("E-NO-STEPS", f"{where}: {scenario.name!r} has no step", "write its steps, or delete it")
    if not any(step.keyword_type == "Outcome" for step in scenario.steps):
        raise Refusal("E-NO-THEN", f"{where}: {scenario.name!r} has no Then", "say what must be seen: Then …")
    empty = [examples for examples in scenario.examples if not examples.table_body]
    if empty or ("Outline" in scenario.keyword and not scenario.examples):
        cause = f"{where}: {scenario.name!r} has no row of examples"
        raise Refusal("E-NO-EXAMPLES", cause, "add a row, or write it as a Scenario")


def _refuse_strangers(scenario: Scenario, shown: str, names: set[str], claims: Collection[str]) -> None:
    """A sentence may only judge claims that the scenario's tags name."""
    for step in scenario.steps:
        rows = step.datatable.rows if step.datatable else []
        for cell in (row.cells[0] for row in rows if len(row.cells) == 1):
            named = cell.value in claims or CLAIM_ID.fullmatch(cell.value)
            if named and cell.value not in names:
                cause = f"{shown}:{cell.location.line}: {cell.value} is not among the scenario's tags"
                raise Refusal("E-TAG", cause, f"tag the scenario with @{cell.value}, or correct the table")


def sentence_claims(step: Step, claims: Collection[str]) -> tuple[str, ...]:
    """Those of the claims that a one-column table under a sentence names: it judges these only."""
    rows = [[str(cell) for cell in row] for row in step.datatable.raw()] if step.datatable else []
    return tuple(row[0] for row in rows if len(row) == 1 and row[0] in claims)


def _names(tags: list[Tag]) -> frozenset[str]:
    return frozenset(tag.name.lstrip("@") for tag in tags)
