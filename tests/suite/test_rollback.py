"""A rollout takes back what it still holds, keeps what is somebody else's, and says how to put back the rest."""

from __future__ import annotations

import copy
import json
from collections.abc import Callable

import pytest

from fixtures.cluster.notes import HELD
from fixtures.cluster.states import PodState
from judging.findings import NotRestored
from tests.suite.one_deployment import MAIN, OneDeployment, away, caused, merged, pod, unknown, watched
from tests.suite.rollouts import (
    OTHER,
    SECRET,
    now_with,
    rollout,
    the_command,
    with_env,
)


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
