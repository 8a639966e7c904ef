"""Ctrl-C, SIGTERM and SIGHUP: heard at once, obeyed where nothing is left half done.

What a signal handler raises may come while a library holds a lock, for which whoever tidies up afterwards then waits
for ever, or in a finaliser, which swallows it. So a signal is only noted, and raised where the suite looks at something
or begins a step. Whoever waits inside a library is woken a little later: nobody waits there with such a lock.
"""

from __future__ import annotations

import os
import signal
import threading
from collections.abc import Callable
from types import FrameType

HEARD = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)
INSISTS_AFTER = 2.0  # seconds that a library may be at work after a signal


class _Signals:
    """The signals that end this process's run in order."""

    def __init__(self, insists_after: float) -> None:
        self._insists_after = insists_after
        self._heard: signal.Signals | None = None
        self._raised = self._insisting = False
        self._over = threading.Event()
        self._listening, self._told = os.pipe()
        self._before = {each: old for each in HEARD if (old := signal.getsignal(each)) is not signal.SIG_IGN}
        for each in self._before:
            signal.signal(each, self._hear)
        if insists_after:
            threading.Thread(target=self._insist, daemon=True, name="interrupts").start()

    def obey(self, *, again: bool = False) -> None:
        """Raise what was heard, once; *again* where it cannot have gone as far as it should."""
        if self._heard and (again or not self._raised):
            self._raised = True
            raise KeyboardInterrupt(self._heard.name)

    def give_back(self) -> None:
        """Put the old handlers back."""
        global _signals
        _signals = None
        for each, handler in self._before.items():
            signal.signal(each, handler)
        self._over.set()
        os.close(self._told)

    def _hear(self, number: int, _: FrameType | None) -> None:
        if self._heard is None:
            self._heard = signal.Signals(number)
            os.write(self._told, b".")
        if self._insisting or not self._insists_after:
            self.obey()

    def _insist(self) -> None:
        heard = os.read(self._listening, 1)
        os.close(self._listening)
        if heard and self._heard and not self._over.wait(self._insists_after) and not self._raised:
            self._insisting = True
            signal.pthread_kill(threading.main_thread().ident or 0, self._heard)


_signals: _Signals | None = None


def end_on_signals(insists_after: float = INSISTS_AFTER) -> Callable[[], None]:
    """From now on Ctrl-C, SIGTERM and SIGHUP end the run in order; returns what puts the old handlers back.

    A run that looks at nothing by itself, as one of several workers does not, obeys at once: after 0 seconds.
    """
    global _signals
    if threading.current_thread() is not threading.main_thread():
        return lambda: None
    _signals = _Signals(insists_after)
    return _signals.give_back


def obey() -> None:
    """KeyboardInterrupt where a signal was heard; only once, so that what is put back then is not interrupted again."""
    if _signals:
        _signals.obey()


def obey_again() -> None:
    """The same where a run that was interrupted cannot have come: something has swallowed it."""
    if _signals:
        _signals.obey(again=True)
