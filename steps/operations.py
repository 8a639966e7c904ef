"""Words about what operators see: health, times, and what the signs point to."""

from __future__ import annotations

from pytest_bdd import parsers, then

from fixtures.enactment.incident import Incident
from fixtures.enactment.readings import operations as seen
from judging.findings import Judge


@then(parsers.parse("the {service} was up before the incident"))
def was_up(judge: Judge, incident: Incident, service: str) -> None:
    judge.expect(*seen.was_up(incident, service))


@then(parsers.parse("nothing of the {service} was left"))
def nothing_left(judge: Judge, incident: Incident, service: str) -> None:
    judge.expect(*seen.nothing_left(incident, service))


@then(parsers.parse("the {service} stayed healthy throughout"))
def stayed_healthy(judge: Judge, incident: Incident, service: str) -> None:
    judge.expect(*seen.stayed_healthy(incident, service))


@then("every refused payment was noticed at once")
def noticed_at_once(judge: Judge, incident: Incident) -> None:
    judge.expect(*seen.noticed_at_once(incident))


@then(parsers.parse("the signs pointed to a {cause}"))
def signs_point_to(judge: Judge, incident: Incident, cause: str) -> None:
    judge.expect(*seen.signs_point_to(incident, cause))


@then("every order tried during the outage failed")
def all_failed(judge: Judge, incident: Incident) -> None:
    judge.expect(*seen.all_failed(incident))


@then(parsers.parse("no service but the {service} was touched"))
def only_touched(judge: Judge, incident: Incident, service: str) -> None:
    judge.expect(*seen.only_touched(incident, service))


@then(parsers.parse("the {service} was back in time"))
def back_in_time(judge: Judge, incident: Incident, service: str) -> None:
    judge.expect(*seen.back_in_time(incident, service))


@then("no order failed after the recovery")
def none_failed_after(judge: Judge, incident: Incident) -> None:
    judge.expect(*seen.none_failed_after(incident))
