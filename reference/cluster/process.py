"""A local process in a session of its own that cannot outlive this one, and the log of its output."""

from __future__ import annotations

import asyncio
import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

PR_SET_PDEATHSIG = 1
_CHUNK = 65536

Output = Callable[[bytes], None]

_libc = ctypes.CDLL(None, use_errno=True)


def stamp(nanoseconds: int | None = None) -> str:
    """Return a time (now by default) as RFC 3339 with nine decimals, the way container logs carry it."""
    seconds, fraction = divmod(time.time_ns() if nanoseconds is None else nanoseconds, 1_000_000_000)
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
        if lines:
            head = stamp().encode() + b" "
            self._file.write(b"".join(head + line + b"\n" for line in lines))
            self._announce()

    def close(self) -> None:
        """Keep a last line that had no end, and tell the followers that nothing more will come."""
        if not self.closed:
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


def _bind_life_to(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        _libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above: nobody would ever end this process
            os._exit(1)

    return prepare


class Process:
    """A running command; `exited` resolves to its exit code, 128 + n when signal n ended it."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str], folder: Path, output: Output) -> None:
        """Start it; raises OSError or ValueError when it cannot be started."""
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = loop.create_future()
        self._output = output
        self._pipe, writing = os.pipe()
        try:
            self._popen = subprocess.Popen(
                command, env=variables, cwd=folder, stdin=subprocess.DEVNULL, stdout=writing, stderr=writing,
                start_new_session=True, preexec_fn=_bind_life_to(os.getpid()),
            )  # fmt: skip
        except (OSError, ValueError):
            os.close(self._pipe)
            raise
        finally:
            os.close(writing)
        os.set_blocking(self._pipe, False)
        self._pidfd = os.pidfd_open(self._popen.pid)
        loop.add_reader(self._pipe, self._read)
        loop.add_reader(self._pidfd, self._end)

    async def wait(self, seconds: float | None = None) -> bool:
        """Wait for the end, at most so long; tells whether it came."""
        await asyncio.wait({self.exited}, timeout=seconds)
        return self.exited.done()

    def terminate(self) -> None:
        """Ask the process itself to end, as a container runtime asks the first process of a container."""
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)

    def kill(self) -> None:
        """End the process and everything that it started in its session."""
        if not self.exited.done():
            self._kill_group()

    def _kill_group(self) -> None:
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._popen.pid, signal.SIGKILL)

    def _read(self) -> bool:
        try:
            data = os.read(self._pipe, _CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._output(data)
        else:
            asyncio.get_running_loop().remove_reader(self._pipe)
        return bool(data)

    def _end(self) -> None:
        loop = asyncio.get_running_loop()
        self._kill_group()  # before the wait: until then the number cannot belong to anybody else
        code = self._popen.wait()
        while self._read():
            pass
        loop.remove_reader(self._pipe)
        loop.remove_reader(self._pidfd)
        os.close(self._pipe)
        os.close(self._pidfd)
        self.exited.set_result(code if code >= 0 else 128 - code)
