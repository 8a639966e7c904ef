"""Words about what breaks and what comes back, in any system."""

from __future__ import annotations

from pytest_bdd import parsers, step

from fixtures.enactment.incident import Incident


@step("the shop is selling")
def shop_is_selling(incident: Incident) -> None:
    incident.act(incident.begin)


@step("customers get their codes")
def customers_get_codes(incident: Incident) -> None:
    incident.act(incident.begin)


@step(parsers.parse("the {service} goes away"))
def goes_away(incident: Incident, service: str) -> None:
    incident.act(lambda: incident.break_service(service))


@step(parsers.parse("the {service} comes back"))
def comes_back(incident: Incident, service: str) -> None:
    incident.act(lambda: incident.restore(service))
