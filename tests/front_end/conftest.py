"""Front-ends in every variant, a browser, and customers who are ready to buy."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, sync_playwright

from fixtures.browser.driver import executable
from tests.front_end.backends import COLOURFUL, Backends
from tests.front_end.shops import SECRETS, Customer, Shop, StartShop, basket_loaded, hosts, names, session

ROOT = Path(__file__).parents[2]


@pytest.fixture(scope="session")
def services() -> Iterator[Backends]:
    with Backends() as running:
        yield running


@pytest.fixture
def backends(services: Backends) -> Backends:
    """The stand-ins, which answer at once and with success until told otherwise."""
    services.answer, services.delay = (201, {}), 0.0
    services.may_answer.set()
    services.order_posts.clear()
    return services


@pytest.fixture(scope="session")
def shop(services: Backends, tmp_path_factory: pytest.TempPathFactory) -> Iterator[StartShop]:
    """Start a front-end with those defects and settings, once for each combination."""
    running: dict[tuple[object, ...], Shop] = {}
    with ExitStack() as processes:

        def start(*defects: str, **settings: str) -> Shop:
            key = (defects, *sorted(settings.items()))
            if key not in running:
                host = f"127.{os.getpid() % 100 + 100}.{os.getpid() // 100 % 256}.{next(hosts)}"
                log = tmp_path_factory.mktemp("front-end") / "log"
                env = {**os.environ, "POD_IP": host, **settings}
                env |= {f"DEFECT_{name.upper()}": "on" for name in defects}
                for service in ("USER", "CATALOGUE", "CARTS", "ORDERS"):
                    env.setdefault(f"{service}_SERVICE_HOST", "127.0.0.1")
                    env.setdefault(f"{service}_SERVICE_PORT", str(services.port))
                command = [sys.executable, "-m", "reference.sock_shop.front_end"]
                with log.open("w") as out:
                    process = subprocess.Popen(command, cwd=ROOT, env=env, stdout=out, stderr=out)
                processes.callback(process.wait, 5)
                processes.callback(process.terminate)
                running[key] = Shop(f"http://{host}:8079", log)
                session().get(running[key].url, timeout=5).raise_for_status()
            return running[key]

        yield start


@pytest.fixture
def customer(backends: Backends) -> Callable[[Shop], Customer]:
    """Register a customer with address and card."""

    def register(shop: Shop) -> Customer:
        name, client = next(names), session()
        person = {"username": name, "password": SECRETS["password"], "email": "ada@example.org"}
        asked = client.post(shop / "register", json={**person, "firstName": "Ada", "lastName": "Fern"}, timeout=5)
        home = {"number": "5", "street": "Hill Road", "city": "Leeds", "postcode": "LS1", "country": "UK"}
        card = {"longNum": SECRETS["longNum"], "expires": "12/30", "ccv": SECRETS["ccv"]}
        client.post(shop / "addresses", json=home, timeout=5).raise_for_status()
        client.post(shop / "cards", json=card, timeout=5).raise_for_status()
        return Customer(asked.json()["id"], name, client)

    return register


@pytest.fixture(scope="module")  # two of Playwright's loops cannot live at the same time
def browser() -> Iterator[Browser]:
    """The machine's Chromium, else Playwright's own."""
    with sync_playwright() as playwright:
        sandbox = ["--no-sandbox"] if os.geteuid() == 0 else []
        options = ["--blink-settings=imagesEnabled=false", *sandbox]
        chromium = playwright.chromium.launch(executable_path=executable(playwright), args=options)
        yield chromium
        chromium.close()


@pytest.fixture
def visit(browser: Browser) -> Iterator[Callable[..., Page]]:
    """Open a page of a shop, as that customer; an exception in the page fails the test."""
    errors: list[object] = []
    with ExitStack() as contexts:

        def open_page(shop: Shop, path: str, who: Customer | None = None) -> Page:
            context = browser.new_context(base_url=shop.url, viewport={"width": 1280, "height": 800})
            contexts.callback(context.close)
            context.set_default_timeout(5000)
            if who:
                context.add_cookies([{"name": c.name, "value": c.value, "url": shop.url} for c in who.http.cookies])
            page = context.new_page()
            page.on("pageerror", lambda error: errors.append(error))
            page.goto(path)
            return page

        yield open_page
    assert not errors


@pytest.fixture
def basket(visit: Callable[..., Page], customer: Callable[[Shop], Customer]) -> Callable[..., Page]:
    """A fresh customer's basket page, all of it loaded."""

    def fill(shop: Shop, *socks: str) -> Page:
        buyer = customer(shop)
        for sock in socks or [COLOURFUL]:
            buyer.http.post(shop / "cart", json={"id": sock}, timeout=5).raise_for_status()
        page = visit(shop, "/basket.html", buyer)
        basket_loaded(page, len(socks) or 1)
        return page

    return fill
