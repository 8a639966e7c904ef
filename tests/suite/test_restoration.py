"""However a run ends, the stack is as it was, or the run says that it is not."""

from __future__ import annotations

import os
import shlex
import shutil
import signal
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.cluster.driver import Cluster
from fixtures.cluster.notes import HELD
from fixtures.cluster.states import Json
from fixtures.waiting import eventually
from tests.suite.runs import FEATURE, Running, profile, run
from tests.suite.terminal import typed

GATEWAY = "stripe-mock"
TURN_IS_OVER = ("kubectl", "-n", "sock-shop", "delete", "lease", "incident-conformance-sock-shop")  # what E-TURN says
ONE = (FEATURE, "-k", "soon")  # scenario
TWO = (FEATURE, "-k", "soon or again")
ALL = 16  # processes: eight services, four databases, the cluster's own; the rest are the browser's
SETTLED_WITHIN, ENDED_WITHIN = 30, 10  # seconds


@pytest.fixture(scope="session")
def cluster(standing: Path) -> Cluster:
    """The namespace of the running stack, once its gateway is up."""
    found = Cluster(standing, "", "sock-shop")
    _settled(found)
    return found


@pytest.fixture
def as_before(cluster: Cluster) -> Iterator[None]:
    """Whatever a test does, the gateway's Deployment is what it was, and ready."""
    before = _written(cluster)
    yield
    assert _written(cluster) == before
    assert cluster.deployment(GATEWAY).available


@pytest.fixture
def stack(tmp_path: Path, standing: Path) -> str:
    """The running stack as one of one's own, with a profile outside the project."""
    return f"--stack={profile(tmp_path, standing)}"


@pytest.mark.usefixtures("as_before")
@pytest.mark.parametrize(
    ("number", "moment"),
    [
        (signal.SIGINT, {"text": "Ben checks out the Colourful socks"}),  # the browser is asked
        (signal.SIGTERM, {"phase": "applied"}),  # the cluster is watched
        (signal.SIGHUP, {"text": "the payment gateway comes back"}),  # it is being taken back
    ],
    ids=["SIGINT while a customer acts", "SIGTERM while it is witnessed", "SIGHUP while it is taken back"],
)
def test_an_interrupted_run_takes_the_fault_back(tmp_path: Path, stack: str, number: signal.Signals, moment: dict):
    running = Running(tmp_path / "out", stack, *ONE)
    running.until(**moment)
    running.interrupt(number)
    ended = running.end()

    assert ended.code == 2, ended.out + ended.err
    assert ended.phases[-1] == "undo_witnessed"
    assert ended.verdicts == {"UNKNOWN"}
    assert ended.shown == {"broken"}
    assert number.name in ended.out
    assert "INTERNALERROR" not in ended.out


@pytest.mark.usefixtures("as_before")
def test_what_a_killed_run_leaves_is_told_by_the_next_with_the_command_that_puts_it_back(
    tmp_path: Path, standing: Path, stack: str, cluster: Cluster
):
    running = Running(tmp_path / "killed", stack, *ONE)
    running.until(phase="witnessed")
    running.interrupt(signal.SIGKILL)
    running.end()
    typed(standing, TURN_IS_OVER)
    impatient = profile(tmp_path, standing, ('"every service is ready" = "60 s"', '"every service is ready" = "2 s"'))
    ended = run(tmp_path / "next", f"--stack={impatient}", *ONE)

    assert (ended.code, ended.verdicts, ended.phases) == (3, {"COMPROMISED"}, []), ended.out
    assert "stripe-mock is still held by a fault" in ended.messages[0]
    typed(standing, shlex.split(ended.messages[0].partition("put it back with: ")[2].splitlines()[0]))
    _settled(cluster)


@pytest.mark.usefixtures("as_before")
def test_an_error_in_an_act_takes_the_fault_back_at_once(tmp_path: Path, stack: str):
    ended = run(tmp_path / "out", stack, *TWO, "-p", "tests.suite.sabotage", env={"SABOTAGE": "in an act"})

    events = [event.get("phase") or event["event"] for event in ended.journal]
    assert events.index("undo_witnessed") < events.index("scenario_finished")
    assert ended.phases.count("applied") == 1
    assert (ended.code, ended.verdicts, ended.shown) == (3, {"UNKNOWN"}, {"broken"}), ended.out


