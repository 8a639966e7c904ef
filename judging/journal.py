"""The journal: the append-only record of a run, one JSON object a line, redacted before it is written."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, is_dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, TextIO

from judging.redaction import Redaction

Event = dict[str, Any]


class Journal:
    """Writes events as they happen; each line is flushed, so that a killed run keeps what it saw."""

    def __init__(self, path: Path, redaction: Redaction, began: datetime | None = None) -> None:
        self.path = path
        self._redaction = redaction
        self._listeners: list[Callable[[Event], None]] = []
        self._began = began or datetime.now(UTC)
        self._started = time.monotonic() - (datetime.now(UTC) - self._began).total_seconds()
        self._lock = threading.RLock()
        self._file: TextIO | None = None
        self._lines = 0

    def record(self, event: str, **fields: object) -> Event:
        """Append one event and tell the listeners; returns it as written: numbered, dated and redacted."""
        with self._lock:
            return self._write(
                {
                    "n": self._lines + 1,
                    "at": datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z"),
                    "t": round(time.monotonic() - self._started, 6),
                    "event": event,
                    **self._redaction.data(_plain(fields)),
                }
            )

    def adopt(self, event: Event) -> Event:
        """Append an event that another journal has written: it keeps its date and gets a number of this journal."""
        with self._lock:
            since = (datetime.fromisoformat(event["at"]) - self._began).total_seconds()
            return self._write({**event, "n": self._lines + 1, "t": round(since, 6)})

    def _write(self, written: Event) -> Event:
        if self._file is None:
            self._file = self.path.open("a", encoding="utf-8")
        self._file.write(json.dumps(written, ensure_ascii=False) + "\n")
        self._file.flush()
        self._lines += 1
        for listener in self._listeners:
            listener(written)
        return written

    def subscribe(self, listener: Callable[[Event], None]) -> None:
        """From now on the listener gets each event as it was written."""
        self._listeners.append(listener)

    def close(self) -> None:
        """Close the file; a later event opens it again."""
        with self._lock:
            if self._file is not None:
                self._file.close()
                self._file = None


def read_journal(path: Path) -> list[Event]:
    """All events of a journal; a last line that was cut short by a kill is left out."""
    lines = path.read_text(encoding="utf-8", errors="replace").splitlines(keepends=True)
    return [json.loads(line) for line in lines if line.endswith("\n")]


def _plain(value: object) -> object:
    if is_dataclass(value) and not isinstance(value, type):
        return _plain(asdict(value))
    if isinstance(value, dict):
        return {str(key): _plain(each) for key, each in value.items()}
    if isinstance(value, (list, tuple, set, frozenset)):
        return [_plain(each) for each in value]
    return value if value is None or isinstance(value, (bool, int, float)) else str(value)
