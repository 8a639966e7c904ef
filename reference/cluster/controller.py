"""What all controllers share: whatever changed is looked at once, soon, by key."""

from __future__ import annotations

import asyncio
import logging

from reference.cluster.registry import Registry
from reference.cluster.store import Change, Key

RETRY_SECONDS = 1.0


class Controller:
    """Hears every change, marks the keys that it concerns, and reconciles each of them once."""

    def __init__(self, registry: Registry) -> None:
        self.registry, self.store = registry, registry.store
        self._loop = asyncio.get_running_loop()
        self._marked: dict[Key, None] = {}
        self.store.listen(self.heard)

    def heard(self, change: Change) -> None:
        """Mark what this change concerns."""
        raise NotImplementedError

    def reconcile(self, key: Key) -> None:
        """Bring what this key stands for nearer to what is wanted."""
        raise NotImplementedError

    def mark(self, key: Key) -> None:
        """Have *key* reconciled as soon as the current callback is over."""
        if not self._marked:
            self._loop.call_soon(self._work)
        self._marked[key] = None

    def _work(self) -> None:
        marked, self._marked = self._marked, {}
        for key in marked:
            try:
                self.reconcile(key)
            except Exception:  # one object that cannot be handled must not stop the others
                logging.getLogger(__name__).exception("reconciling %s failed", "/".join(key))
                self._loop.call_later(RETRY_SECONDS, self.mark, key)
