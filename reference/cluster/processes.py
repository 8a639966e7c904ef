"""A container's process and the log of what it writes, and commands that are run beside it."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import fcntl
import os
import pty
import signal
import subprocess
import termios
import time
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

Output = Callable[[bytes], None]

_PR_SET_PDEATHSIG = 1
_CHUNK = 65536
_libc = ctypes.CDLL(None, use_errno=True)


def stamp(nanoseconds: int) -> str:
    """Return a time as RFC 3339 with nine decimals, the way container logs carry it."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:09d}Z"


class Log:
    """What one run of a container wrote: a file of lines, each with its time in front."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.closed = path, False
        self._file = path.open("ab", buffering=0)
        self._begun = b""
        self._grown = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """Take output as it comes; a line counts when it is complete."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        head = stamp(time.time_ns()).encode() + b" "
        self._file.write(b"".join(head + line + b"\n" for line in lines))
        self._announce()

    def close(self) -> None:
        """Keep a last line that had no end, and tell the followers that nothing more will come."""
        if self._begun:
            self.feed(b"\n")
        self.closed = True
        self._file.close()
        self._announce()

    async def grown(self) -> None:
        """Wait until there is more to read, or the log is closed."""
        if not self.closed:
            await self._grown.wait()

    def _announce(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()


def _prepared(parent: int, terminal: bool) -> Callable[[], None]:
    """Return what a child does before it runs its command: it binds its life to its parent's."""

    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above: nobody would ever end this process
            os._exit(1)
        if terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    return prepare


class Place(Protocol):
    """Where a container's process runs, and the commands beside it."""

    environment: dict[str, str]
    folder: Path


class Process:
    """A running command in a session of its own; `exited` resolves to its code, 128 + n when signal n ended it."""

    def __init__(self, words: Sequence[str], place: Place, outputs: Sequence[Output], stdin: int, tty: bool) -> None:
        """Start it; what it writes goes to one output, or to one for stdout and one for stderr.

        Raises OSError or ValueError when it cannot be started.
        """
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = loop.create_future()
        pipes = [pty.openpty()] if tty else [os.pipe() for _ in outputs]
        self._outputs = {reading: output for (reading, _), output in zip(pipes, outputs, strict=True)}
        try:
            self._popen = subprocess.Popen(
                words, env=place.environment, cwd=place.folder, stdin=pipes[0][1] if tty else stdin,
                stdout=pipes[0][1], stderr=pipes[-1][1], start_new_session=True, preexec_fn=_prepared(os.getpid(), tty),
            )  # fmt: skip
        except (OSError, ValueError):
            for reading in self._outputs:
                os.close(reading)
            raise
        finally:
            for _, writing in pipes:
                os.close(writing)
        self.stdin = os.fdopen(os.dup(pipes[0][0]), "wb", buffering=0) if tty else self._popen.stdin
        for reading in self._outputs:
            os.set_blocking(reading, False)
            loop.add_reader(reading, self._read, reading)
        self._pidfd = os.pidfd_open(self._popen.pid)
        loop.add_reader(self._pidfd, self._end)

    async def stop(self, grace: float) -> None:
        """Ask the process itself to end, and end all that it started when the grace (seconds) is over."""
        with contextlib.suppress(ProcessLookupError):
            if not self.exited.done():
                signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
        await asyncio.wait({self.exited}, timeout=grace)
        self.kill()
        await asyncio.wait({self.exited})

    def kill(self, *_: object) -> None:
        """End the process and everything that it started in its session, unless it is over."""
        with contextlib.suppress(ProcessLookupError):
            if not self.exited.done():
                os.killpg(self._popen.pid, signal.SIGKILL)

    def _read(self, reading: int) -> bool:
        try:
            data = os.read(reading, _CHUNK)
        except BlockingIOError:
            return False
        except OSError:  # the end of a terminal
            data = b""
        if data:
            self._outputs[reading](data)
        else:
            asyncio.get_running_loop().remove_reader(reading)
        return bool(data)

    def _end(self) -> None:
        loop = asyncio.get_running_loop()
        self.kill()  # before the wait: until then the number cannot belong to anybody else
        code = self._popen.wait()
        for reading in self._outputs:
            while self._read(reading):
                pass
            loop.remove_reader(reading)
            os.close(reading)
        loop.remove_reader(self._pidfd)
        os.close(self._pidfd)
        self.exited.set_result(code if code >= 0 else 128 - code)


def unstartable(words: Sequence[str], error: Exception) -> str:
    """Return why a command could not be started, in the words of a container runtime."""
    missing = isinstance(error, FileNotFoundError)
    told = str(getattr(error, "strerror", None) or error).lower()
    told = "executable file not found in $PATH" if missing else told
    return f'unable to start container process: exec: "{" ".join(words[:1])}": {told}: unknown'
