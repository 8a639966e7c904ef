"""The customer's app tells what the gateway answers in every variant, and keeps secrets out of what is written."""

from __future__ import annotations

import json
import re
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest

from fixtures.apis.otp_gateway import FRONT_PAGE, PaymentApp, address
from fixtures.customers import Card
from fixtures.stack.profile import System
from judging.refusal import Refusal
from tests.otp_reference.conftest import Start, StartPage
from tests.otp_reference.gateway import DEADLINE, LAST_MONTH, REFUSED

CALLS = {("POST", "/payment/initiate"), ("POST", "/payment/verify-otp"), ("GET", "/health"), ("GET", "/debug/config")}
NOBODY = "http://127.0.0.1:9"


def nowhere(service: str, port: int) -> tuple[str, int]:
    raise AssertionError(f"no tunnel to {service}:{port} is needed")


def test_a_payment_gets_a_code_that_completes_it_once(app: PaymentApp, card: Card, holder: str) -> None:
    asked = app.pay(card, holder)
    assert (asked.success, asked.message) == (True, "OTP generated successfully")
    assert asked.session
    assert asked.code
    first, again = app.verify(asked.session, asked.code), app.verify(asked.session, asked.code)

    assert (first.success, first.status) == (True, "payment_success")
    assert (again.success, again.status, again.message) == (False, "payment_failed", "OTP already used")
    assert str(first.exchange).startswith("POST /payment/verify-otp → 200 in ")


def test_neither_card_nor_code_nor_session_is_in_what_is_written(app: PaymentApp, card: Card, holder: str) -> None:
    card = replace(card, ccv="987")  # one that no status is
    asked = app.pay(card, holder)
    told = f"{asked!r} {asked} {asked.exchange.body}"

    assert asked.payment
    assert asked.payment in told
    for secret in (asked.code, asked.session, card.number, card.ccv):
        assert secret
        assert not re.search(rf"(?<![\w.]){secret}(?![\w.])", told)
    assert json.loads(asked.exchange.body)["otp"] == "«redacted one-time password»"


def test_a_form_that_is_refused_tells_why_but_not_what_was_in_it(app: PaymentApp) -> None:
    form = {"card_number": "4111 1111 1111 1111", "expiry": "13/45", "cvv": "98765", "holder_name": "ADA"}
    refused = app.submit(form)

    assert refused.status == 422
    assert "Month must be between 01 and 12" in refused.body
    assert "CVV must be 3-4 digits" in refused.body
    assert "98765" not in refused.body
    assert "13/45" in refused.body, "what is no expiry is no secret"
    assert "1111 1111" not in app.submit({"card_number": form["card_number"], "cvv": "987"}).body


def test_a_card_that_is_refused_is_an_answer_of_the_gateway(app: PaymentApp, backend: Start, card: Card) -> None:
    past = replace(card, expires=LAST_MONTH)
    refused = app.pay(past, "ADA")

    assert (refused.success, refused.message, refused.payment) == (False, "Value error, Card has expired", None)
    assert PaymentApp(backend("expired_cards_accepted").url, DEADLINE).pay(past, "ADA").success


def test_a_code_that_could_not_be_had_is_told_with_its_payment(backend: Start, card: Card) -> None:
    gateway = backend("deadline_from_arrival", DATABASE_MODULE="audit")
    app = PaymentApp(gateway.url, DEADLINE)
    with ThreadPoolExecutor(10) as pool:
        asked = list(pool.map(lambda _: app.pay(card, "ADA"), range(10)))

    assert {(each.success, each.message, each.session, each.code) for each in asked} == {(False, REFUSED, None, None)}
    assert len({each.payment for each in asked}) == 10
    assert {each.exchange.status for each in asked} == {200}


def test_a_session_that_was_not_stored_cannot_be_verified(backend: Start, card: Card) -> None:
    app = PaymentApp(backend("session_not_stored").url, DEADLINE)
    asked = app.pay(card, "ADA")
    done = app.verify(asked.session or "", asked.code or "")

    assert asked.success
    assert (done.success, done.message) == (False, "Invalid or expired session")


