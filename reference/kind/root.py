"""Root file systems made of Debian packages."""

from __future__ import annotations

import os
import shutil
from collections.abc import Sequence
from pathlib import Path

from reference.kind.engine import install_packages
from reference.programs import run
from reference.refusal import CannotRun

RELEASE = "bookworm"
DEBOOTSTRAP_SECONDS = 900
NOT_NEEDED = ("var/cache/apt", "var/lib/apt/lists", "usr/share/doc", "usr/share/man", "usr/share/locale", "var/log")
FROM_THE_HOST = ("etc/resolv.conf", "etc/hostname")


def prepare(log: Path) -> None:
    """Have debootstrap, or refuse."""
    if os.geteuid() != 0:
        remedy = "run once: sudo --preserve-env=HOME,PATH make kind-offline-image"
        raise CannotRun("E-OFFLINE-ROOT", "only root can make a root file system of packages", remedy)
    if shutil.which("debootstrap"):
        return
    if not shutil.which("apt-get"):
        remedy = "install debootstrap, or make the container registry reachable"
        raise CannotRun("E-OFFLINE-DEBIAN", "debootstrap is missing, and there is no apt-get to install it", remedy)
    install_packages("debootstrap", log=log)


def make(root: Path, packages: Sequence[str]) -> None:
    """A minimal Debian with these packages and nothing that only an installation needs."""
    words: list[str | Path] = ["debootstrap", "--variant=minbase", f"--include={','.join(packages)}", RELEASE, root]
    if mirror := os.environ.get("DEBIAN_MIRROR"):
        words.append(mirror)
    run(words, DEBOOTSTRAP_SECONDS)
    for place in NOT_NEEDED:
        for entry in (root / place).iterdir() if (root / place).exists() else ():
            shutil.rmtree(entry) if entry.is_dir() and not entry.is_symlink() else entry.unlink()
    for place in FROM_THE_HOST:
        (root / place).unlink(missing_ok=True)
