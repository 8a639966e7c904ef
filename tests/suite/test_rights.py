"""Each right of stacks/rbac.yaml is needed: an account without it is told which one it lacks, and how to give it."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
import yaml
from kubernetes.client import ApiException
from kubernetes.stream import portforward

from fixtures.cluster.driver import Cluster
from fixtures.cluster.rights import NotAllowed, Right, needed, refused_right
from fixtures.cluster.states import PodState
from fixtures.cluster.turn import Turn
from tests.suite.imitations import api_server, kubeconfig

POD = PodState("one", "1", True, 0, False, ("one",))


def turn(cluster: Cluster) -> Turn:
    return Turn(cluster._calls, "one run", print)


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
    left = {str(right) for right in needed()} - NEEDING.keys()

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
