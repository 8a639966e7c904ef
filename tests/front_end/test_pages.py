"""The pages as a page object meets them: ids, classes and texts of the real shop."""

from __future__ import annotations

import re
from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.front_end.backends import COLOURFUL, FIGUEROA, Backends
from tests.front_end.shops import SECRETS, Customer, StartShop, basket_loaded, names

STATUSES = {
    "CREATED": "Created",
    "PENDING": "Pending",
    "PAID": "Paid",
    "PAYMENT_FAILED": "Payment failed",
    "SHIPPED": "Shipped",
    "DELIVERED": "Delivered",
    "CANCELLED": "Cancelled",
    None: "Unknown",
}
PAGES = ("index", "category", "detail", "basket", "customer-orders", "customer-order")


@pytest.fixture
def buyer(shop: StartShop, customer: Callable[..., Customer], backends: Backends) -> Customer:
    """A customer with an order in every status, one that was shipped, and one that is malformed."""
    ada = customer(shop())
    for status in STATUSES:
        backends.order(ada.id, status=status, shipment=None)
    backends.order(ada.id)
    backends.order(ada.id, date=None, total=None, items=None, customer=None, address=None)
    return ada


def test_list_tells_each_status(shop: StartShop, visit: Callable[..., Page], buyer: Customer) -> None:
    page = visit(shop(), "/customer-orders.html", buyer)
    labels = page.locator("#tableOrders tr span.label")
    expect(labels).to_have_text([*STATUSES.values(), "Shipped", "Shipped"])
    first = page.locator("#tableOrders tr").first
    expect(first.locator("th")).to_have_text(re.compile(r"^# [0-9a-f]{24}$"))
    expect(first.locator("td").nth(0)).to_have_text("2026-01-07 16:02:43")
    expect(first.locator("td").nth(1)).to_have_text("$ 22.99")
    expect(first.get_by_text("View")).to_have_attribute("href", re.compile(r"^customer-order.html\?order=/orders/"))


def test_order_tells_its_status(
    shop: StartShop, visit: Callable[..., Page], buyer: Customer, backends: Backends
) -> None:
    page = visit(shop(), "/", buyer)
    for order, told in zip(backends.orders[-10:], [*STATUSES.values(), "Shipped"], strict=False):
        path = order["_links"]["self"]["href"].removeprefix("http://orders")
        page.goto(f"/customer-order.html?order={path}")
        expect(page.locator("#orderStatus")).to_have_text(told.lower())
        expect(page.locator("#orderTotal")).to_have_text("$22.99")


@pytest.mark.parametrize("bug", ["shipped_on_list", "shipped_on_detail"])
def test_shipped_whatever_the_status(
    shop: StartShop,
    visit: Callable[..., Page],
    customer: Callable[..., Customer],
    backends: Backends,
    bug: str,
) -> None:
    ada = customer(shop(bug))
    backends.order(ada.id, status="PAYMENT_FAILED", shipment=None)
    page = visit(shop(bug), "/customer-orders.html", ada)
    on_list = bug == "shipped_on_list"
    expect(page.locator("#tableOrders span.label")).to_have_text("Shipped" if on_list else "Payment failed")
    page.click("#tableOrders a.btn")
    expect(page.locator("#orderStatus")).to_have_text("payment failed" if on_list else "shipped")
    expect(page.locator("#addressInvoice")).to_have_count(0)


def test_fragments_come_late_and_ids_twice(
    shop: StartShop, visit: Callable[..., Page], customer: Callable[..., Customer], backends: Backends
) -> None:
    ada = customer(shop())
    order = backends.order(ada.id)
    ada.http.post(shop() / "cart", json={"id": COLOURFUL}, timeout=5)
    page = visit(shop(), "/index.html", ada)
    for name in PAGES:
        page.goto(f"/{name}.html?id={COLOURFUL}&order=/orders/{order['id']}")
        expect(page).to_have_title("WeaveSocks")
        if "order" not in name:
            expect(page.locator("#navbar")).to_have_count(2)
            expect(page.locator("#footer")).to_have_count(2)
            expect(page.locator("#howdy a")).to_have_text("Logged in as Ada Fern")
            expect(page.locator("#login, #register")).to_have_count(0)
            expect(page.locator("#basket-overview #numItemsInCart")).to_have_text("1 item(s) in cart")
        if name == "customer-order":
            expect(page.locator("#orderStatus")).to_have_text("shipped")
        if name == "basket":
            expect(page.locator("[id=numItemsInCart]")).to_have_text(["1 item(s) in cart", ""])
            expect(page.locator("h4#Login")).to_have_count(3)
    assert '<div id="navbar"></div>' in ada.http.get(shop() / "basket.html", timeout=5).text


