"""Words about what breaks and what comes back."""

from __future__ import annotations

from pytest_bdd import parsers, step

from fixtures.enactment.incident import Incident
from fixtures.enactment.states import orders_in_every_state


@step("the shop is selling")
def is_selling(incident: Incident) -> None:
    incident.act(incident.begin)


@step(parsers.parse("the {service} goes away"))
def goes_away(incident: Incident, service: str) -> None:
    incident.act(lambda: incident.break_service(service))


@step(parsers.parse("the {service} comes back"))
def comes_back(incident: Incident, service: str) -> None:
    incident.act(lambda: incident.restore_service(service))


@step(parsers.parse("the books hold an order of {name}'s in every state"))
def books_hold(incident: Incident, name: str) -> None:
    incident.act(lambda: incident.plant(name, lambda: orders_in_every_state(incident, name)))


@step("the books are put right again")
def books_put_right(incident: Incident) -> None:
    incident.act(lambda: incident.uproot("planted orders"))
