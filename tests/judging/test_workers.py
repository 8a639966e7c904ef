"""A run on several workers (pytest-xdist) judges as a run by itself does, whatever becomes of a worker."""

from __future__ import annotations

import signal

import pytest

from judging.statement import statement
from tests.judging.project import CONFIGURATION, Project, Result
from tests.judging.test_plugin import CURE, HARM, RIGHT

CUT = '@R_core cut: Given a shop; Then R_core is seen as "right"; When it takes for ever; Then nothing is looked at'
BESIDE = """
  @R_core
  Scenario: beside
    Given a shop
    Then R_core is seen as "right"
"""


@pytest.fixture
def wide(project: Project) -> Project:
    """A project with three features that lets pytest-xdist work."""
    project.write("pytest.ini", CONFIGURATION.replace(" -p no:xdist", ""))
    project.feature(HARM, RIGHT)
    project.write("features/shop/cures.feature", "@incident_6\nFeature: Cures\n" + as_text(CURE))
    project.write("features/shop/beside.feature", "@incident_6\nFeature: Beside\n" + BESIDE)
    module = (project.root / "features/shop/test_shop.py").read_text()
    project.write("features/shop/test_shop.py", module.replace('("shop', '("cures.feature", "beside.feature", "shop'))
    return project


def as_text(scenario: str) -> str:
    tags, _, steps = scenario.partition(" ")
    name, _, steps = steps.partition(": ")
    return f"  {tags}\n  Scenario: {name}\n" + "".join(f"    {each}\n" for each in steps.split("; "))


def told(result: Result) -> dict[str, object]:
    """The statement without what differs from run to run."""
    said = {key: value for key, value in result.statement.items() if key not in ("run", "started", "ended", "seconds")}
    said["scenarios"] = sorted(
        ({key: value for key, value in each.items() if key != "seconds"} for each in said["scenarios"]),
        key=lambda each: str(each["scenario"]),
    )
    return said


@pytest.mark.parametrize("workers", ["2", "4"])
def test_workers_together_say_what_one_alone_says(wide: Project, workers: str) -> None:
    wide.known("R_core", "never")
    alone = wide.run()
    together = wide.run("-n", workers)

    assert told(together) == told(alone)
    assert together.code == alone.code == 1, "R_core is known and does not fail"
    assert together.outcomes == alone.outcomes
    assert "FIXED" in together.verdicts.values()
    assert "take these known bugs out of the baseline" in together.out
    assert not together.err
    assert statement(together.journal) == together.statement
    assert [event["n"] for event in together.journal] == list(range(1, len(together.journal) + 1))
    assert {path.name for path in (wide.root / "reports/out").iterdir()} == {
        "journal.jsonl",
        "statement.json",
        "evidence",
    }


def test_a_harm_stays_with_its_cure_and_a_feature_by_itself(wide: Project) -> None:
    ran = wide.run("-n", "2", "-v").out
    of = {name: line.split("]")[0] for line in ran.splitlines() for name in ("cure", "harm", "right", "beside")
          if "PASSED" in line and f"test_{name}" in line}  # fmt: skip

    assert of["cure"] == of["harm"] == of["right"]
    assert of["beside"] != of["cure"]


def test_a_refusal_of_a_worker_is_the_runs(wide: Project) -> None:
    wide.feature(RIGHT, HARM, '@R_bare refused: Given an unsafe target; Then R_bare is seen as "right"')
    result = wide.run("-n", "2")

    assert result.code == 6
    assert result.err.splitlines() == ["E-TARGET the namespace has no label", "remedy: label it"]
    assert "Traceback" not in result.out
    assert "INTERNALERROR" not in result.out


def test_a_worker_that_dies_leaves_its_scenario_unjudged(wide: Project) -> None:
    module = (wide.root / "features/shop/test_shop.py").read_text()
    wide.write("features/shop/test_shop.py", module.replace("threading.Event().wait(20)", "__import__('os')._exit(9)"))
    wide.feature(CUT, RIGHT, HARM)
    result = wide.run("-n", "2")

    assert result.verdicts == {"R_harm": "CURED", "R_cure": "CONFORMS", "R_plain": "CONFORMS", "R_core": "UNKNOWN"}
    assert result.code == 3


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_worker_puts_back_what_it_broke_when_the_run_is_stopped(wide: Project, stop: signal.Signals) -> None:
    wide.feature(CUT, RIGHT, HARM)
    process = wide.start_until_it_waits("-n", "2")
    process.send_signal(stop)
    result = wide.end(process)

    assert result.code == 2
    assert (wide.root / "given back").exists()
    assert result.verdicts["R_core"] == "UNKNOWN"
    assert "interrupted" in [each["ended"] for each in result.statement["scenarios"]]


def test_a_stack_that_one_worker_left_changed_ends_the_run_with_7(wide: Project) -> None:
    wide.feature(RIGHT.replace("a shop", "a shop that stays broken"), HARM)
    result = wide.run("-n", "2")

    assert result.code == 7
    assert result.verdicts["R_plain"] == "CONTAMINATED"
    assert result.verdicts["R_core"] == "CONFORMS", "its feature was another worker's, or another's stack"


def test_ordinary_tests_beside_scenarios_still_count(wide: Project) -> None:
    wide.write("tests/test_plain.py", "def test_plain():\n    assert 0\n")

    assert wide.run("-n", "2", "tests", "features").code == 1
    wide.write("tests/test_plain.py", "def test_plain():\n    pass\n")
    assert wide.run("-n", "2", "tests", "features").code == 0
    assert not (wide.root / "reports/out/.workers").exists()


def test_every_incident_once_per_worker_is_refused(wide: Project) -> None:
    result = wide.run("-n", "2", "--dist=each")

    assert result.code == 4
    assert "leave --dist out" in result.err
