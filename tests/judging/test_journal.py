"""The journal keeps what happened, redacted, in order, whatever comes next."""

from __future__ import annotations

import json
import threading
from datetime import datetime
from pathlib import Path

import pytest

from judging.evidence import Evidence
from judging.findings import Judge, Violation, finding_from
from judging.journal import Event, Journal, read_journal
from judging.redaction import Redaction


@pytest.fixture
def journal(tmp_path: Path) -> Journal:
    return Journal(tmp_path / "journal.jsonl", Redaction())


def test_a_line_is_written_at_once_and_told(journal: Journal) -> None:
    heard: list[Event] = []
    journal.subscribe(heard.append)
    written = journal.record("fault", fault="outage", phase="planned", detail=Path("a"))
    assert list(written) == ["n", "at", "t", "event", "fault", "phase", "detail"]
    assert read_journal(journal.path) == heard == [written]
    assert written["at"].endswith("Z")
    assert datetime.fromisoformat(written["at"]).utcoffset() is not None
    assert written["detail"] == "a"


def test_secrets_are_taken_out(journal: Journal) -> None:
    written = journal.record("observation", value="card 4111 1111 1111 1111", data={"password": "x"})
    assert "4111 1111" not in journal.path.read_text()
    assert "redacted" in written["value"]
    assert written["data"]["password"] != "x"


def test_a_line_cut_short_is_left_out(journal: Journal) -> None:
    journal.record("one")
    with journal.path.open("a") as file:
        file.write('{"n": 2, "event": "tw')
    assert [each["event"] for each in read_journal(journal.path)] == ["one"]


def test_lines_of_many_threads_do_not_mix(journal: Journal) -> None:
    def write() -> None:
        for _ in range(50):
            journal.record("observation", value="x" * 500)

    threads = [threading.Thread(target=write) for _ in range(4)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    assert [each["n"] for each in read_journal(journal.path)] == list(range(1, 201))


def test_the_judge_accuses_in_the_journal_first(journal: Journal) -> None:
    kept = Evidence("order", "evidence/1.json", "ab", "application/json")
    judge = Judge(journal, "test_x", ["R1", "R2"])
    judge.expect("one", "one", True, where="here")
    judge.turn_to(["R2"])
    with pytest.raises(Violation) as raised:
        judge.expect("one", "card 4111111111111111", False, where="here", evidence=[kept])
    held, broken = read_journal(journal.path)
    assert (held["claims"], broken["claims"]) == (["R1", "R2"], ["R2"])
    assert raised.value.finding == finding_from(broken)
    assert raised.value.finding.evidence == (kept,)
    assert "4111111111111111" not in str(raised.value)


def test_a_claim_that_the_tags_do_not_name_is_not_judged(journal: Journal) -> None:
    with pytest.raises(ValueError, match="R3"):
        Judge(journal, "test_x", ["R1"]).turn_to(["R3"])


def test_an_observation_can_be_shown_again(journal: Journal) -> None:
    seen = Judge(journal, "test_x", ["R1"]).observe("status", "406", source="API", seconds=0.5)
    Judge(journal, "test_y", ["R2"]).repeat(seen)
    first, second = read_journal(journal.path)
    assert (first["replayed"], second["replayed"]) == (False, True)
    assert (first["scenario"], second["scenario"]) == ("test_x", "test_y")
    assert first["seconds"] == second["seconds"] == 0.5
    assert json.dumps(first["value"]) == json.dumps(second["value"])
