"""What `make kind` refuses: each with cause, remedy, id and exit code 4, and nothing half-made left."""

from __future__ import annotations

import socket
from pathlib import Path

import pytest

from reference.kind.cluster import MARK
from reference.kind.versions import CLUSTER
from tests.kind.machine import Machine, left, refused

COMMANDS = ("kind", "kind-down")
NO_CLUSTER = "No kind clusters found.\n"


def test_without_docker_it_says_what_to_install(machine: Machine):
    ended = machine.run("kind")
    assert refused(ended) == "E-DOCKER-MISSING"
    assert "install Docker" in ended.stderr


@pytest.mark.parametrize(
    ("said", "error_id"),
    [
        ("Cannot connect to the Docker daemon at unix:///nowhere. Is the docker daemon running?", "E-DOCKER-DOWN"),
        ("permission denied while trying to connect to the Docker daemon socket", "E-DOCKER-PERMISSION"),
    ],
)
def test_an_engine_that_cannot_be_used_is_told_apart(machine: Machine, said: str, error_id: str):
    machine.has("docker", "kind")
    machine.answer("^docker version", f"{said}\n", ends=1)
    ended = machine.run("kind")
    assert refused(ended) == error_id
    assert said in ended.stderr
    assert not [call for call in machine.calls if call.startswith("kind")]


def test_kind_that_is_missing_and_cannot_be_built(machine: Machine):
    machine.has("docker")
    assert refused(machine.run("kind")) == "E-KIND-MISSING"
    assert not list((machine.folder / "cache").rglob("making-*"))


@pytest.mark.parametrize("command", COMMANDS)
def test_a_cluster_that_somebody_else_made_is_never_touched(equipped: Machine, command: str):
    equipped.answer("^kind get clusters", f"{CLUSTER}\n")
    equipped.answer("^docker cp .*kubeadm.conf", "nodeRegistration: {}\n")
    assert refused(equipped.run(command)) == "E-KIND-FOREIGN"
    assert not [call for call in equipped.calls if "delete" in call or "create" in call]
    assert left(equipped) == []


def test_kind_down_removes_our_cluster_and_nothing_else(equipped: Machine):
    equipped.answer("^kind get clusters", f"other\n{CLUSTER}\n")
    equipped.answer("^docker cp .*kubeadm.conf", f"node-labels: {MARK}=reference\n")
    equipped.answer("^docker image ls .*reference=", "1111\n2222\n")
    equipped.answer("^docker image ls .*label=", "2222\n3333\n")
    equipped.state.mkdir()
    for name in ("kubeconfig", "kubeconfig.pin.json"):
        (equipped.state / name).touch()
    assert equipped.run("kind-down").returncode == 0
    deleted, removed = [call for call in equipped.calls if "delete" in call or " rm " in call]
    assert removed == "docker image rm --force 1111 2222 3333"
    assert deleted == f"kind delete cluster --name {CLUSTER} --kubeconfig /dev/null"
    assert left(equipped) == []


def test_kind_down_with_nothing_to_remove_says_so(equipped: Machine):
    equipped.answer("^kind get clusters", NO_CLUSTER)
    ended = equipped.run("kind-down")
    assert ended.returncode == 0
    assert ended.stdout.endswith("→ there is no cluster to remove\n")
    assert not [call for call in equipped.calls if "delete" in call or " rm " in call]


def test_kind_down_without_an_engine_has_nothing_to_remove(machine: Machine):
    machine.has("docker", "kind")
    machine.answer("^docker version", "Cannot connect to the Docker daemon\n", ends=1)
    ended = machine.run("kind-down")
    assert ended.returncode == 0
    assert "nothing is remembered that could be removed" in ended.stdout


def test_kind_down_without_the_engine_of_a_cluster_that_is_remembered(machine: Machine):
    machine.has("docker", "kind")
    machine.answer("^docker version", "Cannot connect to the Docker daemon\n", ends=1)
    machine.state.mkdir()
    (machine.state / "kubeconfig").touch()
    assert refused(machine.run("kind-down")) == "E-DOCKER-DOWN"
    assert left(machine) == ["kubeconfig"]


def test_two_variants_of_one_system_are_told_before_anything_is_made(equipped: Machine):
    ended = equipped.run("kind", "--variant", "otp-fixed", "otp-faithful")
    assert refused(ended) == "E-VARIANT"
    assert equipped.calls == []


def test_a_port_that_is_taken_is_told_before_anything_is_made(equipped: Machine):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        equipped.port = taken.getsockname()[1]
        ended = equipped.run("kind")
    assert refused(ended) == "E-PORT-TAKEN"
    assert str(equipped.port) in ended.stderr
    assert not [call for call in equipped.calls if call.startswith(("kind create", "docker pull"))]


@pytest.mark.parametrize("command", COMMANDS)
def test_a_state_folder_that_cannot_be_written(equipped: Machine, command: str):
    equipped.state = Path("/proc/none")
    assert refused(equipped.run(command)) == "E-FOLDER"
    assert equipped.calls == []
