"""The whole reference stack: its manifests, and `python -m reference` run, up and down."""

from __future__ import annotations

import base64
import json
import os
import signal
import subprocess
import sys
import time
import tomllib
from pathlib import Path

import pytest
import requests
import yaml

from fixtures.waiting import eventually
from reference.deploying import Cluster
from reference.kustomize import OVERLAYS, others, render, stack, variants
from reference.mongodb import build
from reference.refusal import CannotRun
from reference.rollout import follow
from tests.reference.processes import COLOURFUL, ROOT

COMMAND = [sys.executable, "-m", "reference"]


def reference(*words: str, **more: object) -> subprocess.CompletedProcess[str]:
    environment = os.environ | {key: str(value) for key, value in more.items()}
    return subprocess.run([*COMMAND, *words], cwd=ROOT, env=environment, capture_output=True, text=True, timeout=90)


@pytest.mark.parametrize("variant", variants())
def test_the_manifests_are_what_kubectl_makes_of_them(variant: str):
    made = subprocess.run(
        ["kubectl", "kustomize", OVERLAYS / variant], capture_output=True, text=True, timeout=30, check=True
    )
    wanted = {(each["kind"], each["metadata"]["name"]): each for each in yaml.safe_load_all(made.stdout)}
    assert {(each["kind"], each["metadata"]["name"]): each for each in render(OVERLAYS / variant)} == wanted
    deployments = {name for kind, name in wanted if kind == "Deployment"}
    assert len(deployments) == 12 or deployments == {"payment-mongodb", "payment-backend", "payment-frontend"}


@pytest.mark.parametrize("variant", variants())
def test_an_overlay_switches_on_what_the_list_says(variant: str):
    switched = {
        (document["metadata"]["name"], entry["name"])
        for document in render(OVERLAYS / variant)
        if document["kind"] == "Deployment"
        for entry in document["spec"]["template"]["spec"]["containers"][0]["env"]
        if entry["name"].startswith("DEFECT_") and entry["value"] == "on"
    }
    systems = tomllib.loads((ROOT / "reference" / "defects.toml").read_text()).values()
    listed = {
        (defect["deployment"], f"DEFECT_{name.upper()}")
        for defects in systems
        for name, defect in defects.items()
        if variant in defect["variants"]
    }
    assert switched == listed
    assert bool(switched) == (not variant.endswith("fixed"))


def test_two_systems_share_a_stack_and_two_variants_of_one_do_not():
    both = stack(["fixed", "otp-fixed"])
    assert [each["kind"] for each in both] == ["Namespace"] + ["Service"] * 15 + ["Deployment"] * 15
    with pytest.raises(CannotRun, match="E-VARIANT otp-fixed and otp-faithful are variants of the same system"):
        stack(["otp-fixed", "otp-faithful"])
    with pytest.raises(CannotRun, match="E-VARIANT"):
        stack(["fixed", "fixed"])


def test_what_only_other_systems_have_is_known():
    assert others(["fixed", "otp-fixed"]) == []
    assert others(["fixed"]) == [
        f"{kind}/payment-{name}" for kind in ("Deployment", "Service") for name in ("backend", "frontend", "mongodb")
    ]


def test_run_sells_until_stdin_ends_and_leaves_nothing(tmp_path: Path):
    kubeconfig = tmp_path / "kubeconfig"
    command = [*COMMAND, "run", "--variant", "fixed", "--kubeconfig", str(kubeconfig)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE) as process:
        eventually("the kubeconfig is written", lambda: kubeconfig.exists() or process.poll() is not None, within=30)
        cluster = Cluster(kubeconfig, deadline=20)
        assert list(follow(cluster, "sock-shop", 60))[-1] == set()
        check_pin(kubeconfig)
        assert buy(f"http://{cluster.host}:30001") == 201
        assert process.stdin
        process.stdin.close()
        assert process.wait(10) == 0
    assert sorted(path.name for path in tmp_path.iterdir()) == ["logs"]
    with pytest.raises(requests.ConnectionError):
        requests.get(f"http://{cluster.host}:30001", timeout=2)


def check_pin(kubeconfig: Path) -> None:
    """The pin says what kubectl and OpenSSL say about the cluster."""
    pinned = json.loads(kubeconfig.with_name("kubeconfig.pin.json").read_text())
    config = yaml.safe_load(kubeconfig.read_text())
    authority = base64.b64decode(config["clusters"][0]["cluster"]["certificate-authority-data"])
    read = ["openssl", "x509", "-noout", "-fingerprint", "-sha256"]
    told = subprocess.run(read, input=authority, capture_output=True, timeout=10, check=True).stdout.decode()
    ask = [
        "kubectl",
        "--kubeconfig",
        kubeconfig,
        "get",
        "namespace",
        "sock-shop",
        "--output",
        "jsonpath={.metadata.uid}",
    ]
    uid = subprocess.run(ask, capture_output=True, text=True, timeout=20, check=True).stdout
    assert pinned == {
        "namespace": "sock-shop",
        "namespace_uid": uid,
        "certificate_sha256": told.strip().partition("=")[2].replace(":", "").lower(),
    }


