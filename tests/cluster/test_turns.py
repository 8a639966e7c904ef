"""Two runs on one namespace take turns: the Lease says whose it is, and a dead holder's turn ends by itself."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from kubernetes import client

from fixtures.cluster import turn as turns
from fixtures.cluster.calls import Calls
from fixtures.cluster.turn import Turn
from fixtures.waiting import eventually
from judging.findings import NotRestored
from judging.refusal import Refusal

LEASE = "incident-conformance-sock-shop"


@pytest.fixture
def said() -> list[str]:
    """What those who wait were told."""
    return []


@pytest.fixture
def leases(api: client.ApiClient) -> client.CoordinationV1Api:
    return client.CoordinationV1Api(api)


@pytest.fixture
def turn_of(kubeconfig: Path, namespace: str, said: list[str]) -> Callable[..., Turn]:
    """The turn of a run, with the shop if nothing else is said."""
    return lambda run, system="sock_shop": Turn(Calls(kubeconfig, "", namespace), system, run, said.append)


@pytest.fixture
def pair(turn_of: Callable[..., Turn]) -> Iterator[tuple[Turn, Turn]]:
    """Two runs on one namespace."""
    first, second = turn_of("one run"), turn_of("another")
    yield first, second
    for each in (first, second):
        each.give_back()


def test_the_second_waits_for_the_first_and_is_told_who_it_is(pair: tuple[Turn, Turn], said: list[str]) -> None:
    first, second = pair
    first.take()
    waiting = threading.Thread(target=second.take)
    waiting.start()
    eventually("the second is told", lambda: said, within=20)
    assert waiting.is_alive()

    first.give_back()
    waiting.join(5)

    assert not waiting.is_alive()
    assert len(said) == 1
    assert said[0].startswith("waiting for one run, whose turn it is with sock_shop in namespace ")


def test_systems_of_one_namespace_do_not_wait_for_each_other(
    pair: tuple[Turn, Turn], turn_of: Callable[..., Turn], leases: client.CoordinationV1Api, namespace: str
) -> None:
    beside = turn_of("another", "otp_gateway")
    pair[0].take()

    beside.take(patience=1)

    held = {lease.metadata.name: lease.spec.holder_identity for lease in leases.list_namespaced_lease(namespace).items}
    beside.give_back()
    assert held == {LEASE: "one run", "incident-conformance-otp-gateway": "another"}


def test_patience_ends_with_a_refusal(pair: tuple[Turn, Turn]) -> None:
    first, second = pair
    first.take()

    told = r"^E-TURN sock_shop in namespace \S+ is in use by one run\nremedy: .*kubectl .*delete lease"
    with pytest.raises(Refusal, match=told):
        second.take(patience=1)


def test_a_turn_given_back_leaves_nothing_behind(
    pair: tuple[Turn, Turn], leases: client.CoordinationV1Api, namespace: str
) -> None:
    first, _ = pair
    first.take()
    assert leases.read_namespaced_lease(LEASE, namespace).spec.holder_identity == "one run"

    first.give_back()

    assert not leases.list_namespaced_lease(namespace).items


def test_the_turn_of_a_dead_holder_ends(
    pair: tuple[Turn, Turn], leases: client.CoordinationV1Api, namespace: str
) -> None:
    spec = {"holderIdentity": "a dead run", "leaseDurationSeconds": 1}
    leases.create_namespaced_lease(namespace, {"metadata": {"name": LEASE}, "spec": spec})

    pair[0].take(patience=5)

    assert leases.read_namespaced_lease(LEASE, namespace).spec.holder_identity == "one run"


def test_a_turn_in_use_does_not_end(pair: tuple[Turn, Turn], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turns, "LASTS", 1)
    monkeypatch.setattr(turns, "RENEWED_EVERY", 0.2)
    first, second = pair
    first.take()

    with pytest.raises(Refusal, match="E-TURN"):
        second.take(patience=3)


def test_a_turn_that_was_lost_is_told(
    pair: tuple[Turn, Turn], leases: client.CoordinationV1Api, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "RENEWED_EVERY", 0.1)
    first, second = pair
    first.take()
    leases.delete_namespaced_lease(LEASE, namespace)
    second.take(patience=5)
    eventually("the first has noticed", lambda: not first._keeping.is_alive(), within=20)  # type: ignore[union-attr]

    with pytest.raises(NotRestored, match="took the turn while the incident was being played"):
        first.give_back()
    assert leases.read_namespaced_lease(LEASE, namespace).spec.holder_identity == "another"


def test_a_renewal_that_fails_does_not_hide_that_the_turn_is_lost(
    pair: tuple[Turn, Turn], leases: client.CoordinationV1Api, namespace: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "RENEWED_EVERY", 0.1)
    first, second = pair
    first.take()
    failed = list[object]()

    def gone(before: object) -> bool:
        failed.append(before)
        raise client.ApiException(status=404)

    monkeypatch.setattr(first, "_write", gone)
    eventually("a renewal has failed", lambda: failed, within=20)
    leases.delete_namespaced_lease(LEASE, namespace)
    second.take(patience=5)
    eventually("the first has ended", lambda: not first._keeping.is_alive(), within=20)  # type: ignore[union-attr]

    with pytest.raises(NotRestored, match="took the turn while the incident was being played"):
        first.give_back()
