"""What only the embedded cluster promises: speed, refusal, isolation, and that nothing survives it."""

from __future__ import annotations

import base64
import json
import os
import re
import select
import signal
import socket
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable
from pathlib import Path

import pytest
from kubernetes import client, config, watch

from tests.cluster.conftest import StartCluster
from tests.cluster.embedding import EmbeddedCluster
from tests.cluster.watching import everything_gone, is_rolled_out, seen

ROOT = Path(__file__).parents[2]
pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif("CLUSTER_TEST_KUBECONFIG" in os.environ, reason="about the embedded cluster, not another"),
]

Deploy = Callable[..., str]
Pods = Callable[[str], list[client.V1Pod]]


def server_of(kubeconfig: Path) -> str:
    return str(json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]["server"])


def address_of(core: client.CoreV1Api, namespace: str, service: str) -> tuple[str, int]:
    """Return where a Service listens: here, ports below 1024 are moved up by 8000."""
    return core.read_namespaced_service(service, namespace).spec.cluster_ip, 8080


def who(connection: socket.socket) -> str:
    """Ask over a connection which pod answers."""
    connection.sendall(b"GET / HTTP/1.1\r\n\r\n")
    received = b""
    while b"}}" not in received:
        chunk = connection.recv(65536)
        if not chunk:
            raise ConnectionResetError
        received += chunk
    return str(json.loads(received.partition(b"\r\n\r\n")[2])["pod"])


def test_it_answers_soon(embedded: EmbeddedCluster) -> None:
    assert embedded.started_within < 5, "on an idle machine: 0.5 s"


def test_a_pod_is_ready_soon_after_it_was_asked_for(
    core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str, deployed: Deploy
) -> None:
    deployed("swift", env=[{"name": "START_AFTER", "value": "0.1"}])
    apps.patch_namespaced_deployment_scale("swift", namespace, {"spec": {"replicas": 0}})
    everything_gone(core, namespace, "name=swift")
    began = time.monotonic()
    apps.patch_namespaced_deployment_scale("swift", namespace, {"spec": {"replicas": 1}})
    seen(apps.list_namespaced_deployment, namespace, "swift", is_rolled_out)
    assert time.monotonic() - began < 5, "on an idle machine: 0.5 s"


def test_a_service_balances_and_refuses_when_nobody_is_ready(
    core: client.CoreV1Api, apps: client.AppsV1Api, namespace: str, deployed: Deploy, pods_of: Pods
) -> None:
    deployed("balanced", replicas=2)
    address = address_of(core, namespace, "balanced")
    connections = [socket.create_connection(address, 5) for _ in range(4)]
    assert {who(connection) for connection in connections} == {pod.metadata.name for pod in pods_of("balanced")}
    apps.patch_namespaced_deployment_scale("balanced", namespace, {"spec": {"replicas": 0}})
    everything_gone(core, namespace, "name=balanced")
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)
    for connection in connections:
        assert connection.recv(1) == b"", "a connection to a pod that is gone was left open"
    apps.patch_namespaced_deployment_scale("balanced", namespace, {"spec": {"replicas": 1}})
    seen(apps.list_namespaced_deployment, namespace, "balanced", is_rolled_out)
    assert who(socket.create_connection(address, 5)) == pods_of("balanced")[0].metadata.name


def test_a_service_refuses_while_its_only_pod_is_ending(
    core: client.CoreV1Api, namespace: str, deployed: Deploy, pods_of: Pods
) -> None:
    deployed("lingering", args=["--deaf"], terminationGracePeriodSeconds=1, replicas=1)
    (pod,) = pods_of("lingering")
    address = address_of(core, namespace, "lingering")
    assert who(socket.create_connection(address, 5)) == pod.metadata.name
    core.patch_namespaced_pod(pod.metadata.name, namespace, {"metadata": {"labels": {"name": "alone"}}})
    core.patch_namespaced_service("lingering", namespace, {"spec": {"selector": {"name": "alone"}}})
    listing = client.DiscoveryV1Api(core.api_client).list_namespaced_endpoint_slice
    (found,) = listing(namespace, label_selector="kubernetes.io/service-name=lingering").items
    core.delete_namespaced_pod(pod.metadata.name, namespace)
    name = found.metadata.name
    ended = seen(listing, namespace, name, lambda s: s.endpoints and s.endpoints[0].conditions.terminating)
    assert (ended.endpoints[0].conditions.ready, ended.endpoints[0].conditions.serving) == (False, True)
    with pytest.raises(ConnectionRefusedError):
        socket.create_connection(address, 5)
    assert core.read_namespaced_pod(pod.metadata.name, namespace).metadata.deletion_timestamp


def test_a_node_port_listens_on_the_node(
    core: client.CoreV1Api, kubeconfig: Path, namespace: str, deployed: Deploy
) -> None:
    port = {"port": 80, "targetPort": "http", "nodePort": 30123}
    spec = {"type": "NodePort", "selector": {"name": "outside"}, "ports": [port]}
    body = {"metadata": {"name": "gate"}, "spec": spec}
    core.create_namespaced_service(namespace, body)
    deployed("outside")
    host = re.findall(r"//(.*):", server_of(kubeconfig))[0]
    assert who(socket.create_connection((host, 30123), 5)).startswith("outside-")
    with pytest.raises(client.ApiException) as refusal:
        core.create_namespaced_service(namespace, body | {"metadata": {"name": "other"}})
    assert "provided port is already allocated" in refusal.value.body


