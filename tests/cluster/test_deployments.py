"""The official client against the cluster: Deployments scaled, rolled out and told of."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from kubernetes import client, watch

from tests.cluster.watching import SECONDS, everything_gone, is_rolled_out, seen

pytestmark = pytest.mark.cluster

Deploy = Callable[..., str]
Pods = Callable[[str], list[client.V1Pod]]


def test_status_at_zero_replicas_has_no_counts_and_is_available(
    core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str, deployed: Deploy
) -> None:
    deployed("scaled", replicas=2)
    scale = apps.patch_namespaced_deployment_scale("scaled", namespace, {"spec": {"replicas": 0}})
    assert (scale.kind, scale.spec.replicas or 0) == ("Scale", 0)
    everything_gone(core, namespace, "name=scaled")
    down = seen(apps.list_namespaced_deployment, namespace, "scaled", is_rolled_out).status
    assert (down.replicas, down.ready_replicas, down.available_replicas) == (None, None, None)
    assert {c.type: c.status for c in down.conditions} == {"Available": "True", "Progressing": "True"}
    apps.patch_namespaced_deployment_scale("scaled", namespace, {"spec": {"replicas": 1}})
    up = seen(apps.list_namespaced_deployment, namespace, "scaled", is_rolled_out).status
    assert (up.replicas, up.ready_replicas, up.updated_replicas) == (1, 1, 1)


def test_one_patch_scales_and_annotates(apps: client.AppsV1Api, namespace: str, deployed: Deploy) -> None:
    deployed("marked")
    body = {"metadata": {"annotations": {"incident-conformance/was": "1"}}, "spec": {"replicas": 0}}
    found = apps.patch_namespaced_deployment("marked", namespace, body)
    assert (found.spec.replicas, found.metadata.annotations["incident-conformance/was"]) == (0, "1")


def test_a_rollout_never_takes_the_last_ready_pod_away(
    core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str, deployed: Deploy
) -> None:
    deployed("rolled", replicas=2)
    version = apps.list_namespaced_deployment(namespace).metadata.resource_version
    env = [{"name": "GREETING", "value": "ciao"}]
    template = {"spec": {"containers": [{"name": "web", "env": env}]}}
    apps.patch_namespaced_deployment("rolled", namespace, {"spec": {"template": template}})
    available = []
    stream = watch.Watch()
    for event in stream.stream(
        apps.list_namespaced_deployment, namespace, field_selector="metadata.name=rolled", resource_version=version,
        timeout_seconds=SECONDS,
    ):  # fmt: skip
        available.append(event["object"].status.available_replicas)
        if is_rolled_out(event["object"]):
            break
    assert min(available) == 2
    sets = apps.list_namespaced_replica_set(namespace, label_selector="name=rolled").items
    revision = "deployment.kubernetes.io/revision"
    assert {rs.metadata.annotations[revision]: rs.spec.replicas for rs in sets} == {"1": 0, "2": 2}


def test_recreate_starts_new_pods_only_when_the_old_are_gone(
    core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str, deployed: Deploy
) -> None:
    deployed("recreated", strategy={"type": "Recreate"})
    pods = core.list_namespaced_pod(namespace, label_selector="name=recreated")
    template = {"metadata": {"annotations": {"kubectl.kubernetes.io/restartedAt": "now"}}}
    apps.patch_namespaced_deployment("recreated", namespace, {"spec": {"template": template}})
    seen(apps.list_namespaced_deployment, namespace, "recreated", is_rolled_out)
    stream = watch.Watch().stream(
        core.list_namespaced_pod, namespace, label_selector="name=recreated",
        resource_version=pods.metadata.resource_version, timeout_seconds=1,
    )  # fmt: skip
    kinds = [event["type"] for event in stream if event["type"] != "MODIFIED"]
    assert kinds == ["DELETED", "ADDED"]


def test_events_are_those_of_kubernetes_in_their_order(
    core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str, deployed: Deploy, pods_of: Pods
) -> None:
    deployed("told")
    pod = pods_of("told")[0].metadata.name
    apps.patch_namespaced_deployment_scale("told", namespace, {"spec": {"replicas": 0}})
    everything_gone(core, namespace, "name=told")

    def reasons(kind: str, name: str) -> list[str]:
        selector = f"involvedObject.kind={kind},involvedObject.name={name},type=Normal"
        listed = core.list_namespaced_event(namespace, field_selector=selector).items
        return [e.reason for e in sorted(listed, key=lambda event: int(event.metadata.resource_version))]

    replica_set = pod.rpartition("-")[0]
    assert reasons("Deployment", "told") == ["ScalingReplicaSet", "ScalingReplicaSet"]
    assert reasons("ReplicaSet", replica_set) == ["SuccessfulCreate", "SuccessfulDelete"]
    assert reasons("Pod", pod) == ["Scheduled", "Pulled", "Created", "Started", "Killing"]
    listed = core.list_namespaced_event(namespace, field_selector="involvedObject.name=told").items
    assert {event.message for event in listed} == {
        f"Scaled up replica set {replica_set} from 0 to 1", f"Scaled down replica set {replica_set} from 1 to 0"
    }  # fmt: skip
