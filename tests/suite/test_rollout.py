"""A rollout is believed when it is seen to work, and begins only where nobody else is at work."""

from __future__ import annotations

import copy
import json
import shlex
from dataclasses import replace

import pytest

from fixtures.cluster.notes import HELD
from fixtures.stack.profile import Capability
from judging.findings import NotSteady, NotWitnessed
from judging.refusal import Refusal
from tests.suite.one_deployment import MAIN, OneDeployment, caused, pod, watched
from tests.suite.rollouts import (
    AUDIT,
    OTHER,
    RELEASE,
    SECRET,
    SIDECAR,
    by_name,
    now_with,
    rollout,
    strategic,
    the_command,
    with_env,
)


@pytest.mark.parametrize(
    ("containers", "place", "there"),
    [
        ((with_env(OTHER, MAIN["env"][0]),), AUDIT, with_env(OTHER, {"name": "MODE", "value": "audit"})),
        ((with_env(MAIN["env"][0], OTHER),), AUDIT, with_env({"name": "MODE", "value": "audit"}, OTHER)),
        ((with_env(),), AUDIT, with_env({"name": "MODE", "value": "audit"})),
        ((with_env(OTHER),), AUDIT, with_env(OTHER, {"name": "MODE", "value": "audit"})),
        ((with_env(SECRET),), AUDIT, with_env({"name": "MODE", "value": "audit"})),
        ((SIDECAR, MAIN), AUDIT, with_env({"name": "MODE", "value": "audit"})),
        ((MAIN,), RELEASE, {**MAIN, "image": "gateway:2"}),
        ((SIDECAR, MAIN), RELEASE, {**MAIN, "image": "gateway:2"}),
    ],
    ids=["last", "first", "no environment", "not there", "by reference", "a sidecar", "image", "image and sidecar"],
)
def test_it_is_rolled_out_and_back_as_it_was(containers: tuple[dict, ...], place: Capability, there: dict):
    cluster = OneDeployment(3, containers, note="theirs")
    before = copy.deepcopy(cluster.record["spec"])
    faults, noted = caused(rollout(cluster, place))

    assert cluster.containers == [*containers[:-1], there]
    assert json.loads(cluster.annotations[HELD])["run"] == "run-1"
    faults.end_all()
    assert cluster.record["spec"] == before
    assert cluster.annotations == {"note": "theirs"}
    assert noted == ["planned", "applied", "witnessed", "undone", "undo_witnessed"]


@pytest.mark.parametrize(
    ("cluster", "why"),
    [
        (OneDeployment(0), "0 of 0"),
        (OneDeployment(1, **{HELD: "another run"}), "another run"),
        (OneDeployment(1, (with_env({"name": "MODE", "value": "audit"}),)), "MODE=audit already"),
    ],
    ids=["away", "held", "changed already"],
)
def test_what_is_away_held_or_changed_is_not_touched(cluster: OneDeployment, why: str):
    before = copy.deepcopy(cluster.record)

    with pytest.raises(NotSteady, match=why):
        rollout(cluster).apply()

    assert cluster.record == before


def test_what_is_being_rolled_out_by_somebody_else_is_not_touched():
    cluster = OneDeployment(1)
    cluster.stuck = True
    cluster.merge(now_with(cluster, image="gateway:3"))
    before = copy.deepcopy(cluster.record)

    with pytest.raises(NotSteady, match="1 of 1 replicas ready"):
        rollout(cluster).apply()

    assert cluster.record == before


def test_which_container_is_meant_must_be_clear():
    cluster = OneDeployment(1, (SIDECAR, {**MAIN, "name": "main"}))

    with pytest.raises(Refusal, match="proxy, main") as refused:
        rollout(cluster).apply()

    assert refused.value.error_id == "E-CONTAINER"


def test_without_permission_nothing_is_changed():
    cluster = OneDeployment(1)
    cluster.permitted = False

    with pytest.raises(Refusal, match="may not be broken"):
        rollout(cluster).apply()

    assert cluster.containers == [MAIN]


def test_a_writer_in_between_is_not_overwritten_when_it_begins():
    cluster = OneDeployment(1)
    cluster.before_patch = [lambda: cluster.merge(now_with(cluster, image="gateway:3"))]
    faults, _ = caused(rollout(cluster))

    faults.end_all()

    assert cluster.containers == [{**MAIN, "image": "gateway:3"}]


def test_a_writer_who_holds_it_first_keeps_it():
    cluster = OneDeployment(1)
    cluster.before_patch = [lambda: cluster.change(**{HELD: "another run"})]
    faults = watched([])

    with pytest.raises(NotSteady, match="another run"):
        faults.cause(rollout(cluster))
    faults.end_all()

    assert cluster.annotations == {HELD: "another run"}


@pytest.mark.parametrize(
    ("stuck", "left", "seen", "why"),
    [
        (True, [], "an entry is written", "rolled out.*not all up to date"),
        (False, ["old"], "an entry is written", "rolled out.*'old'"),
        (False, [], "", "seen to work"),
    ],
    ids=["new pods never ready", "an old pod stays", "nothing is seen of it"],
)
def test_without_a_witness_nothing_is_believed_and_all_is_taken_back(stuck: bool, left: list[str], seen: str, why: str):
    cluster = OneDeployment(1)
    cluster.stuck = stuck
    cluster.left = [pod(name, cluster.pods("gateway")[0].labels["pod-template-hash"]) for name in left]
    noted: list[str] = []
    faults = watched(noted)

    with pytest.raises(NotWitnessed, match=f"(?s){why}"):
        faults.cause(rollout(cluster, seen=lambda: seen))
    faults.end_all()

    assert cluster.containers == [MAIN]
    assert cluster.annotations == {}
    assert noted == ["planned", "applied", "undone", "undo_witnessed"]


def test_a_pod_of_an_earlier_rollout_that_is_still_ending_is_not_taken_for_one_of_before():
    earlier = OneDeployment(1)
    caused(rollout(earlier))
    cluster = OneDeployment(1)
    cluster.left = [replace(each, ending=True) for each in earlier.pods("gateway")]

    faults, noted = caused(rollout(cluster))
    cluster.left.clear()
    faults.end_all()

    assert noted[-1] == "undo_witnessed"


def test_a_run_that_dies_after_it_applied_leaves_what_the_next_one_needs_to_put_it_back():
    cluster = OneDeployment(2, note="theirs")
    before = copy.deepcopy(cluster.record["spec"])
    rollout(cluster).apply()

    with pytest.raises(NotSteady, match="still held by a fault") as told:
        rollout(cluster).apply()

    *command, change = the_command(str(told.value))
    assert command == shlex.split("kubectl --namespace shop patch deployment gateway --type strategic --patch")
    assert by_name(json.loads(change)) == {"MODE": "plain"}
    cluster.merge(strategic(cluster, json.loads(change)))
    assert cluster.record["spec"] == before
    assert cluster.annotations == {"note": "theirs"}


def test_a_run_that_is_interrupted_after_it_applied_takes_it_back():
    cluster = OneDeployment(1)
    noted: list[str] = []
    faults = watched(noted)

    def interrupt() -> str:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        faults.cause(rollout(cluster, seen=interrupt))
    faults.end_all()

    assert cluster.containers == [MAIN]
    assert noted == ["planned", "applied", "undone", "undo_witnessed"]
