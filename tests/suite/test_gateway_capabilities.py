"""What a payment gateway does not show costs the claims that need it, and no other; also where it shows no code."""

from __future__ import annotations

import tomllib
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.cluster.driver import Cluster
from fixtures.waiting import eventually
from tests.suite.runs import ROOT, Run, profile, run

FEATURES = ROOT / "features" / "otp_gateway"
CLAIMS = tomllib.loads((FEATURES / "claims.toml").read_text())
PAYING, PRIVATE = FEATURES / "paying_with_a_code.feature", FEATURES / "codes_stay_private.feature"
LOGGED, KEEP_COMING = FEATURES / "audit_logging.feature", FEATURES / "customers_keep_coming.feature"
BACKEND = "payment-backend"
JUDGED_WITHIN, SETTLED_WITHIN = 170, 30  # seconds


def needing(done: Run, *capabilities: str) -> set[str]:
    """The claims of a run that cannot be judged without one of these."""
    return {name for name in done.claims if {*CLAIMS[name].get("needs", ())} & {*capabilities}}


def judged(folder: Path, kubeconfig: Path, *features: Path, without: tuple[str, ...] = ()) -> Run:
    """A run of the gateway with a profile that leaves some capabilities out."""
    profile(folder, kubeconfig)
    left_out = "\n".join(f"capabilities.{name} = false" for name in without)
    (folder / "lean.toml").write_text(f'extends = "mine.toml"\n[otp_gateway]\n{left_out}\n')
    options = (f"--stack={folder / 'lean.toml'}", "--evidence=minimal", *map(str, features or (FEATURES,)))
    return run(folder / "out", *options, patience=JUDGED_WITHIN)


@pytest.mark.parametrize(
    ("without", "features"),
    [
        (("payment_records", "demo_mode"), ()),  # no claim needs both
        (("planting", "write_marks"), (PAYING, LOGGED)),  # nor these; and no other feature needs one of them
        (("audit_logging",), (LOGGED, KEEP_COMING)),
    ],
    ids=lambda words: " and ".join(map(str, words)) if words and isinstance(words[0], str) else "",
)
def test_what_is_not_shown_costs_the_claims_that_need_it(
    standing_gateway: Path, tmp_path: Path, without: tuple[str, ...], features: tuple[Path, ...]
):
    done = judged(tmp_path, standing_gateway, *features, without=without)

    done.leaves_unjudged(needing(done, *without))
    for name in needing(done, *without):
        [lacking] = {*CLAIMS[name]["needs"]} & {*without}
        assert done.reasons[name].startswith(lacking)


@pytest.fixture(scope="module")
def silent_gateway(standing_gateway: Path) -> Iterator[Path]:
    """The gateway outside its demo mode: it shows nobody a code, for as long as these tests take."""
    cluster = Cluster(standing_gateway, "", "sock-shop")
    ours = cluster.deployment(BACKEND).record["spec"]["template"]
    [container] = ours["spec"]["containers"]
    silent = container | {"env": [*container["env"], {"name": "DEMO_MODE", "value": "off"}]}
    rolled_out(cluster, ours | {"spec": ours["spec"] | {"containers": [silent]}})
    yield standing_gateway
    rolled_out(cluster, ours)


def rolled_out(cluster: Cluster, template: dict) -> None:
    """The backend's pods are made after that template, and no others are left."""
    assert cluster.patch(BACKEND, {"spec": {"template": template}}, cluster.deployment(BACKEND).version)
    eventually("the backend is up", lambda: cluster.deployment(BACKEND).available, within=SETTLED_WITHIN)
    eventually("one pod is left", lambda: len(cluster.pods(BACKEND)) == 1, within=SETTLED_WITHIN)


def test_a_code_that_nobody_is_shown_comes_from_the_books(silent_gateway: Path, tmp_path: Path):
    done = judged(tmp_path, silent_gateway, PAYING, PRIVATE, without=("demo_mode",))

    done.leaves_unjudged({"R002_23"})


def test_where_a_code_is_neither_shown_nor_kept_nobody_tries_one(silent_gateway: Path, tmp_path: Path):
    done = judged(tmp_path, silent_gateway, PAYING, without=("payment_records",))

    done.leaves_unjudged(needing(done, "payment_records") | {"R002_03"})
    assert done.reasons["R002_03"].startswith("payment_records: the profile declares no")