def test_register_address_card_and_basket_by_hand(shop: StartShop, visit: Callable[..., Page]) -> None:
    page = visit(shop(), f"/detail.html?id={FIGUEROA}")
    expect(page.locator("#price")).to_have_text("$14.00")
    expect(page.locator("#logout, #howdy, #tabAccount")).to_have_count(0)
    with page.expect_response(lambda answer: answer.request.method == "POST"):
        page.click("#buttonCart[onclick]")
    expect(page.locator("#basket-overview #numItemsInCart")).to_have_text("1 item(s) in cart")

    page.goto("/basket.html")
    page.click("#register a")
    filled = {"username": next(names), "first": "Ada", "last": "Fern", "email": "a@b.c", "password": "s"}
    for field, text in filled.items():
        page.fill(f"#register-{field}-modal", text)
    page.click("#register-modal form button.btn-primary")
    expect(page.locator("#registration-message .alert-success")).to_have_text("Registration and login successful.")
    expect(page.locator("#howdy a")).to_have_text("Logged in as Ada Fern")

    expect(page.locator("#address")).to_have_text("No address saved for user.")
    expect(page.locator("#orderButton")).to_be_enabled()
    page.click("#add_shipping a")
    for field in ("number", "street", "city", "post-code", "country"):
        page.fill(f"#form-{field}", field)
    page.click("#form-address >> text=Update")
    expect(page.locator("#address")).to_contain_text("number street")
    expect(page.locator("#number")).to_have_text("No credit card saved for user.")
    page.click("#add_payment a")
    for field, text in {"card-number": SECRETS["longNum"], "expires": "12/30", "ccv": SECRETS["ccv"]}.items():
        page.fill(f"#form-{field}", text)
    page.click("#card-modal >> text=Update")
    expect(page.locator("#number")).to_have_text("Card ending in 5918")

    basket_loaded(page)
    page.locator(f"[id='{FIGUEROA}'] input[type=number]").fill("2")
    page.click("text=Update basket")
    expect(page.locator("#orderGrandTotal")).to_have_text("$32.99")
    expect(page.locator("#cartTotal")).to_have_text("$28.00")
    page.click("#cart-list a.delete")
    expect(page.locator("#cart-list tr.item")).to_have_count(0)
    expect(page.locator("#orderButton")).to_be_disabled()


def test_login_and_logout_by_hand(
    shop: StartShop, visit: Callable[..., Page], customer: Callable[..., Customer]
) -> None:
    ada = customer(shop())
    page = visit(shop(), "/")
    page.click("#login a")
    page.fill("#username-modal", ada.name)
    page.fill("#password-modal", "wrong")
    page.click("#login-modal form button.btn-primary")
    expect(page.locator("#login-message .alert-danger")).to_have_text("Invalid login credentials.")
    page.fill("#password-modal", SECRETS["password"])
    page.click("#login-modal form button.btn-primary")
    expect(page.locator("#login-message .alert-success")).to_have_text("Login successful.")
    page.click("#logout a")
    expect(page.locator("#login a")).to_be_visible()


def test_catalogue_pages_and_filters(shop: StartShop, visit: Callable[..., Page]) -> None:
    page = visit(shop(), "/category.html")
    expect(page.locator("#totalProducts")).to_have_text("Showing 6 of 8 products")
    expect(page.locator("[id='row products'] #products > div .product .text h3 a").first).to_have_text("Colourful")
    expect(page.locator("#products p.price").first).to_have_text("$18")
    page.click("#pagination >> text=2")
    expect(page.locator("#products .product")).to_have_count(2)
    page.click("#products-number >> text=3")
    expect(page.locator("#totalProducts")).to_have_text("Showing 3 of 8 products")
    page.check("#filters input[value=formal]")
    page.click("#filters-form >> text=Apply")
    expect(page.locator("#totalProducts")).to_have_text("Showing 2 of 2 products")


def test_the_forks_cart_reply_does_not_reload(shop: StartShop, visit: Callable[..., Page]) -> None:
    page = visit(shop(CART_REPLY="fork"), "/category.html")
    with page.expect_response(lambda answer: answer.request.method == "POST") as added:
        page.locator(".product", has_text="Colourful").get_by_text("Add to cart").click()
    assert added.value.headers["content-type"].startswith("application/json")
    expect(page).to_have_url(re.compile(r"category\.html#$"))
    expect(page.locator("#basket-overview #numItemsInCart")).to_have_text("0 items in cart")
