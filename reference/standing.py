"""A reference stack that is left running: begun once, found again by its state folder, ended at will."""

from __future__ import annotations

import fcntl
import os
import select
import signal
import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import IO

from reference.deploying import Cluster, Unusable
from reference.kustomize import NAMESPACE, stack
from reference.refusal import CannotRun
from reference.rollout import follow
from reference.running import database_server, written

PROJECT = Path(__file__).parents[1]
UP_SECONDS, DOWN_SECONDS = 60.0, 20.0
PAGES = {"front-end": "shop", "payment-frontend": "payments"}


def up(variants: Sequence[str], state: Path) -> None:
    """Start a stack that outlives this process, wait until it sells, and say where it is."""
    lock = _lock(state)
    if not _taken(lock):
        print(f"already up: {(state / 'variant').read_text()}")
        return _tell(state)
    stack(variants)
    database_server()
    print(f"starting {' and '.join(variants)} on an embedded cluster")
    (state / "variant").write_text(" ".join(variants))
    (state / "kubeconfig").unlink(missing_ok=True)  # of one that was killed
    command = [sys.executable, "-m", "reference", "run", "--keep", "--variant", *variants]
    command += ["--kubeconfig", str(state / "kubeconfig"), "--logs", str(state / "logs")]
    with (state / "run.log").open("wb") as log:
        # The lock goes to the stack itself and is free again the moment that it is gone, however it went.
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=log, stderr=log, cwd=PROJECT, start_new_session=True,
            pass_fds=[lock.fileno()],
        )  # fmt: skip
    (state / "pid").write_text(str(process.pid))
    try:
        _wait(state, process)
    except (Unusable, CannotRun) as error:
        process.terminate()
        if isinstance(error, CannotRun):
            raise
        raise CannotRun("E-CLUSTER", str(error), f"see {state / 'run.log'} and {state / 'logs'}") from None
    return _tell(state)


def down(state: Path) -> None:
    """End the stack of that state folder, if there is one."""
    lock = _lock(state)
    if _taken(lock):
        print("nothing is up")
        return
    running = os.pidfd_open(int((state / "pid").read_text()))
    signal.pidfd_send_signal(running, signal.SIGTERM)
    if not select.select([running], [], [], DOWN_SECONDS)[0]:
        cause = f"the stack has not ended within {DOWN_SECONDS:.0f} s"
        raise CannotRun("E-STACK-END", cause, f"see {state / 'run.log'}")
    print("ended")


def front_doors(host: str, variants: Sequence[str]) -> list[str]:
    """A line for each page that the variants show: what it is, and where."""
    services = {each["metadata"]["name"]: each["spec"] for each in stack(variants) if each["kind"] == "Service"}
    doors = {shown: services[name]["ports"][0]["nodePort"] for name, shown in PAGES.items() if name in services}
    return [f"{shown:11} http://{host}:{port}" for shown, port in doors.items()]


def _lock(state: Path) -> IO[str]:
    try:
        state.mkdir(parents=True, exist_ok=True)
        return (state / "lock").open("w")
    except OSError as error:
        cause = f"cannot write to {state}: {error.strerror}"
        raise CannotRun("E-FOLDER", cause, "name another folder with --state") from None


def _taken(lock: IO[str]) -> bool:
    """Whether the lock could be taken, which means that no stack holds it."""
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    return True


def _wait(state: Path, process: subprocess.Popen[bytes]) -> None:
    kubeconfig = state / "kubeconfig"
    if not written(kubeconfig, process, UP_SECONDS):
        sys.stderr.write((state / "run.log").read_text())
        raise SystemExit(4)
    for waiting in follow(Cluster(kubeconfig), NAMESPACE, UP_SECONDS):
        if sys.stdout.isatty():
            print(f"\rwaiting for {len(waiting):2} Deployments", end="" if waiting else "\n", flush=True)


def _tell(state: Path) -> None:
    kubeconfig = state / "kubeconfig"
    print(*front_doors(Cluster(kubeconfig).host, (state / "variant").read_text().split()), sep="\n")
    print(f"kubeconfig  {kubeconfig}")
    print(f"next        KUBECONFIG={kubeconfig} kubectl --namespace sock-shop get pods")
    print("            python -m reference down")
