"""What operators see: which lines of a log tell of those who got no code, and what a health check really says."""

from __future__ import annotations

from types import SimpleNamespace

import pytest

from fixtures.enactment.otp_gateway.readings import operators as seen
from fixtures.enactment.readings import NoControl
from fixtures.records import Exchange
from tests.otp_readings.made_up import REFUSED, alike, incident

SILENT = [
    "INFO:     Started server process [1]",
    "INFO:     Application startup complete.",
    "INFO:     Uvicorn running on http://0.0.0.0:8000 (Press CTRL+C to quit)",
    "2026-01-01 10:00:00 INFO uvicorn.error: Started server process [1]",
    "settings: otp_timeout_ms=400 payment_retry_count=3",
    "INFO:     payment 4fa1 written: began=2026-01-01T10:00:00.000500+00:00 ms=500.1 at_once=5",
    'INFO:     127.0.0.1:40404 - "POST /payment/initiate HTTP/1.1" 200 OK',
    'INFO:     127.0.0.1:50001 - "GET /health HTTP/1.1" 200 OK',
    'INFO:     127.0.0.1:50001 - "GET /favicon.ico HTTP/1.1" 404 Not Found',
]
TELLING = [
    "ERROR:    no code for payment 4fa1",
    "WARNING:  payment 4fa1 took 500 ms",
    "OTP generation failed for payment 4fa1",
    "timed out waiting for payment 4fa1",
    "otp timeout, payment 4fa1",
    "Unable to generate OTP. Please try again.",
    "payment 4fa1 refused: no code in time",
    "Traceback (most recent call last):",
    "CRITICAL: contention",
    'INFO:     127.0.0.1:40404 - "POST /payment/initiate HTTP/1.1" 500 Internal Server Error',
    'INFO:     127.0.0.1:40404 - "POST /payment/initiate HTTP/1.1" 503 Service Unavailable',
    'INFO:     127.0.0.1:40404 - "POST /payment/initiate HTTP/1.1" 422 Unprocessable Entity',
    'INFO:     127.0.0.1:40404 - "GET /health HTTP/1.1" 503 Service Unavailable',
]


def nothing_told(folder, log, *, outcome=REFUSED, **more):
    return seen.nothing_told(incident(folder, alike(5, outcome), log=log, **more))


def test_a_log_of_everyday_lines_tells_of_nobody(tmp_path):
    assert nothing_told(tmp_path, SILENT).seen == f"5 refused; 0 of {len(SILENT)} lines tell: none"
    assert nothing_told(tmp_path, SILENT).holds


@pytest.mark.parametrize("line", TELLING)
def test_one_line_that_tells_is_enough(tmp_path, line):
    told_of = nothing_told(tmp_path, [*SILENT, line])

    assert not told_of.holds
    assert line in told_of.seen


def test_silence_where_nobody_was_refused_is_no_silent_failure(tmp_path):
    assert not nothing_told(tmp_path, SILENT, outcome="a code").holds


def test_only_pods_that_log_for_the_auditors_are_listened_to(tmp_path):
    for log, pod in (([], "payment-backend-2"), (SILENT, "payment-backend-1"), (TELLING, "payment-backend-1")):
        with pytest.raises(NoControl, match="wrote nothing at all"):
            nothing_told(tmp_path, log, pod=pod)


def health(folder, moment, body, status=200, seconds=0.01):
    told_of = incident(folder, alike(40))
    told_of.payments_service.said[moment] = Exchange("GET", "/health", status, seconds, body)
    told_of.snapshots["during"] = None
    return told_of


WELL = '{"status": "healthy", "database": "connected", "otp_service": "ready"}'


@pytest.mark.parametrize(
    ("body", "status", "well"),
    [
        (WELL, 200, True),
        (WELL, 503, False),
        (WELL.replace("ready", "starting"), 200, False),
        ("healthy", 200, False),
        ('["healthy"]', 200, False),
        ("", 200, False),
    ],
)
def test_well_is_said_in_all_words_and_by_the_status(tmp_path, body, status, well):
    assert seen.said_well(health(tmp_path, "before", body, status)).holds is well


@pytest.mark.parametrize(("seconds", "body", "holds"), [(0.9, WELL, True), (12.0, WELL, False), (0.1, "{}", False)])
def test_a_healthy_answer_after_12_seconds_is_not_healthy(tmp_path, seconds, body, holds):
    told_of = health(tmp_path, "while 40 paid", body, seconds=seconds)

    assert seen.said_well_at_once(told_of, 40).holds is holds


@pytest.mark.parametrize(
    ("body", "status", "honest"),
    [
        (WELL, 200, False),  # the lie of the shipped gateway
        (WELL.replace("connected", "disconnected"), 200, False),
        (WELL.replace("healthy", "unhealthy"), 503, False),
        (WELL.replace("healthy", "unhealthy").replace("connected", "disconnected"), 503, True),
        ("Internal Server Error", 500, True),
    ],
)
def test_a_health_check_that_lies_about_the_database_is_found(tmp_path, body, status, honest):
    told_of = seen.said_database_away(health(tmp_path, "at the end", body, status))

    assert told_of.holds is honest
    assert told_of.seen.endswith("without a database")


def test_settings_and_calls_must_all_be_there(tmp_path):
    told_of = incident(tmp_path)
    settings, calls = dict(seen.SETTINGS), set(seen.CALLS)
    object.__setattr__(told_of.world, "open_app", lambda: SimpleNamespace(
        config=lambda: settings, documented_calls=lambda: calls
    ))  # fmt: skip
    assert seen.tells_settings(told_of).holds
    assert seen.documents_calls(told_of).holds

    settings["otp_timeout_ms"] = 4000
    calls -= {("GET", "/health")}
    assert not seen.tells_settings(told_of).holds
    assert seen.documents_calls(told_of).seen == "missing: GET /health"

    settings.clear()
    calls.clear()
    assert not seen.tells_settings(told_of).holds
    assert not seen.documents_calls(told_of).holds
