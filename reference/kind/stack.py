"""The reference stack on KIND: brought up, judged, taken down."""

from __future__ import annotations

import fcntl
import subprocess
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path

from reference import pin
from reference.deploying import Cluster, Unusable
from reference.kind import cluster, deployment, images
from reference.kind.engine import OwnEngine, trouble, use_or_start
from reference.kind.versions import NODE_IMAGE
from reference.kustomize import NAMESPACE, stack
from reference.programs import beside, ending_on_signals, say
from reference.refusal import CannotRun
from reference.standing import front_doors


def judge(variants: Sequence[str], state: Path, keep: bool, command: Sequence[str]) -> int:
    """Bring the systems up, run the command, and end the engine if it had to be started; the command's exit code."""
    stack(variants)
    with _alone(state), ending_on_signals():
        engine = use_or_start(state, keep)
        try:
            _up(variants, state, keep)
            _tell(variants, state, engine, keep)
            return _outcome(command) if command else 0
        finally:
            if engine and not keep:
                engine.end()
                pin.place(state / "kubeconfig").unlink(missing_ok=True)
                (state / "kubeconfig").unlink(missing_ok=True)


def _outcome(command: Sequence[str]) -> int:
    """Run it; when we are told to end, it is told so too and may put back what it changed."""
    process = subprocess.Popen(command)
    try:
        return process.wait()
    finally:
        if process.poll() is None:
            process.terminate()
            process.wait()


def _up(variants: Sequence[str], state: Path, keep: bool) -> None:
    log, kubeconfig = state / "logs" / "up.log", state / "kubeconfig"
    kind = cluster.command(log)
    there = cluster.reused(kind, kubeconfig, log)
    node = cluster.image_of_node() if there else cluster.node_image(log)
    with beside(lambda: images.build(node == NODE_IMAGE, state / "logs" / "images.log")) as building:
        if not there:
            cluster.create(kind, node, kubeconfig, log)
        try:
            images.load(kind, cluster.NODE, building.result().values(), log)
            _deploy(variants, building.result(), kubeconfig, log)
        except BaseException:
            if not (there or keep):
                _remove(kind, state)
            raise


def _deploy(variants: Sequence[str], built: dict[str, str], kubeconfig: Path, log: Path) -> None:
    deployment.apply(variants, built, log)
    try:
        api = Cluster(kubeconfig)
        pin.write(pin.place(kubeconfig), api, NAMESPACE)
        deployment.wait_until_it_sells(api, NAMESPACE, variants)
    except Unusable as error:
        raise CannotRun("E-KIND-API", str(error), f"make kind-down, then make kind; see {log}") from None


def down(state: Path) -> None:
    """Remove what was made: the cluster, the engine if it is ours, the kubeconfig and its pin."""
    with _alone(state):
        engine = OwnEngine(state)
        if engine.exists:
            engine.end()
        elif (why := trouble()) is not None:
            if (state / "kubeconfig").exists():
                raise why
            say(f"nothing is remembered that could be removed ({why.cause})")
        else:
            kind = cluster.command(state / "logs" / "down.log")
            if cluster.exists(kind):
                cluster.check_that_it_is_ours()
                cluster.delete(kind)
            else:
                say("there is no cluster to remove")
            images.forget()
        _forget(state)


def _remove(kind: Path, state: Path) -> None:
    cluster.delete(kind)
    _forget(state)


def _forget(state: Path) -> None:
    for file in (state / "kubeconfig", pin.place(state / "kubeconfig")):
        file.unlink(missing_ok=True)


def _tell(variants: Sequence[str], state: Path, engine: OwnEngine | None, keep: bool) -> None:
    say("it sells")
    print(*front_doors(Cluster(state / "kubeconfig").host, variants), sep="\n")
    print(f"kubeconfig  {state / 'kubeconfig'}")
    if engine:
        print(
            f"engine      DOCKER_HOST={engine.host}{'' if keep else ' (ends with this run; KEEP=1 keeps it)'}",
            flush=True,
        )


@contextmanager
def _alone(state: Path) -> Iterator[None]:
    """Two that work on one cluster take turns."""
    try:
        state.mkdir(parents=True, exist_ok=True)
        lock = (state / "lock").open("w")
    except OSError as error:
        remedy = "name another folder with --state"
        raise CannotRun("E-FOLDER", f"cannot write to {state}: {error.strerror}", remedy) from None
    with lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another make kind is at work; waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield
