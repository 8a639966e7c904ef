"""A run that is stopped ends as one, wherever it was stopped."""

from __future__ import annotations

import pytest

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
