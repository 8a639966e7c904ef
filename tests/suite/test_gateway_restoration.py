"""However a run ends while customers keep coming: nobody sends any more, and the change is taken back or told of."""

from __future__ import annotations

import shlex
import signal
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

import pytest

from fixtures.cluster.driver import Cluster
from fixtures.cluster.notes import HELD
from fixtures.waiting import eventually
from tests.suite.runs import Running, profile, run
from tests.suite.terminal import typed

KEEP_COMING = ("features/otp_gateway/customers_keep_coming.feature", "--evidence=minimal")
BACKEND = "payment-backend"
UNDER_WAY = {"what": "audit logging", "value": "in force"}  # and twelve a second come
TURN_IS_OVER = ("kubectl", "-n", "sock-shop", "delete", "lease", "incident-conformance-otp-gateway")  # what E-TURN says
SETTLED_WITHIN = 30  # seconds
QUIET = 5  # looks in a row, half a second apart
WITNESSES = 3  # payments that may be needed to see that the change is gone


@pytest.fixture
def cluster(standing_gateway: Path) -> Iterator[Cluster]:
    """The gateway's namespace; whatever a test does, the backend's Deployment is what it was, and ready."""
    found = Cluster(standing_gateway, "", "sock-shop")
    before = _written(found)
    yield found
    eventually("it is settled", lambda: found.deployment(BACKEND).available, within=SETTLED_WITHIN)
    assert _written(found) == before


@pytest.fixture
def stack(tmp_path: Path, standing_gateway: Path) -> str:
    """The running stack as one of one's own, with a profile outside the project."""
    return f"--stack={profile(tmp_path, standing_gateway)}"


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_an_interrupted_run_sends_no_more_and_takes_the_change_back(
    tmp_path: Path, stack: str, cluster: Cluster, number: signal.Signals
):
    running = Running(tmp_path / "out", stack, *KEEP_COMING)
    running.until(**UNDER_WAY)
    running.interrupt(number)
    ended = running.end()

    assert ended.code == 2, ended.out + ended.err
    assert ended.phases == ["planned", "applied", "witnessed", "undone", "undo_witnessed"]
    assert ended.verdicts == {"UNKNOWN"}
    undone = next(event["at"] for event in ended.journal if event.get("phase") == "undone")
    assert _came(cluster, datetime.fromisoformat(undone)) <= WITNESSES, "who kept coming was in the witness's way"
    assert "INTERNALERROR" not in ended.out
    assert "Traceback" not in ended.err
    assert HELD not in cluster.deployment(BACKEND).annotations
    _nobody_comes(cluster)


def test_what_a_killed_run_leaves_is_told_by_the_next_with_the_command_that_puts_it_back(
    tmp_path: Path, stack: str, cluster: Cluster, standing_gateway: Path
):
    running = Running(tmp_path / "killed", stack, *KEEP_COMING)
    running.until(**UNDER_WAY)
    running.interrupt(signal.SIGKILL)
    running.end()
    assert HELD in cluster.deployment(BACKEND).annotations
    _nobody_comes(cluster)
    typed(standing_gateway, TURN_IS_OVER)

    ended = run(tmp_path / "next", stack, *KEEP_COMING, patience=90)
    assert (ended.code, ended.verdicts) == (3, {"COMPROMISED"}), ended.out
    assert ended.phases == ["planned", "undone", "undo_witnessed"]
    assert HELD in cluster.deployment(BACKEND).annotations, "what is not ours is not touched"
    remedy = next(told for told in ended.messages if "put it back with: " in told)
    command = shlex.split(remedy.partition("put it back with: ")[2].splitlines()[0])
    typed(standing_gateway, command)


def _nobody_comes(cluster: Cluster) -> None:
    """Whoever was on the way has been served, and for a while nobody is who came later: twelve a second would be."""
    since, served = datetime.now(UTC), list[int]()

    def nobody_new() -> bool:
        served.append(_came(cluster, since))
        return len(served) > QUIET and len(set(served[-QUIET:])) == 1

    eventually("nobody comes", nobody_new, within=SETTLED_WITHIN, every=0.5)


def _came(cluster: Cluster, since: datetime) -> int:
    """How many payments the backend has been asked for since then."""
    return sum("/payment/initiate" in line.text for line in cluster.logs(BACKEND, since))


def _written(cluster: Cluster) -> tuple[object, object]:
    """What people write about the Deployment."""
    record = cluster.deployment(BACKEND).record
    notes = {k: v for k, v in record["metadata"].get("annotations", {}).items() if not k.startswith("deployment.kube")}
    return record["spec"], notes
