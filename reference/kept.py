"""What is made once a machine and kept in the user's cache folder, which may be deleted at any time."""

from __future__ import annotations

import fcntl
import os
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from reference.programs import remove
from reference.refusal import CannotRun

SCRATCH = "making-"


def cache() -> Path:
    """The user's folder for what is made once."""
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "incident-conformance"


def kept(target: Path, make: Callable[[Path], Path]) -> Path:
    """A file of the cache, made first if need be: `make` gets a scratch folder and says which file of it to keep."""
    if target.exists():
        return target
    try:
        target.parent.mkdir(parents=True, exist_ok=True)
        with (target.parent / "lock").open("w") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX)  # a second one that starts meanwhile waits and finds it made
            if not target.exists():
                with _scratch(target.parent) as scratch:
                    os.replace(make(scratch), target)
    except OSError as error:
        cause = f"cannot write to {target.parent}: {error.strerror or error}"
        raise CannotRun("E-CACHE", cause, "free some space there, or set XDG_CACHE_HOME to another folder") from None
    return target


@contextmanager
def _scratch(folder: Path) -> Iterator[Path]:
    """A folder that goes when it is done; one that is there already is of a making that was killed."""
    for leftover in folder.glob(f"{SCRATCH}*"):
        remove(leftover)
    scratch = Path(tempfile.mkdtemp(prefix=SCRATCH, dir=folder))
    try:
        yield scratch
    finally:
        remove(scratch)
