"""A plug-in that lets an incident go wrong while the gateway is away, or tells of it, as `SABOTAGE` says."""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from pytest_bdd.parser import Step

    from fixtures.enactment.sock_shop.shopper import Shopper

WAY = os.environ["SABOTAGE"]


@pytest.fixture(autouse=True)
def sabotaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """Whoever checks out breaks the harness, or somebody else scales the gateway meanwhile; or nothing is broken."""
    from fixtures.enactment.incident import Incident
    from fixtures.enactment.sock_shop.shopper import Shopper

    ways = {"in an act": _breaks, "by somebody else": _meddles}
    if WAY in ways:
        monkeypatch.setattr(Shopper, "checks_out", ways[WAY])
    if WAY == "told":
        close = Incident.close
        monkeypatch.setattr(Incident, "close", lambda it: (it.world.journal.record("closing"), close(it)))


def pytest_bdd_before_step(step: Step) -> None:
    """Break between the acts, where no incident notices."""
    if WAY == "between acts" and "checks out" in step.name:
        raise RuntimeError("the harness breaks")


def _breaks(shopper: Shopper, sock: str) -> None:
    raise RuntimeError("the harness breaks")


def _meddles(shopper: Shopper, sock: str) -> None:
    cluster = shopper._world.cluster
    assert cluster.patch("stripe-mock", {"spec": {"replicas": 2}}, cluster.deployment("stripe-mock").version)
