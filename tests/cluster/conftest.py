"""A cluster for these tests: any that CLUSTER_TEST_KUBECONFIG names, else an embedded one of their own."""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import yaml
from kubernetes import client, config, watch
from kubernetes.stream import portforward

HERE = Path(__file__).parent
VARIABLE = "CLUSTER_TEST_KUBECONFIG"
SECONDS = 20


@dataclass(frozen=True)
class EmbeddedCluster:
    """One running embedded cluster."""

    process: subprocess.Popen[bytes]
    kubeconfig: Path
    logs: Path
    started_within: float  # seconds from the start of the process to the kubeconfig


@contextmanager
def embedded_cluster(folder: Path, *arguments: str) -> Iterator[EmbeddedCluster]:
    """Run an embedded cluster that keeps its files in *folder*; ended afterwards."""
    paths = {"--kubeconfig": folder / "kubeconfig", "--logs": folder / "logs", "--images": HERE / "images.toml"}
    words = [word for pair in paths.items() for word in map(str, pair)]
    began = time.monotonic()
    process = subprocess.Popen(
        [sys.executable, "-m", "reference.cluster", *words, "--until-stdin-closes", *arguments],
        cwd=HERE.parents[1], stdin=subprocess.PIPE,
    )  # fmt: skip
    try:
        while not paths["--kubeconfig"].exists():
            assert process.poll() is None, "the cluster ended before it answered"
            assert time.monotonic() - began < SECONDS, "the cluster did not answer"
            os.sched_yield()
        yield EmbeddedCluster(process, paths["--kubeconfig"], paths["--logs"], time.monotonic() - began)
    finally:
        process.terminate()
        process.wait(SECONDS)
        assert process.stdin
        process.stdin.close()


@pytest.fixture(scope="session")
def start_cluster(tmp_path_factory: pytest.TempPathFactory) -> Callable[..., object]:
    """The way to run an embedded cluster of one's own."""
    return lambda *arguments: embedded_cluster(tmp_path_factory.mktemp("cluster"), *arguments)


@pytest.fixture(scope="session")
def embedded(start_cluster: Callable[..., object]) -> Iterator[EmbeddedCluster]:
    """The embedded cluster that all tests of a run share."""
    with start_cluster() as cluster:
        yield cluster


@pytest.fixture(scope="session")
def kubeconfig(request: pytest.FixtureRequest) -> Path:
    """The kubeconfig of the cluster under test."""
    given = os.environ.get(VARIABLE)
    return Path(given) if given else request.getfixturevalue("embedded").kubeconfig


@pytest.fixture(scope="session")
def api(kubeconfig: Path) -> client.ApiClient:
    """The official client, connected."""
    return config.new_client_from_config(str(kubeconfig))


@pytest.fixture(scope="session")
def core(api: client.ApiClient) -> client.CoreV1Api:
    return client.CoreV1Api(api)


@pytest.fixture(scope="session")
def apps(api: client.ApiClient) -> client.AppsV1Api:
    return client.AppsV1Api(api)


@pytest.fixture(scope="module")
def namespace(core: client.CoreV1Api, request: pytest.FixtureRequest) -> Iterator[str]:
    """A namespace for the tests of one module, deleted afterwards."""
    body = {"metadata": {"generateName": "cluster-test-"}}
    name = core.create_namespace(body).metadata.name
    yield name
    core.delete_namespace(name)


def _filled(manifest: dict, **changes: object) -> dict:
    spec = manifest["spec"]["template"]["spec"]
    for key, value in changes.items():
        if key in ("strategy", "replicas", "minReadySeconds"):
            manifest["spec"][key] = value
        elif key in ("restartPolicy", "terminationGracePeriodSeconds"):
            spec[key] = value
        elif key == "env":
            spec["containers"][0]["env"] += value
        else:
            spec["containers"][0][key] = value
    return manifest


@pytest.fixture
def deployed(apps: client.AppsV1Api, core: client.CoreV1Api, namespace: str) -> Iterator[Callable[..., str]]:
    """Deploys the echo program with a Service, waits until it is ready (or not), and takes it away afterwards."""
    made = []

    def deploy(name: str, ready: bool = True, **changes: object) -> str:
        text = (HERE / "echo.yaml").read_text().replace("stripe-mock", name)
        deployment, service = yaml.safe_load_all(text)
        made.append(name)
        core.create_namespaced_service(namespace, service)
        apps.create_namespaced_deployment(namespace, _filled(deployment, **changes))
        if ready:
            seen(apps.list_namespaced_deployment, namespace, name, is_rolled_out)
        return name

    yield deploy
    for name in made:
        apps.delete_namespaced_deployment(name, namespace)
        core.delete_namespaced_service(name, namespace)
        everything_gone(core, namespace, f"name={name}")


