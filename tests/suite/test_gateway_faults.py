"""The payment gateway's faults on a running stack: its change is rolled out and back, and a code is planted."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from itertools import count
from pathlib import Path

import pytest
import requests

from fixtures.cluster.driver import Cluster
from fixtures.cluster.notes import HELD
from fixtures.cluster.tunnel import open_tunnels
from fixtures.databases.payments import PaymentBook
from fixtures.faults.planting import PlantedCode
from fixtures.faults.rollout import Rollout
from fixtures.stack.profile import Capability
from fixtures.waiting import eventually
from judging.findings import NotSteady, NotWitnessed
from tests.suite.one_deployment import caused, watched
from tests.suite.terminal import typed

BACKEND = "payment-backend"
AUDIT = Capability("audit_logging", BACKEND, variable="DATABASE_MODULE", value="audit")
UNKNOWN = replace(AUDIT, value="nonsense")  # the service ends when it reads it
NEW = Capability("demo_mode", BACKEND, variable="DEMO_MODE", value="off")
AUDITED = 250.0  # milliseconds that writing a payment down takes at least, with the audit's writes
CARD = {"card_number": "4111111111111111", "expiry": "12/30", "cvv": "123", "holder_name": "Somebody"}


@pytest.fixture(scope="module")
def cluster(standing_gateway: Path) -> Iterator[Cluster]:
    """The namespace of the gateway as its document says."""
    found = Cluster(standing_gateway, "", "sock-shop")
    found.follow()
    yield found
    found.changes.stop()


@pytest.fixture(scope="module")
def written(cluster: Cluster) -> Iterator[object]:
    """How many milliseconds the gateway takes to write down a payment that is made now, by its own log."""
    with open_tunnels(cluster) as lend:

        def pay() -> float:
            began, (host, port) = datetime.now(UTC), lend(BACKEND, 8000)
            with suppress(requests.RequestException):
                payment = requests.post(f"http://{host}:{port}/payment/initiate", json=CARD, timeout=10).json()
                told = [line.text for line in cluster.logs(BACKEND, began) if payment["payment_id"] in line.text]
                return float(told[0].split("ms=")[1].split()[0])
            raise ConnectionError("the gateway does not answer")

        yield pay


@pytest.fixture
def rollout(cluster: Cluster, written):
    """Makes a rollout of a change, seen by how long payments take to be written down."""
    number = count(1)

    def make(place: Capability, within: float = 30) -> Rollout:
        def seen() -> str:
            return f"a payment takes {taken:.0f} ms" if (taken := written()) >= AUDITED else ""

        def gone() -> str:
            return f"a payment takes {taken:.0f} ms" if (taken := written()) < AUDITED else ""

        return Rollout(cluster, "the change", place, f"run-{next(number)}", seen, gone, within, 10)

    return make


@pytest.fixture(scope="module")
def book(cluster: Cluster) -> Iterator[PaymentBook]:
    """What the gateway has written down."""
    with open_tunnels(cluster) as lend:
        place = Capability("payment_records", "payment-mongodb", 27017, database="payment_db")
        opened = PaymentBook(place, lend)
        yield opened
        opened.close()


@pytest.fixture(autouse=True)
def as_before(cluster: Cluster) -> Iterator[None]:
    """Whatever a test does, the gateway's Deployment is what it was, and ready."""
    before = as_written(cluster)
    yield
    assert as_written(cluster) == before
    assert cluster.deployment(BACKEND).available


def as_written(cluster: Cluster) -> tuple[object, dict[str, str]]:
    found = cluster.deployment(BACKEND)
    notes = {key: note for key, note in found.annotations.items() if not key.startswith("deployment.kubernetes.io/")}
    return found.record["spec"], notes


def test_the_gateways_change_is_rolled_out_and_back(rollout, written):
    before = written()
    faults, noted = caused(rollout(AUDIT))
    changed = written()
    faults.end_all()

    assert before < AUDITED <= changed
    assert written() < AUDITED
    assert noted == ["planned", "applied", "witnessed", "undone", "undo_witnessed"]


def test_a_change_that_keeps_the_service_from_starting_is_not_believed_and_taken_back(rollout, cluster):
    noted: list[str] = []
    faults = watched(noted)

    with pytest.raises(NotWitnessed, match="rolled out"):
        faults.cause(rollout(UNKNOWN, within=3))
    assert HELD in cluster.deployment(BACKEND).annotations
    faults.end_all()

    assert noted == ["planned", "applied", "undone", "undo_witnessed"]


@pytest.mark.parametrize("place", [AUDIT, NEW], ids=["a variable that was there", "a variable that was not"])
def test_what_a_dead_run_left_is_put_back_by_the_command_that_the_next_one_tells(
    rollout, standing_gateway, cluster, place
):
    rollout(place).apply()
    with pytest.raises(NotSteady, match="put it back with") as told:
        rollout(place).apply()
    command = shlex.split(str(told.value).partition("put it back with: ")[2])
    typed(standing_gateway, command)
    eventually(
        "it is settled", lambda: cluster.deployment(BACKEND), lambda found: found.available,
        within=30, wake=cluster.changes.wait,
    )  # fmt: skip
    assert HELD not in cluster.deployment(BACKEND).annotations


def test_a_code_that_has_expired_is_planted_and_told_of_by_the_gateway(cluster, book):
    now, said = datetime.now(UTC), "OTP has expired"
    with open_tunnels(cluster) as lend:
        host, port = lend(BACKEND, 8000)
        url = f"http://{host}:{port}/payment"
        payment = requests.post(f"{url}/initiate", json=CARD, timeout=10).json()["payment_id"]
        theirs = [each.id for each in book.sessions(payment)]

        def tried(session: str) -> str:
            attempt = {"session_id": session, "otp": "123456"}
            told = requests.post(f"{url}/verify-otp", json=attempt, timeout=10).json()["message"]
            return told if told == said else ""

        code = PlantedCode(
            book, payment, "123456", now - timedelta(minutes=3), now - timedelta(minutes=1), "run-1",
            cluster.must_permit_faults, tried,
        )  # fmt: skip
        faults, noted = caused(code)
        planted = [each for each in book.sessions(payment) if each.id not in theirs]
        faults.end("planted code")

    assert [(each.id, each.code) for each in planted] == [(code.session, "123456")]
    assert [each.id for each in book.sessions(payment)] == theirs
    assert len(theirs) == 1
    assert noted == ["planned", "applied", "witnessed", "undone", "undo_witnessed"]
