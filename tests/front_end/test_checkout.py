"""What one, two and double clicks on the checkout do: as reported, fixed, and with each bug alone."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.front_end.backends import COLOURFUL, DECLINED, FIGUEROA, Backends
from tests.front_end.shops import AS_REPORTED, StartShop, basket_loaded

Basket = Callable[..., Page]
BASKET = re.compile(r"/basket\.html$")
LIST = re.compile(r"/customer-orders\.html\?$")
ALERT = "#user-message .alert.alert-danger"
WATCH_BUTTON = """button => {
    window.changes = [];
    new MutationObserver(() => window.changes.push([button.disabled, button.getAttribute("aria-busy")]))
        .observe(button, {attributes: true});
}"""


@pytest.fixture
def declined(backends: Backends) -> Backends:
    backends.answer = (406, DECLINED)
    return backends


# As reported


def test_one_click_is_told_and_stays(shop: StartShop, basket: Basket, declined: Backends) -> None:
    page = basket(shop(*AS_REPORTED))
    page.click("#orderButton")

    expect(page.locator(ALERT)).to_have_text(re.compile("^×.*Payment declined.*connection refused$"))
    assert len(declined.order_posts) == 1
    expect(page).to_have_url(BASKET)
    expect(page.locator("#orderButton")).to_be_enabled()


def test_second_click_leaves_without_an_order(shop: StartShop, basket: Basket, declined: Backends) -> None:
    page = basket(shop(*AS_REPORTED))
    page.click("#orderButton")
    page.click("#orderButton")

    expect(page).to_have_url(LIST)
    expect(page.locator("#tableOrders tr .label.label-success")).to_have_text("Shipped")
    assert len(declined.order_posts) == 1


def test_reload_and_click_orders_again(shop: StartShop, basket: Basket, declined: Backends) -> None:
    page = basket(shop(*AS_REPORTED))
    for expected in (1, 2):
        page.click("#orderButton")
        expect(page.locator(ALERT)).to_be_visible()
        assert len(declined.order_posts) == expected
        page.reload()
        basket_loaded(page)


@pytest.mark.parametrize("variant", [AS_REPORTED, ()], ids=["as reported", "fixed"])
@pytest.mark.parametrize("gesture", ["dblclick", "two clicks"])
def test_double_click_declined(
    shop: StartShop, basket: Basket, declined: Backends, variant: tuple[str, ...], gesture: str
) -> None:
    page = basket(shop(*variant))
    declined.delay = 0.1
    if gesture == "dblclick":
        page.dblclick("#orderButton")
    else:
        box = page.locator("#orderButton").bounding_box()
        assert box
        for _ in range(2):
            page.mouse.click(box["x"] + box["width"] / 2, box["y"] + box["height"] / 2)

    expect(page.locator(ALERT)).to_be_visible()
    expect(page).to_have_url(BASKET)
    assert len(declined.order_posts) == 1


@pytest.mark.parametrize("variant", [AS_REPORTED, ()], ids=["as reported", "fixed"])
def test_double_click_paid(shop: StartShop, basket: Basket, backends: Backends, variant: tuple[str, ...]) -> None:
    page = basket(shop(*variant))
    page.dblclick("#orderButton")

    expect(page).to_have_url(LIST)
    expect(page.locator("#tableOrders tr")).to_have_count(1)
    assert len(backends.order_posts) == 1


@pytest.mark.parametrize("variant", [AS_REPORTED, ()], ids=["as reported", "fixed"])
def test_two_lines_are_one_order(shop: StartShop, basket: Basket, declined: Backends, variant: tuple[str, ...]) -> None:
    page = basket(shop(*variant), COLOURFUL, FIGUEROA)
    expect(page.locator("#orderGrandTotal")).to_have_text("$36.99")
    page.click("#orderButton")

    expect(page.locator(ALERT)).to_have_count(1)
    assert len(declined.order_posts) == 1


def test_parallel_fetches_are_not_held_back(shop: StartShop, basket: Basket, backends: Backends) -> None:
    page = basket(shop(*AS_REPORTED))
    statuses = page.evaluate(
        "Promise.all([1, 2, 3].map(() => fetch('/orders', {method: 'POST'}).then(answer => answer.status)))"
    )
    assert statuses == [201, 201, 201]
    assert len(page.evaluate("fetch('/cart').then(answer => answer.json())")) == 1


@pytest.mark.parametrize("variant", [AS_REPORTED, ()], ids=["as reported", "fixed"])
def test_intercepted_order(shop: StartShop, basket: Basket, backends: Backends, variant: tuple[str, ...]) -> None:
    page = basket(shop(*variant))
    page.route("**/orders", lambda route: route.fulfill(status=406, json=DECLINED))
    page.click("#orderButton")

    expect(page.locator(ALERT)).to_contain_text("connection refused")
    expect(page).to_have_url(BASKET)
    assert not backends.order_posts


# Wording


WORDING = [
    ("FE0", 406, '{"message": "Oh."}', "Error placing order. Oh."),
    ("FE2", 406, '{"message": "Oh."}', "Error: Payment declined. Oh."),
    ("FE2", 500, '{"message": "Oh."}', "Error: Payment processing failed. Oh."),
    ("FE2", 500, "no JSON", "Payment processing failed. The service is temporarily unavailable."),
    ("FE2", 503, "{}", "Service temporarily unavailable"),
    ("FE2", 0, "", "Network error. Please check your internet connection"),
    ("FE2", 418, '{"message": "Tea."}', "Unable to place order. Tea."),
    ("FE6", 500, '{"message": "Oh."}', "Your order is being processed."),
    ("FE6", 406, '{"error": "Not Acceptable", "message": "Oh."}', "Oh."),
    ("FE6", 502, "no JSON", "Error placing order (HTTP 502). Please try again."),
]


def test_wording(shop: StartShop, visit: Callable[..., Page]) -> None:
    page = visit(shop(), "/basket.html")
    for build, status, text, said in WORDING:
        arguments = [build, {"status": status, "text": text}]
        message = page.evaluate(
            "([build, answer]) => { switches.messages = build; return messageFor(answer); }", arguments
        )
        assert said in message, (build, status)


def test_first_build_is_silent_about_500(shop: StartShop, basket: Basket, backends: Backends) -> None:
    page = basket(shop(*AS_REPORTED, CHECKOUT_MESSAGES="FE0"))
    backends.answer = (500, "no JSON")
    page.click("#orderButton")

    expect(page.locator("#user-message")).to_be_empty()
    expect(page).to_have_url(BASKET)
    page.click("#orderButton")
    expect(page).to_have_url(LIST)
    assert len(backends.order_posts) == 1


# Fixed, and each bug alone


@pytest.mark.parametrize("bug", [None, "second_click_leaves", "duplicate_on_double_click"])
def test_busy_while_it_runs(shop: StartShop, basket: Basket, declined: Backends, bug: str | None) -> None:
    page = basket(shop(bug) if bug else shop())
    declined.may_answer.clear()
    page.click("#orderButton")

    expect(page.locator("#orderButton[aria-busy=true]")).to_be_disabled()
    declined.may_answer.set()
    expect(page.locator(ALERT)).to_be_visible()
    expect(page.locator("#orderButton[aria-busy=false]")).to_be_enabled()
    expect(page).to_have_url(BASKET)
    assert len(declined.order_posts) == 1


def test_never_busy(shop: StartShop, basket: Basket, declined: Backends) -> None:
    page = basket(shop("no_busy_state"))
    declined.delay = 0.1
    page.locator("#orderButton").evaluate(WATCH_BUTTON)
    page.click("#orderButton")

    expect(page.locator(ALERT)).to_be_visible()
    assert page.evaluate("window.changes") == []


@pytest.mark.parametrize("bug", [None, "no_busy_state"])
def test_second_click_tries_again(shop: StartShop, basket: Basket, declined: Backends, bug: str | None) -> None:
    page = basket(shop(bug) if bug else shop())
    page.click("#orderButton")
    expect(page.locator(ALERT)).to_be_visible()
    with page.expect_response("**/orders") as second:
        page.click("#orderButton")

    assert second.value.status == 406
    expect(page.locator(ALERT)).to_be_visible()
    expect(page).to_have_url(BASKET)
    assert len(declined.order_posts) == 2


def test_second_click_alone_leaves(shop: StartShop, basket: Basket, declined: Backends) -> None:
    page = basket(shop("second_click_leaves"))
    page.click("#orderButton")
    expect(page.locator(ALERT)).to_be_visible()
    page.click("#orderButton")

    expect(page).to_have_url(LIST)
    expect(page.locator("#tableOrders tr .label-danger")).to_have_text("Payment failed")
    assert len(declined.order_posts) == 1


@pytest.mark.parametrize("others", [(), AS_REPORTED], ids=["alone", "as reported"])
@pytest.mark.parametrize("status", [201, 406])
def test_double_click_alone_orders_twice(
    shop: StartShop, basket: Basket, backends: Backends, status: int, others: tuple[str, ...]
) -> None:
    page = basket(shop("duplicate_on_double_click", *others))
    backends.answer = (status, {} if status == 201 else DECLINED)
    page.dblclick("#orderButton")

    expect(page).to_have_url(LIST if status == 201 else BASKET)
    expect(page.locator("#tableOrders" if status == 201 else ALERT)).to_be_visible()
    assert sorted(post["key"] for post in backends.order_posts) == ["click-1", "click-2"]


def test_paid_leads_to_the_list_and_empties_the_cart(shop: StartShop, basket: Basket, backends: Backends) -> None:
    page = basket(shop())
    with page.expect_request(lambda request: request.method == "DELETE") as cleared:
        page.click("#orderButton")

    expect(page).to_have_url(LIST)
    assert cleared.value.url.endswith("/cart")
    expect(page.locator("#basket-overview #numItemsInCart")).to_have_text("0 items in cart")
    assert backends.order_posts[0]["key"] is None


def test_incomplete_customer_is_told(shop: StartShop, visit: Callable[..., Page], backends: Backends) -> None:
    page = visit(shop(), "/category.html")
    with page.expect_response(lambda answer: answer.request.method == "POST") as added:
        page.locator(".product", has_text="Colourful").get_by_text("Add to cart").click()
    assert added.value.status == 201
    expect(page.locator("#basket-overview #numItemsInCart")).to_have_text("1 item(s) in cart")
    page.goto("/basket.html")
    basket_loaded(page)
    page.click("#orderButton")
    expect(page.locator(ALERT)).to_contain_text("Missing shipping or payment information.")
    assert not backends.order_posts
