"""A plug-in by which the suite's own clock goes wrong by `SKEW` seconds; the stack's does not."""

from __future__ import annotations

import os
import sys
from datetime import datetime, timedelta, tzinfo

import pytest

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
def skewed(stack: object, load: object, enact_otp_gateway: object) -> None:
    """Set the clock of everything that enacts, loads, judges and looks; it has been imported by now."""
    for name, module in list(sys.modules.items()):
        if name.startswith(("fixtures.", "judging.")) and getattr(module, "datetime", None) is datetime:
            module.datetime = Skewed  # type: ignore[attr-defined]
