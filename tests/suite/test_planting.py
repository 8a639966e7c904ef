"""Planted records are added where that is permitted, believed when a service tells of them, and gone afterwards."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from types import SimpleNamespace

import pytest

from fixtures.faults.fault import Fault
from fixtures.faults.planting import PlantedCode, PlantedOrders
from judging.findings import NotRestored, NotWitnessed
from judging.refusal import Refusal
from tests.suite.one_deployment import caused, watched

NOW = datetime(2026, 1, 1, tzinfo=UTC)


class Codes:
    """A book with one customer's code in it; `lost`: the answer to a write never arrives."""

    def __init__(self, lost: bool = False, keeps: bool = False) -> None:
        theirs = SimpleNamespace(id="theirs", payment="p-1", code="999999")
        self.held, self.lost, self.keeps = {"theirs": theirs}, lost, keeps

    def sessions(self, payment_id: str) -> tuple[SimpleNamespace, ...]:
        return tuple(each for each in self.held.values() if each.payment == payment_id)

    def plant_session(self, payment_id: str, code: str, created: datetime, expires: datetime, run: str) -> str:
        planted = SimpleNamespace(id="ours", payment=payment_id, code=code, created=created, expires=expires, run=run)
        self.held["ours"] = planted
        if self.lost:
            raise ConnectionError("the answer is lost")
        return "ours"

    def remove_sessions(self, ids: list[str]) -> int:
        return 0 if self.keeps else len([self.held.pop(each) for each in ids])

    def code_of(self, session: str) -> str:
        return f"the gateway tells of {session}" if session in self.held else ""


class Orders:
    """An order book with one order of the customer's in it."""

    def __init__(self, keeps: bool = False) -> None:
        self.held, self.keeps = {"theirs": ""}, keeps

    def plant(self, documents: list[dict]) -> None:
        self.held |= {str(each["_id"]): str(each.get("status") or "") for each in documents}

    def of_customer(self, customer_id: str) -> tuple[SimpleNamespace, ...]:
        return tuple(SimpleNamespace(id=each) for each in self.held)

    def remove(self, identifiers: list[str]) -> int:
        return 0 if self.keeps else len([self.held.pop(each) for each in identifiers])


def permitted() -> None:
    """Anything may be done."""


def forbidden() -> None:
    raise Refusal("E-NOT-OPTED-IN", "it may not be broken", "say that it may", 6)


def code(
    book: Codes, allowed: Callable[[], None] = permitted, told: Callable[[str], str] | None = None
) -> PlantedCode:  # fmt: skip
    expired = NOW + timedelta(minutes=2)
    return PlantedCode(book, "p-1", "123456", NOW, expired, "run-1", allowed, told or book.code_of)


def orders(
    book: Orders, allowed: Callable[[], None] = permitted, told: Callable[[str], str] | None = None
) -> PlantedOrders:  # fmt: skip
    states = {"PAID": True, "CANCELLED": False, "": False}
    return PlantedOrders(book, "c-1", states, "run-1", allowed, told or book.held.__getitem__)


EACH = pytest.mark.parametrize(("book", "plant"), [(Codes, code), (Orders, orders)], ids=["a code", "orders"])


def test_a_code_is_there_as_it_was_asked_for_and_then_gone():
    book = Codes()
    fault = code(book)
    faults, noted = caused(fault)
    planted = book.held[fault.session]

    assert (planted.payment, planted.code, planted.run) == ("p-1", "123456", "run-1")
    assert (planted.created, planted.expires) == (NOW, NOW + timedelta(minutes=2))
    faults.end("planted code")
    assert set(book.held) == {"theirs"}
    assert noted == ["planned", "applied", "witnessed", "undone", "undo_witnessed"]


def test_orders_are_there_in_every_state_and_then_gone():
    book = Orders()
    faults, noted = caused(orders(book))

    assert sorted(book.held.values()) == ["", "", "CANCELLED", "PAID"]
    faults.end("planted orders")
    assert set(book.held) == {"theirs"}
    assert noted == ["planned", "applied", "witnessed", "undone", "undo_witnessed"]


@EACH
def test_where_it_is_not_permitted_nothing_is_planted(book: type, plant: Callable[..., Fault]):
    held, noted = book(), []
    faults = watched(noted)

    with pytest.raises(Refusal, match="may not be broken"):
        faults.cause(plant(held, forbidden))
    faults.end_all()

    assert set(held.held) == {"theirs"}
    assert noted == ["planned", "undone", "undo_witnessed"]


@EACH
def test_what_no_service_tells_of_is_not_believed_and_removed(book: type, plant: Callable[..., Fault]):
    held = book()
    faults = watched([])

    with pytest.raises(NotWitnessed, match="does not tell"):
        faults.cause(plant(held, told=lambda identifier: ""))
    faults.end_all()

    assert set(held.held) == {"theirs"}


@EACH
def test_what_cannot_be_removed_is_told(book: type, plant: Callable[..., Fault]):
    faults, noted = caused(plant(book(keeps=True)))

    with pytest.raises(NotRestored, match="still there"):
        faults.end_all()

    assert noted[-1] == "failed"


def test_a_code_whose_identifier_was_never_told_is_removed_and_nobody_elses():
    book = Codes(lost=True)
    faults = watched([])

    with pytest.raises(ConnectionError):
        faults.cause(code(book))
    assert "ours" in book.held
    book.held["other"] = SimpleNamespace(id="other", payment="p-1", code="777777")
    faults.end_all()

    assert set(book.held) == {"theirs", "other"}


def test_a_code_that_was_there_before_stays_even_if_it_is_the_same():
    book = Codes(lost=True)
    book.held["theirs"].code = "123456"
    faults = watched([])

    with pytest.raises(ConnectionError):
        faults.cause(code(book))
    faults.end_all()

    assert set(book.held) == {"theirs"}


def test_what_somebody_else_removed_is_fine():
    book = Codes()
    faults, noted = caused(code(book))
    del book.held["ours"]

    faults.end_all()

    assert noted[-1] == "undo_witnessed"
