"""The API that the pages call, over plain HTTP: statuses, bodies, cookies, metrics and log."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest

from tests.front_end.backends import COLOURFUL, DECLINED, FIGUEROA, REFUSED, Backends
from tests.front_end.shops import SECRETS, Customer, StartShop, session

NewCustomer = Callable[..., Customer]
NOBODY = {"message": "User not logged in.", "error": {}}


def test_login_sets_the_two_cookies(shop: StartShop, customer: NewCustomer) -> None:
    name = customer(shop()).name
    client = session()
    assert client.get(shop() / "login", auth=(name, "wrong"), timeout=5).status_code == 401
    answer = client.get(shop() / "login", auth=(name, SECRETS["password"]), timeout=5)

    assert (answer.status_code, answer.text) == (200, "Cookie is set")
    cookies = "; ".join(answer.raw.headers.getlist("Set-Cookie"))
    assert re.search(r"logged_in=[\w-]+; Max-Age=3600; Path=/(;|$)", cookies)
    sealed = client.cookies["md.sid"]
    assert sealed.startswith("s%3A" + client.cookies["logged_in"] + ".")


def test_the_session_cookie_is_hidden_and_cannot_be_forged(shop: StartShop, customer: NewCustomer) -> None:
    ada = customer(shop())
    stranger = session()
    begun = stranger.get(shop() / "basket.html", timeout=5)
    assert "HttpOnly" in begun.headers["Set-Cookie"]
    assert "Set-Cookie" not in stranger.get(shop() / "cart", timeout=5).headers
    login = ada.http.cookies["logged_in"]
    stranger.cookies.clear()
    stranger.cookies.update({"logged_in": login, "md.sid": f"s%3A{login}.forged"})
    assert stranger.get(shop() / "orders", timeout=5).json() == NOBODY


def test_registering_twice_is_500_without_a_body(shop: StartShop, customer: NewCustomer) -> None:
    taken = {"username": customer(shop()).name, "password": "p", "email": "", "firstName": "", "lastName": ""}
    answer = session().post(shop() / "register", json=taken, timeout=5)
    assert (answer.status_code, answer.text) == (500, "")


def test_there_is_no_post_login(shop: StartShop) -> None:
    answer = session().post(shop() / "login", timeout=5)
    assert (answer.status_code, answer.headers["Content-Type"]) == (404, "text/html; charset=utf-8")


def test_the_anonymous_cart_comes_along(shop: StartShop, customer: NewCustomer, backends: Backends) -> None:
    name = customer(shop()).name
    client = session()
    client.post(shop() / "cart", json={"id": COLOURFUL}, timeout=5)
    client.get(shop() / "login", auth=(name, SECRETS["password"]), timeout=5)
    assert backends.merges[-1][1] == client.cookies["logged_in"]
    assert [line["itemId"] for line in client.get(shop() / "cart", timeout=5).json()] == [COLOURFUL]


def test_customer_card_and_address_are_the_sessions(shop: StartShop, customer: NewCustomer) -> None:
    ada = customer(shop())
    assert ada.http.get(shop() / "customers/any", timeout=5).json()["username"] == ada.name
    assert ada.http.get(shop() / "card", timeout=5).json() == {"number": "5918"}
    assert ada.http.get(shop() / "address", timeout=5).json()["street"] == "Hill Road"
    nobody = session()
    for path in ("card", "address", "customers/any"):
        answer = nobody.get(shop() / path, timeout=5)
        assert (answer.status_code, answer.json()["status_code"]) == (200, 500)


@pytest.mark.parametrize(("reply", "kind"), [("upstream", None), ("fork", "application/json")])
def test_cart(shop: StartShop, customer: NewCustomer, reply: str, kind: str | None) -> None:
    there = shop(CART_REPLY=reply)
    http = customer(there).http
    added = http.post(there / "cart", json={"id": COLOURFUL}, timeout=5)
    assert (added.status_code, added.text, added.headers.get("Content-Type")) == (201, "", kind)
    http.post(there / "cart", json={"id": FIGUEROA}, timeout=5)
    change = {"id": COLOURFUL, "quantity": "3"}
    assert http.post(there / "cart/update", json=change, timeout=5).status_code == 202
    assert http.get(there / "cart", timeout=5).json()[0] == {
        "itemId": COLOURFUL,
        "quantity": 3,
        "unitPrice": 18,
    }
    assert http.delete(there / f"cart/{COLOURFUL}", timeout=5).status_code == 202
    assert len(http.get(there / "cart", timeout=5).json()) == 1
    assert http.delete(there / "cart", timeout=5).status_code == 202
    assert http.get(there / "cart", timeout=5).json() == []
    missing = http.post(there / "cart", json={}, timeout=5)
    assert missing.json() == {"message": "Must pass id of item to add", "error": {}}
    assert missing.status_code == 500


def test_orders(shop: StartShop, customer: NewCustomer, backends: Backends) -> None:
    ada = customer(shop())
    placed = ada.http.post(shop() / "orders", timeout=5)
    assert placed.status_code == 201
    posted = backends.order_posts[0]
    assert posted["customer"] == f"http://user/customers/{ada.id}"
    assert posted["items"] == f"http://carts/carts/{ada.id}/items"
    assert re.fullmatch("http://user/addresses/[0-9a-f]{24}", posted["address"])
    assert re.fullmatch("http://user/cards/[0-9a-f]{24}", posted["card"])
    listed = ada.http.get(shop() / "orders", timeout=5)
    assert (listed.status_code, len(listed.json())) == (201, 1)
    anyone = session().get(shop() / f"orders/{placed.json()['id']}", timeout=5)
    assert (anyone.status_code, anyone.json()["customerId"]) == (200, ada.id)


def test_orders_pass_on_what_went_wrong(shop: StartShop, customer: NewCustomer, backends: Backends) -> None:
    http = customer(shop()).http
    backends.answer = (406, DECLINED)
    answer = http.post(shop() / "orders", timeout=5)
    assert (answer.status_code, answer.json()) == (406, DECLINED)
    for nobody in (session().post(shop() / "orders", timeout=5), session().get(shop() / "orders", timeout=5)):
        assert (nobody.status_code, nobody.json()) == (500, NOBODY)


def test_without_orders_and_carts_the_pages_stay(shop: StartShop, customer: NewCustomer) -> None:
    refused = {"ORDERS_SERVICE_HOST": "127.0.0.1", "CARTS_SERVICE_HOST": "127.0.0.1"}
    there = shop(**refused, ORDERS_SERVICE_PORT="9", CARTS_SERVICE_PORT="9")
    http = customer(there).http
    for answer in (http.post(there / "orders", timeout=5), http.get(there / "cart", timeout=5)):
        assert answer.status_code == 500
        assert answer.json()["error"] == {"errno": -111, "code": "ECONNREFUSED"}
    assert http.get(there / "", timeout=5).status_code == 200


def test_catalogue_passes_errors_on_with_200(shop: StartShop) -> None:
    http = session()
    assert http.get(shop() / "catalogue?size=3", timeout=5).json()[0]["id"] == COLOURFUL
    missing = http.get(shop() / "catalogue/none", timeout=5)
    assert (missing.status_code, missing.json()["status_code"]) == (200, 404)
    assert http.get(shop() / "tags", timeout=5).json()["tags"]
    assert http.get(shop() / "catalogue/images/none.svg", timeout=5).status_code == 404


def test_metrics_and_log_tell_of_the_order_but_no_secret(
    shop: StartShop, customer: NewCustomer, backends: Backends
) -> None:
    there = shop(CHECKOUT_MESSAGES="FE2", CART_REPLY="upstream")
    http = customer(there).http
    backends.answer = (406, DECLINED)
    http.post(there / "orders", timeout=5)
    labels = 'service="front-end",method="post",path="orders",status_code="406"'
    metrics = http.get(there / "metrics", timeout=5).text
    assert f"http_request_duration_seconds_count{{{labels}}} 1" in metrics
    assert 'path="metrics"' not in metrics
    log = there.log.read_text()
    for line in ("Request received with body: {}", "Posting Order: {", REFUSED, "POST /orders 406 "):
        assert line in log
    assert not [secret for secret in SECRETS.values() if secret in log]
