"""Runs of the whole suite in a process of their own, and what they leave behind."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fixtures.waiting import eventually

ROOT = Path(__file__).parents[2]
FEATURE = "features/sock_shop/recovery.feature"
PATIENCE = 60.0  # seconds for one run


@dataclass(frozen=True)
class Run:
    """What a run has told and left behind."""

    code: int
    out: str
    err: str
    reports: Path

    @property
    def journal(self) -> list[dict[str, Any]]:
        return read(self.reports)

    @property
    def waited(self) -> float:
        """Seconds from the beginning of the first scenario to the last event; the start of Python is left out."""
        times = [event["t"] for event in self.journal]
        return times[-1] - times[0] if times else 0.0

    @property
    def phases(self) -> list[str]:
        """What happened to faults, in order."""
        return [event["phase"] for event in self.journal if event["event"] == "fault"]

    @property
    def verdicts(self) -> set[str]:
        return {event["verdict"] for event in self.journal if event["event"] == "scenario_finished"}

    @property
    def messages(self) -> list[str]:
        """What is told of each scenario."""
        return [event["message"] for event in self.journal if event["event"] == "scenario_finished"]

    @property
    def claims(self) -> dict[str, str]:
        """The verdict on each claim that was judged."""
        return {name: verdict for name, (verdict, _) in self._judged().items()}

    @property
    def reasons(self) -> dict[str, str]:
        """Why, of each."""
        return {name: reason for name, (_, reason) in self._judged().items()}

    def _judged(self) -> dict[str, tuple[str, str]]:
        found = json.loads((self.reports / "statement.json").read_text())["claims"]
        return {claim["id"]: (claim["verdict"], claim["reason"]) for claim in found if claim["verdict"]}

    def leaves_unjudged(self, unsupported: set[str]) -> None:
        """It is green, and left exactly these claims unjudged."""
        found = self.claims
        assert {name for name, verdict in found.items() if verdict == "UNSUPPORTED"} == unsupported, self.out
        assert {found[name] for name in found.keys() - unsupported} <= {"CONFORMS", "KNOWN"}, self.out
        assert self.code == 0

    @property
    def shown(self) -> set[str]:
        """The statuses that Allure shows."""
        results = (self.reports / "allure-results").glob("*-result.json")
        return {json.loads(result.read_text())["status"] for result in results}


def read(reports: Path) -> list[dict[str, Any]]:
    """The events that a run has written so far; a line that is still being written is left out."""
    journal = reports / "journal.jsonl"
    text = journal.read_text() if journal.exists() else ""
    return [json.loads(line) for line in text.splitlines(keepends=True) if line.endswith("\n")]


class Running:
    """A run of the suite; *root* is where the project is."""

    def __init__(self, reports: Path, *options: str, root: Path = ROOT, env: Mapping[str, str] | None = None) -> None:
        self.reports = reports
        fixed = ["-p", "no:cacheprovider", f"--reports={reports}"]
        self._process = subprocess.Popen(
            [sys.executable, "-m", "pytest", *fixed, *options], cwd=root, env={**os.environ, **(env or {})},
            stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, start_new_session=True,
        )  # fmt: skip

    def until(self, **wanted: str) -> None:
        """Wait for an event of the journal with these values."""

        def happened() -> bool:
            assert self._process.poll() is None, self.end().out
            return any(wanted.items() <= event.items() for event in read(self.reports))

        eventually(f"the run comes to {wanted}", happened, within=PATIENCE, every=0.01)

    def interrupt(self, number: signal.Signals) -> None:
        """Ctrl-C goes to all processes of a terminal, any other signal to the run alone."""
        send = os.killpg if number is signal.SIGINT else os.kill
        send(self._process.pid, number)

    def end(self, patience: float = PATIENCE) -> Run:
        """Wait for the end of the run, at most so many seconds."""
        try:
            out, err = self._process.communicate(timeout=patience)
        finally:
            self._process.kill()
        return Run(self._process.returncode, out, err, self.reports)


def run(
    reports: Path,
    *options: str,
    root: Path = ROOT,
    env: Mapping[str, str] | None = None,
    patience: float = PATIENCE,
) -> Run:
    """One run of the suite from beginning to end."""
    return Running(reports, *options, root=root, env=env).end(patience)


def profile(folder: Path, kubeconfig: Path | str, *changes: tuple[str, str]) -> Path:
    """A profile of one's own for a running cluster: the embedded one's, with some words replaced."""
    lines = (ROOT / "stacks" / "embedded.toml").read_text().splitlines()
    text = "\n".join(f'kubeconfig = "{kubeconfig}"' if line.startswith("start =") else line for line in lines)
    for old, new in changes:
        assert old in text, old
        text = text.replace(old, new)
    path = folder / "mine.toml"
    path.write_text(text)
    return path
