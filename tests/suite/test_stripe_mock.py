"""A shop that pays at Stripe's own mock, which keeps no ledger, is judged in all that needs none."""

from __future__ import annotations

import copy
import os
import re
import shutil
import subprocess
import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.cluster.driver import Cluster
from fixtures.waiting import eventually
from tests.suite.runs import ROOT, profile, run

FEATURES = ROOT / "features" / "sock_shop"
CLAIMS = tomllib.loads((FEATURES / "claims.toml").read_text())
LEDGER = {name for name, claim in CLAIMS.items() if "gateway_ledger" in claim.get("needs", ())}
STRIPE_MOCK = "github.com/stripe/stripe-mock@v0.197.0"
GATEWAY, PORT = "stripe-mock", 12111
BUILT_WITHIN, SETTLED_WITHIN, JUDGED_WITHIN = 300, 30, 170  # seconds


@pytest.fixture
def stripe_mock(standing: Path, tmp_path: Path) -> Iterator[None]:
    """The standing shop pays at Stripe's own mock, which keeps no ledger, for as long as a test takes."""
    if not shutil.which("go"):
        pytest.skip("Stripe's mock is built with Go")
    env = {**os.environ, "GOBIN": str(tmp_path), "GOFLAGS": "-modcacherw"}
    subprocess.run(["go", "install", STRIPE_MOCK], env=env, check=True, timeout=BUILT_WITHIN)
    cluster = Cluster(standing, "", "sock-shop")
    ours = cluster.deployment(GATEWAY).record["spec"]["template"]
    theirs = copy.deepcopy(ours)
    [container] = theirs["spec"]["containers"]
    container |= {"command": [str(tmp_path / "stripe-mock"), "-http-addr", f"$(POD_IP):{PORT}"], "args": []}
    container["readinessProbe"] = {"tcpSocket": {"port": PORT}, "periodSeconds": 1}
    rolled_out(cluster, theirs)
    yield
    rolled_out(cluster, ours)


def rolled_out(cluster: Cluster, template: dict) -> None:
    """The gateway's pods are made after that template, and no others are left."""
    assert cluster.patch(GATEWAY, {"spec": {"template": template}}, cluster.deployment(GATEWAY).version)
    eventually("the gateway is up", lambda: cluster.deployment(GATEWAY).available, within=SETTLED_WITHIN)
    eventually("one pod is left", lambda: len(cluster.pods(GATEWAY)) == 1, within=SETTLED_WITHIN)


@pytest.mark.usefixtures("stripe_mock")
def test_a_gateway_that_keeps_no_ledger_is_asked_and_believed(standing: Path, tmp_path: Path):
    mine = profile(tmp_path, standing)
    naming = {str(path): set(re.findall(r"@(R\w+)", path.read_text())) for path in FEATURES.glob("*.feature")}
    asking = [path for path, named in naming.items() if named & LEDGER]

    done = run(tmp_path / "out", f"--stack={mine}", "--evidence=minimal", *asking, patience=JUDGED_WITHIN)

    done.leaves_unjudged(LEDGER)
    [told] = {event["message"] for event in done.journal if event["event"] == "unsupported"}
    assert told.startswith("gateway_ledger: GET /admin/ledger at stripe-mock → 401 ")
    assert any(event.get("what") == "the gateway's ledger" and event["evidence"] for event in done.journal)
