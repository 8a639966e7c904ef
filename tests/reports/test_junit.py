"""pytest's JUnit file carries the final verdicts, and is nowhere greener than they are."""

from __future__ import annotations

from pathlib import Path
from xml.etree import ElementTree
from xml.etree.ElementTree import Element

import pytest

from tests.judging.project import CONFIGURATION, Project, Result

RIGHT = '@R_plain right: Given a shop; Given the fault is witnessed; Then R_plain is seen as "right"'
WRONG = '@R_cure wrong: Given a shop; Then R_cure is seen as "2 orders"'
CURE = '@R_cure cure: Given a shop; Then R_cure is seen as "right"'
BLIND = "@R_plain blind: Given a shop; Then nothing is looked at"
LACKING = '@R_plain lacking: When Unsupported says "no ledger"; Then R_plain is seen as "right"'
CLOSED = '@R_cure late: When NotSteady says "the shop is closed"; Then R_cure is seen as "right"'


@pytest.fixture
def project(tmp_path: Path) -> Project:
    """A project with one system and nothing to judge yet."""
    return Project(tmp_path)


def judged(project: Project, *arguments: str) -> tuple[Result, Element]:
    """A run, and the test suite that its JUnit file tells of."""
    result = project.run("-p", "reports.junit", *arguments)
    (suite,) = ElementTree.parse(project.root / "junit.xml").iter("testsuite")
    return result, suite


def properties(element: Element) -> dict[str, str]:
    found = element.findall("properties/property")
    named = {each.attrib["name"]: each.attrib["value"] for each in found}
    assert len(named) == len(found), "no property comes twice"
    return named


def cases(suite: Element) -> dict[str, Element]:
    return {case.attrib["name"]: case for case in suite.iter("testcase")}


def kinds(suite: Element) -> list[str]:
    """What each test case is shown as."""
    tags = ("failure", "error", "skipped")
    return [next((tag for tag in tags if case.find(tag) is not None), "passed") for case in suite.iter("testcase")]


@pytest.mark.parametrize(
    ("scenario", "known", "verdict", "shown"),
    [
        (RIGHT, None, "CONFORMS", "passed"),
        (WRONG, None, "VIOLATED", "failure"),
        (WRONG, "[2-9] orders", "KNOWN", "skipped"),
        (CURE, "[2-9] orders", "FIXED", "failure"),
        (LACKING, None, "UNSUPPORTED", "skipped"),
        (BLIND, None, "UNKNOWN", "failure"),
        (CLOSED, None, "COMPROMISED", "failure"),
        (RIGHT.replace("shop;", "shop that breaks at the end;"), None, "UNKNOWN", "error"),
    ],
)
def test_a_scenario_carries_its_claims_and_their_verdicts(
    project: Project, scenario: str, known: str | None, verdict: str, shown: str
) -> None:
    project.feature(scenario)
    if known:
        project.known("R_cure", known, bug="BUG_1", ticket="SHOP-7")
    result, suite = judged(project)

    (case,) = suite.iter("testcase")
    claim = scenario[1:].partition(" ")[0]
    bug = {f"{claim}.bug": "BUG_1", f"{claim}.ticket": "SHOP-7"} if known else {}
    told = properties(case)
    assert told.pop("scenario") == result.statement["scenarios"][0]["scenario"]
    assert told == {"claims": claim, "verdict": verdict, claim: verdict, **bug}
    assert kinds(suite) == [shown]
    assert {name: properties(suite)[name] for name in (claim, *bug)} == {claim: verdict, **bug}


def test_the_bug_is_the_one_whose_signature_was_seen(project: Project) -> None:
    project.feature(WRONG)
    project.known("R_cure", "9 orders", bug="beyond the report", ticket="SHOP-9")
    project.known("R_cure", "2 orders", bug="BUG_1")
    _, suite = judged(project)

    told = properties(*suite.iter("testcase"))
    assert told["R_cure.bug"] == "BUG_1"
    assert "R_cure.ticket" not in told


def test_the_suite_says_what_was_judged_and_what_the_exit_code_means(project: Project) -> None:
    project.feature(RIGHT, WRONG, '@R_plain other: Given a shop; Then R_plain is seen as "an order"')
    result, suite = judged(project)

    told = properties(suite)
    assert (told["stack"], told["exit"], told["complete"]) == ("tiny", "1", "true")
    assert told["exit.meaning"] == "violated, or a known bug is gone"
    assert told["headline"] == result.statement["headline"]
    assert {name: told[name] for name in result.verdicts} == result.verdicts
    assert (told["R_plain"], properties(cases(suite)["test_right"])["R_plain"]) == ("VIOLATED", "CONFORMS")


@pytest.mark.parametrize("workers", [(), ("-n", "2")], ids=["alone", "workers"])
def test_what_was_green_before_the_stack_was_left_changed_is_red_in_the_end(
    project: Project, workers: tuple[str, ...]
) -> None:
    project.write("pytest.ini", CONFIGURATION.replace(" -p no:xdist", ""))
    project.known("R_cure", "2 orders", bug="BUG_1")
    project.feature(*(each.replace("a shop", "a shop that stays broken") for each in (RIGHT, WRONG, CURE)))
    result, suite = judged(project, *workers)

    assert result.code == 7
    assert set(kinds(suite)) == {"failure", "error"}
    counted = {name: sum(1 for each in kinds(suite) if each == name) for name in ("failure", "error", "skipped")}
    assert {"failure": suite.get("failures"), "error": suite.get("errors"), "skipped": suite.get("skipped")} == {
        name: str(number) for name, number in counted.items()
    }
    failure = cases(suite)["test_right"].find("failure")
    assert failure is not None
    assert failure.attrib["message"] == "CONTAMINATED R_plain: 0 replicas left"


def test_no_secret_is_in_it(project: Project) -> None:
    project.feature('@R_cure leak: Given a shop; When AssertionError says "SECRET"; Then nothing is looked at')
    head = (project.root / "features/shop/shop.feature").read_text()
    outline = '  @R_plain\n  Scenario Outline: paid\n    Then R_plain is seen as "<card>"\n    Examples:\n'
    project.write("features/shop/shop.feature", f"{head}{outline}      | card |\n      | 4242424242424242 |\n")
    _, suite = judged(project, "--showlocals")

    text = (project.root / "junit.xml").read_text()
    assert "redacted card number ending 4242" in text
    assert "4242424242424242" not in text
    assert "hunter2hunter2" not in text
    assert [properties(case)["verdict"] for case in suite.iter("testcase")] == ["UNKNOWN", "VIOLATED"]


def test_the_file_of_ordinary_tests_is_pytests_alone(project: Project) -> None:
    project.feature(RIGHT)
    project.write("tests/test_plain.py", "def test_plain(record_property):\n    record_property('mine', 1)\n")
    _, alone = judged(project, "tests")
    _, both = judged(project, "tests", "features")

    assert properties(alone) == {}
    assert properties(cases(both)["test_plain"]) == {"mine": "1"}
    assert properties(cases(both)["test_right"])["verdict"] == "CONFORMS"
