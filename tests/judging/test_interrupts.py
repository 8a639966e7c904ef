"""A run that is stopped ends as one, wherever it was stopped, and leaves nothing half done."""

from __future__ import annotations

import signal
import time

import pytest

from judging.interrupts import INSISTS_AFTER
from tests.judging.project import Project
from tests.judging.test_plugin import RIGHT


@pytest.mark.parametrize("place", ["", " where no line is"])
def test_a_stopped_run_keeps_what_was_judged_and_says_that_it_was_stopped(project: Project, place: str) -> None:
    """Python knows of no line where a function that lends variables has only just been entered."""
    project.feature(RIGHT, f'@R_core cut: When Ctrl-C is pressed{place}; Then R_core is seen as "right"')
    result = project.run()

    assert result.code == 2
    assert result.verdicts == {"R_plain": "CONFORMS", "R_core": "UNKNOWN"}
    assert "KeyboardInterrupt" in result.out
    assert not result.err


@pytest.mark.parametrize("what", ["comes while a library is at work", "is lost in a library"])
def test_a_library_is_not_cut_short_and_cannot_keep_a_signal_to_itself(project: Project, what: str) -> None:
    """One that is cut short may keep a lock for ever; a finaliser swallows whatever is raised in it."""
    project.feature(f"@R_core cut: When SIGTERM {what}; When the next thing is looked at; Then nothing is looked at")
    result = project.run()

    assert result.code == 2
    assert (project.root / "whole").exists() is ("at work" in what)
    assert not (project.root / "next").exists()
    assert [each["ended"] for each in result.statement["scenarios"]] == ["interrupted"]


def test_a_signal_that_is_lost_in_the_last_step_ends_the_run_all_the_same(project: Project) -> None:
    project.feature(RIGHT, "@R_core cut: Given a shop; Then SIGTERM is lost in a library")
    result = project.run()

    assert result.code == 2
    assert (project.root / "given back").exists()


def test_whoever_waits_in_a_library_is_woken(project: Project) -> None:
    project.feature("@R_core cut: When it takes for ever; Then nothing is looked at")
    process = project.start_until_it_waits()
    began = time.monotonic()
    process.send_signal(signal.SIGTERM)
    result = project.end(process)

    assert result.code == 2
    assert time.monotonic() - began < INSISTS_AFTER + 8, "it would have been 20"
