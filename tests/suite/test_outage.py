"""An outage takes back what it still holds, keeps what is somebody else's, and believes nobody but its witness."""

from __future__ import annotations

import copy
import json
import shlex
from collections.abc import Callable

import pytest

from fixtures.cluster.notes import HELD
from fixtures.cluster.states import PodState
from fixtures.faults.outage import Outage
from judging.findings import NotRestored, NotSteady, NotWitnessed
from judging.refusal import Refusal
from tests.suite.one_deployment import OneDeployment, away, caused, pod, unknown, watched


def outage(cluster: OneDeployment, refused: str = "refused") -> Outage:
    return Outage(cluster, "gateway", "gateway", "run-1", lambda: refused, gone=0.05, back=0.05, answering=0.05)


def test_it_goes_and_comes_back_as_it_was():
    cluster = OneDeployment(3, note="theirs")
    before = copy.deepcopy(cluster.record["spec"])
    faults, noted = caused(outage(cluster))

    assert cluster.record["spec"]["replicas"] == 0
    assert '"replicas": 3' in cluster.annotations[HELD]
    faults.end_all()
    assert cluster.record["spec"] == before
    assert cluster.annotations == {"note": "theirs"}
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
    faults, noted = caused(outage(cluster))
    held = cluster.annotations[HELD]
    if late:
        cluster.before_patch = [lambda: cluster.change(**somebody)]
    else:
        cluster.change(**somebody)

    with pytest.raises(NotRestored, match="somebody else changed gateway"):
        faults.end_all()

    assert cluster.record["spec"]["replicas"] == somebody.get("replicas", 0)
    assert cluster.annotations.get(HELD) == somebody.get(HELD, held)
    assert noted[-1] == "failed"
    faults.end_all()  # told once


def test_what_somebody_else_took_back_is_fine():
    cluster = OneDeployment(1)
    faults, noted = caused(outage(cluster))
    cluster.change(replicas=1, **{HELD: None})

    faults.end_all()

    assert noted[-1] == "undo_witnessed"


def test_a_label_that_somebody_added_meanwhile_is_told():
    cluster = OneDeployment(1)
    faults, _ = caused(outage(cluster))
    cluster.change(note="new")

    with pytest.raises(NotRestored, match=r"annotations\.note"):
        faults.end("gateway")


@pytest.mark.parametrize(("left", "refused"), [([pod("somebody else's")], "refused"), ([], "")])
def test_without_a_witness_nothing_is_believed_and_all_is_taken_back(left: list[PodState], refused: str):
    cluster = OneDeployment(1)
    cluster.left = left
    faults = watched([])

    with pytest.raises(NotWitnessed):
        faults.cause(outage(cluster, refused))
    faults.end_all()

    assert cluster.record["spec"]["replicas"] == 1
    assert cluster.annotations == {}


@pytest.mark.parametrize("trouble", [away, unknown], ids=["away", "not ready to know anybody"])
def test_an_api_server_that_is_away_for_a_moment_is_asked_again(trouble: Callable[[], None]):
    cluster = OneDeployment(1)
    faults, noted = caused(outage(cluster))
    cluster.before_patch = [trouble]

    faults.end_all()

    assert cluster.record["spec"]["replicas"] == 1
    assert noted[-1] == "undo_witnessed"


def test_an_api_server_that_stays_away_leaves_the_stack_changed_and_says_how_to_put_it_back():
    cluster = OneDeployment(2, note="theirs")
    faults, noted = caused(outage(cluster))
    cluster.before_patch = [away] * 99

    with pytest.raises(NotRestored, match="does not answer") as failure:
        faults.end_all()
    *command, change = shlex.split(str(failure.value).splitlines()[-1].removeprefix("remedy: put it back with: "))
    cluster.merge(json.loads(change))

    assert command == shlex.split("kubectl --namespace shop patch deployment gateway --type strategic --patch")
    assert cluster.record["spec"]["replicas"] == 2
    assert cluster.annotations == {"note": "theirs"}
    assert noted[-1] == "failed"


def test_a_permission_that_is_taken_away_meanwhile_keeps_nobody_from_taking_it_back():
    cluster = OneDeployment(1)
    faults, noted = caused(outage(cluster))
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
    faults, noted = caused(outage(cluster))

    def forbid() -> None:
        raise PermissionError("may not patch")

    cluster.before_patch = [forbid]
    with pytest.raises(NotRestored, match="may not patch"):
        faults.end_all()

    assert noted[-1] == "failed"


def test_what_ctrl_c_cuts_short_is_taken_back_at_the_end():
    cluster = OneDeployment(1)
    faults, noted = caused(outage(cluster))

    def interrupt() -> None:
        raise KeyboardInterrupt

    cluster.before_patch = [interrupt]
    with pytest.raises(KeyboardInterrupt):
        faults.end("gateway")
    faults.end_all()

    assert cluster.record["spec"]["replicas"] == 1
    assert noted[-1] == "undo_witnessed"
