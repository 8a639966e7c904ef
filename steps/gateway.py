"""Words about the payment gateway: what is deployed to it, and what it tells its operators."""

from __future__ import annotations

from pytest_bdd import parsers, step, then

from fixtures.enactment.otp_gateway.incident import PaymentIncident
from fixtures.enactment.otp_gateway.readings import operators as seen
from judging.findings import Judge


@step("audit logging is deployed")
def audit_logging_deployed(incident: PaymentIncident) -> None:
    incident.act(incident.deploy_audit_logging)


@step("audit logging is rolled back")
def audit_logging_rolled_back(incident: PaymentIncident) -> None:
    incident.act(lambda: incident.roll_back("audit logging"))


@step("the demo mode is switched off")
def demo_mode_off(incident: PaymentIncident) -> None:
    incident.act(incident.switch_demo_mode_off)


@step("the demo mode is back")
def demo_mode_back(incident: PaymentIncident) -> None:
    incident.act(lambda: incident.roll_back("demo mode"))


@then("the payments service said that it was well")
def said_well(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.said_well(incident))


@then(parsers.parse("the payments service said at once that it was well while {size:d} paid"))
def said_well_at_once(judge: Judge, incident: PaymentIncident, size: int) -> None:
    judge.expect(*seen.said_well_at_once(incident, size))


@then("the payments service said that its database was away")
def said_database_away(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.said_database_away(incident))


@then("the payments service tells the settings of the document")
def tells_settings(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.tells_settings(incident))


@then("the payments service documents its four calls")
def documents_calls(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.documents_calls(incident))


@then("nothing in the logs told of those who got no code")
def nothing_told(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.nothing_told(incident))
