"""Each right of stacks/rbac.yaml is needed: an account without it is told which one it lacks, and how to give it."""

from __future__ import annotations

import json
import os
import re
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
import yaml
from kubernetes import client, config
from kubernetes.client import ApiException
from kubernetes.stream import portforward

from fixtures.cluster.driver import Cluster
from fixtures.cluster.guard import OPT_IN
from fixtures.cluster.rights import GRANTED, NotAllowed, Right, needed, refused_right
from fixtures.cluster.states import PodState
from fixtures.cluster.turn import Turn
from fixtures.waiting import eventually
from tests.suite.imitations import api_server, kubeconfig

REAL = "CLUSTER_TEST_KUBECONFIG"
POD = PodState("one", "1", True, 0, False, ("one",))


def turn(cluster: Cluster) -> Turn:
    return Turn(cluster._calls, "sock_shop", "one run", print)


def taken_again(cluster: Cluster) -> None:
    first = turn(cluster)
    first.take()
    try:
        turn(cluster).take()
    finally:
        first.give_back()


def given_back(cluster: Cluster) -> None:
    mine = turn(cluster)
    mine.take()
    mine.give_back()


NEEDING: dict[str, Callable[[Cluster], object]] = {
    "get namespaces": lambda cluster: cluster.must_permit_faults(),
    "get deployments.apps": lambda cluster: cluster.deployment("payment"),
    "list deployments.apps": lambda cluster: cluster.deployments(),
    "patch deployments.apps": lambda cluster: cluster.patch("payment", {}, "1"),
    "list pods": lambda cluster: cluster.pods("payment"),
    "get pods/log": lambda cluster: cluster._lines(POD, 1),
    "list endpointslices.discovery.k8s.io": lambda cluster: cluster.endpoints("payment"),
    "list events": lambda cluster: cluster.events("payment"),
    "get leases.coordination.k8s.io": lambda cluster: turn(cluster).take(),
    "create leases.coordination.k8s.io": lambda cluster: turn(cluster).take(),
    "update leases.coordination.k8s.io": taken_again,
    "delete leases.coordination.k8s.io": given_back,
    "get services": lambda cluster: cluster.forward("payment", 80),
}


@pytest.mark.parametrize("right", needed(), ids=str)
def test_an_account_that_lacks_a_right_is_told_before_anything_is_done(right: Right, tmp_path: Path):
    with api_server([right]) as api, pytest.raises(NotAllowed) as refused:
        Cluster(kubeconfig(tmp_path, api.url), "", "sock-shop").must_be_allowed()

    assert (refused.value.error_id, refused.value.exit_code) == ("E-API-FORBIDDEN", 4)
    assert refused.value.cause == f"the kubeconfig's account may not {right} in namespace sock-shop"
    assert yaml.safe_load(refused.value.remedy.partition("has it: ")[2]) == {
        "apiGroups": [right.group],
        "resources": [right.resource],
        "verbs": [right.verb],
    }


@pytest.mark.parametrize("right", [right for right in needed() if str(right) in NEEDING], ids=str)
def test_a_call_that_is_not_allowed_names_the_right_that_it_needs(right: Right, tmp_path: Path):
    with api_server([right]) as api, pytest.raises(NotAllowed, match=f"may not {right} in") as refused:
        NEEDING[str(right)](Cluster(kubeconfig(tmp_path, api.url), "", "sock-shop"))

    assert right.rule in refused.value.remedy


def test_every_right_has_a_call_that_needs_it():
    granted = {str(right) for right in needed()}
    left = granted - NEEDING.keys()

    assert granted >= NEEDING.keys()
    assert left == {  # watches wake whoever waits, and fail in silence; tunnels are opened on a thread of their own
        "watch deployments.apps",
        "watch pods",
        "watch endpointslices.discovery.k8s.io",
        "get pods/portforward",
        "create pods/portforward",
    }