def is_rolled_out(deployment: client.V1Deployment) -> bool:
    """Tell whether a Deployment is where its spec wants it, by kubectl's own rule."""
    status, wanted = deployment.status, deployment.spec.replicas
    current = (status.observed_generation or 0) >= deployment.metadata.generation
    counts = {status.updated_replicas or 0, status.replicas or 0, status.available_replicas or 0}
    return current and counts == {wanted}


def seen(listing: Callable, namespace: str, name: str, accept: Callable, seconds: int = SECONDS) -> object:
    """Watch one object until *accept* takes it, and return it."""
    selector = f"metadata.name={name}"
    for event in watch.Watch().stream(listing, namespace, field_selector=selector, timeout_seconds=seconds):
        if accept(event["object"]):
            return event["object"]
    raise AssertionError(f"{name} did not become as expected within {seconds} s")


def everything_gone(core: client.CoreV1Api, namespace: str, labels: str) -> None:
    """Wait until no pod with these labels is left."""
    pods = core.list_namespaced_pod(namespace, label_selector=labels)
    left = {pod.metadata.name for pod in pods.items}
    stream = watch.Watch().stream(
        core.list_namespaced_pod, namespace, label_selector=labels, timeout_seconds=SECONDS,
        resource_version=pods.metadata.resource_version,
    )  # fmt: skip
    while left:
        event = next(stream, None)
        assert event, f"still there after {SECONDS} s: {left}"
        if event["type"] == "DELETED":
            left.discard(event["object"].metadata.name)


@pytest.fixture
def pods_of(core: client.CoreV1Api, namespace: str) -> Callable[[str], list[client.V1Pod]]:
    """Lists the pods of a Deployment that are not on their way out."""

    def pods(name: str) -> list[client.V1Pod]:
        listed = core.list_namespaced_pod(namespace, label_selector=f"name={name}").items
        return [pod for pod in listed if not pod.metadata.deletion_timestamp]

    return pods


@pytest.fixture
def ask(kubeconfig: Path, namespace: str) -> Callable[[str, str], dict]:
    """Asks a pod's echo program something, through a port-forward."""

    def asked(pod: str, path: str) -> dict:
        forwarding = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))
        forward = portforward(forwarding.connect_get_namespaced_pod_portforward, pod, namespace, ports="8080")
        connection = forward.socket(8080)
        connection.settimeout(SECONDS)
        connection.sendall(f"GET {path} HTTP/1.1\r\nConnection: close\r\n\r\n".encode())
        received = b""
        while chunk := connection.recv(65536):
            received += chunk
        return json.loads(received.partition(b"\r\n\r\n")[2] or "{}")

    return asked


@pytest.fixture(scope="module")
def kubectl(kubeconfig: Path, namespace: str, tmp_path_factory: pytest.TempPathFactory) -> Callable[..., str]:
    """Runs kubectl in the module's namespace and returns what it printed; its failure is the test's."""
    if not (program := shutil.which("kubectl")):
        pytest.skip("kubectl is not installed: see kubernetes.io/docs/tasks/tools for how to get it")
    home = {"HOME": str(tmp_path_factory.mktemp("home")), "KUBECONFIG": str(kubeconfig), "PATH": os.environ["PATH"]}

    def run(*words: str, fails: bool = False, stdin: str = "") -> str:
        done = subprocess.run(
            [program, "-n", namespace, *words], input=stdin, env=home, text=True, capture_output=True, timeout=60,
            cwd=HERE,
        )  # fmt: skip
        assert (done.returncode != 0) == fails, f"kubectl {' '.join(words)}\n{done.stdout}{done.stderr}"
        return done.stderr if fails else done.stdout

    return run


def connect(address: str, port: int) -> socket.socket:
    """Connect to an address of the embedded cluster; raises ConnectionRefusedError."""
    return socket.create_connection((address, port), SECONDS)
