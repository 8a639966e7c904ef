"""What somebody types at a terminal where kubectl is set up for a stack."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from pathlib import Path

DONE_WITHIN = 30  # seconds


def typed(kubeconfig: Path, command: Sequence[str]) -> None:
    """The command ends well."""
    assert command[0] == "kubectl"
    where = [f"--kubeconfig={kubeconfig}", f"--cache-dir={kubeconfig.parent / 'cache'}"]
    done = subprocess.run([command[0], *where, *command[1:]], capture_output=True, text=True, timeout=DONE_WITHIN)
    assert done.returncode == 0, done.stderr
