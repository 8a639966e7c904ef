"""Builds FerretDB from its Go module, once a machine, with the machine's own Go or one from PyPI."""

from __future__ import annotations

import hashlib
import shutil
import sys
from pathlib import Path

from reference.golang import Go
from reference.kept import cache, kept
from reference.programs import Failed
from reference.refusal import CannotRun

SOURCE = Path(__file__).parent
REMEDY = "install MongoDB (mongod on PATH), or Go 1.24 or later (go on PATH; its module proxy must answer)"


def available() -> bool:
    """Whether a database can start without anything being built first."""
    return bool(shutil.which("mongod")) or target().exists()


def target() -> Path:
    """Where the server that belongs to these sources lies once it is built."""
    sources = b"".join((SOURCE / name).read_bytes() for name in ("main.go", "go.mod", "go.sum"))
    return cache() / f"ferretdb-{hashlib.sha256(sources).hexdigest()[:16]}"


def ferretdb() -> Path:
    """The server's path, built first if this machine has not built it yet; raises CannotRun."""
    return kept(target(), _build)


def _build(scratch: Path) -> Path:
    sys.stderr.write("mongodb: no mongod on PATH, so FerretDB is built now; about a minute, once on this machine\n")
    try:
        Go(scratch).build(SOURCE, ["."], scratch / "ferretdb")
    except Failed as failed:
        raise CannotRun("E-DATABASE", f"no database server can be built: {failed}", REMEDY) from None
    return scratch / "ferretdb"


if __name__ == "__main__":
    try:
        print(ferretdb())
    except CannotRun as error:
        sys.exit(str(error))
