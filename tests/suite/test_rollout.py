"""A rollout is believed when it is seen to work, takes back what it still holds, and keeps what is somebody else's."""

from __future__ import annotations

import copy
import json
import shlex
from collections.abc import Callable
from dataclasses import replace

import pytest

from fixtures.cluster.states import PodState
from fixtures.faults.held import HELD
from fixtures.faults.rollout import Rollout
from fixtures.stack.profile import Capability
from judging.findings import NotRestored, NotSteady, NotWitnessed
from judging.refusal import Refusal
from tests.suite.one_deployment import MAIN, OneDeployment, away, caused, merged, pod, unknown, watched

AUDIT = Capability("audit_logging", "gateway", variable="MODE", value="audit")
RELEASE = Capability("audit_logging", "gateway", image="gateway:2")
SIDECAR = {"name": "proxy", "image": "proxy:1", "env": [{"name": "MODE", "value": "theirs"}]}
SECRET = {"name": "MODE", "valueFrom": {"secretKeyRef": {"name": "modes", "key": "mode"}}}
OTHER = {"name": "LEVEL", "value": "info"}


def with_env(*entries: dict) -> dict:
    kept = {key: value for key, value in MAIN.items() if key != "env"}
    return {**kept, "env": list(entries)} if entries else kept


def rollout(
    cluster: OneDeployment, place: Capability = AUDIT, seen: Callable[[], str] = lambda: "an entry is written",
    gone: Callable[[], str] = lambda: "none is written",
) -> Rollout:  # fmt: skip
    return Rollout(cluster, "audit logging", place, "run-1", seen, gone, rolled_out=0.05, answering=0.05)


def now_with(cluster: OneDeployment, **more: object) -> dict:
    """A write of somebody who changes the container and nothing else."""
    return {"spec": {"template": {"spec": {"containers": [{**cluster.containers[0], **more}]}}}}


def the_command(told: str) -> list[str]:
    return shlex.split(told.splitlines()[-1].partition("put it back with: ")[2])


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


def test_a_patch_whose_answer_is_lost_is_taken_back():
    cluster = OneDeployment(1)
    faults, obey = watched([]), cluster.patch

    def lost(*about: object) -> bool:
        obey(*about)
        raise ConnectionError("the answer is lost")

    cluster.patch = lost
    with pytest.raises(ConnectionError):
        faults.cause(rollout(cluster))
    assert HELD in cluster.annotations
    faults.end_all()

    assert cluster.containers == [MAIN]
    assert cluster.annotations == {}


@pytest.mark.parametrize("late", [False, True], ids=["before", "while it is taken back"])
@pytest.mark.parametrize(
    "somebody",
    [
        lambda cluster: now_with(cluster, env=[{"name": "MODE", "value": "other"}]),
        lambda cluster: now_with(cluster, env=None),
        lambda cluster: now_with(cluster, env=MAIN["env"]),
        lambda cluster: {"metadata": {"annotations": {HELD: None}}},
        lambda cluster: {"metadata": {"annotations": {HELD: '{"run": "run-2"}'}}},
    ],
    ids=["sets it", "removes it", "puts it back, but for the note", "takes the note away", "holds it too"],
)
def test_what_somebody_else_did_is_kept_and_told(somebody: Callable[[OneDeployment], dict], late: bool):
    cluster = OneDeployment(1)
    faults, noted = caused(rollout(cluster))
    theirs = merged(cluster.record, somebody(cluster))
    if late:
        cluster.before_patch = [lambda: cluster.merge(somebody(cluster))]
    else:
        cluster.merge(somebody(cluster))

    with pytest.raises(NotRestored, match="somebody else changed gateway"):
        faults.end_all()

    assert cluster.record["spec"] == theirs["spec"]
    assert cluster.annotations.get(HELD) == theirs["metadata"]["annotations"].get(HELD)
    assert noted[-1] == "failed"
    faults.end_all()  # told once


