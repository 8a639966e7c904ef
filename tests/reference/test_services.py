"""Catalogue, carts, user, payment and shipping: routes, statuses and shapes of the real ones."""

from __future__ import annotations

import re
import signal
import socket
import subprocess
import sys
import time
from concurrent.futures import ThreadPoolExecutor
from uuid import uuid4

import pytest

from tests.reference.processes import COLOURFUL, FIGUEROA, MODULES, PORTS, ROOT, Shop


def test_catalogue_lists_pages_tags_and_single_socks(shop: Shop):
    socks = shop.call("GET", "catalogue", "/catalogue").json()
    assert {sock["name"]: sock["price"] for sock in socks} == {
        "Holy": 99.99, "Colourful": 18, "SuperSport XL": 15, "Crossed": 17.32, "Figueroa": 14, "Cat socks": 15,
        "Nerd leg": 7.99, "YouTube.sock": 10.99, "Classic": 12,
    }  # fmt: skip
    assert set(socks[0]) == {"id", "name", "description", "imageUrl", "price", "count", "tag"}
    assert shop.call("GET", "catalogue", "/catalogue?page=2&size=6").json() == socks[6:]
    assert shop.call("GET", "catalogue", "/catalogue/size?tags=geek,sport").json() == {"size": 2, "err": None}
    assert [s["name"] for s in shop.call("GET", "catalogue", "/catalogue?tags=magic").json()] == ["Holy"]
    assert "geek" in shop.call("GET", "catalogue", "/tags").json()["tags"]
    assert shop.call("GET", "catalogue", f"/catalogue/{COLOURFUL[0]}").json()["price"] == 18
    missing = shop.call("GET", "catalogue", "/catalogue/none")
    assert (missing.status_code, missing.json()["error"]) == (404, "not found")


def test_every_sock_has_two_pictures_of_its_own(shop: Shop):
    socks = shop.call("GET", "catalogue", "/catalogue").json()
    pictures = [shop.call("GET", "catalogue", url) for sock in socks for url in sock["imageUrl"]]
    assert {picture.headers["Content-Type"].split(";")[0] for picture in pictures} == {"image/svg+xml"}
    assert len({picture.text for picture in pictures}) == 18
    assert shop.call("GET", "catalogue", "/catalogue/images/none_1.svg").status_code == 404


def test_a_cart_adds_counts_changes_and_forgets(shop: Shop):
    ada = shop.customer()
    shop.fill(ada, COLOURFUL, FIGUEROA, COLOURFUL)
    first, second = shop.cart(ada)
    assert first == {"id": first["id"], "itemId": COLOURFUL[0], "quantity": 2, "unitPrice": 18.0}
    change = {"itemId": FIGUEROA[0], "quantity": 5, "unitPrice": 14}
    assert shop.call("PATCH", "carts", f"/carts/{ada.id}/items", json=change).status_code == 202
    assert shop.call("DELETE", "carts", f"/carts/{ada.id}/items/{COLOURFUL[0]}").status_code == 202
    assert shop.cart(ada) == [second | {"quantity": 5}]
    assert shop.call("DELETE", "carts", f"/carts/{ada.id}").status_code == 202
    assert shop.cart(ada) == []


def test_parallel_adds_of_one_sock_are_all_counted(shop: Shop):
    ada = shop.customer()
    with ThreadPoolExecutor(5) as pool:
        list(pool.map(lambda _: shop.fill(ada, COLOURFUL), range(5)))
    assert [line["quantity"] for line in shop.cart(ada)] == [5]
    assert shop.database("carts-db", "data").cart.count_documents({"customerId": ada.id}) == 1


def test_a_session_cart_is_merged_line_by_line(shop: Shop):
    ada, session = shop.buyer(), str(uuid4())
    shop.call("POST", "carts", f"/carts/{session}/items", json={"itemId": COLOURFUL[0], "unitPrice": 18})
    assert shop.call("GET", "carts", f"/carts/{ada.id}/merge?sessionId={session}").status_code == 202
    assert [line["itemId"] for line in shop.cart(ada)] == [COLOURFUL[0]] * 2
    assert shop.call("GET", "carts", f"/carts/{session}/items").json() == []


def test_a_customer_logs_in_and_is_told_in_hal(shop: Shop):
    name = f"n-{uuid4()}"
    person = {"username": name, "password": "pw", "email": "a@b.example", "firstName": "Ada", "lastName": "B"}
    identity = shop.call("POST", "user", "/register", json=person).json()["id"]
    told = shop.call("GET", "user", "/login", auth=(name, "pw")).json()["user"]
    assert (told["id"], told["firstName"], told["username"]) == (identity, "Ada", name)
    assert told["_links"]["addresses"]["href"] == f"http://user/customers/{identity}/addresses"
    assert "password" not in told
    kept = shop.database("user-db", "users").customers.find_one({"username": name})
    assert kept is not None
    assert re.fullmatch("[0-9a-f]{40}", kept["password"])