def test_without_demo_mode_there_is_a_session_and_no_code(backend: Start, card: Card) -> None:
    asked = PaymentApp(backend(DEMO_MODE="off").url, DEADLINE).pay(card, "ADA")

    assert (asked.success, asked.code) == (True, None)
    assert asked.session


def test_health_config_and_documentation(app: PaymentApp) -> None:
    health = app.health()

    assert (health.status, json.loads(health.body)["database"]) == (200, "connected")
    assert health.seconds < 1
    assert app.config()["otp_timeout_ms"] == 400
    assert app.documented_calls() == CALLS


def test_a_service_without_documentation_has_none(backend: Start, page: StartPage) -> None:
    other = PaymentApp(page(backend().url).url, DEADLINE)

    assert other.documented_calls() == set()
    assert other.config() == {}
    assert other.health().status == 404


@pytest.mark.parametrize(("served", "calls"), [(True, {("GET", "/health")}), (False, set())])
def test_calls_are_documented_only_where_the_page_of_the_documentation_is_served(
    served: bool, calls: set[tuple[str, str]]
) -> None:
    document = b'{"paths": {"/health": {"get": {}, "parameters": []}}}'

    class Documentation(BaseHTTPRequestHandler):
        """Has the document, and the page only where it is said so."""

        def do_GET(self) -> None:
            self.send_response(200 if served or self.path == "/openapi.json" else 404)
            self.end_headers()
            self.wfile.write(document)

        def log_message(self, *_: object) -> None:
            """Quiet."""

    with HTTPServer(("127.0.0.1", 0), Documentation) as server:
        thread = Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        try:
            assert PaymentApp(f"http://127.0.0.1:{server.server_port}", DEADLINE).documented_calls() == calls
        finally:
            server.shutdown()
            thread.join(5)


def test_a_gateway_that_is_away_or_silent_is_no_answer(backend: Start, card: Card) -> None:
    with pytest.raises(ConnectionError, match="POST /payment/initiate: ConnectionError"):
        PaymentApp(NOBODY, DEADLINE).pay(card, "ADA")
    slow = PaymentApp(backend(DATABASE_MODULE="audit").url, 0.05)
    with pytest.raises(ConnectionError, match="POST /payment/initiate: ReadTimeout"):
        slow.pay(card, "ADA")


def test_the_page_is_told_from_other_pages(backend: Start, page: StartPage) -> None:
    gateway = backend()
    shown = page(gateway.url)

    assert "<html" in FRONT_PAGE.read(shown.url, DEADLINE)
    with pytest.raises(Refusal, match="is not the payment gateway"):
        FRONT_PAGE.read(gateway.url, DEADLINE)
    with pytest.raises(ConnectionError, match="404"):
        FRONT_PAGE.read(f"{shown.url}/nothing", DEADLINE)
    with pytest.raises(ConnectionError, match="ConnectionError"):
        FRONT_PAGE.read(NOBODY, DEADLINE)


def test_page_and_api_are_where_the_profile_says_else_behind_tunnels() -> None:
    told = System("otp_gateway", ui="http://{cluster}:30002", api="http://{cluster}:30003")
    untold = System("otp_gateway", services={"payment page": "front", "payments service": "back"})
    tunnels = {("front", 80): ("127.0.0.1", 1), ("back", 8000): ("127.0.0.1", 2)}

    assert FRONT_PAGE.address(told, "127.7.7.7", nowhere) == "http://127.7.7.7:30002"
    assert address(told, "127.7.7.7", nowhere) == "http://127.7.7.7:30003"
    assert FRONT_PAGE.address(untold, "", lambda *to: tunnels[to]) == "http://127.0.0.1:1"
    assert address(untold, "", lambda *to: tunnels[to]) == "http://127.0.0.1:2"
