"""What the suite takes for a pod's log: what its containers wrote, whatever the node says instead of it."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
from kubernetes import client

from fixtures.cluster.driver import Cluster
from fixtures.cluster.states import log_lines
from fixtures.waiting import eventually
from tests.cluster.watching import SECONDS, any_seen, state_of

pytestmark = pytest.mark.cluster

LONG_AGO = timedelta(minutes=10)
STAMP = "2026-11-22T03:45:11.123456789Z"
NO_FILE = 'failed to try resolving symlinks in path "/var/log/web/0.log": lstat 0.log: no such file or directory'
REMOVED = "unable to retrieve container logs for containerd://413e259233a3"


@pytest.fixture
def written(kubeconfig: Path, namespace: str) -> Callable[[str], list[str]]:
    """What the suite reads of a Deployment's logs."""
    cluster = Cluster(kubeconfig, "", namespace)
    return lambda name: [line.text for line in cluster.logs(name, datetime.now(UTC) - LONG_AGO)]


@pytest.mark.parametrize(
    ("answer", "texts"),
    [
        ("", []),
        (f"{STAMP} listening\n{STAMP} \n", ["listening", ""]),
        (f"{STAMP} 50 %\r100 %\r\n{STAMP} a\u2028b\x85c\n", ["50 %\r100 %", "a\u2028b\x85c"]),
        (REMOVED, []),
        (NO_FILE, []),
        (f"{STAMP} {REMOVED}\n{STAMP} {NO_FILE}\n", [REMOVED, NO_FILE]),
    ],
    ids=["nothing", "lines", "characters that end lines elsewhere", "no container", "no file", "said by the container"],
)
def test_a_line_is_what_the_container_ended_with_a_newline(answer: str, texts: list[str]) -> None:
    assert [line.text for line in log_lines("one", answer)] == texts


def test_a_log_that_cannot_be_read_is_not_a_silent_one() -> None:
    with pytest.raises(ConnectionError, match=r"the log of pod one cannot be read: failed to open log file"):
        log_lines("one", "failed to open log file: too many open files")


def test_a_pod_that_has_not_begun_has_written_nothing(
    core: client.CoreV1Api, namespace: str, deployed: Callable[..., str], written: Callable[[str], list[str]]
) -> None:
    deployed("beginning", ready=False, image="cluster-test/nobody:1")
    any_seen(core, namespace, "name=beginning", lambda pod: state_of(pod).reason == "ErrImageNeverPull")

    assert written("beginning") == []


def test_a_pod_whose_container_has_been_removed_has_nothing_to_show_any_more(
    core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str, deployed: Callable[..., str],
    pods_of: Callable[[str], list[client.V1Pod]], written: Callable[[str], list[str]],
) -> None:  # fmt: skip
    deployed("removed")
    pod, held = pods_of("removed")[0].metadata.name, {"metadata": {"finalizers": ["cluster-test/held"]}}
    core.patch_namespaced_pod(pod, namespace, held)
    assert written("removed") == ["listening"]
    apps.patch_namespaced_deployment_scale("removed", namespace, {"spec": {"replicas": 0}})
    try:
        eventually("nothing is left of its log", lambda: not written("removed"), within=SECONDS)
    finally:
        _let_go(core, namespace, pod)


def _let_go(core: client.CoreV1Api, namespace: str, pod: str) -> None:
    free: dict[str, Any] = {"metadata": {"finalizers": None}}
    for each in core.list_namespaced_pod(namespace).items:
        if each.metadata.name == pod:
            core.patch_namespaced_pod(pod, namespace, free)
