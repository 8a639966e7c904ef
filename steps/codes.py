"""Words about one-time passwords: who gets one, who enters one, and what becomes of it."""

from __future__ import annotations

from pytest_bdd import parsers, step, then

from fixtures.enactment.otp_gateway.incident import PaymentIncident
from fixtures.enactment.otp_gateway.readings import paying as seen
from judging.findings import Judge


@step(parsers.parse("{name} enters the code"))
def enters(incident: PaymentIncident, name: str) -> None:
    incident.act(incident.payer(name).enters)


@step(parsers.parse("{name}'s app enters the code"))
def app_enters(incident: PaymentIncident, name: str) -> None:
    incident.act(incident.payer(name).enters_as_told)


@step(parsers.parse("{name}'s app enters the code twice"))
def app_enters_twice(incident: PaymentIncident, name: str) -> None:
    incident.act(incident.payer(name).enters_twice)


@step(parsers.parse("{name}'s app enters a wrong code and then the right one"))
def app_enters_wrong(incident: PaymentIncident, name: str) -> None:
    incident.act(incident.payer(name).enters_wrong_then_right)


@step(parsers.re(r"(?P<name>\w+)'s code is (?P<age>one|three) minutes? old"), converters={"age": seen.AGES.get})
def code_is_old(incident: PaymentIncident, name: str, age: int) -> None:
    incident.act(lambda: incident.age_code(name, age))


@step(parsers.parse("{name}'s app enters that code"))
def app_enters_aged(incident: PaymentIncident, name: str) -> None:
    incident.act(lambda: incident.enter_aged_code(name))


@then(parsers.parse("{name} got a code of six digits"))
def got_code(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.got_code(incident, name))


@then(parsers.parse("{name}'s app was told no code"))
def told_no_code(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.told_no_code(incident, name))


@then(parsers.parse("{name}'s second attempt was refused as used already"))
def second_attempt_used(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.second_attempt_used(incident, name))


@then(parsers.parse("{name}'s code was accepted"))
def accepted(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.accepted(incident, name))


@then(parsers.parse("{name}'s code was refused as expired"))
def refused_as_expired(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.refused_as_expired(incident, name))
