"""A plug-in that lets something go wrong while customers keep coming, as `SABOTAGE` says."""

from __future__ import annotations

import os
import time
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from fixtures.enactment.otp_gateway.incident import PaymentIncident

WAY, BACKEND = os.environ["SABOTAGE"], "payment-backend"
LOST, BACK_WITHIN, PONDERING = 20, 30.0, 0.13  # connections; seconds; seconds of the 83 ms between customers
FEWER = 3  # one in so many comes where that is enough


@pytest.fixture(autouse=True)
def sabotaged(monkeypatch: pytest.MonkeyPatch) -> None:
    """The gateway goes away for a while under the change, or whoever sends has no time for it."""
    from fixtures.enactment.otp_gateway import incident
    from fixtures.load.sending import Sending

    waits = incident.PaymentIncident.wait_for_more
    if WAY == "unreachable":
        monkeypatch.setattr(incident.PaymentIncident, "wait_for_more", lambda it, more: (_away(it), waits(it, more)))
    if WAY == "too busy":
        monkeypatch.setattr(incident.PaymentIncident, "wait_for_more", lambda it, more: waits(it, more // FEWER))
        exchange = Sending._exchange
        monkeypatch.setattr(Sending, "_exchange", lambda *about: (_ponder(), exchange(*about))[1])


def _away(incident: PaymentIncident) -> None:
    """Somebody scales the gateway away, and back once customers have noticed."""
    from fixtures.load.result import End
    from fixtures.waiting import eventually

    if incident.times.in_force is None or incident.times.taken_back is not None:
        return
    cluster, sending = incident.world.cluster, incident.coming.sending

    def lost() -> int:
        return sum(each.end is End.TRANSPORT for each in list(sending._samples.values()))

    def scale(replicas: int) -> bool:
        change = {"spec": {"replicas": replicas}}
        return cluster.patch(BACKEND, change, cluster.deployment(BACKEND).version)

    before = lost()
    eventually("it is scaled away", lambda: scale(0), within=BACK_WITHIN)
    eventually("connections are lost", lambda: lost() >= before + LOST, within=BACK_WITHIN)
    eventually("it is scaled back", lambda: scale(1), within=BACK_WITHIN)
    eventually("it is back", lambda: cluster.deployment(BACKEND).available, within=BACK_WITHIN)
    eventually("it answers", incident.world.open_app().health, within=BACK_WITHIN)


def _ponder() -> None:
    """Keep the thread that sends busy for longer than there is until the next customer comes."""
    until = time.monotonic() + PONDERING
    while time.monotonic() < until:
        pass
