"""One reference stack in the foreground: the embedded cluster with its systems on it."""

from __future__ import annotations

import os
import select
import signal
import stat
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from pathlib import Path

from reference import pin
from reference.deploying import Cluster, Unusable
from reference.kept import cache
from reference.kustomize import NAMESPACE, stack
from reference.mongodb import build
from reference.refusal import CannotRun

HERE = Path(__file__).parent
API_SECONDS, END_SECONDS = 20.0, 10.0


def run(variants: Sequence[str], kubeconfig: Path, logs: Path, keep: bool) -> None:
    """Have cluster and systems run until SIGTERM, or until stdin ends unless `keep`; the kubeconfig goes with them."""
    documents = stack(variants)
    signal.signal(signal.SIGTERM, _end)
    signal.signal(signal.SIGINT, _end)
    _folders(kubeconfig.parent, logs)
    database_server()
    starting = kubeconfig.with_name(f".{kubeconfig.name}.starting")
    for leftover in (starting, kubeconfig, pin.place(kubeconfig)):
        leftover.unlink(missing_ok=True)
    try:
        with _cluster(starting, logs) as process:
            if not written(starting, process, API_SECONDS):
                raise SystemExit(process.returncode)  # the cluster itself has said why
            cluster = Cluster(starting)
            for document in documents:
                cluster.create(document)
            pin.write(pin.place(kubeconfig), cluster, NAMESPACE)
            starting.replace(kubeconfig)
            _stay(process, keep)
    except Unusable as error:
        raise CannotRun("E-CLUSTER", str(error), f"see the logs in {logs}") from None
    finally:
        for leftover in (starting, kubeconfig, pin.place(kubeconfig)):
            leftover.unlink(missing_ok=True)


def database_server() -> None:
    """Make sure that a database can start, which takes a minute the first time on a machine."""
    if not build.available():
        build.ferretdb()


def _end(number: int, frame: object) -> None:
    raise SystemExit(0)


def _folders(*folders: Path) -> None:
    for folder in folders:
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            raise _unwritable(folder, f": {error.strerror}") from None
        if not os.access(folder, os.W_OK):
            raise _unwritable(folder)


def _unwritable(folder: Path, why: str = "") -> CannotRun:
    return CannotRun("E-FOLDER", f"cannot write to {folder}{why}", "name a folder that you may write to")


@contextmanager
def _cluster(kubeconfig: Path, logs: Path) -> Iterator[subprocess.Popen[bytes]]:
    """The embedded cluster's process; its stdin is ours to close, so it never outlives us."""
    images = logs / "images.toml"
    images.write_text((HERE / "images.toml").read_text().replace("{cache}", str(cache().parent)))
    command = [sys.executable, "-m", "reference.cluster", "--kubeconfig", str(kubeconfig), "--logs", str(logs)]
    command += ["--images", str(images), "--until-stdin-closes"]
    process = subprocess.Popen(command, stdin=subprocess.PIPE, cwd=HERE.parent, start_new_session=True)
    try:
        yield process
    finally:
        process.terminate()
        try:
            process.wait(END_SECONDS)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait(END_SECONDS)


def written(path: Path, process: subprocess.Popen[bytes], seconds: float) -> bool:
    """Wait until the process has written that file; False when it ended instead."""
    deadline = time.monotonic() + seconds
    while not path.exists():
        with suppress(subprocess.TimeoutExpired):
            process.wait(0.01)  # the pace of looking
            return False
        if time.monotonic() > deadline:
            cause = f"the cluster has not answered within {seconds:.0f} s"
            raise CannotRun("E-CLUSTER", cause, "free the machine and try again")
    return True


def _stay(process: subprocess.Popen[bytes], keep: bool) -> None:
    """Until stdin ends or the cluster does; a stdin that is a file or /dev/null says nothing."""
    mode = os.fstat(0).st_mode
    speaks = not keep and (stat.S_ISFIFO(mode) or stat.S_ISSOCK(mode) or os.isatty(0))
    ended = os.pidfd_open(process.pid)
    while True:
        ready, _, _ = select.select([ended, *([0] if speaks else [])], [], [])
        if ended in ready:
            raise CannotRun(
                "E-CLUSTER", f"the cluster ended by itself with {process.wait()}", "see what it wrote above"
            )
        if not os.read(0, 4096):
            return
