"""The page objects read the shop as it is: as reported, mended, and in the older builds that real stacks run."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.browser.driver import Window
from fixtures.browser.pages.account import AccountBar
from fixtures.browser.pages.basket import BasketPage
from fixtures.browser.pages.orders import OrderPage, OrdersPage
from fixtures.browser.pages.sock import SockPage
from fixtures.customers import new_customer
from tests.front_end.backends import COLOURFUL, DECLINED, Backends
from tests.front_end.shops import AS_REPORTED, Shop, StartShop
from tests.pages.conftest import DEADLINE, Visit

Fill = Callable[[Shop], BasketPage]
FIXED: tuple[str, ...] = ()
both = pytest.mark.parametrize("variant", [AS_REPORTED, FIXED], ids=["as reported", "fixed"])


@pytest.fixture
def declined(backends: Backends) -> Backends:
    backends.answer = (406, DECLINED)
    return backends


@pytest.mark.parametrize("build", [{}, {"CART_REPLY": "fork"}], ids=["upstream", "fork"])
def test_a_sock_goes_into_the_basket(shop: StartShop, visit: Visit, backends: Backends, build: dict[str, str]) -> None:
    front = shop(*AS_REPORTED, **build)
    window, who = visit(front)
    SockPage(window.page, front.url, COLOURFUL).open().put_in_basket()
    done = BasketPage(window.page, front.url, DEADLINE).open().check_out()

    assert backends.order_posts[0]["items"].endswith(f"/carts/{who.id}/items")
    assert done.accepted
    assert done.total == "$22.99"


@both
def test_an_order_that_is_paid_leads_to_the_list(shop: StartShop, basket: Fill, backends: Backends, variant) -> None:
    done = basket(shop(*variant)).check_out()

    assert [post.status for post in done.posts] == [201]
    assert done.page == "customer-orders.html"
    assert done.accepted
    assert len(backends.order_posts) == 1


@both
def test_an_order_that_is_refused_is_told(shop: StartShop, basket: Fill, declined: Backends, variant) -> None:
    declined.delay = 0.2
    done = basket(shop(*variant)).check_out()

    assert [(post.method, post.path, post.status) for post in done.posts] == [("POST", "/orders", 406)]
    assert "connection refused" in done.posts[0].body
    assert 0.2 <= done.posts[0].seconds < DEADLINE / 2
    assert done.alert.startswith("Error: Payment declined.")
    assert (done.page, done.praised, done.busy) == ("basket.html", False, variant is FIXED)


@both
def test_a_second_click_is_not_taken_for_the_first(shop: StartShop, basket: Fill, declined: Backends, variant) -> None:
    page = basket(shop(*variant))
    page.check_out()
    declined.answer, declined.delay = (406, {"status": 406, "message": "Too late."}), 0.2
    again = page.check_out()

    told = (len(again.posts), again.page, again.alert.removeprefix("Error: Payment declined. "))
    assert told == ((1, "basket.html", "Too late.") if variant is FIXED else (0, "customer-orders.html", ""))


@both
def test_after_a_reload_the_order_is_sent_again(shop: StartShop, basket: Fill, declined: Backends, variant) -> None:
    page = basket(shop(*variant))
    page.check_out()
    again = page.open().check_out()

    assert len(again.posts) == 1
    assert len(declined.order_posts) == 2


@pytest.mark.parametrize("status", [201, 406])
@pytest.mark.parametrize(
    ("variant", "sent"),
    [(AS_REPORTED, 1), (FIXED, 1), ((*AS_REPORTED, "duplicate_on_double_click"), 2)],
    ids=["as reported", "fixed", "planted"],
)
def test_a_double_click_tells_every_order_it_sent(
    shop: StartShop, basket: Fill, backends: Backends, variant, sent: int, status: int
) -> None:
    backends.answer = (status, {} if status == 201 else DECLINED)
    done = basket(shop(*variant)).double_click()

    assert len(done.posts) == len(backends.order_posts) == sent
    assert {post.status for post in done.posts} == {status}


def test_a_shop_that_says_nothing_is_no_end_of_waiting(shop: StartShop, basket: Fill, backends: Backends) -> None:
    backends.answer = (500, "no JSON")
    done = basket(shop(*AS_REPORTED, CHECKOUT_MESSAGES="FE0")).check_out()

    assert [post.status for post in done.posts] == [500]
    assert (done.alert, done.page, done.accepted) == ("", "basket.html", False)
    assert done.seconds < DEADLINE / 2
    assert "told nothing" in str(done)


@both
def test_orders_are_read_as_they_are_shown(shop: StartShop, visit: Visit, backends: Backends, variant) -> None:
    front = shop(*variant)
    window, who = visit(front)
    paid, failed = backends.order(who.id), backends.order(who.id, status="PAYMENT_FAILED", shipment=None)
    rows = OrdersPage(window.page, front.url, DEADLINE).open().rows()
    status = OrderPage(window.page, front.url, failed["id"], DEADLINE).open().status()

    shown = "Payment failed" if variant is FIXED else "Shipped"
    assert [(row.id, row.total, row.label) for row in rows] == [
        (paid["id"], "$ 22.99", "Shipped"),
        (failed["id"], "$ 22.99", shown),
    ]
    assert status == shown.lower()


def test_somebody_registers_by_the_form(shop: StartShop, window: Window, backends: Backends) -> None:
    front, customer = shop(), new_customer("Ada", "run")
    AccountBar(window.page, front.url).open().register(customer)

    assert "logged_in" in window.cookies(front.url)
    account = next(one for one in backends.customers.values() if one["username"] == customer.username)
    assert (account["firstName"], account["password"]) == ("Ada", customer.password)
