"""How pytest-xdist distributes scenarios: those of a feature go to one worker, one after the other."""

from __future__ import annotations

from collections.abc import Callable
from functools import cached_property
from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling  # type: ignore[import-untyped]


class FeatureScheduling(LoadScopeScheduling):  # type: ignore[misc]  # pytest-xdist has no types
    """Distributes groups of scenarios, and other tests one by one; what crashed a worker is not tried on another."""

    def __init__(self, config: pytest.Config, log: Any, together: Callable[[], dict[str, str]]) -> None:
        super().__init__(config, log)
        self._told = together

    @cached_property
    def _together(self) -> dict[str, str]:
        return self._told()

    def _split_scope(self, nodeid: str) -> str:
        return self._together.get(nodeid, nodeid)

    def remove_node(self, node: Any) -> str | None:
        """Give what a worker has left undone to the others; returns the test that it crashed in, if it did."""
        workload = self.assigned_work.pop(node)
        left = [(unit, nodeid) for unit in workload.values() for nodeid, done in unit.items() if not done]
        if not left:
            return None
        unit, crashed = left[0]
        unit[crashed] = True
        self.workqueue.update({scope: unit for scope, unit in workload.items() if not all(unit.values())})
        for other in self.assigned_work:
            self._reschedule(other)
        return str(crashed)
