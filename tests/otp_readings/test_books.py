"""What the books hold of crowds: everybody once, as they were told, and logged as often as it is claimed."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace

import pytest

from fixtures.enactment.otp_gateway.crowd import by_number
from fixtures.enactment.otp_gateway.readings import crowds as seen
from fixtures.enactment.readings import NoControl
from fixtures.load.result import End
from tests.otp_readings.made_up import (
    BEGAN,
    REFUSED,
    Book,
    alike,
    crowd,
    dropped,
    entries,
    incident,
    payment,
    sample,
)


def test_payments_are_told_apart_by_the_number_on_the_card():
    first, again, other = payment(3), payment(3, mark="again"), payment(12)

    assert by_number((first, other, again)) == {3: (first, again), 12: (other,)}


@pytest.mark.parametrize(
    ("told_of", "in_books", "wrong"),
    [
        (sample(0), [payment(0)], []),
        (sample(0), [], ["0 got a code, in the books: none"]),
        (sample(0), [payment(0), payment(0, mark="again")], ["0 got a code, in the books: otp_sent; otp_sent"]),
        (sample(0), [payment(0, "awaiting_otp")], ["0 got a code, in the books: awaiting_otp"]),
        (sample(0), [payment(0, "completed")], ["0 got a code, in the books: completed"]),
        (sample(0, REFUSED), [payment(0, "awaiting_otp")], []),
        (sample(0, REFUSED), [], ["0 got none, in the books: none"]),
        (sample(0, REFUSED), [payment(0)], ["0 got none, in the books: otp_sent"]),
        (sample(0, REFUSED), [payment(0, "completed")], ["0 got none, in the books: completed"]),
        (sample(0, end=End.TIMEOUT), [], []),
        (sample(0, end=End.TIMEOUT), [payment(0)], []),
        (sample(0, end=End.TRANSPORT), [payment(0, "pending")], []),
        (
            sample(0, end=End.TIMEOUT),
            [payment(0), payment(0, mark="again")],
            ["0: client timeout, in the books: otp_sent; otp_sent"],
        ),
        (dropped(0), [], []),
        (dropped(0), [payment(0)], ["0: dropped, in the books: otp_sent"]),
        (sample(0), [payment(0), payment(7)], ["7 never came, in the books: p0007 otp_sent, card ending 4242"]),
    ],
)
def test_whoever_the_books_tell_otherwise_is_named(told_of, in_books, wrong):
    assert seen.differing(crowd([told_of], in_books)) == wrong


def test_books_about_nobody_are_no_proof(tmp_path):
    nobody = crowd([sample(0, end=End.TIMEOUT)])
    with pytest.raises(NoControl, match="nobody was answered"):
        seen.in_books_once(incident(tmp_path, nobody))
    with pytest.raises(NoControl, match="no payment"):
        seen.none_completed(incident(tmp_path, nobody))

    assert seen.in_books_once(incident(tmp_path, alike(5), alike(10, REFUSED))).seen == "so for all 15 answered"
    assert not seen.in_books_once(incident(tmp_path, alike(5), alike(10, REFUSED, payments=[]))).holds


def test_who_got_no_code_must_not_have_paid_later(tmp_path):
    refused = alike(2, REFUSED)
    later = Book(payment(0, "awaiting_otp"), payment(1, "completed"))

    assert not seen.none_completed(incident(tmp_path, refused, book=later)).holds
    unpaid = seen.none_completed(incident(tmp_path, refused, book=Book(payment(0, "awaiting_otp"))))
    assert (unpaid.holds, unpaid.seen) == (True, "none of 1, 2 of them refused")


BOTH = ("created", "status_changed")


@pytest.mark.parametrize(
    ("of_logged", "of_before", "holds"),
    [
        (BOTH, (), True),
        (BOTH[:1], (), False),
        ((), (), False),
        ((*BOTH, BOTH[1]), (), False),
        (BOTH[::-1], (), False),
        (BOTH, ("created",), False),
    ],
)
def test_two_entries_are_two_in_order_and_none_before(tmp_path, of_logged, of_before, holds):
    told_of = with_one_before(incident(
        tmp_path, alike(1), book=Book(entries=[*entries("p0000", *of_logged), *entries("before", *of_before)])
    ))  # fmt: skip

    assert seen.two_entries(told_of).holds is holds


def test_entries_of_nobody_prove_nothing(tmp_path):
    assert not seen.two_entries(with_one_before(incident(tmp_path, alike(1, payments=[])))).holds
    assert not seen.two_entries(incident(tmp_path, alike(1), book=Book(entries=entries("p0000", *BOTH)))).holds
    assert not seen.before_and_after(incident(tmp_path, alike(1, payments=[]))).holds


@pytest.mark.parametrize(("first", "committed", "holds"), [(-0.1, 0, True), (0.1, 0, False), (-0.5, 0, False)])
def test_the_change_stands_between_the_entries(tmp_path, first, committed, holds):
    book = Book(entries=entries("p0000", *BOTH, first=first))
    paid = [payment(0, committed=BEGAN + timedelta(seconds=committed))]

    assert seen.before_and_after(incident(tmp_path, alike(1, payments=paid), book=book)).holds is holds
    never = alike(1, payments=[payment(0, committed=None)])
    assert not seen.before_and_after(incident(tmp_path, never, book=book)).holds


def with_one_before(told_of):
    """Somebody had paid before the change."""
    paid = SimpleNamespace(at=BEGAN, payment=replace(payment(0), id="before"))
    told_of.payers["Ada"] = SimpleNamespace(asked=[paid])
    told_of.times.asked = BEGAN + timedelta(seconds=1)
    return told_of
