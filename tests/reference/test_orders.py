"""Orders: what a checkout answers, stores, charges and sends, in all its endings."""

from __future__ import annotations

import re
from concurrent.futures import ThreadPoolExecutor
from time import monotonic

import pytest
from bson import ObjectId

from tests.reference.processes import COLOURFUL, FIGUEROA, Shop

REFUSED = (
    r'Payment gateway error: Post "http://stripe-mock/v1/charges": dial tcp [\d.]+:\d+: connect: connection refused'
)


def test_an_order_is_paid_charged_shipped_and_the_cart_emptied(shop: Shop):
    ada = shop.buyer()
    answer = shop.order(ada)
    assert answer.status_code == 201
    told, [kept] = answer.json(), shop.kept(ada)
    assert (told["status"], told["total"], told["id"]) == ("PAID", 22.99, str(kept["_id"]))
    assert kept["total"] == 22.989999771118164
    assert kept["_class"] == "works.weave.socks.orders.entities.CustomerOrder"
    assert kept["card"]["longNum"] == "4111111111111111"
    assert kept["shipment"]["name"] == ada.id
    assert "history" not in kept
    assert [(entry["amount"], entry["idempotency_key"]) for entry in shop.charged(ada)] == [(2299, told["id"])]
    assert shop.shipped(ada) == 1
    assert shop.cart(ada) == []


def test_the_gateway_away_is_a_declined_payment_and_a_kept_attempt(shop: Shop):
    ada = shop.buyer()
    shop.stop("stripe-mock")
    began = monotonic()
    answer = shop.order(ada)
    assert monotonic() - began < 3, "on an idle machine: 0.1 s; it gives up waiting after 5 s"
    told, [kept] = answer.json(), shop.kept(ada)
    assert answer.status_code == told["status"] == 406
    assert (told["error"], told["path"]) == ("Not Acceptable", "/orders")
    assert told["exception"] == "works.weave.socks.orders.controllers.OrdersController$PaymentDeclinedException"
    assert re.fullmatch(REFUSED, told["message"])
    assert (kept["status"], "shipment" in kept, shop.shipped(ada)) == ("PAYMENT_FAILED", False, 0)
    assert len(shop.cart(ada)) == 1
    lines = shop.log("payment").read_text().splitlines()[-3:]
    for line, words in zip(
        lines, ("Payment auth request: amount=22.99", r"\(amount=2299 cents\)", REFUSED), strict=True
    ):
        assert re.search(rf"^\d{{4}}/\d\d/\d\d \d\d:\d\d:\d\d .*{words}", line)
    assert re.search(r"refused \(\d\.\d\ds\)$", lines[-1])


def test_a_second_try_continues_the_order_and_pays_it_once(shop: Shop):
    ada = shop.buyer()
    shop.stop("stripe-mock")
    shop.order(ada)
    shop.order(ada)
    [failed] = shop.kept(ada)
    shop.again("stripe-mock")
    assert shop.order(ada).json()["id"] == str(failed["_id"])
    [paid] = shop.kept(ada)
    assert paid["status"] == "PAID"
    assert len(shop.charged(ada)) == shop.shipped(ada) == 1


def test_other_baskets_paid_baskets_and_cancelled_orders_are_orders_of_their_own(shop: Shop):
    ada = shop.buyer(FIGUEROA)
    shop.order(ada)
    shop.fill(ada, FIGUEROA)
    shop.order(ada)
    shop.stop("stripe-mock")
    shop.fill(ada, COLOURFUL)
    shop.order(ada)
    cancelled = shop.kept(ada)[-1]["_id"]
    shop.database("orders-db", "data").customerOrder.update_one({"_id": cancelled}, {"$set": {"status": "CANCELLED"}})
    shop.order(ada)
    assert [order["status"] for order in shop.kept(ada)] == ["PAID", "PAID", "CANCELLED", "PAYMENT_FAILED"]


@pytest.mark.parametrize("gateway", [True, False])
def test_parallel_submits_are_one_order_with_one_answer(shop: Shop, gateway: bool):
    ada = shop.buyer()
    if not gateway:
        shop.stop("stripe-mock")
    with ThreadPoolExecutor(3) as pool:
        answers = list(pool.map(lambda _: shop.order(ada), range(3)))
    assert {answer.status_code for answer in answers} == {201 if gateway else 406}
    assert len(shop.kept(ada)) == 1
    if gateway:
        assert len(shop.charged(ada)) == 1


def test_a_submit_right_after_the_sale_gets_the_sale_s_answer(shop: Shop):
    ada = shop.buyer()
    assert shop.order(ada).json()["id"] == shop.order(ada).json()["id"]
    assert len(shop.kept(ada)) == len(shop.charged(ada)) == 1


