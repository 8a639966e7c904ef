"""A story judges many claims: each sentence names its own, and what is known or cured does not end it."""

from __future__ import annotations

import pytest

from judging.statement import statement
from tests.judging.project import STEPS, Project

SHOWS = """
@then(parsers.parse('the list shows "{seen}"'))
def _(judge, seen):
    judge.expect("right", seen, seen == "right", where="list")

@then("the ledger says so")
def _(judge):
    with judge.where_shown():
        raise Unsupported("ledger", "it keeps none")
"""
LEDGER = """    And the ledger says so
      | R_bare |
    And the list shows "right"
      | R_core |
"""
STORY = """@R_cure @R_plain @incident_6
Feature: Shop
  Scenario: story
    Given a shop
    Then the list shows "2 orders"
      | R_cure |
    And the list shows "right"
      | R_plain |
"""


@pytest.fixture
def told(project: Project) -> Project:
    project.write("features/shop/test_shop.py", STEPS + SHOWS)
    project.feature(head=STORY)
    return project


def test_a_known_bug_does_not_end_a_story(told: Project) -> None:
    told.known("R_cure", "[2-9] orders")
    result = told.run()

    assert result.code == 0, result.out
    assert (result.verdicts["R_cure"], result.verdicts["R_plain"]) == ("KNOWN", "CONFORMS")
    statuses = [each["status"] for each in result.journal if each["event"] == "step_finished"]
    assert statuses == ["passed", "failed", "passed"]


def test_a_new_bug_ends_it(told: Project) -> None:
    result = told.run()

    assert result.code == 1, result.out
    assert result.verdicts["R_cure"] == "VIOLATED"
    statuses = [each["status"] for each in result.journal if each["event"] == "step_finished"]
    assert statuses == ["passed", "failed", "skipped"]


def test_a_sentence_accuses_only_the_claim_that_it_names(told: Project) -> None:
    told.known("R_cure", "[2-9] orders")
    findings = [each for each in told.run().journal if each["event"] == "finding"]

    assert [each["claims"] for each in findings] == [["R_cure"], ["R_plain"]]


def test_a_claim_that_the_tags_do_not_name_is_refused(told: Project) -> None:
    told.feature(head=STORY.replace("| R_plain |", "| R_harm |"))
    result = told.run()

    assert result.code == 4
    assert "E-TAG" in result.err
    assert "R_harm is not among the scenario's tags" in result.err


def test_what_the_stack_does_not_show_costs_one_claim_and_does_not_end_a_story(told: Project) -> None:
    told.known("R_cure", "[2-9] orders")
    told.feature(head=STORY.replace("@R_cure", "@R_cure @R_bare @R_core") + LEDGER)
    result = told.run()

    assert result.code == 0, result.out
    shown = {"R_cure": "KNOWN", "R_plain": "CONFORMS", "R_bare": "UNSUPPORTED", "R_core": "CONFORMS"}
    assert result.verdicts.items() >= shown.items()
    ended = [each for each in result.journal if each["event"] == "step_finished"]
    assert [each["status"] for each in ended] == ["passed", "failed", "passed", "skipped", "passed"]
    assert ended[3]["message"] == "ledger: it keeps none"
    assert statement(result.journal) == result.statement


def test_a_core_claim_that_the_stack_does_not_show_is_unknown(told: Project) -> None:
    told.known("R_cure", "[2-9] orders")
    told.feature(
        head=STORY.replace("@R_cure", "@R_cure @R_core") + LEDGER.split("And the list")[0].replace("bare", "core")
    )
    result = told.run()

    assert (result.code, result.verdicts["R_core"]) == (3, "UNKNOWN"), result.out


def test_a_scenario_that_names_no_claims_at_its_sentences_ends_with_what_is_not_shown(told: Project) -> None:
    told.feature('@R_plain lacking: Given a shop; Then the ledger says so; And the list shows "right"')
    result = told.run()

    assert (result.code, result.verdicts["R_plain"]) == (0, "UNSUPPORTED"), result.out
    statuses = [each["status"] for each in result.journal if each["event"] == "step_finished"]
    assert statuses == ["passed", "skipped", "skipped"]
