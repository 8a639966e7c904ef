"""A plug-in by which the suite's own clock goes wrong by `SKEW` seconds; the stack's does not."""

from __future__ import annotations

import os
import pkgutil
import sys
from datetime import datetime, timedelta, tzinfo
from importlib import import_module

import pytest

import fixtures

SKEW = timedelta(seconds=float(os.environ["SKEW"]))


class _Clock(type):
    def __instancecheck__(cls, it: object) -> bool:
        return isinstance(it, datetime)


class Skewed(datetime, metaclass=_Clock):
    """What the time is to a machine whose clock is wrong."""

    @classmethod
    def now(cls, tz: tzinfo | None = None) -> datetime:
        """The wrong time."""
        return datetime.now(tz) + SKEW


@pytest.fixture(scope="session", autouse=True)
def skewed() -> None:
    """Set the clock of everything that enacts, loads, judges and looks, before any of it has begun."""
    for found in pkgutil.walk_packages(fixtures.__path__, "fixtures."):
        if not found.name.endswith("__main__"):
            import_module(found.name)
    for name, module in list(sys.modules.items()):
        if name.startswith(("fixtures.", "judging.")) and getattr(module, "datetime", None) is datetime:
            module.datetime = Skewed  # type: ignore[attr-defined]
