"""The official client against the cluster: how pods start, answer, speak, fall ill and die."""

from __future__ import annotations

import base64
from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client, watch

from tests.cluster.watching import any_seen, seen, state_of

pytestmark = pytest.mark.cluster

Deploy = Callable[..., str]
Pods = Callable[[str], list[client.V1Pod]]
Ask = Callable[[str, str], Any]


def test_endpoints_follow_readiness(
    core: client.CoreV1Api, namespace: str, deployed: Deploy, pods_of: Pods, ask: Ask
) -> None:
    deployed("fickle")
    pod = pods_of("fickle")[0]
    slices = client.DiscoveryV1Api(core.api_client).list_namespaced_endpoint_slice
    (held,) = slices(namespace, label_selector="kubernetes.io/service-name=fickle").items

    def ready(found: Any) -> list[bool]:
        return [endpoint.conditions.ready for endpoint in found.endpoints or ()]

    name = held.metadata.name
    assert ready(seen(slices, namespace, name, lambda found: True in ready(found))) == [True]
    old = seen(core.list_namespaced_endpoints, namespace, "fickle", lambda found: found.subsets[0].addresses)
    assert old.subsets[0].addresses[0].ip == pod.status.pod_ip
    ask(pod.metadata.name, "/ill")
    seen(core.list_namespaced_pod, namespace, pod.metadata.name, lambda pod: not pod.status.container_statuses[0].ready)
    seen(slices, namespace, name, lambda found: ready(found) == [False])
    ask(pod.metadata.name, "/well")
    seen(slices, namespace, name, lambda found: ready(found) == [True])


def test_a_dead_container_is_restarted_and_then_backed_off(
    core: client.CoreV1Api, namespace: str, deployed: Deploy, pods_of: Pods, ask: Ask
) -> None:
    deployed("mortal")
    pod = pods_of("mortal")[0].metadata.name
    ask(pod, "/exit?3")

    def again(pod: client.V1Pod) -> bool:
        status = pod.status.container_statuses[0]
        return status.restart_count == 1 and status.ready and status.last_state.terminated is not None

    status = seen(core.list_namespaced_pod, namespace, pod, again).status.container_statuses[0]
    assert (status.last_state.terminated.exit_code, status.last_state.terminated.reason) == (3, "Error")
    assert core.read_namespaced_pod_log(pod, namespace, previous=True) == "listening\n"
    ask(pod, "/exit?0")

    def backed_off(pod: client.V1Pod) -> bool:
        waiting = pod.status.container_statuses[0].state.waiting
        return waiting is not None and waiting.reason == "CrashLoopBackOff"

    status = seen(core.list_namespaced_pod, namespace, pod, backed_off).status.container_statuses[0]
    assert status.state.waiting.message.startswith("back-off 10s restarting failed container=web pod=mortal-")
    assert (status.last_state.terminated.exit_code, status.last_state.terminated.reason) == (0, "Completed")
    told = core.list_namespaced_event(namespace, field_selector=f"involvedObject.name={pod},reason=BackOff").items
    assert told[0].message.startswith("Back-off restarting failed container web in pod mortal-")


def test_a_failed_liveness_probe_restarts_the_container(
    core: client.CoreV1Api, namespace: str, deployed: Deploy, pods_of: Pods, ask: Ask
) -> None:
    probe = {"httpGet": {"path": "/health", "port": 8080}, "periodSeconds": 1, "failureThreshold": 1}
    deployed("checked", livenessProbe={**probe, "initialDelaySeconds": 1})
    pod = pods_of("checked")[0].metadata.name
    ask(pod, "/ill")
    seen(core.list_namespaced_pod, namespace, pod, lambda pod: pod.status.container_statuses[0].restart_count == 1)
    told = core.list_namespaced_event(namespace, field_selector=f"involvedObject.name={pod}").items
    assert "Liveness probe failed: HTTP probe failed with statuscode: 503" in [event.message for event in told]
    assert "Container web failed liveness probe, will be restarted" in [event.message for event in told]


@pytest.mark.parametrize(
    ("changes", "reasons"),
    [
        ({"image": "cluster-test/nobody:1"}, {"ErrImageNeverPull"}),
        ({"command": ["no-such-program"]}, {"RunContainerError", "CrashLoopBackOff", "StartError"}),
        ({"env": [{"name": "A", "valueFrom": {"configMapKeyRef": {"name": "nobody", "key": "a"}}}]},
         {"CreateContainerConfigError"}),
    ],
    ids=["image", "command", "configmap"],
)  # fmt: skip
def test_what_cannot_start_says_why(
    core: client.CoreV1Api, namespace: str, deployed: Deploy, changes: dict[str, Any], reasons: set[str]
) -> None:
    deployed("stuck", ready=False, **changes)
    pod = any_seen(core, namespace, "name=stuck", lambda pod: state_of(pod).reason in reasons)
    told = core.list_namespaced_event(namespace, field_selector=f"involvedObject.name={pod.metadata.name}").items
    assert "Failed" in {event.reason for event in told}


