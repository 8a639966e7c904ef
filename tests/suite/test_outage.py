"""An outage takes back what it still holds, keeps what is somebody else's, and believes nobody but its witness."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable
from types import SimpleNamespace

import pytest

from fixtures.cluster.rights import NotAllowed
from fixtures.cluster.states import DeploymentState
from fixtures.faults.fault import Faults
from fixtures.faults.outage import HELD, Outage
from judging.findings import NotRestored, NotSteady, NotWitnessed
from judging.refusal import Refusal


class OneDeployment:
    """A cluster with one Deployment that obeys at once; *before_patch* is what happens just before a write."""

    def __init__(self, replicas: int = 1, **annotations: str) -> None:
        self.record = {
            "metadata": {"name": "gateway", "annotations": dict(annotations), "resourceVersion": "1"},
            "spec": {"replicas": replicas},
        }
        self.left: list[str] = []
        self.before_patch: list[Callable[[], None]] = []
        self.namespace, self.permitted = "shop", True
        self.changes = SimpleNamespace(wait=lambda seconds: None)

    def deployment(self, name: str) -> DeploymentState:
        meta, replicas = self.record["metadata"], self.record["spec"]["replicas"]
        kept = copy.deepcopy(self.record)
        return DeploymentState(name, replicas, replicas, True, dict(meta["annotations"]), meta["resourceVersion"], kept)

    def patch(self, name: str, change: dict, version: str) -> bool:
        if not self.permitted:
            raise Refusal("E-NOT-OPTED-IN", "it may not be broken", "say that it may", 6)
        return self.put_back(name, change, version)

    def put_back(self, name: str, change: dict, version: str) -> bool:
        if self.before_patch:
            self.before_patch.pop(0)()
        meta = self.record["metadata"]
        if version != meta["resourceVersion"]:
            return False
        self.change(**change["spec"], **change["metadata"]["annotations"])
        return True

    def change(self, replicas: int | None = None, **annotations: str | None) -> None:
        """Somebody writes."""
        meta = self.record["metadata"]
        self.record["spec"]["replicas"] = self.record["spec"]["replicas"] if replicas is None else replicas
        merged = {**meta["annotations"], **annotations}
        meta["annotations"] = {key: value for key, value in merged.items() if value is not None}
        meta["resourceVersion"] = str(int(meta["resourceVersion"]) + 1)

    def pods(self, name: str) -> list[SimpleNamespace]:
        ours = [SimpleNamespace(name="pod")] * self.record["spec"]["replicas"]
        return [*ours, *(SimpleNamespace(name=name) for name in self.left)]

    def endpoints(self, name: str) -> list[str]:
        return ["127.0.0.1"] * self.record["spec"]["replicas"]


def outage(cluster: OneDeployment, refused: str = "refused") -> Outage:
    return Outage(cluster, "gateway", "gateway", "run-1", lambda: refused, gone=0.05, back=0.05, answering=0.05)


def caused(cluster: OneDeployment) -> tuple[Faults, list[str]]:
    """An outage in force, and the phases that are noted."""
    noted: list[str] = []
    faults = watched(noted)
    faults.cause(outage(cluster))
    return faults, noted


def watched(noted: list[str]) -> Faults:
    """Faults whose phases are noted."""

    def record(event: str, phase: str, **_: str) -> dict[str, str]:
        noted.append(phase)
        return {"at": "2026-01-01T00:00:00.000000Z"}

    return Faults(SimpleNamespace(record=record))


def away() -> None:
    raise ConnectionError("the API server does not answer")


def unknown() -> None:
    raise NotAllowed("E-API-UNAUTHORIZED", "the API server does not know who asks", "make a new token")


def test_it_goes_and_comes_back_as_it_was():
    cluster = OneDeployment(3, note="theirs")
    before = copy.deepcopy(cluster.record["spec"])
    faults, noted = caused(cluster)

    assert cluster.record["spec"]["replicas"] == 0
    assert '"replicas": 3' in cluster.record["metadata"]["annotations"][HELD]
    faults.end_all()
    assert cluster.record["spec"] == before
    assert cluster.record["metadata"]["annotations"] == {"note": "theirs"}
    assert noted == ["planned", "applied", "witnessed", "undone", "undo_witnessed"]


@pytest.mark.parametrize(
    ("deployment", "why"), [(OneDeployment(0), "0 of 0"), (OneDeployment(1, **{HELD: "another run"}), "another run")]
)
def test_what_is_away_or_held_is_not_touched(deployment: OneDeployment, why: str):
    before = copy.deepcopy(deployment.record)

    with pytest.raises(NotSteady, match=why):
        outage(deployment).apply()

    assert deployment.record == before


def test_a_writer_in_between_is_not_overwritten_when_it_begins():
    cluster = OneDeployment(1)
    cluster.before_patch = [lambda: cluster.change(replicas=2)]
    fault = outage(cluster)

    fault.apply()
    fault.undo()

    assert cluster.record["spec"]["replicas"] == 2


@pytest.mark.parametrize(
    "somebody",
    [{"replicas": 2}, {HELD: None}, {HELD: '{"run": "run-2"}'}],
    ids=["scales", "takes the note away", "holds it too"],
)
@pytest.mark.parametrize("late", [False, True], ids=["before", "while it is taken back"])
def test_what_somebody_else_did_is_kept_and_told(somebody: dict, late: bool):
    cluster = OneDeployment(1)
    faults, noted = caused(cluster)
    held = cluster.record["metadata"]["annotations"][HELD]
    if late:
        cluster.before_patch = [lambda: cluster.change(**somebody)]
    else:
        cluster.change(**somebody)

    with pytest.raises(NotRestored, match="somebody else changed gateway"):
        faults.end_all()

    assert cluster.record["spec"]["replicas"] == somebody.get("replicas", 0)
    assert cluster.record["metadata"]["annotations"].get(HELD) == somebody.get(HELD, held)
    assert noted[-1] == "failed"
    faults.end_all()  # told once


def test_what_somebody_else_took_back_is_fine():
    cluster = OneDeployment(1)
    faults, noted = caused(cluster)
    cluster.change(replicas=1, **{HELD: None})

    faults.end_all()

    assert noted[-1] == "undo_witnessed"


def test_a_label_that_somebody_added_meanwhile_is_told():
    cluster = OneDeployment(1)
    faults, _ = caused(cluster)
    cluster.change(note="new")

    with pytest.raises(NotRestored, match=r"annotations\.note"):
        faults.end("gateway")


@pytest.mark.parametrize(("left", "refused"), [(["a pod of somebody else's"], "refused"), ([], "")])
def test_without_a_witness_nothing_is_believed_and_all_is_taken_back(left: list[str], refused: str):
    cluster = OneDeployment(1)
    cluster.left = left
    faults = watched([])

    with pytest.raises(NotWitnessed):
        faults.cause(outage(cluster, refused))
    faults.end_all()

    assert cluster.record["spec"]["replicas"] == 1
    assert cluster.record["metadata"]["annotations"] == {}


@pytest.mark.parametrize("trouble", [away, unknown], ids=["away", "not ready to know anybody"])
def test_an_api_server_that_is_away_for_a_moment_is_asked_again(trouble: Callable[[], None]):
    cluster = OneDeployment(1)
    faults, noted = caused(cluster)
    cluster.before_patch = [trouble]

    faults.end_all()

    assert cluster.record["spec"]["replicas"] == 1
    assert noted[-1] == "undo_witnessed"


def test_an_api_server_that_stays_away_leaves_the_stack_changed_and_says_how_to_put_it_back():
    cluster = OneDeployment(2, note="theirs")
    faults, noted = caused(cluster)
    cluster.before_patch = [away] * 99

    with pytest.raises(NotRestored, match="does not answer") as failure:
        faults.end_all()
    command, change = str(failure.value).splitlines()[-1].split(" --type merge --patch ")
    patch = json.loads(change.strip("'"))
    cluster.change(**patch["spec"], **patch["metadata"]["annotations"])

    assert command == "remedy: put it back with: kubectl --namespace shop patch deployment gateway"
    assert cluster.record["spec"]["replicas"] == 2
    assert cluster.record["metadata"]["annotations"] == {"note": "theirs"}
    assert noted[-1] == "failed"


def test_a_permission_that_is_taken_away_meanwhile_keeps_nobody_from_taking_it_back():
    cluster = OneDeployment(1)
    faults, noted = caused(cluster)
    cluster.permitted = False

    faults.end_all()

    assert cluster.record["spec"]["replicas"] == 1
    assert noted[-1] == "undo_witnessed"


def test_without_permission_nothing_is_broken():
    cluster = OneDeployment(1)
    cluster.permitted = False

    with pytest.raises(Refusal, match="may not be broken"):
        outage(cluster).apply()

    assert cluster.record["spec"]["replicas"] == 1


def test_any_other_failure_to_take_it_back_leaves_the_stack_changed():
    cluster = OneDeployment(1)
    faults, noted = caused(cluster)

    def forbid() -> None:
        raise PermissionError("may not patch")

    cluster.before_patch = [forbid]
    with pytest.raises(NotRestored, match="may not patch"):
        faults.end_all()

    assert noted[-1] == "failed"


def test_what_ctrl_c_cuts_short_is_taken_back_at_the_end():
    cluster = OneDeployment(1)
    faults, noted = caused(cluster)

    def interrupt() -> None:
        raise KeyboardInterrupt

    cluster.before_patch = [interrupt]
    with pytest.raises(KeyboardInterrupt):
        faults.end("gateway")
    faults.end_all()

    assert cluster.record["spec"]["replicas"] == 1
    assert noted[-1] == "undo_witnessed"
