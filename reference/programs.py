"""Other programs: run within a deadline, their output kept, their failure told by what they said last."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import contextmanager, suppress
from pathlib import Path
from threading import Event, current_thread, main_thread
from typing import IO, Any, TypeVar

from reference.refusal import CannotRun

Outcome = TypeVar("Outcome")
UNMOUNT_SECONDS = 10
_BEGAN = time.monotonic()
_running: set[subprocess.Popen[bytes]] = set()
_ending = Event()  # of the work beside a block that has failed


class Failed(Exception):
    """A program failed; `output` is everything that it wrote."""

    def __init__(self, words: Sequence[str | Path], why: str, output: str) -> None:
        self.command, self.why = " ".join([Path(words[0]).name, *map(str, words[1:2])]), why
        self.output = output.strip()
        super().__init__(f"'{self.command}' {why}: {self.last}" if self.output else f"'{self.command}' {why}")

    @property
    def last(self) -> str:
        """The line that says most about a failure: the last one that speaks of an error, else the last one."""
        lines = [line.strip() for line in self.output.splitlines() if line.strip()] or [""]
        return next((line for line in reversed(lines) if line.upper().startswith(("ERROR", "E:"))), lines[-1])


def run(
    words: Sequence[str | Path],
    deadline: float,
    *,
    folder: Path | None = None,
    environment: Mapping[str, str] | None = None,
    stdin: IO[bytes] | bytes | None = None,
    stdout: IO[bytes] | None = None,
) -> str:
    """Run a program to its end within so many seconds and return what it wrote; raises Failed."""
    text = stdin if isinstance(stdin, bytes) else None
    streams: dict[str, Any] = {
        "stdin": subprocess.PIPE if text is not None else stdin if stdin is not None else subprocess.DEVNULL,
        "stdout": stdout or subprocess.PIPE,
        "stderr": subprocess.PIPE if stdout else subprocess.STDOUT,
    }
    with started(words, environment, cwd=folder, **streams) as process:
        try:
            written, complained = _communicate(process, text, deadline)
        except subprocess.TimeoutExpired:
            end_group(process)
            raise Failed(words, f"had not finished after {deadline:.0f} s", _rest(process)) from None
    output = (complained if stdout else written).decode(errors="replace")
    if process.returncode:
        raise Failed(words, f"ended with {process.returncode}", output)
    return output


@contextmanager
def started(
    words: Sequence[str | Path], environment: Mapping[str, str] | None = None, **how: Any
) -> Iterator[subprocess.Popen[bytes]]:
    """Start a program in a session of its own and kill what is left of it afterwards; raises Failed."""
    _must_go_on(words)
    command = [str(word) for word in words]
    try:
        process = subprocess.Popen(command, env=os.environ | (environment or {}), start_new_session=True, **how)
    except OSError as error:
        raise Failed(words, f"cannot be run: {error.strerror}", "") from None
    _running.add(process)
    try:
        _must_go_on(words)  # whoever ended the others meanwhile did not know of this one
        yield process
    except BaseException:
        end_group(process)  # its children, too, where it has ended itself
        raise
    else:
        if process.poll() is None:
            end_group(process)
    finally:
        _running.discard(process)


def _must_go_on(words: Sequence[str | Path]) -> None:
    if _ending.is_set() and current_thread() is not main_thread():
        raise Failed(words, "was not needed any more", "")


def _communicate(process: subprocess.Popen[bytes], text: bytes | None, deadline: float) -> tuple[bytes, bytes]:
    """Wait for its end; who watches on a terminal sees the seconds go by."""
    watched = sys.stdout.isatty() and current_thread() is main_thread()
    began = time.monotonic()
    while True:
        left = began + deadline - time.monotonic()
        try:
            written: tuple[bytes, bytes] = process.communicate(text, min(left, 1) if watched else left)
        except subprocess.TimeoutExpired:
            if left <= 1 or not watched:
                raise
            text = None
            print(f"\r  {time.monotonic() - began:.0f} s", end="", flush=True)
            continue
        if watched:
            print("\r\033[K", end="", flush=True)
        return written


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Kill a program that was started in a session of its own, with all its children."""
    with suppress(ProcessLookupError):
        os.killpg(process.pid, signal.SIGKILL)
    process.wait()


@contextmanager
def ending_on_signals() -> Iterator[None]:
    """SIGTERM and SIGHUP end it as Ctrl-C does: programs that run are killed, and what was begun is taken back."""

    def end(number: int, frame: object) -> None:
        _end_running()
        raise SystemExit(128 + number)

    before = {number: signal.signal(number, end) for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


@contextmanager
def beside(work: Callable[[], Outcome]) -> Iterator[Future[Outcome]]:
    """Do some work beside the block; when the block fails, the work's programs are killed and it begins no more."""
    _ending.clear()
    with ThreadPoolExecutor(1) as pool:
        try:
            yield pool.submit(work)
        except BaseException:
            _ending.set()
            _end_running()
            raise


def _end_running() -> None:
    for process in list(_running):
        with suppress(ProcessLookupError):
            os.killpg(process.pid, signal.SIGKILL)


def _rest(process: subprocess.Popen[bytes]) -> str:
    written, complained = process.communicate()
    return ((written or b"") + (complained or b"")).decode(errors="replace")


@contextmanager
def refusing(error_id: str, cause: str, remedy: str, log: Path | None = None) -> Iterator[None]:
    """Turn the failure of a program into a refusal; its whole output goes into the log."""
    try:
        yield
    except Failed as failed:
        if log:
            log.parent.mkdir(parents=True, exist_ok=True)
            log.write_text(failed.output)
        raise CannotRun(error_id, f"{cause}: {failed}", f"{remedy}; see {log}" if log else remedy) from None


def remove(folder: Path) -> None:
    """Remove a folder, and before that whatever is mounted in it."""
    mounted = [line.split()[4] for line in Path("/proc/self/mountinfo").read_text().splitlines()]
    for place in sorted((place for place in mounted if place.startswith(f"{folder}/")), reverse=True):
        with suppress(Failed):
            run(["umount", "--lazy", place], UNMOUNT_SECONDS)
    shutil.rmtree(folder, ignore_errors=True)


def say(step: str) -> None:
    """Tell the person who waits what is being done."""
    print(f"{time.monotonic() - _BEGAN:6.1f} s → {step}", flush=True)


def soon(look: Callable[[], object], seconds: float) -> bool:
    """Look until it is so; False when it is not within so many seconds."""
    deadline, pace = time.monotonic() + seconds, Event()
    while not look():
        if time.monotonic() > deadline:
            return False
        pace.wait(0.05)
    return True
