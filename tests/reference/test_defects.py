"""Every planted bug of the services behind is real: somebody outside feels it, and only with the switch on."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import pytest

from tests.reference.processes import COLOURFUL, FIGUEROA, ROOT, Customer, Shop

DEFECTS: dict[str, Any] = tomllib.loads((ROOT / "reference" / "defects.toml").read_text())["sock_shop"]


def orders_after_two_tries(shop: Shop) -> int:
    ada = outage(shop)
    shop.order(ada)
    return len(shop.kept(ada))


def orders_after_parallel_submits(shop: Shop) -> str:
    ada = shop.buyer()
    with ThreadPoolExecutor(3) as pool:
        list(pool.map(lambda _: shop.order(ada), range(3)))
    return "one" if len(shop.kept(ada)) == 1 else "several"


def lines_left_after_payment(shop: Shop) -> int:
    ada = shop.buyer(COLOURFUL, FIGUEROA)
    assert shop.order(ada).status_code == 201
    return len(shop.cart(ada))


def lines_left_after_deletion(shop: Shop) -> int:
    ada = shop.buyer(COLOURFUL)
    shop.call("DELETE", "carts", f"/carts/{ada.id}")
    return len(shop.cart(ada))


def orders_of_two_baskets(shop: Shop) -> int:
    ada = outage(shop)
    shop.fill(ada, FIGUEROA)
    shop.order(ada)
    return len(shop.kept(ada))


def status_of_a_failed_order(shop: Shop) -> str:
    ada = outage(shop)
    [order] = shop.kept(ada)
    return str(order["status"])


def shipments_of_a_failed_order(shop: Shop) -> int:
    return shop.shipped(outage(shop))


def cents_charged_for_1899(shop: Shop) -> int:
    ada = shop.buyer(FIGUEROA)
    shop.order(ada)
    return sum(charge["amount"] for charge in shop.charged(ada))


def outage(shop: Shop) -> Customer:
    """A customer whose order was refused because the gateway is away."""
    ada = shop.buyer()
    if "stripe-mock" in shop.processes:
        shop.stop("stripe-mock")
    assert shop.order(ada).status_code == 406
    return ada


EFFECTS: list[tuple[str, Callable[[Shop], Any], Any, Any]] = [
    ("duplicate_on_retry", orders_after_two_tries, 1, 2),
    ("duplicate_on_retry", orders_after_parallel_submits, "one", "one"),
    ("duplicate_on_parallel", orders_after_parallel_submits, "one", "several"),
    ("duplicate_on_parallel", orders_after_two_tries, 1, 1),
    ("cart_kept", lines_left_after_payment, 0, 2),
    ("cart_undeletable", lines_left_after_deletion, 0, 1),
    ("baskets_merged", orders_of_two_baskets, 2, 1),
    ("paid_without_charge", status_of_a_failed_order, "PAYMENT_FAILED", "PAID"),
    ("shipment_for_failed", shipments_of_a_failed_order, 0, 1),
    ("truncated_cents", cents_charged_for_1899, 1899, 1898),
]


@pytest.mark.parametrize(("name", "effect", "right", "wrong"), EFFECTS)
def test_the_switch_makes_the_bug(shop: Shop, name: str, effect: Callable[[Shop], Any], right: Any, wrong: Any):
    assert effect(shop) == right
    if "stripe-mock" not in shop.processes:
        shop.again("stripe-mock")
    usual = {"PAYMENT_GATEWAY_URL": "http://stripe-mock"}
    shop.again(DEFECTS[name]["deployment"], **usual, **{f"DEFECT_{name.upper()}": "on"})
    assert effect(shop) == wrong


def test_every_switch_of_the_services_behind_is_tried_here():
    behind = {name for name, defect in DEFECTS.items() if defect["deployment"] != "front-end"}
    assert {name for name, *_ in EFFECTS} == behind


def test_every_entry_says_what_it_does_and_what_it_breaks():
    for name, defect in DEFECTS.items():
        assert set(defect) - {"may_break"} == {"says", "deployment", "variants", "breaks"}, name
        assert defect["says"].endswith(".")
        assert defect["breaks"]
