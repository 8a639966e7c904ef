"""Customers keep coming whatever happens: what cannot be judged is UNKNOWN or refused, and everything is put back."""

from __future__ import annotations

import csv
from pathlib import Path

import pytest

from fixtures.cluster.driver import Cluster
from tests.suite import imitations
from tests.suite.runs import ROOT, Run, profile, run

KEEP_COMING = "features/otp_gateway/customers_keep_coming.feature"
LOGGED = "features/otp_gateway/audit_logging.feature"
BACKEND = "payment-backend"
BEHIND = "-5"  # seconds that the suite's clock is wrong by; test_canary.py has one that is ahead
JUDGED_WITHIN = 150  # seconds


def ends(done: Run) -> dict[str, int]:
    """How the requests of a run's loads ended, by their tables."""
    tables = [list(csv.DictReader(path.open())) for path in (done.reports / "evidence").glob("*.csv")]
    found = [row["end"] for table in tables for row in table if "end" in row]
    return {end: found.count(end) for end in {*found}}


def restored(kubeconfig: Path) -> bool:
    """Whether the backend runs as it did, held by nobody."""
    found = Cluster(kubeconfig, "", "sock-shop").deployment(BACKEND)
    variables = {
        each["name"]: each.get("value") for each in found.record["spec"]["template"]["spec"]["containers"][0]["env"]
    }
    ours = [name for name in found.annotations if name.startswith("incident-conformance")]
    return found.available and not ours and variables["DATABASE_MODULE"] == "original"


def sabotaged(way: str, folder: Path, kubeconfig: Path) -> Run:
    """Customers keep coming, and something goes wrong on the way."""
    stack = f"--stack={profile(folder, kubeconfig)}"
    options = (stack, "--evidence=minimal", "-p", "tests.suite.sabotage_of_payments", KEEP_COMING)
    return run(folder / "out", *options, env={"SABOTAGE": way}, patience=JUDGED_WITHIN)


def test_a_gateway_that_goes_away_while_customers_come_is_not_accused(standing_gateway: Path, tmp_path: Path):
    done = sabotaged("unreachable", tmp_path, standing_gateway)
    found = done.claims

    assert {name for name, verdict in found.items() if verdict == "UNKNOWN"} == {"R002_47", "R002_50"}, done.out
    assert {found[name] for name in found.keys() - {"R002_47", "R002_50"}} == {"CONFORMS"}, done.out
    assert "could not be reached" in done.reasons["R002_47"]
    assert ends(done)["transport error"] >= 20
    assert done.phases == ["planned", "applied", "witnessed", "undone", "undo_witnessed"]
    assert done.code == 3
    assert restored(standing_gateway)


def test_a_machine_that_cannot_send_as_it_should_accuses_nobody(standing_gateway: Path, tmp_path: Path):
    done = sabotaged("too busy", tmp_path, standing_gateway)
    found = done.claims

    for claim in ("R002_46", "R002_47", "R002_48", "R002_50"):
        assert found[claim] == "UNKNOWN", done.out
        assert "E-LOAD-BUSY" in done.reasons[claim]
    assert done.code == 3
    assert restored(standing_gateway)


def test_a_clock_that_is_behind_changes_no_verdict(standing_gateway: Path, tmp_path: Path):
    stack = f"--stack={profile(tmp_path, standing_gateway)}"
    options = (stack, "--evidence=minimal", "-p", "tests.suite.skewed", LOGGED)
    done = run(tmp_path / "out", *options, env={"SKEW": BEHIND}, patience=JUDGED_WITHIN)

    found = done.claims
    assert {name for name, verdict in found.items() if verdict != "CONFORMS"} == {"R002_43"}, done.out
    assert found["R002_43"] == "KNOWN"
    assert done.code == 0


def test_an_address_that_no_load_may_be_sent_to_is_refused_before_anybody_pays(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setitem(imitations.PAGES, "/paying", "<title>Payment Gateway - Demo</title>")
    with imitations.api_server() as api:
        changes = (
            ("http://{cluster}:30002", f"{api.url}/paying"),
            ("http://{cluster}:30003", "http://203.0.113.7:30003"),
        )
        stack = profile(tmp_path, imitations.kubeconfig(tmp_path, api.url), *changes)
        ended = run(tmp_path / "out", f"--stack={stack}", KEEP_COMING)
        asked = {*api.asked}

    cause, remedy = ended.err.splitlines()
    assert cause == "E-LOAD-ADDRESS 203.0.113.7 is not this machine"
    assert remedy.startswith("remedy: ")
    assert ended.code == 6
    assert asked <= {"GET", imitations.REVIEWS}
    assert not ended.phases


def test_a_variant_that_nobody_knows_is_told_in_two_lines(tmp_path: Path):
    stack = tmp_path / "mine.toml"
    stack.write_text(f'extends = "{ROOT}/stacks/embedded.toml"\n[otp_gateway]\nvariant = "otp-perfect"\n')
    ended = run(tmp_path / "out", f"--stack={stack}", KEEP_COMING)

    cause, remedy = ended.err.splitlines()
    assert cause.startswith("E-STACK-START the stack ended with exit code 4: E-USAGE ")
    assert "'otp-perfect'" in cause
    assert remedy.startswith("remedy: ")
    assert "Traceback" not in ended.out + ended.err
    assert ended.code == 4
