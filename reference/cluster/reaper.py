"""Ends what a cluster left behind: waits for the cluster's end, then kills what carries the cluster's mark.

Run as a process of its own by the cluster (`reaper.py MARK FOLDER`), which holds the other end of its stdin.
It is for what cannot be told to die with the cluster: what a pod's process started in turn.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import sys
from pathlib import Path

VARIABLE = "EMBEDDED_CLUSTER"


def sweep(mark: str) -> int:
    """Kill every process that was started with this mark in its environment; returns how many there were."""
    wanted, found = f"{VARIABLE}={mark}".encode(), 0
    for entry in Path("/proc").iterdir():
        with contextlib.suppress(OSError):
            if entry.name.isdigit() and wanted in (entry / "environ").read_bytes().split(b"\0"):
                os.kill(int(entry.name), signal.SIGKILL)
                found += 1
    return found


if __name__ == "__main__":
    for ignored in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(ignored, signal.SIG_IGN)
    _, mark, folder = sys.argv
    sys.stdin.read()
    while sweep(mark):
        pass
    shutil.rmtree(folder, ignore_errors=True)
