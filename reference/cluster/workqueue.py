"""Reconciling by key: what changed is looked at once, soon, and by nobody else meanwhile."""

from __future__ import annotations

import asyncio
import logging
from collections.abc import Callable

from reference.cluster.store import Key

RETRY_SECONDS = 1.0


class WorkQueue:
    """Calls `reconcile(key)` for every key marked since; a reconcile that raises is tried again later."""

    def __init__(self, reconcile: Callable[[Key], None]) -> None:
        self._reconcile = reconcile
        self._loop = asyncio.get_running_loop()
        self._marked: dict[Key, None] = {}

    def mark(self, key: Key) -> None:
        """Have *key* looked at as soon as the current callback is over."""
        if not self._marked:
            self._loop.call_soon(self._work)
        self._marked[key] = None

    def mark_later(self, key: Key, seconds: float) -> None:
        """Have *key* looked at after so many seconds."""
        self._loop.call_later(seconds, self.mark, key)

    def _work(self) -> None:
        marked, self._marked = self._marked, {}
        for key in marked:
            try:
                self._reconcile(key)
            except Exception:
                logging.getLogger(__name__).exception("reconciling %s failed", "/".join(key))
                self.mark_later(key, RETRY_SECONDS)
