"""kubectl as the playbook of the order service types it, where nothing else has been rolled out before."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from kubernetes import client

from tests.cluster.watching import any_seen, state_of

pytestmark = pytest.mark.cluster

Kubectl = Callable[..., str]


def test_the_playbook_of_the_order_service(shop: Kubectl, core: client.CoreV1Api, namespace: str) -> None:
    assert re.search(r"1/1 +Running", shop("get", "pods", "-l", "name=stripe-mock"))
    assert shop("logs", "-l", "name=stripe-mock", "--tail=500").startswith("listening\n")
    assert "ok" in shop("exec", "deployment/stripe-mock", "--", "sh", "-c", "test $GREETING && echo ok")
    shop("set", "env", "deployment/stripe-mock", "ORDERS_PAUSED=true")
    shop("rollout", "status", "deployment/stripe-mock", "--timeout=60s")
    told = shop("set", "image", "deployment/stripe-mock", "web=cluster-test/nobody:1")
    assert told == "deployment.apps/stripe-mock image updated\n"
    any_seen(core, namespace, "name=stripe-mock", lambda pod: state_of(pod).reason == "ErrImageNeverPull")
    assert "ErrImageNeverPull" in shop("get", "pods", "-l", "name=stripe-mock")
    assert shop("rollout", "undo", "deployment/stripe-mock") == "deployment.apps/stripe-mock rolled back\n"
    assert "successfully rolled out" in shop("rollout", "status", "deployment/stripe-mock", "--timeout=60s")
    images = "jsonpath={.spec.template.spec.containers[*].image}"
    assert shop("get", "deployment", "stripe-mock", "-o", images) == "cluster-test/echo:1"
    assert "ORDERS_PAUSED" in shop("describe", "deployment", "stripe-mock")
    assert shop("delete", "pod", "-l", "name=stripe-mock").endswith("deleted\n")
    shop("scale", "deployment/stripe-mock", "--replicas=4")
    shop("wait", "--for=jsonpath={.status.readyReplicas}=4", "deployment/stripe-mock", "--timeout=60s")
    shop("scale", "deployment/stripe-mock", "--replicas=1")
    assert "unable to find specified revision 99" in shop(
        "rollout", "undo", "deployment/stripe-mock", "--to-revision=99", fails=True
    )
    assert shop("top", "pods", "-l", "name=stripe-mock", fails=True) == "error: Metrics API not available\n"
