"""Words about what the shop's books, ledger and logs say, and what is planted in them."""

from __future__ import annotations

from pytest_bdd import parsers, step, then

from fixtures.enactment.sock_shop.incident import ShopIncident
from fixtures.enactment.sock_shop.readings import records as seen
from fixtures.enactment.sock_shop.states import orders_in_every_state
from judging.findings import Judge


@step(parsers.parse("the books hold an order of {name}'s in every state"))
def books_hold(incident: ShopIncident, name: str) -> None:
    incident.act(lambda: incident.plant(name, lambda: orders_in_every_state(incident, name)))


@step("the books are put right again")
def books_put_right(incident: ShopIncident) -> None:
    incident.act(lambda: incident.uproot("planted orders"))


@then(parsers.parse("{name}'s order is paid and on its way"))
def paid_and_shipped(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.paid_and_shipped(incident, name))


@then(parsers.parse("{name}'s order came to ${amount:f} everywhere"))
def came_to(judge: Judge, incident: ShopIncident, name: str, amount: float) -> None:
    judge.expect(*seen.came_to(incident, name, amount))


@then(parsers.parse("{name}'s order is kept as {status} without a shipment"))
def kept_as(judge: Judge, incident: ShopIncident, name: str, status: str) -> None:
    judge.expect(*seen.kept_as(incident, name, status))


@then(parsers.parse("the orders service tells {name}'s order as {status} without a shipment"))
def told_as(judge: Judge, incident: ShopIncident, name: str, status: str) -> None:
    judge.expect(*seen.told_as(incident, name, status))


@then(parsers.parse("{name} has at most one open order"))
def one_open_order(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.one_open_order(incident, name))


@then(parsers.re(r"(?P<name>\w+) has (?P<count>\d+) orders? in all"), converters={"count": int})
def all_orders(judge: Judge, incident: ShopIncident, name: str, count: int) -> None:
    judge.expect(*seen.all_orders(incident, name, count))


@then(parsers.parse("{name}'s last click made no order"))
def made_no_order(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.made_no_order(incident, name))


@then(parsers.parse("nothing was shipped to {name}"))
def nothing_shipped(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.nothing_shipped(incident, name))


@then(parsers.parse("{name}'s payment is in the log and in the ledger"))
def payment_recorded(judge: Judge, incident: ShopIncident, name: str) -> None:
    with judge.where_shown():
        judge.expect(*seen.payment_recorded(incident, name))


@then(parsers.parse("{name} was charged to the cent"))
def charged_to_the_cent(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.charged_to_the_cent(incident, name))


@then("the payment service wrote down every attempt: asked, called, refused")
def wrote_down(judge: Judge, incident: ShopIncident) -> None:
    judge.expect(*seen.wrote_down(incident))


@then("nothing was paid, charged or shipped while the gateway was away")
def nothing_gained(judge: Judge, incident: ShopIncident) -> None:
    judge.expect(*seen.nothing_gained(incident))


@then("no order is paid without a charge, and none charged without being paid")
def paid_if_charged(judge: Judge, incident: ShopIncident) -> None:
    judge.expect(*seen.paid_if_charged(incident))


@then("every paid order was charged once, and nothing else was")
def charged_once(judge: Judge, incident: ShopIncident) -> None:
    judge.expect(*seen.charged_once(incident))


@then(parsers.parse("the stock of the {sock} socks is as before"))
def stock_as_before(judge: Judge, incident: ShopIncident, sock: str) -> None:
    judge.expect(*seen.stock_as_before(incident, sock))
