"""Images that others have made: the engine has them already, or a registry answers, or there is none in reach."""

from __future__ import annotations

import subprocess
import threading
from collections.abc import Callable
from contextlib import suppress
from functools import cache
from pathlib import Path
from typing import IO

from reference.programs import Failed, refusing, run, say, started

PROBE_SECONDS, PULL_SECONDS, LOAD_SECONDS, ASK_SECONDS = 10, 900, 300, 30


def present(image: str) -> bool:
    """Whether the engine has that image."""
    try:
        run(["docker", "image", "inspect", "--format", "{{.Id}}", image], ASK_SECONDS)
    except Failed:
        return False
    return True


def available(published: str) -> bool:
    """Whether the engine has that image, or gets it from a registry now."""
    return present(published) or _pulled(published)


def chosen(published: str, built: str, archive: Callable[[Path], Path], log: Path) -> str:
    """The published image where the engine has it or a registry answers, else the one built from packages."""
    if present(built) and not present(published):
        return built
    if available(published):
        return published
    path = archive(log)
    say(f"loading {built}")
    with refusing("E-IMAGE-LOAD", f"the engine does not take {path}", "delete that file and try again", log):
        run(["docker", "load", "--input", path], LOAD_SECONDS)
    return built


@cache
def _out_of_reach() -> threading.Event:
    return threading.Event()


def _pulled(image: str) -> bool:
    """Pull it; False when no registry gives a first sign of life in time."""
    if _out_of_reach().is_set():
        return False
    lines: list[str] = []
    alive = threading.Event()

    def read(stream: IO[bytes]) -> None:
        for line in stream:
            lines.append(line.decode(errors="replace").strip())
            if "Pulling from" in lines[-1]:
                say(f"pulling {image}")
                alive.set()
        alive.set()

    streams = {"stdin": subprocess.DEVNULL, "stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    with started(["docker", "pull", image], {"LC_ALL": "C"}, **streams) as process:
        threading.Thread(target=read, args=(process.stdout,), daemon=True).start()
        alive.wait(PROBE_SECONDS)
        answered = any("Pulling from" in line for line in lines)
        with suppress(subprocess.TimeoutExpired):
            if answered and process.wait(PULL_SECONDS) == 0:
                return True
    _out_of_reach().set()
    why = (lines or [f"no answer within {PROBE_SECONDS} s"])[-1]
    say(f"no container registry in reach ({why[:120]}): what it would give is built from packages")
    return False
