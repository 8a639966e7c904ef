"""What each variant and each way of writing does when customers come together, by the backend's own marks."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from itertools import pairwise
from statistics import median
from typing import Any

import pytest
import requests

from tests.otp_reference.conftest import Start
from tests.otp_reference.gateway import REFUSED, Backend, Mark

LATE = 60.0  # ms: what a busy machine may add to a write
AUDIT = {"DATABASE_MODULE": "audit"}
DOCUMENTED, FAITHFUL = ("deadline_from_arrival",), ("one_at_a_time", "session_not_stored")


def formula(customers: int) -> float:
    """Milliseconds that a write takes with the audit, as the document reckons."""
    return 250 + 50 * customers


def not_held_up(gateway: Backend, customers: int) -> tuple[list[dict[str, Any]], list[Mark]]:
    """What so many who paid at once were answered, and their marks: of three crowds one that was not held up."""
    for _ in range(3):
        answers = gateway.pay_at_once(customers)
        marks = gateway.marks(answers)
        if median(mark.ms for mark in marks) < formula(customers) + LATE:
            break
    return answers, marks


@pytest.mark.parametrize(("customers", "served"), [(1, True), (3, None), (5, False), (10, False), (40, False)])
def test_documented_with_audit_follows_the_documents_table(backend: Start, customers: int, served: bool | None):
    gateway = backend(*DOCUMENTED, **AUDIT)
    answers, marks = not_held_up(gateway, customers)
    assert {mark.at_once for mark in marks} == {customers}
    assert max(mark.began for mark in marks) < min(mark.ended for mark in marks)
    assert min(mark.ms for mark in marks) >= formula(customers)
    assert median(mark.ms for mark in marks) < formula(customers) + LATE
    if served is not None:
        assert {answer["success"] for answer in answers} == {served}
    for answer in answers:
        told = [answer[key] for key in ("message", "session_id", "otp")]
        assert answer["success"] or told == [REFUSED, None, None]
        assert gateway.payment(answer)["status"] == ("otp_sent" if answer["success"] else "awaiting_otp")


@pytest.mark.parametrize("customers", [1, 10])
def test_fixed_with_audit_is_as_slow_and_serves_everybody(backend: Start, customers: int):
    gateway = backend(**AUDIT)
    answers = gateway.pay_at_once(customers)
    assert all(answer["success"] for answer in answers)
    assert {mark.at_once for mark in gateway.marks(answers)} == {customers}
    assert min(mark.ms for mark in gateway.marks(answers)) >= formula(customers)
    assert gateway.verify(answers[0]["session_id"], answers[0]["otp"])["success"]


def test_faithful_with_audit_serves_everybody_one_after_the_other_and_nothing_meanwhile(backend: Start):
    gateway = backend(*FAITHFUL, **AUDIT)
    with ThreadPoolExecutor(1) as pool:
        crowd = pool.submit(gateway.pay_at_once, 6)
        waited = requests.get(f"{gateway.url}/health", timeout=20).elapsed.total_seconds()
        while not crowd.done():
            waited = max(waited, requests.get(f"{gateway.url}/health", timeout=20).elapsed.total_seconds())
    answers = crowd.result()
    marks = sorted(gateway.marks(answers), key=lambda mark: mark.began)
    assert all(answer["success"] for answer in answers)
    assert {mark.at_once for mark in marks} == {1}
    assert all(earlier.ended <= later.began for earlier, later in pairwise(marks))
    assert min(mark.ms for mark in marks) >= formula(1)
    assert waited > 0.25


@pytest.mark.parametrize("variant", [(), DOCUMENTED, FAITHFUL])
def test_the_original_serves_everybody_quickly(backend: Start, variant: tuple[str, ...]):
    gateway = backend(*variant)
    answers = gateway.pay_at_once(3)
    assert all(answer["success"] for answer in answers)
    alone = [gateway.pay() for _ in range(5)]
    assert 17 < min(mark.ms for mark in gateway.marks(alone)) < 17.25 + LATE
    assert gateway.database.audit_logs.count_documents({"payment_id": alone[0]["payment_id"]}) == 0


def test_the_audit_makes_an_entry_before_and_one_after_the_status_changes(backend: Start):
    gateway = backend(**AUDIT)
    told = gateway.pay()
    entries = list(gateway.database.audit_logs.find({"payment_id": told["payment_id"]}).sort("timestamp"))
    assert [entry["action"] for entry in entries] == ["created", "status_changed"]
    assert set(entries[0]) == {"_id", "payment_id", "action", "timestamp"}
    changed = gateway.payment(told)["committed_at"]
    assert entries[0]["timestamp"] <= changed <= entries[1]["timestamp"]


def test_a_refused_password_leaves_no_error_in_the_log_and_health_answers(backend: Start):
    gateway = backend(*DOCUMENTED, **AUDIT)
    before = len(gateway.log.read_text())
    assert not any(answer["success"] for answer in gateway.pay_at_once(5))
    assert requests.get(f"{gateway.url}/health", timeout=5).json()["status"] == "healthy"
    added = gateway.log.read_text()[before:].splitlines()
    assert added
    assert all(line.startswith("INFO:") for line in added)
    assert not any("4111" in line for line in added)