def test_submits_to_two_pods_are_one_order(shop: Shop):
    ada = shop.buyer()
    second = Shop(shop.folder, shop.network)
    second.processes = {}
    second.start("orders", POD_IP=f"127.{shop.network}.7.99")
    try:
        hosts = (shop.host("orders"), f"127.{shop.network}.7.99")
        second.host = lambda service: hosts[1] if service == "orders" else shop.host(service)  # type: ignore[method-assign]
        second.ready("orders")
        with ThreadPoolExecutor(6) as pool:
            answers = list(pool.map(lambda n: (shop, second)[n % 2].order(ada), range(6)))
    finally:
        second.stop("orders")
    assert [answer.status_code for answer in answers] == [201] * 6
    assert len(shop.kept(ada)) == len(shop.charged(ada)) == shop.shipped(ada) == 1


@pytest.mark.parametrize(
    ("mode", "status", "message"),
    [
        ("503", 406, "Payment gateway unavailable (HTTP 503)"),
        ("429", 406, "Payment gateway rate limit exceeded"),
        ("decline", 406, "Payment request failed (HTTP 402)"),
        ("bad-json", 406, "Payment gateway returned invalid JSON"),
        ("hang", 500, "Unable to create order due to timeout from one of the services."),
    ],
)
def test_a_gateway_that_misbehaves_leaves_a_failed_order(shop: Shop, mode: str, status: int, message: str):
    ada = shop.buyer()
    shop.again("stripe-mock", GATEWAY_MODE=mode)
    answer = shop.order(ada)
    assert (answer.status_code, answer.json()["message"]) == (status, message)
    assert [order["status"] for order in shop.kept(ada)] == ["PAYMENT_FAILED"]
    shop.again("stripe-mock")
    assert shop.order(ada).status_code == 201
    assert len(shop.charged(ada)) == len(shop.kept(ada)) == 1


def test_services_behind_that_are_away(shop: Shop):
    ada = shop.buyer()
    shop.stop("payment")
    answer = shop.order(ada)
    [kept] = shop.kept(ada)
    assert answer.status_code == 500
    assert answer.json()["message"].startswith(f"Payment service unavailable for order {kept['_id']}")
    assert kept["status"] == "PAYMENT_FAILED"
    shop.again("payment")
    shop.stop("shipping")
    answer = shop.order(ada)
    assert answer.json()["message"] == "Unable to create order due to unspecified IO error."
    [kept] = shop.kept(ada)
    assert (kept["status"], "shipment" in kept) == ("PAID", False)


def test_an_order_without_an_address_or_with_an_empty_cart_is_refused(shop: Shop):
    ada = shop.customer()
    for body in (ada.order, ada.order | {"address": None}):
        answer = shop.call("POST", "orders", "/orders", json=body)
        assert (answer.status_code, answer.json()["message"][:22]) == (406, "Invalid order request.")
    assert shop.kept(ada) == []


def test_reads_are_hal_without_ids(shop: Shop):
    ada = shop.buyer()
    identity = shop.order(ada).json()["id"]
    [found] = shop.call("GET", "orders", f"/orders/search/customerId?custId={ada.id}&sort=date").json()["_embedded"][
        "customerOrders"
    ]
    assert found == shop.call("GET", "orders", f"/orders/{identity}").json()
    assert found["_links"]["self"]["href"] == f"http://orders/orders/{identity}"
    assert "id" not in found
    assert "id" not in found["items"][0]
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}\+0000", found["date"])
    assert shop.call("GET", "orders", f"/orders/{ObjectId()}").status_code == 404
    assert shop.call("GET", "orders", "/orders/search/customerId?custId=nobody").json()["_embedded"] == {
        "customerOrders": []
    }
    old = {"customerId": f"old-{ada.id}", "items": [], "total": 104.979996}
    shop.database("orders-db", "data").customerOrder.insert_one(old)
    [told] = shop.call("GET", "orders", f"/orders/search/customerId?custId={old['customerId']}").json()["_embedded"][
        "customerOrders"
    ]
    assert (told["total"], told["status"], told["shipment"]) == (104.979996, None, None)


def test_the_log_tells_the_whole_payment_as_the_real_one_does(shop: Shop):
    ada = shop.buyer()
    identity = shop.order(ada).json()["id"]
    lines = [line for line in shop.log("orders").read_text().splitlines() if identity in line]
    words = [line.split(" : ", 1)[1].replace(identity, "<id>") for line in lines]
    assert re.match(
        r"\d{4}-\d\d-\d\d \d\d:\d\d:\d\d\.\d{3}  INFO \[orders,\w+,\w+,false\] 1 --- \[[\w-]+\] w\.w\.s\.o\.", lines[0]
    )
    assert words[:2] == ["Order created with ID: <id> and status: Created", "Order <id> status updated to PENDING"]
    assert "4111111111111111" in words[2]
    assert re.match(
        r"Received payment response for order <id>: PaymentResponse\{authorised=true, message=Payment auth", words[3]
    )
    assert words[4:] == ["Order <id> payment successful, status updated to PAID", "Order <id> shipped successfully"]


def test_metrics_count_what_succeeded_only(shop: Shop):
    shop.again("orders")
    shop.order(shop.buyer())
    shop.order(shop.customer())
    counted = [line for line in shop.call("GET", "orders", "/metrics").text.splitlines() if "_count" in line]
    assert (
        'http_request_duration_seconds_count{service="orders",method="POST",path="/orders",status_code="201"} 1'
        in counted
    )
    assert not [line for line in counted if "406" in line]
