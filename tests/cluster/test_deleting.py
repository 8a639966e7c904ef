"""What goes with what is deleted."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tests.cluster.embedding import HERE

pytestmark = pytest.mark.cluster

ECHO = HERE / "echo.yaml"
Kubectl = Callable[..., str]


def test_deleting_a_deployment_takes_its_pods_along(kubectl: Kubectl) -> None:
    short = ECHO.read_text().replace("stripe-mock", "short")
    kubectl("create", "-f", "-", stdin=short)
    kubectl("wait", "--for=jsonpath={.status.phase}=Running", "pod", "-l", "name=short", "--timeout=60s")
    assert kubectl("delete", "deployment", "short").startswith('deployment.apps "short" deleted')
    kubectl("wait", "--for=delete", "pod", "-l", "name=short", "--timeout=60s")
    kubectl("wait", "--for=delete", "replicaset", "-l", "name=short", "--timeout=60s")
    assert kubectl("delete", "-f", "-", "--ignore-not-found", stdin=short) == 'service "short" deleted\n'


def test_a_deleted_namespace_takes_its_pods_along(kubectl: Kubectl) -> None:
    namespace = "apiVersion: v1\nkind: Namespace\nmetadata: {name: short-lived}\n"
    kubectl("create", "-f", "-", stdin=namespace)
    kubectl("-n", "short-lived", "apply", "-f", "echo.yaml")
    kubectl("delete", "namespace", "short-lived", "--timeout=60s")
    assert "NotFound" in kubectl("get", "namespace", "short-lived", fails=True)
