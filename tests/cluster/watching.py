"""Waiting by watching: for one object to become as wanted, for pods to be gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubernetes import client, watch

SECONDS = 60  # what is tested is what happens, not how fast: a node whose systemd does not answer takes 30 more


def is_rolled_out(deployment: client.V1Deployment) -> bool:
    """Tell whether a Deployment is where its spec wants it, by kubectl's own rule."""
    status, wanted = deployment.status, deployment.spec.replicas
    current = (status.observed_generation or 0) >= deployment.metadata.generation
    counts = {status.updated_replicas or 0, status.replicas or 0, status.available_replicas or 0}
    return current and counts == {wanted}


def seen(listing: Callable[..., Any], namespace: str, name: str, accept: Callable[[Any], bool]) -> Any:
    """Watch one object until *accept* takes it, and return it."""
    selector = f"metadata.name={name}"
    for event in watch.Watch().stream(listing, namespace, field_selector=selector, timeout_seconds=SECONDS):
        if accept(event["object"]):
            return event["object"]
    raise AssertionError(f"{name} did not become as expected within {SECONDS} s")


def any_seen(
    core: client.CoreV1Api, namespace: str, labels: str, accept: Callable[[client.V1Pod], object]
) -> client.V1Pod:
    """Watch the pods with these labels until *accept* takes one, and return it."""
    pods = watch.Watch().stream(core.list_namespaced_pod, namespace, label_selector=labels, timeout_seconds=SECONDS)
    found = next((event["object"] for event in pods if accept(event["object"])), None)
    assert found, f"no pod {labels} became as expected within {SECONDS} s"
    return found


def state_of(pod: client.V1Pod) -> Any:
    """Return what the first container of a pod is doing: its state, an empty one while there is none."""
    state = pod.status.container_statuses[0].state if pod.status.container_statuses else None
    return (state and (state.waiting or state.terminated)) or client.V1ContainerStateWaiting()


def everything_gone(core: client.CoreV1Api, namespace: str, labels: str) -> None:
    """Wait until no pod with these labels is left."""
    pods = core.list_namespaced_pod(namespace, label_selector=labels)
    left = {pod.metadata.name for pod in pods.items}
    stream = watch.Watch().stream(
        core.list_namespaced_pod, namespace, label_selector=labels, timeout_seconds=SECONDS,
        resource_version=pods.metadata.resource_version,
    )  # fmt: skip
    while left:
        event = next(stream, None)
        assert event, f"still there after {SECONDS} s: {left}; {_told(core, namespace, labels)}"
        if event["type"] == "DELETED":
            left.discard(event["object"].metadata.name)


def _told(core: client.CoreV1Api, namespace: str, labels: str) -> list[str]:
    """What the cluster tells of pods that should be gone."""
    return [
        f"{pod.metadata.name}: {pod.status.phase}, to be deleted since {pod.metadata.deletion_timestamp}, "
        f"{[str(each.state.terminated or each.state.running) for each in pod.status.container_statuses or []]}"
        for pod in core.list_namespaced_pod(namespace, label_selector=labels).items
    ]
