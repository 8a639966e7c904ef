"""The table at the end of a run tells first what somebody must look at, and fits the terminal."""

from __future__ import annotations

from pathlib import Path

from reports.table import WIDTH, table
from tests.reports.journals import finish, leaks, whole_run


def test_what_is_wrong_comes_first_and_no_claim_is_left_out(tmp_path: Path) -> None:
    text = "\n".join(line.text for line in table(finish(whole_run(tmp_path)).events, folder="out/"))

    titles = [line for line in text.splitlines() if line and not line.startswith(" ")]
    assert titles == [
        "Where the stack is wrong (2)",
        "What could not be judged (2)",
        "Known bug: BUG_1 (1)",
        "Where the document is wrong (1)",
        "As claimed (2)",
        "Not judged in this run (1)",
        "Named by no scenario (1)",
    ]
    for told in (
        "R000_38  VIOLATED",
        "R000_19  FIXED",
        "R000_17  INVALID",
        " 2 open orders  out/evidence/",
        "the document says: once right, once wrong",
        "R000_16 (cured)",
    ):
        assert told in text
    assert text.splitlines()[-1] == "  R000_51"
    assert "  R000_50\n" in text


def test_it_fits_and_leaks_nothing(tmp_path: Path) -> None:
    events = finish(whole_run(tmp_path)).events
    for verbose in (False, True):
        for line in table(events, folder="reports/out/", verbose=verbose):
            assert len(line.text) <= WIDTH
            assert not list(leaks(line.text))


def test_the_claims_that_conform_are_told_in_words_on_request(tmp_path: Path) -> None:
    events = finish(whole_run(tmp_path)).events

    assert "ready, no restart" not in "".join(line.text for line in table(events))
    run = finish(whole_run(tmp_path))
    run.events = [event for event in run.events if "Killed" not in str(event)]
    assert "payment failed" in "".join(line.text for line in table(run.events, verbose=True))


def test_a_killed_run_has_a_table(tmp_path: Path) -> None:
    text = "\n".join(line.text for line in table(whole_run(tmp_path).events))

    assert "R000_22  UNKNOWN" in text
    assert "R000_38  VIOLATED" in text
