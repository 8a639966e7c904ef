"""The official client against the cluster: reading, writing, patching, choosing."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from kubernetes import client
from kubernetes.client.exceptions import ApiException

from tests.cluster.watching import is_rolled_out, seen

pytestmark = pytest.mark.cluster

Deploy = Callable[..., str]


def refused(call: Callable[..., Any], *args: object, **kwargs: object) -> ApiException:
    with pytest.raises(ApiException) as refusal:
        call(*args, **kwargs)
    return refusal.value


def test_whoever_may_do_everything_is_told_so(api: client.ApiClient, namespace: str) -> None:
    review = {"spec": {"resourceAttributes": {"namespace": namespace, "verb": "get", "resource": "pods"}}}
    assert client.AuthorizationV1Api(api).create_self_subject_access_review(review).status.allowed


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
    assert chosen(label_selector="colour notin (red)") == {"kube-root-ca.crt"}
    assert chosen(label_selector="colour,colour!=red") == set()
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
    labelled = apps.patch_namespaced_deployment("counted", namespace, {"metadata": {"labels": {"a": "b"}}})
    assert labelled.metadata.generation == 1
    assert labelled.metadata.resource_version != before.metadata.resource_version
    noted = apps.patch_namespaced_deployment("counted", namespace, {"metadata": {"annotations": {"a": "b"}}})
    assert noted.metadata.generation == 2
    slower = apps.patch_namespaced_deployment("counted", namespace, {"spec": {"minReadySeconds": 1}})
    assert slower.metadata.generation == 3
