"""Front-ends with stand-ins behind them, and customers who look at them through the suite's own browser."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import pytest

from fixtures.browser.driver import Chromium, Window, chromium
from fixtures.browser.pages.basket import BasketPage
from tests.front_end.backends import COLOURFUL
from tests.front_end.conftest import backends, customer, services, shop
from tests.front_end.shops import Customer, Shop

__all__ = ["backends", "customer", "services", "shop"]

DEADLINE = 5.0  # seconds
Visit = Callable[[Shop], tuple[Window, Customer]]


@pytest.fixture(scope="module")
def browser() -> Iterator[Chromium]:
    """The suite's browser."""
    with chromium((), DEADLINE) as lent:
        yield lent


@pytest.fixture
def window(browser: Chromium) -> Iterator[Window]:
    """A new person's window."""
    opened = browser.window()
    yield opened
    opened.close()


@pytest.fixture
def visit(window: Window, customer: Callable[[Shop], Customer]) -> Visit:
    """A registered customer's window."""

    def come(shop: Shop) -> tuple[Window, Customer]:
        who = customer(shop)
        window.go_on_as(who.http.cookies.get_dict(), shop.url)
        return window, who

    return come


@pytest.fixture
def basket(visit: Visit) -> Callable[[Shop], BasketPage]:
    """The open basket of a fresh customer, with one pair of socks in it."""

    def fill(shop: Shop) -> BasketPage:
        window, who = visit(shop)
        who.http.post(shop / "cart", json={"id": COLOURFUL}, timeout=5).raise_for_status()
        return BasketPage(window.page, shop.url, DEADLINE).open()

    return fill
