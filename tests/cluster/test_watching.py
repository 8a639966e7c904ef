"""The official client against the cluster: what a watch tells, and when it ends."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kubernetes import client, watch

from tests.cluster.watching import everything_gone

pytestmark = pytest.mark.cluster

Deploy = Callable[..., str]


def test_a_watch_tells_what_enters_changes_and_leaves(core: client.CoreV1Api, namespace: str) -> None:
    version = core.list_namespaced_config_map(namespace).metadata.resource_version
    body = {"metadata": {"name": "seen", "labels": {"watch": "no"}}}
    core.create_namespaced_config_map(namespace, body)
    for value in ("yes", "yes", "no", "yes"):
        labels = {"metadata": {"labels": {"watch": value}}, "data": {"x": value}}
        core.patch_namespaced_config_map("seen", namespace, labels)
    core.patch_namespaced_config_map("seen", namespace, {"data": {"x": "more"}})
    core.delete_namespaced_config_map("seen", namespace)
    stream = watch.Watch().stream(
        core.list_namespaced_config_map, namespace, label_selector="watch=yes", resource_version=version,
        timeout_seconds=1,
    )  # fmt: skip
    assert [event["type"] for event in stream] == ["ADDED", "DELETED", "ADDED", "MODIFIED", "DELETED"]


def test_a_watch_without_a_version_begins_with_what_is_there(
    core: client.CoreV1Api, namespace: str, note: object
) -> None:
    stream = watch.Watch().stream(core.list_namespaced_config_map, namespace, timeout_seconds=1)
    first = {event["object"].metadata.name: event["type"] for event in stream}
    assert first == {"note": "ADDED", "kube-root-ca.crt": "ADDED"}


def test_the_pods_of_a_deployment_live_and_die_in_this_order(
    core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str, deployed: Deploy
) -> None:
    version = core.list_namespaced_pod(namespace).metadata.resource_version
    deployed("observed")
    apps.patch_namespaced_deployment_scale("observed", namespace, {"spec": {"replicas": 0}})
    everything_gone(core, namespace, "name=observed")
    stream = watch.Watch().stream(
        core.list_namespaced_pod, namespace, label_selector="name=observed", resource_version=version, timeout_seconds=1
    )
    steps = []
    for event in stream:
        pod = event["object"]
        ready = [c.status for c in pod.status.conditions or () if c.type == "Ready"] == ["True"]
        step = (event["type"], pod.status.phase, ready, bool(pod.metadata.deletion_timestamp))
        steps += [step] if step not in steps else []
    assert steps[0] == ("ADDED", "Pending", False, False)
    assert steps.index(("MODIFIED", "Running", True, False)) < steps.index(("MODIFIED", "Running", True, True))
    assert (steps[-1][0], steps[-1][3]) == ("DELETED", True)
