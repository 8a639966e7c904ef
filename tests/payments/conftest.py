"""A gateway's services as plain processes, and the suite's own clients of them: no cluster."""

from __future__ import annotations

import secrets
from collections.abc import Iterator

import pytest

from fixtures.apis.otp_gateway import PaymentApp
from fixtures.customers import Card, new_customer
from fixtures.databases.payments import PaymentBook
from fixtures.stack.profile import Capability
from tests.otp_reference.conftest import Start, backend, folder, hosts, mongodb, page
from tests.otp_reference.gateway import DEADLINE

__all__ = ["backend", "folder", "hosts", "mongodb", "page"]

RECORDS = Capability("payment_records", service="payment-mongodb", port=27017, database="payment_db")


@pytest.fixture
def card() -> Card:
    """A card of this test."""
    return new_customer("Ada", "run").card


@pytest.fixture
def holder() -> str:
    """A name that no other test's customers have."""
    return f"Ada {secrets.token_hex(4)}"


@pytest.fixture
def app(backend: Start) -> PaymentApp:
    """A customer's app at the corrected gateway."""
    return PaymentApp(backend().url, DEADLINE)


@pytest.fixture(scope="session")
def book(mongodb: str) -> Iterator[PaymentBook]:
    """What the gateways have written down."""
    host = mongodb.removeprefix("mongodb://").partition(":")[0]
    opened = PaymentBook(RECORDS, lambda _, port: (host, port))
    yield opened
    opened.close()
