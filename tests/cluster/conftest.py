"""A cluster for these tests: any that CLUSTER_TEST_KUBECONFIG names, else an embedded one of their own."""

from __future__ import annotations

import json
import os
import shutil
import subprocess
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from pathlib import Path
from typing import Any

import pytest
import yaml
from kubernetes import client, config
from kubernetes.stream import portforward

from tests.cluster.embedding import HERE, SECONDS, EmbeddedCluster, embedded_cluster
from tests.cluster.watching import everything_gone, is_rolled_out, seen

VARIABLE = "CLUSTER_TEST_KUBECONFIG"
StartCluster = Callable[..., AbstractContextManager[EmbeddedCluster]]


@pytest.fixture(scope="session")
def start_cluster(tmp_path_factory: pytest.TempPathFactory) -> StartCluster:
    """The way to run an embedded cluster of one's own."""
    return lambda *arguments: embedded_cluster(tmp_path_factory.mktemp("cluster"), *arguments)


@pytest.fixture(scope="session")
def embedded(start_cluster: StartCluster) -> Iterator[EmbeddedCluster]:
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


def _filled(manifest: dict[str, Any], **changes: Any) -> dict[str, Any]:
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

    def deploy(name: str, ready: bool = True, **changes: Any) -> str:
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


@pytest.fixture
def note(core: client.CoreV1Api, namespace: str) -> Iterator[client.V1ConfigMap]:
    """A ConfigMap to write to, deleted afterwards."""
    body = {"metadata": {"name": "note", "labels": {"colour": "red"}}, "data": {"a": "1", "b": "2"}}
    yield core.create_namespaced_config_map(namespace, body)
    core.delete_namespaced_config_map("note", namespace)


@pytest.fixture
def pods_of(core: client.CoreV1Api, namespace: str) -> Callable[[str], list[client.V1Pod]]:
    """Lists the pods of a Deployment that are not on their way out."""

    def pods(name: str) -> list[client.V1Pod]:
        listed = core.list_namespaced_pod(namespace, label_selector=f"name={name}").items
        return [pod for pod in listed if not pod.metadata.deletion_timestamp]

    return pods


@pytest.fixture
def ask(kubeconfig: Path, namespace: str) -> Callable[[str, str], Any]:
    """Asks a pod's echo program something, through a port-forward."""

    def asked(pod: str, path: str) -> Any:
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


@pytest.fixture(scope="module")
def shop(kubectl: Callable[..., str]) -> Callable[..., str]:
    """kubectl in a namespace where the gateway runs."""
    assert kubectl("apply", "-f", "echo.yaml") == "deployment.apps/stripe-mock created\nservice/stripe-mock created\n"
    kubectl("rollout", "status", "deployment/stripe-mock", "--timeout=60s")
    return kubectl
