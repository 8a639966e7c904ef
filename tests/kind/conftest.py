"""A made-up machine, and a cluster to deploy to: the KIND one that is named, else an embedded one."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from reference.kind.versions import NODE_IMAGE
from reference.kustomize import NAMESPACE
from tests.cluster.embedding import embedded_cluster
from tests.kind.deployed import Place
from tests.kind.machine import Machine

VARIABLE = "KIND_TEST_KUBECONFIG"
IMAGES = Path(__file__).with_name("images.toml")


@pytest.fixture
def machine(tmp_path: Path) -> Machine:
    return Machine(tmp_path)


@pytest.fixture
def equipped(machine: Machine) -> Machine:
    """A machine with Docker, kind and every image; there is no cluster yet."""
    machine.has("docker", "kind")
    machine.answer("^docker info", "2\n")
    machine.answer("^docker container inspect .*Config.Image", NODE_IMAGE)
    return machine


@pytest.fixture(scope="session")
def kubeconfig(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Path]:
    """The cluster that the tests of this folder deploy to."""
    if given := os.environ.get(VARIABLE):
        yield Path(given)
        return
    with embedded_cluster(tmp_path_factory.mktemp("cluster"), "--images", str(IMAGES)) as cluster:
        yield cluster.kubeconfig


@pytest.fixture(scope="session")
def image(kubeconfig: Path) -> str:
    """An image with Python: on KIND the shop's own, which the node has."""
    if VARIABLE not in os.environ:
        return "kind-test/python"
    shop = Place(kubeconfig, NAMESPACE, "")
    return shop.kubectl("get", "deployment", "carts", "-o", "jsonpath={.spec.template.spec.containers[0].image}")


@pytest.fixture
def place(kubeconfig: Path, image: str, request: pytest.FixtureRequest) -> Iterator[Place]:
    """A namespace of the test's own."""
    name = request.node.originalname.replace("_", "-")[:60].rstrip("-")
    place = Place(kubeconfig, name, image)
    place.kubectl("create", "-f", "-", input=f"apiVersion: v1\nkind: Namespace\nmetadata:\n  name: {name}\n")
    yield place
    place.kubectl("delete", "namespace", name, "--wait=false")
