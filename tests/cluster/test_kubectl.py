"""kubectl against the cluster: the commands of the incident's demo script, unchanged, and those beside them."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

pytestmark = pytest.mark.cluster

Kubectl = Callable[..., str]


def row(text: str, number: int = 1) -> list[str]:
    """Return the cells of one line of a table."""
    return re.split(r"\s{2,}", text.splitlines()[number].strip())


def test_applying_again_changes_nothing(shop: Kubectl) -> None:
    assert shop("apply", "-f", "echo.yaml") == "deployment.apps/stripe-mock unchanged\nservice/stripe-mock unchanged\n"


def test_the_demo_script(shop: Kubectl) -> None:
    assert row(shop("get", "pods"), 0) == ["NAME", "READY", "STATUS", "RESTARTS", "AGE"]
    assert row(shop("get", "deployment", "stripe-mock"))[:4] == ["stripe-mock", "1/1", "1", "1"]
    assert shop("scale", "deployment", "stripe-mock", "--replicas=0") == "deployment.apps/stripe-mock scaled\n"
    shop("wait", "--for=delete", "pod", "-l", "name=stripe-mock", "--timeout=60s")
    assert row(shop("get", "deployment", "stripe-mock"))[:4] == ["stripe-mock", "0/0", "0", "0"]
    assert shop("scale", "deployment", "stripe-mock", "--replicas=1") == "deployment.apps/stripe-mock scaled\n"
    shop("wait", "--for=jsonpath={.status.readyReplicas}=1", "deployment/stripe-mock", "--timeout=60s")
    waited = shop("wait", "--for=condition=available", "deployment/stripe-mock", "--timeout=60s")
    assert waited == "deployment.apps/stripe-mock condition met\n"


def test_get_prints_the_columns_of_kubernetes(shop: Kubectl) -> None:
    everything = shop("get", "all")
    for kind in ("pod/", "service/", "deployment.apps/", "replicaset.apps/"):
        assert f"\n{kind}stripe-mock" in "\n" + everything
    wide = row(shop("get", "pods", "-o", "wide"), 0)
    assert wide[5:] == ["IP", "NODE", "NOMINATED NODE", "READINESS GATES"]
    assert row(shop("get", "svc", "stripe-mock"))[4] == "80/TCP"
    assert row(shop("get", "endpointslices"), 0) == ["NAME", "ADDRESSTYPE", "PORTS", "ENDPOINTS", "AGE"]
    assert row(shop("get", "endpointslices"))[1:3] == ["IPv4", "8080"]
    assert row(shop("get", "events"), 0) == ["LAST SEEN", "TYPE", "REASON", "OBJECT", "MESSAGE"]
    assert row(shop("get", "ns", "default"))[:2] == ["default", "Active"]
    assert shop("get", "deploy", "-o", "name") == "deployment.apps/stripe-mock\n"
    assert shop("get", "deploy", "stripe-mock", "-o", "jsonpath={.spec.replicas}") == "1"
    assert row(shop("get", "pods", "-l", "name=stripe-mock", "--field-selector", "status.phase=Running"))[1] == "1/1"
    assert "No resources found" not in shop("get", "nodes")


def test_describe_tells_conditions_and_events(shop: Kubectl) -> None:
    deployment = shop("describe", "deployment", "stripe-mock")
    assert re.search(r"Available\s+True\s+MinimumReplicasAvailable", deployment)
    assert re.search(r"Normal\s+ScalingReplicaSet .* Scaled up replica set stripe-mock-\w+ from 0 to 1", deployment)
    pod = shop("describe", "pod", "-l", "name=stripe-mock")
    assert re.search(r"Ready:\s+True\n", pod)
    reasons = re.findall(r"Normal\s+(\w+) .*(?:default-scheduler|kubelet)", pod)
    assert reasons == ["Scheduled", "Pulled", "Created", "Started"]
    assert "Created container: web" in pod
    assert "Scaled up replica set" in shop("events", "--for", "deployment/stripe-mock")


def test_logs_by_selector_tail_and_time(shop: Kubectl) -> None:
    assert shop("logs", "-l", "name=stripe-mock", "--tail=100") == "listening\n"
    stamped = shop("logs", "deployment/stripe-mock", "--timestamps")
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{9}Z listening\n", stamped)
    assert shop("logs", "-l", "name=stripe-mock", "--since-time=2020-01-01T00:00:00Z") == "listening\n"
    assert shop("logs", "-l", "name=stripe-mock", "--since-time=2120-01-01T00:00:00Z") == ""


def test_set_env_and_the_rollouts(shop: Kubectl) -> None:
    assert shop("set", "env", "deployment/stripe-mock", "GREETING=ciao") == "deployment.apps/stripe-mock env updated\n"
    assert "successfully rolled out" in shop("rollout", "status", "deployment/stripe-mock", "--timeout=60s")
    shop("rollout", "restart", "deployment/stripe-mock")
    assert "successfully rolled out" in shop("rollout", "status", "deployment/stripe-mock", "--timeout=60s")
    assert len(shop("rollout", "history", "deployment/stripe-mock").strip().splitlines()) == 2 + 3
    shop("rollout", "undo", "deployment/stripe-mock", "--to-revision=1")
    assert "successfully rolled out" in shop("rollout", "status", "deployment/stripe-mock", "--timeout=60s")
    greeting = "jsonpath={.spec.template.spec.containers[0].env[?(@.name=='GREETING')].value}"
    assert shop("get", "deployment", "stripe-mock", "-o", greeting) == "hello"
    assert "GREETING" in shop("rollout", "history", "deployment/stripe-mock", "--revision=4")


def test_label_annotate_and_patch(shop: Kubectl) -> None:
    shop("label", "deployment", "stripe-mock", "tier=payments")
    assert shop("get", "deployments", "-l", "tier in (payments),!gone", "-o", "name") == "deployment.apps/stripe-mock\n"
    shop("annotate", "deployment", "stripe-mock", "note=seen")
    shop("patch", "deployment", "stripe-mock", "-p", '{"metadata":{"annotations":{"note":null}}}')
    shop("patch", "deployment", "stripe-mock", "--type=json", "-p", '[{"op":"remove","path":"/metadata/labels/tier"}]')
    both = "jsonpath={.metadata.annotations.note}{.metadata.labels.tier}"
    assert shop("get", "deployment", "stripe-mock", "-o", both) == ""


def test_refusals_read_as_those_of_kubernetes(shop: Kubectl) -> None:
    told = shop("get", "deployment", "nobody", fails=True)
    assert told == 'Error from server (NotFound): deployments.apps "nobody" not found\n'
    told = shop("create", "-f", "echo.yaml", fails=True)
    assert "Error from server (AlreadyExists): error when creating" in told
    assert 'deployments.apps "stripe-mock" already exists' in told
    told = shop("patch", "deployment", "stripe-mock", "-p", '{"spec":{"replicas":-1}}', fails=True)
    assert "spec.replicas: Invalid value: -1: must be greater than or equal to 0" in told
    assert "NotFound" in shop("-n", "nowhere", "create", "-f", "echo.yaml", fails=True)


def test_a_deleted_pod_is_replaced(shop: Kubectl) -> None:
    before = shop("get", "pods", "-l", "name=stripe-mock", "-o", "name").strip()
    assert "deleted" in shop("delete", "pod", "-l", "name=stripe-mock")
    shop("wait", "--for=jsonpath={.status.readyReplicas}=1", "deployment/stripe-mock", "--timeout=60s")
    assert before not in shop("get", "pods", "-l", "name=stripe-mock", "-o", "name").split()