def test_the_environment_is_that_of_kubernetes(
    core: client.CoreV1Api, namespace: str, deployed: Deploy, pods_of: Pods, ask: Ask
) -> None:
    core.create_namespaced_config_map(namespace, {"metadata": {"name": "words"}, "data": {"one": "1", "two": "2"}})
    secret = {"metadata": {"name": "keys"}, "stringData": {"token": "t0p"}}
    assert base64.b64decode(core.create_namespaced_secret(namespace, secret).data["token"]) == b"t0p"
    env = [
        {"name": "NAME", "valueFrom": {"fieldRef": {"fieldPath": "metadata.name"}}},
        {"name": "LABEL", "valueFrom": {"fieldRef": {"fieldPath": "metadata.labels['name']"}}},
        {"name": "ONE", "valueFrom": {"configMapKeyRef": {"name": "words", "key": "one"}}},
        {"name": "TOKEN", "valueFrom": {"secretKeyRef": {"name": "keys", "key": "token"}}},
        {"name": "NONE", "valueFrom": {"secretKeyRef": {"name": "nobody", "key": "x", "optional": True}}},
        {"name": "COMPOSED", "value": "$(GREETING)-$(ONE)-$(UNKNOWN)-$$(ONE)"},
    ]
    deployed("furnished", env=env, envFrom=[{"configMapRef": {"name": "words"}, "prefix": "W_"}])
    pod = pods_of("furnished")[0]
    found = ask(pod.metadata.name, "/")["env"]
    wanted = {"NAME": pod.metadata.name, "LABEL": "furnished", "ONE": "1", "TOKEN": "t0p", "W_two": "2",
        "COMPOSED": "hello-1-$(UNKNOWN)-$(ONE)", "POD_IP": pod.status.pod_ip}  # fmt: skip
    assert {name: found.get(name) for name in wanted} == wanted
    assert "NONE" not in found
    service = core.read_namespaced_service("furnished", namespace)
    assert found["FURNISHED_SERVICE_HOST"] == service.spec.cluster_ip
    assert found["FURNISHED_PORT"] == f"tcp://{service.spec.cluster_ip}:{found['FURNISHED_SERVICE_PORT']}"


def test_logs_can_be_cut(core: client.CoreV1Api, namespace: str, deployed: Deploy, pods_of: Pods, ask: Ask) -> None:
    deployed("chatty")
    pod = pods_of("chatty")[0].metadata.name
    for word in ("one", "two", "three"):
        ask(pod, f"/say?{word}")

    def log(**cut: object) -> str:
        return core.read_namespaced_pod_log(pod, namespace, **cut)

    assert log() == "listening\none\ntwo\nthree\n"
    assert log(tail_lines=2) == "two\nthree\n"
    assert log(tail_lines=0) == ""
    assert log(limit_bytes=5) == "liste"
    assert log(since_seconds=600) == log()
    stamped = log(timestamps=True, tail_lines=1)
    assert stamped.endswith("Z three\n")
    assert stamped[:10].count("-") == 2


def test_a_followed_log_comes_at_once_and_ends_with_the_container(
    core: client.CoreV1Api, namespace: str, deployed: Deploy, pods_of: Pods, ask: Ask
) -> None:
    deployed("followed")
    pod = pods_of("followed")[0].metadata.name
    lines = watch.Watch().stream(core.read_namespaced_pod_log, pod, namespace, follow=True)
    assert next(lines) == "listening"
    ask(pod, "/say?spoken")
    assert next(lines) == "spoken"
    core.delete_namespaced_pod(pod, namespace)
    assert list(lines) == []


def test_a_process_that_ignores_sigterm_is_killed_after_its_grace(
    core: client.CoreV1Api, namespace: str, deployed: Deploy, pods_of: Pods
) -> None:
    deployed("deaf", args=["--deaf"], terminationGracePeriodSeconds=1)
    pod = pods_of("deaf")[0].metadata.name
    ending = core.delete_namespaced_pod(pod, namespace)
    assert ending.metadata.deletion_grace_period_seconds == 1
    codes = []

    def over(pod: client.V1Pod) -> bool:
        ended = pod.status.container_statuses[0].state.terminated
        codes.append(ended and ended.exit_code)
        return bool(ended)

    seen(core.list_namespaced_pod, namespace, pod, over)
    assert codes[-1] == 137
