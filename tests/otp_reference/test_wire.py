"""The gateway's calls and documents: routes, statuses, bodies and texts of the real one."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from datetime import UTC, datetime, timedelta

import pytest
import requests

from tests.otp_reference.conftest import Start
from tests.otp_reference.gateway import CARD, KEPT, LAST_MONTH, ROOT, THIS_MONTH

UUID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
GATEWAY = {"status": "healthy", "service": "Payment Gateway", "version": "2.0.0"}
WELL = {"status": "healthy", "database": "connected", "otp_service": "ready"}
CONFIG = {"otp_timeout_ms": 400, "payment_retry_count": 3, "base_write_latency_ms": 15, "contention_factor": 1.5}


@pytest.mark.parametrize(("path", "body"), [("/", GATEWAY), ("/health", WELL), ("/debug/config", CONFIG)])
def test_what_is_only_told(backend: Start, path: str, body: dict[str, object]):
    answer = requests.get(backend().url + path, headers={"Origin": "http://elsewhere.example"}, timeout=5)
    assert (answer.status_code, answer.json()) == (200, body)
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_the_four_endpoints_are_described_by_a_page_that_needs_nothing_from_elsewhere(backend: Start):
    described = requests.get(f"{backend().url}/openapi.json", timeout=5).json()["paths"]
    assert set(described) == {"/payment/initiate", "/payment/verify-otp", "/health", "/debug/config"}
    docs = requests.get(f"{backend().url}/docs", timeout=5)
    assert docs.status_code == 200
    assert all(path in docs.text for path in described)
    assert not re.search(r"(?:src|href)=.https?:|//", docs.text)


def test_a_browser_of_another_origin_may_pay(backend: Start):
    asking = {"Origin": "http://page.example", "Access-Control-Request-Method": "POST"}
    asking["Access-Control-Request-Headers"] = "content-type"
    answer = requests.options(f"{backend().url}/payment/initiate", headers=asking, timeout=5)
    assert answer.status_code == 200
    assert answer.headers["Access-Control-Allow-Origin"] == "*"


def test_a_payment_from_card_to_completed(backend: Start):
    gateway = backend()
    told = gateway.pay()
    assert set(told) == {"success", "message", "session_id", "otp", "payment_id"}
    assert (told["success"], told["message"]) == (True, "OTP generated successfully")
    assert UUID.fullmatch(told["payment_id"])
    assert re.fullmatch("[0-9]{6}", told["otp"])

    payment, session = gateway.payment(told), gateway.session(told)
    assert payment == {
        "_id": told["payment_id"], "merchant_id": "demo_merchant", "amount": 100.0, "currency": "USD",
        "card_last_four": "1111", "holder_name": "ADA FERN", "status": "otp_sent",
        "created_at": payment["created_at"], "committed_at": payment["committed_at"],
    }  # fmt: skip
    assert datetime.now(UTC) - timedelta(seconds=20) < payment["created_at"] <= payment["committed_at"]
    assert session == {
        "_id": told["session_id"], "payment_intent_id": told["payment_id"], "otp": told["otp"],
        "created_at": session["created_at"], "expires_at": session["created_at"] + timedelta(minutes=2),
        "verified": False, "failed": False,
    }  # fmt: skip
    assert UUID.fullmatch(session["_id"])

    verified = gateway.verify(told["session_id"], told["otp"])
    message = "Payment verified successfully"
    assert verified == {"success": True, "status": "payment_success", "message": message}
    assert gateway.payment(told)["status"] == "completed"
    after = gateway.session(told)
    assert (after["verified"], after["failed"]) == (True, False)
    assert after["verified_at"] >= session["created_at"]


def test_what_the_caller_names_is_kept(backend: Start):
    told = backend().pay(amount=-0.5, currency="EUR", merchant_id="m1", holder_name="")
    payment = backend().payment(told)
    assert [payment[key] for key in ("amount", "currency", "merchant_id", "holder_name")] == [-0.5, "EUR", "m1", ""]


def test_a_wrong_code_burns_the_session(backend: Start):
    gateway = backend()
    told = gateway.pay()
    wrong = "000000" if told["otp"] != "000000" else "000001"
    refused = {"success": False, "status": "payment_failed", "message": "Invalid OTP"}
    assert gateway.verify(told["session_id"], wrong) == refused
    session = gateway.session(told)
    assert (session["verified"], session["failed"]) == (True, True)
    assert gateway.said(told["session_id"], told["otp"]) == "OTP already used"
    assert gateway.payment(told)["status"] == "otp_sent"


def test_a_code_expires_and_unknown_sessions_have_none(backend: Start):
    gateway = backend()
    told = gateway.pay()
    past = {"$set": {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}}
    gateway.database.otp_sessions.update_one({"_id": told["session_id"]}, past)
    assert gateway.said(told["session_id"], told["otp"]) == "OTP has expired"
    session = gateway.session(told)
    assert (session["verified"], session["failed"]) == (True, True)
    assert gateway.said("none", told["otp"]) == "Invalid or expired session"


def test_an_invalid_body_is_told_field_by_field(backend: Start):
    answer = requests.post(f"{backend().url}/payment/initiate", json=CARD | {"cvv": "12"}, timeout=5)
    assert answer.status_code == 422
    assert answer.json() == {
        "detail": [
            {
                "type": "value_error", "loc": ["body", "cvv"], "msg": "Value error, CVV must be 3-4 digits",
                "input": "12", "ctx": {"error": {}},
            }
        ]
    }  # fmt: skip
    missing = requests.post(f"{backend().url}/payment/verify-otp", json={"otp": "1"}, timeout=5)
    assert [(each["type"], each["loc"]) for each in missing.json()["detail"]] == [("missing", ["body", "session_id"])]


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"card_number": "4" * 12}, "Card number must be 13-19 digits"),
        ({"card_number": "4" * 13}, None),
        ({"card_number": "4111-1111-1111-1111-119"}, None),
        ({"card_number": "4" * 20}, "Card number must be 13-19 digits"),
        ({"card_number": "4111x11111111111"}, "Card number must be 13-19 digits"),
        ({"cvv": "12"}, "CVV must be 3-4 digits"),
        ({"cvv": "1234"}, None),
        ({"cvv": "١٢٣"}, "CVV must be 3-4 digits"),
        ({"expiry": "1245"}, "Expiry must be in MM/YY format"),
        ({"expiry": "13/45"}, "Month must be between 01 and 12"),
        ({"expiry": "00/45"}, "Month must be between 01 and 12"),
        ({"expiry": LAST_MONTH}, "Card has expired"),
        ({"expiry": THIS_MONTH}, None),
    ],
)
def test_what_a_card_must_be(backend: Start, change: dict[str, str], message: str | None):
    assert backend().refused(**change) == ([f"Value error, {message}"] if message else [])


def test_outside_the_demo_mode_the_code_is_in_the_database_alone(backend: Start):
    gateway = backend(DEMO_MODE="off")
    told = gateway.pay()
    assert (told["success"], told["otp"]) == (True, None)
    assert gateway.verify(told["session_id"], gateway.session(told)["otp"])["success"]


def test_without_a_database_payments_fail_in_words_and_health_says_so(backend: Start, hosts):
    gateway = backend(MONGO_URI=f"mongodb://{next(hosts)}:27017")
    told = gateway.pay()
    assert (told["success"], told["payment_id"], told["session_id"], told["otp"]) == (False, None, None, None)
    assert told["message"].startswith("Payment creation failed: ")
    health = requests.get(f"{gateway.url}/health", timeout=5)
    assert (health.status_code, health.json()["database"]) == (503, "disconnected")


@pytest.mark.parametrize(
    ("variables", "message"),
    [
        ({"DATABASE_MODULE": "mine"}, "DATABASE_MODULE=mine is unknown: give original or audit"),
        ({"DEMO_MODE": "no"}, "DEMO_MODE=no is unknown: give on or off"),
        ({}, "payment-backend: cannot listen on {host}:8000: Address already in use"),
    ],
)
def test_what_cannot_run_says_why_in_one_line(backend: Start, variables: dict[str, str], message: str):
    host = backend().url.removeprefix("http://").removesuffix(":8000")
    environment = {key: value for key, value in os.environ.items() if key in KEPT} | {"POD_IP": host} | variables
    command = [sys.executable, "-m", "reference.otp_gateway.backend"]
    ended = subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, timeout=20)
    assert (ended.returncode, ended.stderr) == (1, message.format(host=host) + "\n")


def test_it_ends_at_once_also_while_somebody_is_connected(backend: Start):
    gateway = backend("one_at_a_time", DATABASE_MODULE="audit", DEMO_MODE="on")
    host = gateway.url.removeprefix("http://").removesuffix(":8000")
    with socket.create_connection((host, 8000), timeout=5):
        gateway.running.terminate()
        assert gateway.running.wait(5) == 0
