"""A report that is given the earlier runs shows them, whatever state their file is in."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest
from playwright.sync_api import Page

from reports.history import RUNS
from tests.reports.journals import finish, whole_run

pytestmark = pytest.mark.usefixtures("allure")
ROOT = Path(__file__).parents[2]
SCENARIO = "Payment stays healthy"


def report(out: Path, history: Path) -> subprocess.CompletedProcess[str]:
    """Make the report of a run that is named after its folder."""
    run = finish(whole_run(out))
    run.events[0]["run"] = out.name
    run.written()
    command = [sys.executable, "-m", "reports", str(out), "--history", str(history)]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)


def runs(history: Path) -> int:
    return len([json.loads(line) for line in history.read_text("utf-8").splitlines()])


def test_the_second_report_shows_the_first_run(tmp_path: Path, page: Page) -> None:
    history = tmp_path / "kept" / "history.jsonl"
    for name in ("first", "second"):
        ended = report(tmp_path / name, history)
        assert ended.returncode == 0, ended.stderr
    assert runs(history) == 2

    for name, earlier in (("first", ""), ("second", "1")):
        page.goto((tmp_path / name / "allure.html").as_uri())
        page.get_by_text(SCENARIO, exact=True).first.click()
        tab = page.get_by_role("button", name="History")
        tab.wait_for(timeout=10_000)
        assert tab.inner_text().removeprefix("History").strip() == earlier
    page.goto((tmp_path / "second" / "allure.html").as_uri())
    page.get_by_role("button", name="Report").first.click()
    page.get_by_text("Graphs").first.click()
    page.get_by_text("Status dynamics").first.wait_for(timeout=10_000)
    assert page.get_by_text("Latest", exact=True).count() > 0


def test_a_report_made_again_is_no_run_of_its_own(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    for name in ("first", "second", "second"):
        assert report(tmp_path / name, history).returncode == 0

    assert runs(history) == 2


def test_what_a_killed_job_left_in_the_file_is_dropped(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    report(tmp_path / "first", history)
    whole = history.read_text("utf-8")
    history.write_text(f'no run\n[]\n{{"testResults": 7}}\n\n{whole}{whole[: len(whole) // 2]}', "utf-8")
    ended = report(tmp_path / "second", history)

    assert ended.returncode == 0
    assert "allure.html was not made" not in ended.stdout
    assert runs(history) == 2


def test_the_oldest_runs_are_let_go(tmp_path: Path) -> None:
    history = tmp_path / "history.jsonl"
    report(tmp_path / "first", history)
    run = json.loads(history.read_text("utf-8"))
    for number in range(RUNS):
        for each in run["testResults"].values():
            each["id"] = f"{number}"
        with history.open("a", encoding="utf-8") as file:
            file.write(json.dumps(run | {"timestamp": run["timestamp"] + number}) + "\n")
    report(tmp_path / "second", history)

    assert runs(history) == RUNS


@pytest.mark.parametrize("place", ["a file/history.jsonl", "folder"])
def test_a_history_that_cannot_be_kept_is_told(tmp_path: Path, place: str) -> None:
    (tmp_path / "a file").touch()
    (tmp_path / "folder").mkdir()
    ended = report(tmp_path / "first", tmp_path / place)

    assert ended.returncode == 4
    assert ended.stderr.startswith("E-HISTORY ")
    assert ended.stderr.splitlines()[1].startswith("remedy: ")
    assert len(ended.stderr.splitlines()) == 2
