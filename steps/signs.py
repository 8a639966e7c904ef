"""Words about what the shop's operators can tell from its signs."""

from __future__ import annotations

from pytest_bdd import parsers, then

from fixtures.enactment.sock_shop.incident import ShopIncident
from fixtures.enactment.sock_shop.readings import signs as seen
from judging.findings import Judge


@then("every refused payment was noticed at once")
def noticed_at_once(judge: Judge, incident: ShopIncident) -> None:
    judge.expect(*seen.noticed_at_once(incident))


@then(parsers.parse("the signs pointed to a {cause}"))
def signs_point_to(judge: Judge, incident: ShopIncident, cause: str) -> None:
    judge.expect(*seen.signs_point_to(incident, cause))


@then("every order tried during the outage failed")
def all_failed(judge: Judge, incident: ShopIncident) -> None:
    judge.expect(*seen.all_failed(incident))


@then("no order failed after the recovery")
def none_failed_after(judge: Judge, incident: ShopIncident) -> None:
    judge.expect(*seen.none_failed_after(incident))
