"""The official client against the cluster: reading, writing, watching, and what a Deployment does meanwhile."""

from __future__ import annotations

import base64
import json
from collections.abc import Callable

import pytest
from conftest import everything_gone, is_rolled_out, seen
from kubernetes import client, watch
from kubernetes.client.exceptions import ApiException

pytestmark = pytest.mark.cluster

Deploy = Callable[..., str]
Pods = Callable[[str], list[client.V1Pod]]
Ask = Callable[[str, str], dict]


@pytest.fixture
def note(core: client.CoreV1Api, namespace: str) -> client.V1ConfigMap:
    """A ConfigMap to write to, deleted afterwards."""
    body = {"metadata": {"name": "note", "labels": {"colour": "red"}}, "data": {"a": "1", "b": "2"}}
    yield core.create_namespaced_config_map(namespace, body)
    core.delete_namespaced_config_map("note", namespace)


def refused(call: Callable, *args: object, **kwargs: object) -> ApiException:
    with pytest.raises(ApiException) as refusal:
        call(*args, **kwargs)
    return refusal.value



# Objects


def test_a_stale_write_is_refused(core: client.CoreV1Api, namespace: str, note: client.V1ConfigMap) -> None:
    note.data["a"] = "mine"
    core.patch_namespaced_config_map("note", namespace, {"data": {"a": "theirs"}})
    refusal = refused(core.replace_namespaced_config_map, "note", namespace, note)
    assert (refusal.status, '"reason":"Conflict"' in refusal.body.replace(" ", "")) == (409, True)
    assert core.read_namespaced_config_map("note", namespace).data["a"] == "theirs"


def test_refusals_carry_the_codes_of_kubernetes(
    core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str, deployed: Deploy, note: client.V1ConfigMap
) -> None:
    deployed("strict", ready=False, replicas=0)
    body = {"metadata": {"name": "note"}}
    negative = {"spec": {"replicas": -1}}
    other = {"spec": {"selector": {"matchLabels": {"name": "other"}}}}
    refusals = {
        "AlreadyExists": refused(core.create_namespaced_config_map, namespace, body),
        "NotFound": refused(core.read_namespaced_config_map, "nobody", namespace),
        "Invalid": refused(apps.patch_namespaced_deployment, "strict", namespace, negative),
        "BadRequest": refused(core.list_namespaced_pod, namespace, field_selector="spec.colour=red"),
    }
    codes = {"AlreadyExists": 409, "NotFound": 404, "Invalid": 422, "BadRequest": 400}
    assert {reason: refusal.status for reason, refusal in refusals.items()} == codes
    assert all(f'"{reason}"' in refusal.body for reason, refusal in refusals.items())
    assert "field is immutable" in refused(apps.patch_namespaced_deployment, "strict", namespace, other).body


def test_each_kind_of_patch_changes_what_it_says(core: client.CoreV1Api, namespace: str, note: object) -> None:
    patch = core.patch_namespaced_config_map
    merged = patch("note", namespace, {"data": {"a": None, "c": "3"}}, _content_type="application/merge-patch+json")
    assert merged.data == {"b": "2", "c": "3"}
    edited = patch("note", namespace, [{"op": "replace", "path": "/data/b", "value": "two"}])
    assert edited.data == {"b": "two", "c": "3"}
    failed = [{"op": "test", "path": "/data/b", "value": "2"}, {"op": "remove", "path": "/data/b"}]
    assert refused(patch, "note", namespace, failed).status == 422
    applied = {"apiVersion": "v1", "kind": "ConfigMap", "metadata": {"name": "note"}, "data": {"d": "4"}}
    kind = "application/apply-patch+yaml"
    found = patch("note", namespace, applied, field_manager="tests", _content_type=kind)
    assert found.data["d"] == "4"
    assert "tests" in [entry.manager for entry in found.metadata.managed_fields]


def test_a_strategic_patch_merges_named_things(apps: client.AppsV1Api, namespace: str, deployed: Deploy) -> None:
    deployed("merged", ready=False, replicas=0)
    container = {"name": "web", "env": [{"name": "GREETING", "value": "ciao"}, {"name": "EXTRA", "value": "1"}]}
    body = {"spec": {"template": {"spec": {"containers": [container]}}}}
    found = apps.patch_namespaced_deployment("merged", namespace, body).spec.template.spec.containers
    assert [c.image for c in found] == ["cluster-test/echo:1"]
    values = {entry.name: entry.value for entry in found[0].env}
    assert values == {"POD_IP": None, "GREETING": "ciao", "EXTRA": "1"}
    container = {"name": "web", "env": [{"name": "EXTRA", "$patch": "delete"}]}
    body = {"spec": {"template": {"spec": {"containers": [container]}}}}
    found = apps.patch_namespaced_deployment("merged", namespace, body).spec.template.spec.containers
    assert [entry.name for entry in found[0].env] == ["POD_IP", "GREETING"]


def test_selectors_choose(core: client.CoreV1Api, namespace: str, note: object) -> None:
    def chosen(**selectors: str) -> set[str]:
        return {found.metadata.name for found in core.list_namespaced_config_map(namespace, **selectors).items}

    assert chosen(label_selector="colour=red") == chosen(label_selector="colour in (red, blue)") == {"note"}
    assert chosen(label_selector="colour!=red") == chosen(label_selector="!colour") == {"kube-root-ca.crt"}
    assert chosen(label_selector="colour notin (red)") == chosen(label_selector="colour,colour!=red") | {"kube-root-ca.crt"}
    assert chosen(field_selector="metadata.name=note") == {"note"}
    assert chosen(field_selector="metadata.name!=note,metadata.namespace=" + namespace) == {"kube-root-ca.crt"}


