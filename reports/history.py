"""Earlier runs, for the report's trend: a file that goes from run to run."""

from __future__ import annotations

import hashlib
import json
from pathlib import Path

from judging.refusal import Refusal

RUNS = 50  # that are kept


def earlier(history: Path, results: Path) -> str:
    """The runs before this one, a line each; no line that a killed run has left unfinished. Refusal E-HISTORY."""
    try:
        told = history.read_text(encoding="utf-8", errors="replace") if history.exists() else ""
    except OSError as error:
        raise _refusal(history, "read", error) from None
    names = (path.name.removesuffix("-result.json") for path in results.glob("*-result.json"))
    own = {hashlib.md5(name.encode(), usedforsecurity=False).hexdigest() for name in names}  # as Allure names them
    runs = {line: _results(line) for line in told.split("\n")}
    return "".join(f"{line}\n" for line, ids in runs.items() if ids and own.isdisjoint(ids))


def keep(history: Path, runs: str) -> None:
    """Write the file, whole or not at all; Refusal E-HISTORY."""
    part = history.with_name(f".{history.name}.part")
    try:
        history.parent.mkdir(parents=True, exist_ok=True)
        part.write_text(runs, encoding="utf-8")
        part.replace(history)
    except OSError as error:
        raise _refusal(history, "written", error) from None


def _results(line: str) -> set[str]:
    """The ids of a run's results; none where the line tells of no run."""
    try:
        return {each["id"] for each in json.loads(line)["testResults"].values()}
    except (ValueError, TypeError, LookupError, AttributeError):
        return set()


def _refusal(history: Path, what: str, error: OSError) -> Refusal:
    return Refusal("E-HISTORY", f"{history} cannot be {what}: {error.strerror}", "name a file that can: --history FILE")