def test_a_watch_from_a_forgotten_version_ends_with_410(core: client.CoreV1Api, namespace: str) -> None:
    stream = watch.Watch().stream(core.list_namespaced_config_map, namespace, resource_version="1", timeout_seconds=5)
    with pytest.raises(client.ApiException) as refusal:
        list(stream)
    assert refusal.value.status == 410


def test_strangers_are_turned_away(kubeconfig: Path) -> None:
    server = json.loads(kubeconfig.read_text())["clusters"][0]["cluster"]
    authority = base64.b64decode(server["certificate-authority-data"]).decode()
    trust = ssl.create_default_context(cadata=authority)
    with pytest.raises(urllib.error.HTTPError) as refusal:
        urllib.request.urlopen(server["server"] + "/api/v1/pods", context=trust, timeout=5)
    assert (refusal.value.code, json.load(refusal.value)["reason"]) == (401, "Unauthorized")
    assert urllib.request.urlopen(server["server"] + "/readyz", context=trust, timeout=5).read() == b"ok"
    with pytest.raises(urllib.error.URLError):
        urllib.request.urlopen(server["server"] + "/readyz", timeout=5)


def test_logs_stay_in_their_folder(
    core: client.CoreV1Api, embedded: EmbeddedCluster, namespace: str, deployed: Deploy, pods_of: Pods
) -> None:
    deployed("written")
    pod = pods_of("written")[0].metadata.name
    core.delete_namespaced_pod(pod, namespace, grace_period_seconds=0)
    kept = embedded.logs / f"{namespace}_{pod}" / "web.0.log"
    assert re.fullmatch(r"\S+Z listening\n", kept.read_text())


def test_two_clusters_run_side_by_side(kubeconfig: Path, start_cluster: StartCluster) -> None:
    with start_cluster() as other:
        assert server_of(other.kubeconfig) != server_of(kubeconfig)
        namespaces = client.CoreV1Api(config.new_client_from_config(str(other.kubeconfig))).list_namespace().items
        assert {n.metadata.name for n in namespaces} == {"default", "kube-system", "kube-public", "kube-node-lease"}


def family(cluster: EmbeddedCluster) -> list[int]:
    """Run a pod that starts processes, one in its own session and one in another; return handles of all."""
    core = client.CoreV1Api(config.new_client_from_config(str(cluster.kubeconfig)))
    container = {"name": "family", "image": "cluster-test/family:1", "imagePullPolicy": "Never"}
    core.create_namespaced_pod("default", {"metadata": {"name": "family"}, "spec": {"containers": [container]}})
    seen(core.list_namespaced_pod, "default", "family", lambda pod: pod.status.phase == "Running")
    log = core.read_namespaced_pod_log("family", "default", follow=True, _preload_content=False)
    return [os.pidfd_open(int(log.readline().split()[1])) for _ in ("main", "child", "child")]


def assert_ended(processes: list[int]) -> None:
    for process in processes:
        ended, _, _ = select.select([process], [], [], 5)
        os.close(process)
        assert ended, "a process of a pod outlived the cluster"


@pytest.mark.parametrize("ending", ["kill -9", "SIGTERM", "stdin"])
def test_nothing_survives_the_cluster(ending: str, start_cluster: StartCluster) -> None:
    with start_cluster() as cluster:
        processes = family(cluster)
        if ending == "stdin":
            cluster.process.stdin.close()
        else:
            cluster.process.send_signal(signal.SIGKILL if ending == "kill -9" else signal.SIGTERM)
        assert_ended(processes)
        cluster.process.wait(5)


def test_a_pod_dies_with_the_cluster_even_when_the_reaper_died_first(start_cluster: StartCluster) -> None:
    with start_cluster() as cluster:
        main, *others = family(cluster)
        pid = cluster.process.pid
        for child in Path(f"/proc/{pid}/task/{pid}/children").read_text().split():
            if b"reaper.py" in Path(f"/proc/{child}/cmdline").read_bytes():
                os.kill(int(child), signal.SIGKILL)
        cluster.process.kill()
        assert_ended([main])
        for other in others:
            signal.pidfd_send_signal(other, signal.SIGKILL)
            os.close(other)


def test_it_rests_when_nothing_happens(embedded: EmbeddedCluster, deployed: Deploy) -> None:
    deployed("idle")

    def used() -> float:
        fields = Path(f"/proc/{embedded.process.pid}/stat").read_text().rpartition(")")[2].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")

    before = used()
    select.select([], [], [], 2)
    assert used() - before < 0.1


@pytest.mark.parametrize(
    ("changes", "cause"),
    [
        ({"--images": "nowhere.toml"}, "cannot read the images file"),
        ({"--images": "{folder}/bad.toml"}, "entrypoint"),
        ({"--kubeconfig": "/proc/nowhere/kubeconfig"}, "cannot write to /proc/nowhere"),
        ({"--logs": None}, "--logs"),
    ],
    ids=["no images", "bad images", "kubeconfig", "no logs"],
)
def test_unusable_arguments_say_cause_and_remedy(tmp_path: Path, changes: dict, cause: str) -> None:
    (tmp_path / "bad.toml").write_text("[web]\nentrypoint = 'python'\n")
    arguments = {"--kubeconfig": f"{tmp_path}/kubeconfig", "--logs": f"{tmp_path}/logs",
        "--images": str(ROOT / "tests/cluster/images.toml")} | changes  # fmt: skip
    words = [w for name, value in arguments.items() if value for w in (name, value.format(folder=tmp_path))]
    done = subprocess.run(
        [sys.executable, "-m", "reference.cluster", *words], cwd=ROOT, capture_output=True, text=True, timeout=10
    )
    assert done.returncode == 4
    assert cause in done.stderr
    assert len(done.stderr.splitlines()) == 2