def test_a_collection_is_deleted_by_selector(core: client.CoreV1Api, namespace: str) -> None:
    for name, colour in (("one", "blue"), ("two", "blue"), ("three", "green")):
        core.create_namespaced_config_map(namespace, {"metadata": {"name": name, "labels": {"colour": colour}}})
    core.delete_collection_namespaced_config_map(namespace, label_selector="colour=blue")
    left = core.list_namespaced_config_map(namespace, label_selector="colour").items
    assert [found.metadata.name for found in left] == ["three"]
    core.delete_namespaced_config_map("three", namespace)


def test_the_server_counts_generations_and_versions(apps: client.AppsV1Api, namespace: str, deployed: Deploy) -> None:
    deployed("counted", ready=False, replicas=0)
    before = seen(apps.list_namespaced_deployment, namespace, "counted", is_rolled_out)
    same = apps.patch_namespaced_deployment("counted", namespace, {"spec": {"replicas": 0}})
    assert same.metadata.generation == 1
    assert same.metadata.resource_version == before.metadata.resource_version
    noted = apps.patch_namespaced_deployment("counted", namespace, {"metadata": {"annotations": {"a": "b"}}})
    assert noted.metadata.generation == 1
    assert noted.metadata.resource_version != before.metadata.resource_version
    paused = apps.patch_namespaced_deployment("counted", namespace, {"spec": {"minReadySeconds": 1}})
    assert paused.metadata.generation == 2


# Watching


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


def test_a_watch_without_a_version_begins_with_what_is_there(core: client.CoreV1Api, namespace: str, note: object) -> None:
    stream = watch.Watch().stream(core.list_namespaced_config_map, namespace, timeout_seconds=1)
    first = {event["object"].metadata.name: event["type"] for event in stream}
    assert first == {"note": "ADDED", "kube-root-ca.crt": "ADDED"}


def test_a_watch_from_a_forgotten_version_ends_with_410(core: client.CoreV1Api, namespace: str) -> None:
    stream = watch.Watch().stream(core.list_namespaced_config_map, namespace, resource_version="1", timeout_seconds=5)
    with pytest.raises(ApiException) as refusal:
        list(stream)
    assert refusal.value.status == 410


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
    assert steps.index(("MODIFIED", "Running", False, False)) < steps.index(("MODIFIED", "Running", True, False))
    assert steps.index(("MODIFIED", "Running", True, False)) < steps.index(("MODIFIED", "Running", True, True))
    assert (steps[-1][0], steps[-1][3]) == ("DELETED", True)


# Deployments


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
        timeout_seconds=20,
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


def test_events_are_those_of_kubernetes_in_their_order(core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str, deployed: Deploy, pods_of: Pods) -> None:
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
    newer = json.loads(
        client.EventsV1Api(core.api_client).list_namespaced_event(namespace, _preload_content=False).data
    )
    notes = {event["note"] for event in newer["items"] if event["regarding"]["name"] == "told"}
    assert notes == {
        f"Scaled up replica set {replica_set} from 0 to 1", f"Scaled down replica set {replica_set} from 1 to 0"
    }  # fmt: skip


# Pods


def test_endpoints_follow_readiness(
    core: client.CoreV1Api, namespace: str, deployed: Deploy, pods_of: Pods, ask: Ask
) -> None:
    deployed("fickle")
    pod = pods_of("fickle")[0]
    slices = client.DiscoveryV1Api(core.api_client).list_namespaced_endpoint_slice

    def ready() -> list[bool]:
        found = slices(namespace, label_selector="kubernetes.io/service-name=fickle").items[0]
        return [endpoint.conditions.ready for endpoint in found.endpoints or ()]

    assert ready() == [True]
    assert core.read_namespaced_endpoints("fickle", namespace).subsets[0].addresses[0].ip == pod.status.pod_ip
    ask(pod.metadata.name, "/ill")
    seen(core.list_namespaced_pod, namespace, pod.metadata.name, lambda pod: not pod.status.container_statuses[0].ready)
    listing = client.DiscoveryV1Api(core.api_client).list_namespaced_endpoint_slice
    name = slices(namespace, label_selector="kubernetes.io/service-name=fickle").items[0].metadata.name
    seen(listing, namespace, name, lambda found: not found.endpoints[0].conditions.ready)
    ask(pod.metadata.name, "/well")
    seen(listing, namespace, name, lambda found: found.endpoints[0].conditions.ready)


def test_a_dead_container_is_restarted_and_then_backed_off(
    core: client.CoreV1Api, namespace: str, deployed: Deploy, pods_of: Pods, ask: Ask
) -> None:
    deployed("mortal")
    pod = pods_of("mortal")[0].metadata.name
    ask(pod, "/exit?3")

    def again(pod: client.V1Pod) -> bool:
        return pod.status.container_statuses[0].restart_count == 1 and pod.status.container_statuses[0].ready

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
    core: client.CoreV1Api, namespace: str, deployed: Deploy, changes: dict, reasons: set[str]
) -> None:
    deployed("stuck", ready=False, **changes)

    def said(pod: client.V1Pod) -> bool:
        for status in pod.status.container_statuses or ():
            waiting, ended = status.state.waiting, status.state.terminated
            return (waiting and waiting.reason in reasons) or (ended and ended.reason in reasons)
        return False

    stream = watch.Watch().stream(
        core.list_namespaced_pod, namespace, label_selector="name=stuck", timeout_seconds=20
    )
    pod = next(event["object"] for event in stream if said(event["object"]))
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
