"""Words about customers who pay by card, and what they are shown and told."""

from __future__ import annotations

from pytest_bdd import parsers, step, then

from fixtures.enactment.otp_gateway.incident import PaymentIncident
from fixtures.enactment.otp_gateway.readings import paying as seen
from judging.findings import Judge


@step(parsers.parse("{name} pays by card"))
def pays(incident: PaymentIncident, name: str) -> None:
    incident.act(incident.payer(name).pays)


@step(parsers.parse("{name}'s app pays by card"))
def app_pays(incident: PaymentIncident, name: str) -> None:
    incident.act(incident.payer(name).pays_by_app)


@step(parsers.parse("{name} goes back to the card"))
def goes_back(incident: PaymentIncident, name: str) -> None:
    incident.act(incident.payer(name).goes_back)


@step(parsers.parse("{name} gives a security code that is too short"))
def gives_short_code(incident: PaymentIncident, name: str) -> None:
    incident.act(incident.payer(name).gives_short_security_code)


@step(parsers.parse("{name}'s app gives what no card has"))
def app_gives(incident: PaymentIncident, name: str) -> None:
    incident.act(lambda: seen.gives_what_no_card_has(incident, name))


@step(parsers.parse("{name}'s app gives a card that expired last month"))
def app_gives_expired(incident: PaymentIncident, name: str) -> None:
    incident.act(incident.payer(name).pays_with_expired_card)


@step(parsers.parse("{name} pays by card among {count:d} others"))
def pays_among(incident: PaymentIncident, name: str, count: int) -> None:
    incident.act(lambda: incident.pay_among(name, count))


@then(parsers.parse("{name} has paid"))
def has_paid(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.has_paid(incident, name))


@then(parsers.parse("{name} has paid once"))
def paid_once(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.paid_once(incident, name))


@then(parsers.parse("the books tell {name}'s payment step by step"))
def step_by_step(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.step_by_step(incident, name))


@then(parsers.parse("{name} was shown an empty card form"))
def empty_form(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.empty_form(incident, name))


@then(parsers.parse("each thing that {name} gave was refused with its reason"))
def each_refused(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.each_refused(incident, name))


@then(parsers.parse("{name} is told what is wrong and can correct it"))
def told_what_is_wrong(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.told_what_is_wrong(incident, name))


@then(parsers.parse("{name} was refused because the card has expired"))
def refused_as_expired_card(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.refused_as_expired_card(incident, name))


@then("neither card nor security code of anybody is in the books")
def nothing_to_misuse(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.nothing_to_misuse(incident))


@then(parsers.parse("{name} is told that it failed and can try again"))
def told_that_it_failed(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.told_that_it_failed(incident, name))


@then(parsers.parse("{name} was asked to try again, with the card still there"))
def asked_to_try_again(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.asked_to_try_again(incident, name))
