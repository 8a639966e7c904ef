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
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Protocol

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


def _bind_life_to(parent: int, terminal: bool = False) -> Callable[[], None]:
    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above: nobody would ever end this process
            os._exit(1)
        if terminal:
            fcntl.ioctl(0, termios.TIOCSCTTY, 0)

    return prepare


class Process:
    """A running command in a session of its own; `exited` resolves to its code, 128 + n when signal n ended it."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str], folder: Path, log: Log) -> None:
        """Start it; raises OSError or ValueError when it cannot be started."""
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = loop.create_future()
        self._popen = subprocess.Popen(
            command, env=variables, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_bind_life_to(os.getpid()),
        )  # fmt: skip
        assert self._popen.stdout
        self._log, self._pipe = log, self._popen.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self._pidfd = os.pidfd_open(self._popen.pid)
        loop.add_reader(self._pipe, self._read)
        loop.add_reader(self._pidfd, self._end)

    async def stop(self, grace: float) -> None:
        """Ask the process itself to end, and end all that it started when the grace (seconds) is over."""
        with contextlib.suppress(ProcessLookupError):
            if not self.exited.done():
                signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
        await asyncio.wait({self.exited}, timeout=grace)
        self.kill()
        await asyncio.wait({self.exited})

    def kill(self) -> None:
        """End the process and everything that it started in its session, unless it is over."""
        with contextlib.suppress(ProcessLookupError):
            if not self.exited.done():
                os.killpg(self._popen.pid, signal.SIGKILL)

    def _read(self) -> bool:
        try:
            data = os.read(self._pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._log.feed(data)
        else:
            asyncio.get_running_loop().remove_reader(self._pipe)
        return bool(data)

    def _end(self) -> None:
        loop = asyncio.get_running_loop()
        self.kill()  # before the wait: until then the number cannot belong to anybody else
        code = self._popen.wait()
        while self._read():
            pass
        loop.remove_reader(self._pipe)
        loop.remove_reader(self._pidfd)
        self._pipe.close()
        os.close(self._pidfd)
        self._log.close()
        self.exited.set_result(code if code >= 0 else 128 - code)


class Place(Protocol):
    """Where a container runs: what a command beside it shares."""

    environment: dict[str, str]
    folder: Path


class Command:
    """A command run in the place of a container, with pipes or at a terminal; `outputs` are its channels 1 and 2."""

    def __init__(self, process: asyncio.subprocess.Process, write: Callable[[bytes], object]) -> None:
        self.process, self._write = process, write
        self.outputs = {n: each for n, each in ((1, process.stdout), (2, process.stderr)) if each}

    @classmethod
    async def start(cls, words: Sequence[str], place: Place, stdin: bool, tty: bool) -> Command:
        """Start it; raises OSError or ValueError when it cannot be started."""
        ours, theirs = pty.openpty() if tty else (-1, subprocess.PIPE)
        try:
            process = await asyncio.create_subprocess_exec(
                *words, env=place.environment, cwd=place.folder, stdin=theirs if stdin or tty else subprocess.DEVNULL,
                stdout=theirs, stderr=theirs, start_new_session=True, preexec_fn=_bind_life_to(os.getpid(), tty),
            )  # fmt: skip
        except (OSError, ValueError):
            if tty:
                os.close(ours)
            raise
        finally:
            if tty:
                os.close(theirs)
        if not tty:
            return cls(process, process.stdin.write if process.stdin else len)
        terminal = os.fdopen(ours, "r+b", buffering=0)
        command = cls(process, terminal.write)
        output = command.outputs[1] = asyncio.StreamReader()
        protocol = asyncio.StreamReaderProtocol(output)
        await asyncio.get_running_loop().connect_read_pipe(lambda: protocol, terminal)
        return command

    def take(self, channel: int, data: bytes) -> None:
        """Pass on what came for stdin (channel 0), or its end (channel 255)."""
        with contextlib.suppress(OSError, ValueError):
            if channel == 0:
                self._write(data)
            elif (channel, data) == (255, b"\0") and self.process.stdin:
                self.process.stdin.close()

    def end(self, *_: object) -> None:
        """End it with all that it started, unless it is over."""
        if self.process.returncode is None:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)


def unstartable(words: Sequence[str], error: Exception) -> str:
    """Return why a command could not be started, in the words of a container runtime."""
    missing = isinstance(error, FileNotFoundError)
    told = str(getattr(error, "strerror", None) or error).lower()
    told = "executable file not found in $PATH" if missing else told
    return f'unable to start container process: exec: "{" ".join(words[:1])}": {told}: unknown'
