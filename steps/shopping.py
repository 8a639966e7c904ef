"""Words about what customers do, and what the shop shows them."""

from __future__ import annotations

from pytest_bdd import parsers, step, then

from fixtures.enactment.sock_shop.incident import ShopIncident
from fixtures.enactment.sock_shop.readings import shopping as seen
from judging.findings import Judge


@step(parsers.parse("{name} opens an account"))
def opens_account(incident: ShopIncident, name: str) -> None:
    incident.act(incident.shopper(name).registers_by_hand)


@step(parsers.parse("{name} checks out the {sock} socks"))
def checks_out(incident: ShopIncident, name: str, sock: str) -> None:
    incident.act(lambda: incident.shopper(name).checks_out(sock))


@step(parsers.parse("{name} reloads the basket and checks out again"))
def checks_out_again(incident: ShopIncident, name: str) -> None:
    incident.act(incident.shopper(name).checks_out_again)


@step(parsers.parse("{name} clicks again without reloading"))
def clicks_again(incident: ShopIncident, name: str) -> None:
    incident.act(incident.shopper(name).clicks_again)


@step(parsers.parse("{name} double-clicks to check out the {sock} socks"))
def double_clicks(incident: ShopIncident, name: str, sock: str) -> None:
    incident.act(lambda: incident.shopper(name).double_clicks(sock))


@step(parsers.parse("{name}'s app orders the {sock} socks"))
def app_orders(incident: ShopIncident, name: str, sock: str) -> None:
    incident.act(lambda: incident.shopper(name).orders_by_app(sock))


@step(parsers.parse("{name}'s app orders the {sock} socks {times:d} times in a row"))
def app_orders_in_a_row(incident: ShopIncident, name: str, sock: str, times: int) -> None:
    incident.act(lambda: incident.shopper(name).orders_by_app(sock, times))


@step(parsers.parse("{name}'s app orders the {sock} socks {times:d} times at once"))
def app_orders_at_once(incident: ShopIncident, name: str, sock: str, times: int) -> None:
    incident.act(lambda: incident.shopper(name).orders_at_once(sock, times))


@step(parsers.parse("{name} empties the basket"))
def empties_basket(incident: ShopIncident, name: str) -> None:
    incident.act(incident.shopper(name).empties_basket)


@step(parsers.parse("{name} looks at the orders"))
def looks_at_orders(incident: ShopIncident, name: str) -> None:
    incident.act(lambda: incident.look_at_orders(name))


@then(parsers.parse("{name} is told that the payment failed because the connection was refused"))
def told_why(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.told_why(incident, name))


@then(parsers.parse("{name} is still looking at the basket"))
def still_at_basket(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.still_at_basket(incident, name))


@then(parsers.parse("{name} is led to the list of orders"))
def led_to_orders(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.led_to_orders(incident, name))


@then(parsers.parse("the checkout button was busy while {name} waited"))
def was_busy(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.was_busy(incident, name))


@then(parsers.parse("{name}'s checkout sent one order"))
def sent_one_order(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.sent_one_order(incident, name))


@then(parsers.parse("{name}'s list does not call a failed order shipped"))
def list_not_shipped(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.list_not_shipped(incident, name))


@then(parsers.parse("{name}'s order page does not call a failed order shipped"))
def page_not_shipped(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.page_not_shipped(incident, name))


@then(parsers.parse("{name}'s list tells the true state of every order"))
def list_is_true(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.list_is_true(incident, name))


@then(parsers.parse("{name}'s order pages tell the true state of every order"))
def pages_are_true(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.pages_are_true(incident, name))


@then(parsers.parse("the page of {name}'s first failed order says shipped"))
def first_page_shipped(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.first_page_shipped(incident, name))


@then(parsers.parse("{name}'s list shows one order"))
def list_shows_one(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.list_shows_one(incident, name))


@then(parsers.parse("{name}'s basket is empty"))
def basket_empty(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.basket_empty(incident, name))


@then(parsers.parse("{name}'s basket still holds what was in it"))
def basket_kept(judge: Judge, incident: ShopIncident, name: str) -> None:
    judge.expect(*seen.basket_kept(incident, name))
