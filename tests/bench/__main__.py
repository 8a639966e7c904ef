"""Prints the figures of one run beside calibrators of the same run: read the ratios, not the seconds."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import time
from datetime import datetime
from pathlib import Path

from judging.journal import Event, read_journal
from tests.bench import load, stacks

ROOT = Path(__file__).parents[2]
STORY = "test_the_whole_story"
WITHIN = 300  # seconds
FULL, LEAN = ["--evidence=full"], ["--evidence=minimal"]  # run as full, lean, lean, full: drift hits both alike


def main() -> None:
    """Run the calibrators and the suite, and print what they took."""
    with tempfile.TemporaryDirectory() as folder:
        bare = _bare_pytest(Path(folder))
        computed = _fixed_computation()
        runs = [_suite(Path(folder) / str(turn), options) for turn, options in enumerate((FULL, LEAN, LEAN, FULL))]
        events = read_journal(Path(folder) / "3" / "journal.jsonl")
    began, walls = runs[-1][0], [took for _, took in runs]
    wall, without = (walls[0] + walls[3]) / 2, (walls[1] + walls[2]) / 2
    story = _seconds_of(events, STORY)
    first = datetime.fromisoformat(next(e for e in events if e["event"] == "step_started")["at"]).timestamp() - began
    scenarios = sum(event["event"] == "scenario_finished" for event in events)
    rows = [
        ("calibrator: bare pytest, one empty test", bare, ""),
        ("calibrator: a fixed computation", computed, ""),
        ("INCIDENT-6 end to end (the whole story)", story, "8 now, 3 the goal"),
        ("the whole run, with full evidence", wall, "60"),
        ("the whole run, with minimal evidence", without, ""),
        ("from Enter to the first step", first, "3"),
    ]
    print(f"{'':44}{'seconds':>8}{'× bare':>8}  at most")
    for name, seconds, goal in rows:
        print(f"{name:44}{seconds:8.2f}{seconds / bare:8.1f}  {goal}")
    print(f"\n{'scenarios':44}{scenarios:8d}    {wall / scenarios:.2f} s each")
    print(f"{'evidence, share of the wall':44}{(wall - without) / wall:8.1%}    at most 10 %")
    print(f"{'the report as 360 s by hand / story':44}{360 / story:8.0f} times as fast")
    stacks.main(*sys.argv[1:2])
    print()
    load.main()


def _suite(reports: Path, options: list[str]) -> tuple[float, float]:
    """When the suite was started (seconds since the epoch), and the seconds it took."""
    began = time.time()
    command = [sys.executable, "-m", "pytest", "-q", f"--reports={reports}", *options]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN, check=False)
    took = time.time() - began
    if ended.returncode:
        sys.exit(f"the run failed, so its figures say nothing:\n{ended.stdout[-3000:]}{ended.stderr[-1000:]}")
    return began, took


def _bare_pytest(folder: Path) -> float:
    test = folder / "test_nothing.py"
    test.write_text("def test_nothing(): pass\n")
    began = time.monotonic()
    command = [sys.executable, "-m", "pytest", "-q", "-c", "/dev/null", "-p", "no:cacheprovider", str(test)]
    subprocess.run(command, cwd=folder, capture_output=True, timeout=WITHIN, check=True)
    return time.monotonic() - began


def _fixed_computation() -> float:
    began = time.monotonic()
    json.dumps([sum(range(number)) for number in range(3000)])
    return time.monotonic() - began


def _seconds_of(events: list[Event], scenario: str) -> float:
    ended = (event for event in events if event["event"] == "scenario_finished")
    return float(next(event["seconds"] for event in ended if event["scenario"].endswith(scenario)))


if __name__ == "__main__":
    main()
