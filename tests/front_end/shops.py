"""A running front-end, its customers, and what the tests know about both."""

from __future__ import annotations

import itertools
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import requests
from playwright.sync_api import Page
from requests.adapters import HTTPAdapter
from urllib3.util import Retry

SECRETS = {"longNum": "4111111111115918", "ccv": "987", "password": "correct horse"}
AS_REPORTED = ("shipped_on_list", "shipped_on_detail", "second_click_leaves", "no_busy_state")
hosts = itertools.count(1)  # the last number of a front-end's address
names = (f"ada-{number}" for number in itertools.count(1))


@dataclass(frozen=True)
class Shop:
    """A running front-end."""

    url: str
    log: Path

    def __truediv__(self, path: str) -> str:
        return f"{self.url}/{path}"


@dataclass(frozen=True)
class Customer:
    """A registered customer with address and card; `http` carries the cookies."""

    id: str
    name: str
    http: requests.Session


StartShop = Callable[..., Shop]


def session() -> requests.Session:
    """An HTTP client that gives a starting server time to listen."""
    client = requests.Session()
    client.mount(
        "http://",
        HTTPAdapter(max_retries=Retry(total=None, connect=80, backoff_factor=0.05, backoff_max=0.1)),
    )
    return client


def basket_loaded(page: Page, lines: int = 1) -> None:
    """Wait until the basket shows its lines, the address and the card."""
    page.wait_for_function(
        """lines => document.querySelectorAll("#cart-list tr.item").length === lines
            && ["#address", "#number"].every(place => document.querySelector(place).textContent)""",
        arg=lines,
    )
