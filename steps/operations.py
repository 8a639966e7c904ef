"""Words about what operators of any system see: who was up, away, back, and touched."""

from __future__ import annotations

from pytest_bdd import parsers, then

from fixtures.enactment import operations as seen
from fixtures.enactment.incident import Incident
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


@then(parsers.parse("no service but the {service} was touched"))
def only_touched(judge: Judge, incident: Incident, service: str) -> None:
    judge.expect(*seen.only_touched(incident, service))


@then(parsers.parse("the {service} was back in time"))
def back_in_time(judge: Judge, incident: Incident, service: str) -> None:
    judge.expect(*seen.back_in_time(incident, service))