def test_a_refused_tunnel_says_what_it_lacks_in_kubernetes_own_words(tmp_path: Path):
    right = Right("get", "pods/portforward")
    with api_server([right]) as api:
        core = Cluster(kubeconfig(tmp_path, api.url), "", "sock-shop")._core
        with pytest.raises(ApiException) as refused:
            portforward(core.connect_get_namespaced_pod_portforward, "one", "sock-shop", ports="80")

    assert refused_right(str(refused.value.reason)) == right


def test_a_server_that_will_not_say_what_is_allowed_is_tried(tmp_path: Path):
    asking, lacking = Right("create", "selfsubjectaccessreviews", "authorization.k8s.io"), Right("list", "pods")
    with api_server([asking, lacking]) as api:
        Cluster(kubeconfig(tmp_path, api.url), "", "sock-shop").must_be_allowed()


@pytest.fixture(scope="module")
def admin() -> client.ApiClient:
    """The administrator of a real Kubernetes, the only place where rights are really kept from anybody."""
    if REAL not in os.environ:
        pytest.skip(f"{REAL} names no Kubernetes")
    return config.new_client_from_config(os.environ[REAL])


@pytest.fixture(scope="module")
def namespace(admin: client.ApiClient) -> Iterator[str]:
    """A namespace that may be broken, with something to look at in it; deleted afterwards."""
    core, apps = client.CoreV1Api(admin), client.AppsV1Api(admin)
    meta = {"generateName": "rights-", "labels": {OPT_IN: "true"}}
    name = core.create_namespace({"metadata": meta}).metadata.name
    pods = {"metadata": {"labels": {"name": "payment"}}, "spec": {"containers": [{"name": "one", "image": "none"}]}}
    spec = {"replicas": 0, "selector": {"matchLabels": {"name": "payment"}}, "template": pods}
    apps.create_namespaced_deployment(name, {"metadata": {"name": "payment"}, "spec": spec})
    yield name
    core.delete_namespace(name)


def narrowed(admin: client.ApiClient, namespace: str, lacking: Right, folder: Path) -> Path:
    """The kubeconfig of an account that has all of stacks/rbac.yaml but one right."""
    account, role, binding = yaml.safe_load_all(GRANTED.read_text())
    kept = [right for right in needed() if right != lacking]
    role["rules"] = [{"apiGroups": [r.group], "resources": [r.resource], "verbs": [r.verb]} for r in kept]
    name = re.sub("[^a-z]+", "-", str(lacking))
    for each in (account, role, binding):
        each["metadata"] = {"name": name}
    binding["roleRef"]["name"] = name
    binding["subjects"][0] |= {"name": name, "namespace": namespace}
    core, rbac = client.CoreV1Api(admin), client.RbacAuthorizationV1Api(admin)
    core.create_namespaced_service_account(namespace, account)
    rbac.create_namespaced_role(namespace, role)
    rbac.create_namespaced_role_binding(namespace, binding)
    token = core.create_namespaced_service_account_token(name, namespace, {"spec": {"expirationSeconds": 600}})
    told = yaml.safe_load(Path(os.environ[REAL]).read_text())
    told["users"] = [{"name": user["name"], "user": {"token": token.status.token}} for user in told["users"]]
    path = folder / "kubeconfig"
    path.write_text(json.dumps(told))
    return path


@pytest.mark.parametrize("right", needed(), ids=str)
def test_on_a_real_kubernetes_each_right_is_missed_by_name(
    right: Right, admin: client.ApiClient, namespace: str, tmp_path: Path
):
    cluster = Cluster(narrowed(admin, namespace, right, tmp_path), "", namespace)
    others = [other for other in needed() if other != right]
    eventually("the Role is known", lambda: all(map(cluster.allows, others)), within=10, forgive=(NotAllowed,))

    with pytest.raises(NotAllowed) as told:
        cluster.must_be_allowed()
    assert told.value.cause == f"the kubeconfig's account may not {right} in namespace {namespace}"
    if str(right) in NEEDING:
        with pytest.raises(NotAllowed) as refused:
            NEEDING[str(right)](cluster)
        assert right.rule in refused.value.remedy
