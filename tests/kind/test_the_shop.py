"""The systems on a real cluster, as `make kind` leaves it: what its images hold, how its pods end, where it listens."""

from __future__ import annotations

import json
import os
import subprocess
from pathlib import Path

import pytest

from reference.deploying import PODS
from reference.kustomize import NAMESPACE, node_ports, stack
from tests.kind.conftest import VARIABLE
from tests.kind.deployed import SECONDS, Place
from tests.reference.test_running import buy, check_pin

pytestmark = pytest.mark.skipif(VARIABLE not in os.environ, reason=f"{VARIABLE} names no cluster")
VARIANTS = ("fixed", "otp-fixed")
DEPLOYMENTS = sorted(each["metadata"]["name"] for each in stack(VARIANTS) if each["kind"] == "Deployment")
TOOLS = ("pip", "pip3", "gcc", "cc", "make", "go", "git", "npm")


@pytest.fixture(scope="module")
def shop(kubeconfig: Path) -> Place:
    return Place(kubeconfig, NAMESPACE, "")


def inside(shop: Place, service: str, program: str) -> str:
    return shop.kubectl("exec", f"deploy/{service}", "--", "python3", "-c", program).strip()


def test_it_sells_and_is_pinned(shop: Place):
    assert buy("http://127.0.0.1:30001") == 201
    check_pin(shop.kubeconfig)


def test_an_image_of_the_services_runs_as_nobody_and_holds_no_build_tool(shop: Place):
    assert inside(shop, "carts", "import os; print(os.getuid(), os.getgid())").split()[0] == "10001"
    found = inside(shop, "carts", f"import shutil; print([name for name in {TOOLS} if shutil.which(name)])")
    assert found == "[]"
    imported = "import importlib.util as u; print([n for n in ('pip', 'setuptools', 'wheel') if u.find_spec(n)])"
    assert inside(shop, "carts", imported) == "[]"


def test_every_pod_ends_at_once_when_it_is_told_to(shop: Place):
    """What ignores SIGTERM as PID 1 would be killed after the grace period, and end with 137."""
    watch = shop.cluster.watch(PODS.format(NAMESPACE))
    there = {name for name, pod in watch.first.items() if not pod["metadata"].get("deletionTimestamp")}
    shop.kubectl("delete", "pods", *there, "--wait=false")
    codes = dict[str, int]()
    for told, pod in watch:
        if pod is None:
            there.discard(told)
        elif told in there and (ended := pod["status"]["containerStatuses"][0]["state"].get("terminated")):
            codes[pod["metadata"]["labels"]["name"]] = ended["exitCode"]
        if not there:
            break
    watch.close()
    shop.kubectl("wait", "--for=condition=available", "deployments", "--all", f"--timeout={SECONDS}s")
    assert codes == dict.fromkeys(DEPLOYMENTS, 0)


def test_nothing_is_published_beyond_loopback(shop: Place):
    """The ports that lead to the cluster listen on 127.0.0.1; embedded clusters beside it have other such addresses."""
    listening = subprocess.run(["ss", "-Hltn"], capture_output=True, text=True, timeout=10, check=True).stdout
    server = json.loads(shop.kubectl("config", "view", "-o", "json"))["clusters"][0]["cluster"]["server"]
    for port in (*map(str, node_ports(VARIANTS)), server.rpartition(":")[2]):
        places = {line.split()[3] for line in listening.splitlines() if line.split()[3].endswith(f":{port}")}
        assert f"127.0.0.1:{port}" in places
        assert all(place.startswith("127.") for place in places)