def test_addresses_and_cards_hang_on_their_customer(shop: Shop):
    ada = shop.customer()
    [address] = shop.call("GET", "user", f"/customers/{ada.id}/addresses").json()["_embedded"]["address"]
    [card] = shop.call("GET", "user", f"/customers/{ada.id}/cards").json()["_embedded"]["card"]
    assert (address["street"], card["longNum"]) == ("High St", "4111111111111111")
    assert shop.call("GET", "user", ada.order["card"].removeprefix("http://user")).json() == card


@pytest.mark.parametrize(
    ("method", "path", "more", "status", "error"),
    [
        ("GET", "/login", {"auth": ("nobody", "x")}, 500, "not found"),
        ("GET", "/login", {}, 401, "Unauthorized"),
        ("GET", "/customers/xyz", {}, 500, "Invalid Id Hex"),
        ("GET", "/cards/57a98d98e4b00679b4a830b2", {}, 500, "not found"),
    ],
)
def test_what_user_refuses(shop: Shop, method: str, path: str, more: dict, status: int, error: str):
    answer = shop.call(method, "user", path, **more)
    assert (answer.status_code, answer.json()["status_code"], answer.json()["error"]) == (status, status, error)
    assert answer.headers["Content-Type"].startswith("text/plain")


def test_a_name_is_taken_once_and_a_wrong_password_is_refused(shop: Shop):
    person = {"username": f"n-{uuid4()}", "password": "pw", "firstName": "", "lastName": ""}
    with ThreadPoolExecutor(4) as pool:
        answers = list(pool.map(lambda _: shop.call("POST", "user", "/register", json=person), range(4)))
    assert sorted(answer.status_code for answer in answers) == [200, 500, 500, 500]
    assert "E11000 duplicate key" in next(answer.text for answer in answers if answer.status_code == 500)
    assert shop.call("GET", "user", "/login", auth=(person["username"], "other")).status_code == 401


def test_payment_without_a_gateway_is_a_mock(shop: Shop):
    shop.again("payment", PAYMENT_GATEWAY_URL="")
    told = [shop.call("POST", "payment", "/paymentAuth", json={"amount": amount}).json() for amount in (22.99, 100.01)]
    assert told == [
        {"authorised": True, "message": "Payment authorized (mock mode)"},
        {"authorised": False, "message": "Payment declined (mock mode)"},
    ]


def test_payment_needs_nothing_but_an_amount(shop: Shop):
    told = shop.call("POST", "payment", "/paymentAuth", json={"amount": 18.99}).json()
    assert told["authorised"]
    charge = shop.call("GET", "stripe-mock", "/admin/ledger").json()[-1]
    assert charge["id"] in told["message"]
    assert (charge["amount"], charge["idempotency_key"], charge["metadata"]) == (1899, None, {})
    refused = shop.call("POST", "payment", "/paymentAuth", data="{")
    assert (refused.status_code, refused.json()["message"]) == (400, "Invalid payment request")
    assert shop.call("GET", "payment", "/paymentAuth").status_code == 405


def test_health_shapes(shop: Shop):
    assert set(shop.call("GET", "payment", "/health").json()[0]) == {"service", "status", "time"}
    for service in ("carts", "user", "orders"):
        told = shop.call("GET", service, "/health").json()["health"]
        assert [(each["service"], each["status"]) for each in told] == [(service, "OK"), (f"{service}-db", "OK")]
    shop.stop("carts-db")
    answer = shop.call("GET", "carts", "/health")
    assert (answer.status_code, answer.json()["health"][1]["status"]) == (200, "err")


@pytest.mark.parametrize("service", MODULES)
def test_a_service_ends_at_once_with_a_connection_open(shop: Shop, service: str):
    with socket.create_connection((shop.host(service), PORTS[service]), timeout=5) as connection:
        connection.sendall(b"GET /health HTTP/1.1\r\nHost: x\r\n\r\n")
        connection.recv(4096)
        began = time.monotonic()
        assert shop.stop(service) == 0
        assert time.monotonic() - began < 2, "on an idle machine: 0.02 s"


def test_a_taken_port_is_one_line_and_a_failure(shop: Shop):
    environment = {"POD_IP": shop.host("catalogue"), "PATH": ""}
    command = [sys.executable, "-m", "reference.sock_shop.catalogue"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=10)
    assert ended.returncode == 1
    assert ended.stderr == f"catalogue: cannot listen on {shop.host('catalogue')}:8080: Address already in use\n"


def test_an_interrupt_is_a_quiet_end(shop: Shop):
    process = shop.processes.pop("shipping")
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 0
    assert "Traceback" not in shop.log("shipping").read_text()
    shop.again("shipping")
