"""Embedded clusters for tests: started, and ended with all that they run."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

HERE = Path(__file__).parent
SECONDS = 20


@dataclass(frozen=True)
class EmbeddedCluster:
    """One running embedded cluster."""

    process: subprocess.Popen[bytes]
    kubeconfig: Path
    logs: Path
    started_within: float  # seconds from the start of the process to the kubeconfig


@contextmanager
def embedded_cluster(folder: Path, *arguments: str) -> Iterator[EmbeddedCluster]:
    """Run an embedded cluster that keeps its files in *folder*; ended afterwards."""
    paths = {"--kubeconfig": folder / "kubeconfig", "--logs": folder / "logs", "--images": HERE / "images.toml"}
    words = [word for pair in paths.items() for word in map(str, pair)]
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "reference.cluster", *words, "--until-stdin-closes", *arguments],
        cwd=HERE.parents[1], stdin=subprocess.PIPE,
    )  # fmt: skip
    try:
        while not paths["--kubeconfig"].exists():
            assert process.poll() is None, "the cluster ended before it answered"
            assert time.monotonic() - began < SECONDS, "the cluster did not answer"
            os.sched_yield()
        yield EmbeddedCluster(process, paths["--kubeconfig"], paths["--logs"], time.monotonic() - began)
    finally:
        process.terminate()
        process.wait(SECONDS)
        assert process.stdin
        process.stdin.close()
