"""Writes the verdicts into pytest's JUnit file (`--junitxml`) once they are final."""

from __future__ import annotations

import os
from collections.abc import Generator, Iterator, Mapping
from pathlib import Path
from typing import Any
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from judging.plugin import REDACTION, STATEMENT, name_of, scenario_of
from judging.redaction import Redaction
from judging.verdicts import MEANING, Verdict

NAME = "scenario"  # the property by which a test case is found again
NOT_RED = (Verdict.CONFORMS, Verdict.CURED, Verdict.KNOWN, Verdict.UNSUPPORTED)
Properties = Iterator[tuple[str, str]]


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Let pytest write each scenario's name, as the statement has it, beside its test case."""
    for item in filter(scenario_of, items):
        item.user_properties.append((NAME, name_of(item)))


@pytest.hookimpl(wrapper=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """Complete the file that pytest has written: only now a verdict is final."""
    try:
        return (yield)
    finally:
        config = session.config
        asked = config.getoption("xmlpath", None)
        if asked and STATEMENT in config.stash:
            path = Path(os.path.expandvars(asked)).expanduser()
            complete(path, config.stash[STATEMENT], config.stash[REDACTION])


def complete(path: Path, told: dict[str, Any], redaction: Redaction) -> None:
    """Give the suite and its test cases the statement's verdicts as properties; what is red never looks green."""
    claims = {claim["id"]: claim for claim in told["claims"]}
    scenarios = {each["scenario"]: each for each in told["scenarios"]}
    tree = ElementTree.parse(path)
    for suite in tree.iter("testsuite"):
        _add(suite, of_run(told))
        for case in suite.iter("testcase"):
            found = case.find(f"properties/property[@name='{NAME}']")
            if found is not None and (scenario := scenarios.get(found.get("value", ""))):
                _add(case, of_scenario(scenario, claims))
                _redden(suite, case, scenario, claims)
    for element in tree.iter():  # an outline's values are in a test case's name
        element.attrib = {name: redaction.text(value) for name, value in element.attrib.items()}
    part = path.with_name(f".{path.name}.part")
    tree.write(part, encoding="utf-8", xml_declaration=True)
    part.replace(path)


def of_run(told: dict[str, Any]) -> Properties:
    """What the suite is told to be: the stack, the headline, what the exit code means, every claim's verdict."""
    stack = told["stack"]
    yield "stack", str(stack.get("title") or stack.get("name") or "unknown")
    for name in ("profile", "run", "suite", "headline", "scope", "exit"):
        yield name, str(told[name])
    yield "exit.meaning", MEANING.get(told["exit"], "unknown")
    yield "complete", str(told["complete"]).lower()
    for claim in told["claims"]:
        yield from _of_claim(claim, claim["verdict"])


def of_scenario(scenario: Mapping[str, Any], claims: Mapping[str, Mapping[str, Any]]) -> Properties:
    """What one scenario says of each claim that it names, and the worst of it."""
    yield "claims", ", ".join(scenario["verdicts"])
    yield "verdict", scenario["verdict"] or Verdict.UNKNOWN
    for name, verdict in scenario["verdicts"].items():
        yield from _of_claim(claims[name], verdict)


def _of_claim(claim: Mapping[str, Any], verdict: Verdict | None) -> Properties:
    yield claim["id"], verdict or "not reached"
    entries = {Verdict.KNOWN: claim["known_as"], Verdict.FIXED: claim["baseline"]}.get(verdict or Verdict.UNKNOWN, ())
    for name in ("bug", "ticket"):
        if values := [entry[name] for entry in entries if entry[name]]:
            yield f"{claim['id']}.{name}", ", ".join(dict.fromkeys(values))


def _redden(suite: Element, case: Element, scenario: Mapping[str, Any], claims: Mapping[str, Any]) -> None:
    """A scenario whose verdict was spoilt after pytest had told its outcome: a failure, like any other."""
    verdict = scenario["verdict"] or Verdict.UNKNOWN
    if verdict in NOT_RED or case.find("failure") is not None or case.find("error") is not None:
        return
    for skipped in case.findall("skipped"):
        case.remove(skipped)
        _count(suite, "skipped", -1)
    named = [name for name, each in scenario["verdicts"].items() if each == verdict]
    reasons = "; ".join(dict.fromkeys(claims[name]["reason"] for name in named))
    ElementTree.SubElement(case, "failure", message=f"{verdict} {', '.join(named)}: {reasons or scenario['message']}")
    _count(suite, "failures", 1)


def _count(suite: Element, name: str, more: int) -> None:
    suite.set(name, str(int(suite.get(name, "0")) + more))


def _add(element: Element, properties: Properties) -> None:
    holder = element.find("properties")
    if holder is None:
        holder = Element("properties")
        element.insert(0, holder)
    for name, value in properties:
        ElementTree.SubElement(holder, "property", name=name, value=value)
