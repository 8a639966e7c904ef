"""Pods that cannot start are told with their last words and events as soon as the cluster knows of it."""

from __future__ import annotations

import os
from datetime import UTC, datetime

import pytest

from reference.refusal import CannotRun
from reference.rollout import follow
from tests.kind.conftest import VARIABLE
from tests.kind.deployed import Place

STAYS = "import signal; signal.pause()"
LISTENS_LATE = """
import os, signal, socket
signal.sigtimedwait([], 2)
listening = socket.create_server((os.environ["POD_IP"], 8080))
signal.pause()
"""
CRASHES = "print('counting'); print('cannot reach the moon'); raise SystemExit(3)"
NOWHERE = "127.0.0.1:1/ghost:1"  # refused at once, where a name that nobody knows may take ten seconds
NEVER = {"tcpSocket": {"port": 1}, "periodSeconds": 1}
GIVE_UP, AT_ONCE = 90, 5  # seconds


def refusal(place: Place) -> CannotRun:
    with pytest.raises(CannotRun) as refused:
        for _ in follow(place.cluster, place.namespace, GIVE_UP):
            pass
    return refused.value


def since(place: Place, reason: str) -> float:
    """Seconds since the first event of that reason; the cluster's clock has whole seconds."""
    output = "jsonpath={.items[*].metadata.creationTimestamp}"
    told = place.kubectl("get", "events", "--field-selector", f"reason={reason}", "-o", output)
    return (datetime.now(UTC) - min(map(datetime.fromisoformat, told.split()))).total_seconds()


def test_what_comes_up_is_followed_until_it_is_available(place: Place):
    place.deploy("first", STAYS)
    place.deploy("second", STAYS)
    told = list(follow(place.cluster, place.namespace, GIVE_UP))
    assert told[-1] == set()
    assert {"first", "second"} >= told[0]


def test_a_pod_that_crashes_again_and_again_tells_its_last_words(place: Place):
    place.deploy("fine", STAYS)
    place.deploy("rocket", CRASHES, readinessProbe=NEVER)
    refused = refusal(place)
    assert refused.error_id == "E-POD-CRASHES"
    assert refused.cause.startswith("pod rocket-")
    assert "CrashLoopBackOff" in refused.cause
    assert "last words  cannot reach the moon" in refused.seen
    assert any("event       BackOff: Back-off restarting failed container" in line for line in refused.seen)
    assert since(place, "BackOff") < AT_ONCE + 1


def test_an_image_that_cannot_be_had_is_named(place: Place):
    place.deploy("ghost", STAYS, image=NOWHERE)
    refused = refusal(place)
    assert refused.error_id == "E-POD-IMAGE"
    assert any(NOWHERE in line for line in [refused.cause, *refused.seen])
    assert since(place, "Failed") < AT_ONCE + 1


@pytest.mark.skipif(VARIABLE not in os.environ, reason="only a real cluster has a scheduler")
def test_a_pod_that_fits_nowhere_says_what_is_lacking(place: Place):
    place.deploy("whale", STAYS, resources={"requests": {"cpu": "1000"}})
    refused = refusal(place)
    assert refused.error_id == "E-POD-PENDING"
    assert "Insufficient cpu" in refused.cause
    assert since(place, "FailedScheduling") < AT_ONCE + 1


@pytest.mark.skipif(VARIABLE not in os.environ, reason="the embedded cluster has no Secrets in pods")
def test_settings_that_are_missing_are_named(place: Place):
    source = {"secretKeyRef": {"name": "nowhere", "key": "word"}}
    place.deploy("spy", STAYS, env=[{"name": "WORD", "valueFrom": source}])
    refused = refusal(place)
    assert refused.error_id == "E-POD-SETTINGS"
    assert "nowhere" in refused.cause


def test_a_pod_that_is_about_to_be_replaced_does_not_count(place: Place):
    place.deploy("ghost", STAYS, image=NOWHERE)
    assert refusal(place).error_id == "E-POD-IMAGE"
    address = [{"name": "POD_IP", "valueFrom": {"fieldRef": {"fieldPath": "status.podIP"}}}]
    place.deploy("ghost", LISTENS_LATE, env=address, readinessProbe={"tcpSocket": {"port": 8080}, "periodSeconds": 1})
    assert list(follow(place.cluster, place.namespace, GIVE_UP))[-1] == set()


def test_what_never_becomes_ready_is_told_when_the_time_is_over(place: Place):
    place.deploy("sloth", STAYS, readinessProbe=NEVER)
    with pytest.raises(CannotRun) as refused:
        list(follow(place.cluster, place.namespace, 4))
    assert refused.value.error_id == "E-NOT-READY"
    assert "sloth" in refused.value.cause
    assert any(line.startswith("pod         sloth-") for line in refused.value.seen)
