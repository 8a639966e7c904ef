"""The payment service's log is read as a real one writes it: in Go's words, under every prefix, one call in another."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest

from fixtures.cluster.states import LogLine
from fixtures.enactment.incident import in_order
from fixtures.enactment.sock_shop.readings.payments import REFUSED, in_short, of_customers, outcomes
from fixtures.enactment.sock_shop.readings.shopping import PAYMENT_FAILED
from fixtures.enactment.sock_shop.readings.shopping import REFUSED as TOLD_REFUSED

BEGAN = datetime(2025, 11, 7, 16, 2, 43, tzinfo=UTC)
URL = "http://stripe-mock/v1/charges"
DIAL = f'Payment gateway error: Post "{URL}": dial tcp 10.96.196.183:80: '
STARTED = [
    "2025/11/07 15:58:01 ✅ Payment gateway: http://stripe-mock",
    "2025/11/07 15:58:01 🚀 Payment service starting on port 8080",
]
REFUSAL = [
    "2025/11/07 16:02:43 💳 Payment auth request: amount=22.99",
    f"2025/11/07 16:02:43 🌐 Calling payment gateway: {URL} (amount=2299 cents)",
    f"2025/11/07 16:02:43 ❌ {DIAL}connect: connection refused (0.11s)",
]
CHARGE = [
    "2025/11/07 16:05:10 💳 Payment auth request: amount=18.99",
    f"2025/11/07 16:05:10 🌐 Calling payment gateway: {URL} (amount=1898 cents)",
    "2025/11/07 16:05:11 ✅ Gateway response: HTTP 200 (0.72s)",
    "2025/11/07 16:05:11 ✅ Payment authorized: ch_PfECoEmld0tCCge",
]
UNREACHABLE = {
    "refused": f"{DIAL}connect: connection refused (0.00s)",
    "no route": f"{DIAL}connect: no route to host (3.06s)",
    "no network": f"{DIAL}connect: network is unreachable (0.00s)",
    "dropped": f"{DIAL}i/o timeout (30.00s)",
    "no answer": f'Payment gateway error: Post "{URL}": context deadline exceeded '
    "(Client.Timeout exceeded while awaiting headers) (35.00s)",
    "no Service": f'Payment gateway error: Post "{URL}": dial tcp: lookup stripe-mock on 10.96.0.10:53: '
    "no such host (0.02s)",
}
OTHER_FAILURES = [
    "⚠️  Gateway unavailable: HTTP 503",
    "⚠️  Gateway rate limited",
    "⚠️  Gateway error: HTTP 402",
    "❌ Payment declined by gateway",
]


def log(*entries: tuple[float, str]) -> list[LogLine]:
    """Lines of one pod, each written so many seconds after the beginning."""
    return [LogLine(BEGAN + timedelta(seconds=at), "payment-1", text) for at, text in sorted(entries)]


@pytest.mark.parametrize("damaged", ["", "utf-8 read as cp1252"])
def test_an_outage_and_a_charge_are_read_out_of_the_real_log(damaged: str):
    lines = [*STARTED, *REFUSAL, *CHARGE]
    if damaged:
        lines = [line.encode().decode("cp1252", errors="replace") for line in lines]

    assert outcomes(lines) == ["asked", "called", "refused", "asked", "called", "ch_PfECoEmld0tCCge"]
    assert in_short(lines) == "asked $22.99, called, refused, asked $18.99, called, ch_PfECoEmld0tCCge"


@pytest.mark.parametrize("words", UNREACHABLE.values(), ids=UNREACHABLE)
def test_a_gateway_that_cannot_be_reached_is_a_refusal_in_the_log_and_to_the_customer(words: str):
    found = REFUSED.search(f"2025/11/07 16:02:43 ❌ {words}")
    message = f"×Payment declined. {words.rpartition(' (')[0]}"

    assert found
    assert float(found[2]) == float(words.rpartition("(")[2].removesuffix("s)"))
    assert PAYMENT_FAILED.search(message)
    assert TOLD_REFUSED.search(message)


@pytest.mark.parametrize("words", OTHER_FAILURES)
def test_a_gateway_that_answers_is_no_refusal(words: str):
    assert outcomes([words]) == []


def test_a_witness_that_hangs_while_a_customer_pays_is_told_from_them():
    hanging = f"❌ {DIAL}connect: no route to host (3.06s)"
    lines = log(
        (0.0, "💳 Payment auth request: amount=0.01"),
        (0.0001, f"🌐 Calling payment gateway: {URL} (amount=1 cents)"),
        (2.9, REFUSAL[0]),
        (2.9001, REFUSAL[1]),
        (3.0600, hanging),
        (3.0101, REFUSAL[2]),
    )

    assert [line.text for line in of_customers(lines)] == REFUSAL


def test_a_customer_that_hangs_while_a_witness_is_refused_is_told_from_it():
    hanging = f"❌ {DIAL}connect: no route to host (3.06s)"
    lines = log(
        (0.0, REFUSAL[0]),
        (0.0001, REFUSAL[1]),
        (1.0, "💳 Payment auth request: amount=0.01"),
        (1.0001, f"🌐 Calling payment gateway: {URL} (amount=1 cents)"),
        (1.0101, f"❌ {DIAL}connect: connection refused (0.01s)"),
        (3.0600, hanging),
    )

    assert [line.text for line in of_customers(lines)] == [*REFUSAL[:2], hanging]


def test_a_call_that_began_before_the_log_is_nobodys_here():
    hanging = "❌ Payment gateway error: context deadline exceeded (35.04s)"
    lines = log((9.0, hanging), *((place / 10, text) for place, text in enumerate(REFUSAL)))

    assert [line.text for line in of_customers(lines)] == REFUSAL


def test_what_a_witness_pays_when_the_gateway_is_there_is_left_out_whole():
    lines = log(
        (0.0, "💳 Payment auth request: amount=0.01"),
        (0.1, f"🌐 Calling payment gateway: {URL} (amount=1 cents)"),
        (0.2, "✅ Gateway response: HTTP 200 (0.10s)"),
        (0.3, "✅ Payment authorized: ch_witness"),
        *((1.0 + place, text) for place, text in enumerate(CHARGE)),
    )

    assert outcomes(line.text for line in of_customers(lines)) == ["asked", "called", "ch_PfECoEmld0tCCge"]


def test_a_log_that_was_read_twice_keeps_the_order_of_lines_of_the_same_moment():
    lines = log(*((0.0, f"{number:02} {line}") for number, line in enumerate([*STARTED, *REFUSAL, *CHARGE])))
    assert in_order(lines[:5], lines[2:]) == lines
