"""Waiting by watching: for one object to become as wanted, for pods to be gone."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from kubernetes import client, watch

SECONDS = 20


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
        assert event, f"still there after {SECONDS} s: {left}"
        if event["type"] == "DELETED":
            left.discard(event["object"].metadata.name)
