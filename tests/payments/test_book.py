"""The payment database is read as the gateway writes it, and codes are planted and removed in it."""

from __future__ import annotations

import socket
import time
from datetime import UTC, datetime, timedelta

import pytest

from fixtures.apis.otp_gateway import PaymentApp
from fixtures.customers import Card
from fixtures.databases.payments import PaymentBook
from fixtures.payment_records import Initiated
from tests.otp_reference.conftest import Start
from tests.otp_reference.gateway import DEADLINE
from tests.payments.conftest import RECORDS

SOON = timedelta(seconds=20)


def paid(app: PaymentApp, card: Card, holder: str) -> tuple[Initiated, str]:
    asked = app.pay(card, holder)
    assert asked.payment
    return asked, asked.payment


def test_a_payment_is_followed_to_its_end(app: PaymentApp, book: PaymentBook, card: Card, holder: str) -> None:
    asked, identifier = paid(app, card, holder)
    begun = book.payment(identifier)
    app.verify(asked.session or "", asked.code or "")
    done = book.payment(identifier)

    assert begun
    assert done
    assert (begun.status, done.status) == ("otp_sent", "completed")
    assert (begun.last_four, begun.holder) == (card.number[-4:], holder)
    assert begun.committed
    assert begun.created <= begun.committed
    assert abs(datetime.now(UTC) - begun.created) < SOON
    assert book.payment("another") is None
    assert card.number not in f"{begun} {begun!r}"


def test_a_code_is_kept_for_two_minutes_and_its_use_is_noted(
    app: PaymentApp, book: PaymentBook, card: Card, holder: str
) -> None:
    asked, identifier = paid(app, card, holder)
    [fresh] = book.sessions(identifier)
    app.verify(asked.session or "", "wrong")
    [burnt] = book.sessions(identifier)

    assert (fresh.id, fresh.code, fresh.payment) == (asked.session, asked.code, identifier)
    assert fresh.expires - fresh.created == timedelta(minutes=2)
    assert ((fresh.verified, fresh.failed), (burnt.verified, burnt.failed)) == ((False, False), (True, True))
    assert fresh.code not in f"{fresh} {fresh!r}".replace(identifier, "")
    assert fresh.id not in f"{fresh} {fresh!r}"
    assert str(burnt) == f"a code for {identifier[:8]}, failed, good for 120 s"


def test_customers_are_told_apart_by_the_beginning_of_their_names(
    app: PaymentApp, book: PaymentBook, card: Card, holder: str
) -> None:
    asked = [paid(app, card, f"{holder.upper()} {number}")[1] for number in range(3)]
    paid(app, card, f"not {holder}")
    before = book.size()
    paid(app, card, "somebody (else) + more")

    assert [each.id for each in book.payments_of(holder)] == asked
    assert book.payments_of("somebody (else) + m")
    assert book.payments_of(f"{holder} .*") == ()
    assert book.size() == before + 1


def test_audit_entries_are_there_only_where_the_change_is_deployed(
    app: PaymentApp, backend: Start, book: PaymentBook, card: Card, holder: str
) -> None:
    _, plain = paid(app, card, holder)
    _, audited = paid(PaymentApp(backend(DATABASE_MODULE="audit").url, DEADLINE), card, holder)
    entries = book.audit([plain, audited])

    assert [(entry.payment, entry.action) for entry in entries] == [
        (audited, "created"),
        (audited, "status_changed"),
    ]
    assert entries[0].at < entries[1].at


def test_card_data_that_is_stored_is_found(
    app: PaymentApp, backend: Start, book: PaymentBook, card: Card, holder: str
) -> None:
    _, clean = paid(app, card, holder)
    _, dirty = paid(PaymentApp(backend("card_stored").url, DEADLINE), card, holder)

    assert card.number not in book.everything_about([clean])
    assert card.number[-4:] in book.everything_about([clean])
    assert card.number in book.everything_about([clean, dirty])
    assert f'"cvv": "{card.ccv}"' in book.everything_about([dirty])
    assert '"otp_sessions"' in book.everything_about([clean])
    assert book.everything_about(["another"]) == "{}"


def test_a_planted_code_expires_and_goes_again(app: PaymentApp, book: PaymentBook, card: Card, holder: str) -> None:
    asked, identifier = paid(app, card, holder)
    now = datetime.now(UTC)
    late = book.plant_session(identifier, "123456", now - timedelta(minutes=3), now - timedelta(minutes=1), "run")
    good = book.plant_session(identifier, "654321", now, now + timedelta(minutes=2), "run")

    assert app.verify(late, "123456").message == "OTP has expired"
    assert app.verify(good, "654321").success
    assert {late, good} < {each.id for each in book.sessions(identifier)}
    assert book.remove_sessions([late, good, "another"]) == 2
    assert [each.id for each in book.sessions(identifier)] == [asked.session], "the gateway's own stays"


def test_a_database_that_is_away_is_an_end_in_time(backend: Start) -> None:
    with socket.create_server(("127.0.0.1", 0)) as server:
        port = server.getsockname()[1]
    book = PaymentBook(RECORDS, lambda *_: ("127.0.0.1", port))
    began = time.monotonic()
    with pytest.raises(ConnectionError, match="the payment database does not answer: ServerSelectionTimeoutError"):
        book.payments_of("ada")
    assert time.monotonic() - began < 10
    book.close()
