"""Allure's results say what the journal says, for every verdict and for every way a run can end."""

from __future__ import annotations

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pytest

from reports.labels import links, selector
from reports.results import Results
from tests.reports.journals import SECRETS, Run, finish, nodeid, picture, whole_run


def rendered(run: Run, events: int | None = None, *, closed: bool = True) -> dict[str, dict[str, Any]]:
    """The results by title after so many events, with or without an orderly end."""
    results = Results(run.out / "allure-results", run.out)
    for event in run.events[:events]:
        results(event)
    if closed:
        results.close()
    found = [json.loads(file.read_text("utf-8")) for file in results.folder.glob("*-result.json")]
    return {result["name"]: result for result in found}


@pytest.fixture
def results(tmp_path: Path) -> dict[str, dict[str, Any]]:
    """The results of a run with every kind of verdict."""
    return rendered(finish(whole_run(tmp_path)))


@pytest.mark.parametrize(
    ("title", "status", "message"),
    [
        ("One basket one order", "failed", "KNOWN: known bug BUG_1: 2 open orders"),
        ("Cents are right", "failed", "VIOLATED: 1898 cents"),
        ("Basket emptied", "failed", "FIXED: the baseline says violated"),
        ("Not shipped", "broken", "INVALID: "),
        ("Killed in the middle", "broken", "UNKNOWN: interrupted"),
        ("Shipped on the list", "passed", ""),
        ("Payment stays healthy", "passed", ""),
    ],
)
def test_a_verdict_has_its_status(
    results: Mapping[str, Mapping[str, Any]], title: str, status: str, message: str
) -> None:
    result = results[title]

    assert result["status"] == status
    assert result.get("statusDetails", {}).get("message", "").startswith(message)
    assert result.get("statusDetails", {}).get("known", False) is (title == "One basket one order")


def test_no_scenario_is_missing_or_twice(tmp_path: Path) -> None:
    run = finish(whole_run(tmp_path))

    assert len(rendered(run)) == len(list((tmp_path / "allure-results").glob("*-result.json"))) == 8
    again = {file.name for file in (tmp_path / "allure-results").iterdir()}
    rendered(run)
    assert {file.name for file in (tmp_path / "allure-results").iterdir()} == again


@pytest.mark.parametrize("closed", [False, True], ids=["killed", "closed or rendered again"])
def test_whenever_a_run_ends_nothing_unfinished_looks_passed(tmp_path: Path, closed: bool) -> None:
    run = whole_run(tmp_path)
    for events in range(1, len(run.events)):
        begun = {each["title"]: each["scenario"] for each in run.events[:events] if "title" in each}
        ended = {each["scenario"] for each in run.events[:events] if each["event"] == "scenario_finished"}
        killed = rendered(Run.again(run, tmp_path / str(events)), events, closed=closed)

        assert killed.keys() == begun.keys()
        for title, result in killed.items():
            assert begun[title] in ended or result["status"] == "broken", f"{title} after {events} events"


def test_every_sentence_is_a_step_with_what_it_saw(results: Mapping[str, Mapping[str, Any]]) -> None:
    given, then = results["One basket one order"]["steps"]

    assert (given["name"], given["status"]) == ("Given the payment gateway is down", "passed")
    fault, seen = given["steps"]
    assert fault["name"] == "fault witnessed: outage of stripe-mock · no pod, no endpoint, refused"
    assert seen["name"].startswith("shown to the customer: Payment declined. Connection refused (0.11 s) · browser")
    assert [each["name"] for each in seen["attachments"]] == ["page", "order", "payment log"]
    assert (then["name"], then["status"]) == ("Then it is as the report says", "failed")
    assert then["steps"][0]["status"] == "failed"
    assert then["steps"][0]["name"] == "R000_12: expected 1 open order / seen 2 open orders · orders database"