@pytest.mark.parametrize(
    ("somebody", "told"),
    [
        (lambda cluster: now_with(cluster, image="gateway:3"), r"spec\.template"),
        (lambda cluster: {"spec": {"replicas": 2}}, r"spec\.replicas"),
        (lambda cluster: {"metadata": {"annotations": {"note": "new"}}}, r"annotations\.note"),
    ],
    ids=["another image", "scales", "annotates"],
)
def test_what_somebody_else_did_beside_it_is_kept_and_told(somebody: Callable[[OneDeployment], dict], told: str):
    cluster = OneDeployment(1)
    faults, _ = caused(rollout(cluster))
    cluster.merge(somebody(cluster))
    expected = copy.deepcopy(cluster.record)

    with pytest.raises(NotRestored, match=told):
        faults.end_all()

    assert cluster.containers[0]["image"] == expected["spec"]["template"]["spec"]["containers"][0]["image"]
    assert cluster.containers[0]["env"] == MAIN["env"]
    assert cluster.record["spec"]["replicas"] == expected["spec"]["replicas"]
    assert HELD not in cluster.annotations


def test_what_somebody_else_took_back_is_fine():
    cluster = OneDeployment(1)
    faults, noted = caused(rollout(cluster))
    cluster.merge({**now_with(cluster, env=MAIN["env"]), "metadata": {"annotations": {HELD: None}}})

    faults.end_all()

    assert noted[-1] == "undo_witnessed"


@pytest.mark.parametrize(
    ("left", "gone", "why"),
    [([], "", "nothing is seen of the audit logging"), ([pod("new", "changed")], "none", "rolled back(?s:.*)'new'")],
    ids=["it is still seen to work", "a changed pod stays"],
)
def test_what_is_not_seen_to_be_gone_is_not_restored(left: list[PodState], gone: str, why: str):
    cluster = OneDeployment(1)
    faults, noted = caused(rollout(cluster, gone=lambda: gone))
    cluster.left = left

    with pytest.raises(NotRestored, match=why):
        faults.end_all()

    assert cluster.containers == [MAIN]
    assert noted[-1] == "failed"


def test_pods_that_do_not_become_ready_again_are_not_restored():
    cluster = OneDeployment(1)
    faults, _ = caused(rollout(cluster))
    cluster.stuck = True

    with pytest.raises(NotRestored, match="audit logging is back"):
        faults.end_all()


@pytest.mark.parametrize("trouble", [away, unknown], ids=["away", "not ready to know anybody"])
def test_an_api_server_that_is_away_for_a_moment_is_asked_again(trouble: Callable[[], None]):
    cluster = OneDeployment(1)
    faults, noted = caused(rollout(cluster))
    cluster.before_patch = [trouble]
    cluster.permitted = False  # putting back asks nobody

    faults.end_all()

    assert cluster.containers == [MAIN]
    assert noted[-1] == "undo_witnessed"


@pytest.mark.parametrize(
    ("containers", "entry"),
    [
        ((MAIN,), {"name": "MODE", "value": "plain", "valueFrom": None}),
        ((with_env(SECRET),), {**SECRET, "value": None}),
        ((with_env(OTHER),), {"name": "MODE", "$patch": "delete"}),
    ],
    ids=["a value", "a reference", "not there"],
)
def test_an_api_server_that_stays_away_leaves_it_changed_and_says_how_to_put_it_back(containers, entry: dict):
    cluster = OneDeployment(2, containers)
    faults, noted = caused(rollout(cluster))
    cluster.before_patch = [away] * 99

    with pytest.raises(NotRestored, match="does not answer") as failure:
        faults.end_all()

    change = json.loads(the_command(str(failure.value))[-1])
    assert change["spec"]["template"]["spec"]["containers"] == [{"name": "gateway", "env": [entry]}]
    assert change["metadata"] == {"annotations": {HELD: None}}
    assert noted[-1] == "failed"


def by_name(change: dict) -> dict[str, str]:
    [container] = change["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"]}


def strategic(cluster: OneDeployment, change: dict) -> dict:
    """What a strategic merge patch of the only variable comes to, as a merge patch."""
    entries = [{"name": name, "value": value} for name, value in by_name(change).items()]
    return {**change, **now_with(cluster, env=entries)}