@pytest.mark.usefixtures("as_before")
def test_a_run_that_stops_at_the_first_failure_takes_the_fault_back(tmp_path: Path, stack: str):
    ended = run(tmp_path / "out", stack, *TWO, "-x", "-p", "tests.suite.sabotage", env={"SABOTAGE": "between acts"})

    assert ended.phases == ["planned", "applied", "witnessed", "undone", "undo_witnessed"]
    assert (ended.code, ended.verdicts, ended.shown) == (3, {"UNKNOWN"}, {"broken"}), ended.out
    assert "stopping after 1 failures" in ended.out


@pytest.mark.usefixtures("as_before")
def test_what_somebody_else_did_meanwhile_is_kept_and_told(tmp_path: Path, stack: str, cluster: Cluster):
    ended = run(tmp_path / "out", stack, *ONE, "-p", "tests.suite.sabotage", env={"SABOTAGE": "by somebody else"})
    left = cluster.deployment(GATEWAY)
    change = {"spec": {"replicas": 1}, "metadata": {"annotations": {HELD: None}}}
    assert cluster.patch(GATEWAY, change, left.version)
    _settled(cluster)

    assert left.replicas == 2
    assert ended.phases == ["planned", "applied", "witnessed", "failed"], ended.out
    assert (ended.code, ended.verdicts, ended.shown) == (7, {"CONTAMINATED"}, {"broken"}), ended.out
    assert "somebody else changed stripe-mock during the fault: 2 replicas" in ended.out


@pytest.mark.usefixtures("as_before")
def test_a_shop_that_cannot_sell_is_not_broken(tmp_path: Path, standing: Path, cluster: Cluster):
    impatient = profile(tmp_path, standing, ('"an order is paid again" = "30 s"', '"an order is paid again" = "1 s"'))
    _set_gateway_mode(cluster, "decline")
    ended = run(tmp_path / "out", f"--stack={impatient}", *ONE)
    _set_gateway_mode(cluster, None)

    assert ended.phases == []
    assert (ended.code, ended.verdicts, ended.shown) == (3, {"COMPROMISED"}, {"broken"}), ended.out


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGKILL])
def test_a_stack_that_the_run_started_ends_with_it(
    tmp_path: Path, tmp_path_factory: pytest.TempPathFactory, number: signal.Signals
):
    scratch = (
        tmp_path_factory.getbasetemp().parent / f"ends-{number.name}-{os.getpid()}"
    )  # a browser needs a short path
    scratch.mkdir()
    running = Running(tmp_path / "out", *ONE, env={"TMPDIR": str(scratch)})
    running.until(text="the shop is selling")
    eventually("shop and browser are there", lambda: len(_processes(str(scratch))) > ALL, within=SETTLED_WITHIN)
    running.interrupt(number)
    ended = running.end()

    eventually("no process is left", lambda: not _processes(str(scratch)), within=ENDED_WITHIN)
    assert ended.code == (2 if number is signal.SIGTERM else -9), ended.out + ended.err
    assert ended.shown == {"broken"}
    assert not list(scratch.glob("*/kubeconfig"))
    shutil.rmtree(scratch)


def _written(cluster: Cluster) -> tuple[Json, Json, Json]:
    """What people write about a Deployment."""
    record = cluster.deployment(GATEWAY).record
    meta = {**record["metadata"].get("annotations", {})}
    meta.pop("deployment.kubernetes.io/revision", None)  # counts rollouts
    return record["spec"], record["metadata"].get("labels", {}), meta


def _settled(cluster: Cluster) -> None:
    eventually("the gateway is up", lambda: cluster.deployment(GATEWAY).available, within=SETTLED_WITHIN)
    eventually("one pod is left", lambda: len(cluster.pods(GATEWAY)) == 1, within=SETTLED_WITHIN)


def _set_gateway_mode(cluster: Cluster, mode: str | None) -> None:
    found = cluster.deployment(GATEWAY)
    template = found.record["spec"]["template"]
    for container in template["spec"]["containers"]:
        others = [entry for entry in container.get("env", []) if entry["name"] != "GATEWAY_MODE"]
        container["env"] = [*others, *([{"name": "GATEWAY_MODE", "value": mode}] if mode else [])]
    assert cluster.patch(GATEWAY, {"spec": {"template": template}}, found.version)
    _settled(cluster)


def _processes(scratch: str) -> list[Path]:
    """The processes that work in a folder, by their environment or their command line."""

    def works_there(process: Path) -> bool:
        try:
            told = (process / "environ").read_bytes() + (process / "cmdline").read_bytes()
            return scratch.encode() in told
        except OSError:  # it has just ended, or it is somebody else's
            return False

    return [process for process in Path("/proc").glob("[0-9]*") if works_there(process)]