def test_a_killed_step_is_broken_and_keeps_what_it_saw(results: Mapping[str, Mapping[str, Any]]) -> None:
    last = results["Killed in the middle"]["steps"][-1]

    assert (last["name"], last["status"]) == ("When the customer pays", "broken")
    assert last["steps"][0]["attachments"]


def test_labels_links_and_identity(results: Mapping[str, Mapping[str, Any]], tmp_path: Path) -> None:
    result = results["One basket one order"]
    labels = [(each["name"], each["value"]) for each in result["labels"]]

    assert labels[:4] == [
        ("epic", "INCIDENT-6"),
        ("feature", "The gateway is down"),
        ("story", "A basket is paid once"),
        ("severity", "critical"),
    ]
    assert [value for name, value in labels if name == "tag"] == ["BUG_1", "R000_12", "incident_6"]
    assert result["fullName"] == "features.sock_shop.test_sock_shop#test_one_basket_one_order"
    assert "**R000_12** (required, BUG_1, section “Bug 1”): One basket" in result["description"]
    assert "INCIDENT-6 is retold, claim by claim, in `features/sock_shop/incident.md`." in result["description"]
    other = rendered(finish(whole_run(tmp_path / "other")))["One basket one order"]
    assert other["historyId"] == result["historyId"]


def test_a_tracker_gets_the_links() -> None:
    started, bug = {"tags": ["incident_6"], "file": "features/sock_shop/outage.feature"}, {"id": "R0", "bug": "BUG_1"}

    assert links(started, [bug], "https://tracker.example/{}") == [
        ("INCIDENT-6", "https://tracker.example/INCIDENT-6"),
        ("BUG_1", "https://tracker.example/BUG_1"),
    ]
    assert links(started, [], None) == []
    assert selector("a/test_b.py::test_c[x]") == "a.test_b#test_c"


def test_evidence_is_on_disk_once_and_each_mention_has_a_name(tmp_path: Path) -> None:
    run = finish(whole_run(tmp_path))
    rendered(run)

    pictures = list((tmp_path / "allure-results").glob("*-attachment.png"))
    assert len(pictures) == 8
    assert len({file.stat().st_ino for file in pictures}) == 1
    assert pictures[0].read_bytes() == picture(200)


def test_what_belongs_to_no_step_is_shown_beside_them(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.begin("Odd", "R000_22")
    run.saw(None, "steady before", "yes", "cluster")

    (beside,) = rendered(run)["Odd"]["steps"]
    assert beside["name"] == "Between the steps"
    assert beside["steps"][0]["name"].startswith("steady before: yes")


def test_a_long_value_is_attached_whole(tmp_path: Path) -> None:
    run = Run(tmp_path)
    run.begin("Long", "R000_22")
    run.step("Long", "it is long")
    run.saw("Long", "page text", "word " * 100, "browser")

    seen = rendered(run)["Long"]["steps"][0]["steps"][0]
    assert len(seen["name"]) < 260
    whole = tmp_path / "allure-results" / seen["attachments"][-1]["source"]
    assert whole.read_text("utf-8") == "word " * 100


def test_nothing_of_this_machine_and_no_secret_is_told(tmp_path: Path) -> None:
    run = whole_run(tmp_path)
    run.begin("Broken", "R000_22")
    run.step("Broken", "it breaks")
    trace = f"{Path.cwd()}/steps/shopping.py:7, {pytest.__file__}:3"
    run.end_step("Broken", "broken", trace)
    run.end("Broken", "broken", "R000_22", message=trace)
    assert "steps/shopping.py:7" in rendered(finish(run))["Broken"]["statusDetails"]["message"]

    for file in (tmp_path / "allure-results").iterdir():
        told = file.read_bytes().decode("latin-1")
        assert str(Path.cwd()) not in told
        assert "/site-packages" not in told
        assert not [secret for secret in SECRETS if secret in told], file.name


def test_nodeids_are_relative() -> None:
    assert nodeid("A b") == "features/sock_shop/test_sock_shop.py::test_a_b"