def buy(ui: str) -> int:
    """A customer buys a pair of socks through the shop's front door; the answer's status."""
    session = requests.Session()

    def post(path: str, document: dict[str, str] | None = None) -> requests.Response:
        return session.post(f"{ui}{path}", json=document, timeout=10)

    post(
        "/register",
        {"username": f"n{time.time_ns()}", "password": "pw", "email": "", "firstName": "A", "lastName": "B"},
    )
    post("/addresses", {"number": "1", "street": "High St", "city": "Ely", "postcode": "CB7", "country": "UK"})
    post("/cards", {"longNum": "4111111111111111", "expires": "01/30", "ccv": "123"})
    post("/cart", {"id": COLOURFUL[0]})
    return post("/orders").status_code


def test_up_stays_says_where_and_down_ends_it(tmp_path: Path):
    state = ("--state", str(tmp_path / "state"))
    try:
        first = reference("up", "--variant", "fixed", *state)
        assert first.returncode == 0, first.stderr
        told = dict(line.split(maxsplit=1) for line in first.stdout.splitlines()[1:])
        assert requests.get(told["shop"], timeout=5).status_code == 200
        assert Path(told["kubeconfig"]).exists()
        second = reference("up", *state)
        assert second.stdout.splitlines() == ["already up: fixed", *first.stdout.splitlines()[1:]]
    finally:
        ended = reference("down", *state)
    assert (ended.returncode, ended.stdout) == (0, "ended\n")
    assert not Path(told["kubeconfig"]).exists()
    assert gone(told["shop"])
    assert reference("down", *state).stdout == "nothing is up\n"


def test_the_payment_gateway_runs_alone_and_shows_where(tmp_path: Path):
    state = ("--state", str(tmp_path / "state"))
    try:
        first = reference("up", "--variant", "otp-documented", *state)
        assert first.returncode == 0, first.stderr
        told = dict(line.split(maxsplit=1) for line in first.stdout.splitlines()[1:])
        assert set(told) == {"payments", "kubeconfig", "next", "python"}
        page = requests.get(told["payments"], timeout=5)
        assert (page.status_code, 'data-api=":30003"' in page.text) == (200, True)
        card = {"card_number": "4111111111111111", "expiry": "12/45", "cvv": "123", "holder_name": "ADA"}
        backend = told["payments"].replace("30002", "30003")
        assert requests.post(f"{backend}/payment/initiate", json=card, timeout=10).json()["success"]
    finally:
        ended = reference("down", *state)
    assert ended.stdout == "ended\n"


def test_a_killed_stack_takes_its_pods_along_and_can_be_begun_again(tmp_path: Path):
    state = tmp_path / "state"
    try:
        assert reference("up", "--state", str(state)).returncode == 0
        host = Cluster(state / "kubeconfig").host
        os.kill(int((state / "pid").read_text()), signal.SIGKILL)
        assert gone(f"http://{host}:30001")
        assert reference("down", "--state", str(state)).stdout == "nothing is up\n"
        assert reference("up", "--state", str(state)).stdout.startswith("starting")
    finally:
        reference("down", "--state", str(state))


def gone(url: str) -> bool:
    def refused() -> bool:
        try:
            requests.get(url, timeout=1)
        except requests.RequestException:
            return True
        return False

    return eventually("nobody answers any more", refused, within=5)


@pytest.mark.parametrize(
    ("words", "cause"),
    [
        (
            ["up", "--variant", "broken"],
            f"E-USAGE argument --variant: invalid choice: 'broken' (choose from {', '.join(map(repr, variants()))})",
        ),
        (
            ["up", "--variant", "fixed", "as-reported"],
            "E-VARIANT fixed and as-reported are variants of the same system",
        ),
        (["up", "--state", "/proc/none"], "E-FOLDER cannot write to /proc/none: No such file or directory"),
        (
            ["run", "--kubeconfig", "/proc/none/kubeconfig"],
            "E-FOLDER cannot write to /proc/none: No such file or directory",
        ),
        ([], "E-USAGE the following arguments are required: command"),
    ],
)
def test_bad_input_is_one_line_of_cause_and_one_of_remedy(words: list[str], cause: str):
    ended = reference(*words)
    assert ended.returncode == 4
    assert ended.stderr.splitlines()[0] == cause
    assert ended.stderr.splitlines()[1].startswith("remedy: ")
    assert len(ended.stderr.splitlines()) == 2


def test_without_mongod_go_and_pypi_it_says_what_to_install(tmp_path: Path):
    ended = reference(
        "run", "--kubeconfig", str(tmp_path / "kubeconfig"), PATH=tmp_path, XDG_CACHE_HOME=tmp_path / "cache",
        PIP_NO_INDEX=1, PIP_FIND_LINKS=tmp_path,
    )  # fmt: skip
    *_, cause, remedy = ended.stderr.splitlines()
    assert ended.returncode == 4
    assert cause.startswith("E-DATABASE no database server can be built: 'pip install' ended with 1: ")
    assert remedy.startswith("remedy: install MongoDB (mongod on PATH), or Go")
    assert sorted(path.name for path in (tmp_path / "cache" / "incident-conformance").iterdir()) == ["lock"]


def test_a_database_server_is_built_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    built: list[Path] = []

    def build_instead(scratch: Path) -> Path:
        built.append(scratch)
        (scratch / "ferretdb").touch()
        return scratch / "ferretdb"

    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))
    monkeypatch.setattr(build, "_build", build_instead)
    assert build.ferretdb() == build.ferretdb() == build.target()
    assert len(built) == 1
