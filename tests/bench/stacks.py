"""Plays INCIDENT-6 on each stack that is there, and prints its wall beside the time that the stack itself needed."""

from __future__ import annotations

import json
import os
import resource
import subprocess
import sys
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from judging.journal import read_journal
from tests.bench.clocks import API, BOOKS, CALLS, CHECKOUTS, LOADS, PAGES, PATH, PICTURES
from tests.bench.intervals import Interval, clipped, covered, shares
from tests.bench.reactions import ENDPOINTS, READY, STOP

ROOT = Path(__file__).parents[2]
KIND = ROOT / ".stack" / "kind" / "kubeconfig"
SHOP, STORY = "features/sock_shop", "whole_story"
WITHIN = 300  # seconds for one run
TURNS = 3
STACK = (STOP, READY, ENDPOINTS, CHECKOUTS, PAGES, CALLS, LOADS)
LOOKING = (API, BOOKS, PICTURES)
WALL, RATIO = {"kind": "20 at most, 10 the goal"}, "1.5 at most, 1.10 the goal"


class NoFigures(Exception):
    """A run that failed, or whose clocks missed something: its figures would say nothing."""


@dataclass(frozen=True)
class Played:
    """The story played once: from its first sentence to the end of its last one."""

    began: float
    ended: float
    intervals: Sequence[Interval]
    processor: float = 0.0  # seconds that the run and what it has started were at work, from Enter to the end

    @property
    def wall(self) -> float:
        """Seconds that the story took."""
        return self.ended - self.began

    def parts(self, kinds: Sequence[str]) -> dict[str, float]:
        """What each kind of work adds to the seconds that the kinds before it cover."""
        return shares(clipped(self.intervals, self.began, self.ended), kinds)

    @property
    def stack(self) -> float:
        """Seconds in which the stack itself was at work."""
        inside = clipped(self.intervals, self.began, self.ended)
        return covered(each for each in inside if each.kind in STACK)

    @property
    def ratio(self) -> float:
        """How many times as long as the stack itself needed the story took."""
        return self.wall / self.stack


def main(kubeconfig: str = "") -> None:
    """Play the story on the embedded stack, and on KIND where it is up, and print what it took."""
    for stack, options in _there(kubeconfig):
        try:
            turns = sorted((_play(options) for _ in range(TURNS)), key=lambda played: played.ratio)
        except NoFigures as failure:
            sys.exit(f"{stack}: {failure}")
        _print(stack, turns)


def _there(kubeconfig: str) -> list[tuple[str, list[str]]]:
    found: list[tuple[str, list[str]]] = [("embedded", ["--stack=embedded"])]
    named = kubeconfig or (str(KIND) if KIND.is_file() else "")
    return [*found, ("kind", ["--stack=kind", f"--kubeconfig={named}"])] if named else found


def _play(options: list[str]) -> Played:
    with tempfile.TemporaryDirectory() as folder:
        told, reports = Path(folder) / "clocks.json", Path(folder) / "reports"
        command = [sys.executable, "-m", "pytest", "-q", "-p", "tests.bench.clocks", "-k", STORY, SHOP, *options]
        worked = _processor()
        ended = subprocess.run(
            [*command, f"--reports={reports}"], cwd=ROOT, env=os.environ | {PATH: str(told)}, capture_output=True,
            text=True, timeout=WITHIN, check=False,
        )  # fmt: skip
        if ended.returncode:
            raise NoFigures(f"the run failed, so it has no figures:\n{ended.stdout[-2000:]}{ended.stderr[-1000:]}")
        clocks, events = json.loads(told.read_text()), read_journal(reports / "journal.jsonl")
    if clocks["unseen"]:
        raise NoFigures(f"the watches have not told: {'; '.join(clocks['unseen'])}")
    steps = [datetime.fromisoformat(event["at"]).timestamp() for event in events if event["event"].startswith("step_")]
    return Played(steps[0], steps[-1], [Interval(**each) for each in clocks["intervals"]], _processor() - worked)


def _processor() -> float:
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    return used.ru_utime + used.ru_stime


def _print(stack: str, turns: list[Played]) -> None:
    """The middle one of the turns, by ratio: noise of the machine makes single ones say little."""
    middle = turns[len(turns) // 2]
    parts, others = middle.parts(STACK), middle.parts((*STACK, *LOOKING))
    walls = [played.wall for played in turns]
    rows = [
        ("wall, first sentence to last", middle.wall, WALL.get(stack, "")),
        ("the stack's own time (union)", middle.stack, ""),
        *((f"  {kind}", parts[kind], "") for kind in STACK),
        ("the suite's own", middle.wall - middle.stack, ""),
        *((f"  {kind}", others[kind], "") for kind in LOOKING),
        ("  the browser's and Python's work", middle.wall - sum(others.values()), ""),
        ("wall / stack", middle.ratio, RATIO),
        ("processor time of the whole run", middle.processor, ""),
    ]
    print(f"\n{f'INCIDENT-6 on {stack}':44}{'seconds':>8}  at most")
    for name, figure, goal in rows:
        print(f"{name:44}{figure:8.2f}  {goal}".rstrip())
    spread = f"walls {min(walls):.1f}–{max(walls):.1f} s, ratios {turns[0].ratio:.2f}–{turns[-1].ratio:.2f}"
    print(f"the middle one of {len(turns)} by ratio; {spread}")


if __name__ == "__main__":
    main(*sys.argv[1:2])  # the kubeconfig of a cluster to take for KIND's
