"""Who pays keeps card, code and session to themselves, and tries nothing where there is nothing to be tried."""

from __future__ import annotations

import json
import re
from datetime import timedelta
from types import SimpleNamespace

import pytest

from fixtures.enactment.otp_gateway.payer import NoCode
from fixtures.enactment.otp_gateway.readings import paying as seen
from fixtures.payment_records import CodeSession, Initiated, Verified
from fixtures.records import Exchange
from judging.findings import Unsupported
from tests.otp_readings.made_up import BEGAN, Book, incident, payment

CODE, SESSION, KEPT_CODE, KEPT_SESSION = "271828", "5e5510n-a", "314159", "5e5510n-b"


class KeptCodes(Book):
    """Books that also hold one code, with another session than the gateway tells."""

    def __init__(self, *codes: str) -> None:
        super().__init__(payment(0))
        self._codes = codes

    def sessions(self, identifier: str) -> tuple[CodeSession, ...]:
        later = BEGAN + timedelta(minutes=2)
        return tuple(CodeSession(KEPT_SESSION, identifier, code, BEGAN, later, False, False) for code in self._codes)


class App:
    """Hands out what it is told to, and notes what is tried."""

    def __init__(self, code: str | None) -> None:
        self._code, self.tried = code, list[tuple[str, str]]()

    def pay(self, card, holder):
        exchange = Exchange("POST", "/payment/initiate", 200, 0.1, "{}")
        return Initiated(True, "sent", SESSION, self._code, payment(0).id, exchange)

    def verify(self, session, code):
        self.tried.append((session, code))
        return Verified(True, "completed", seen.VERIFIED, Exchange("POST", "/payment/verify-otp", 200, 0.1, "{}"))


@pytest.fixture
def ada(tmp_path):
    """Makes Ada, who has paid by her app; it shows her a code or not, and the books hold codes or are not shown."""

    def make(code: str | None, book: Book | None):
        told_of = incident(tmp_path, book=book, lacking=[] if book else ["payment_records"])
        told_of.world.recorder.write_for(SimpleNamespace(observe=lambda *_, **__: None))
        app = App(code)
        object.__setattr__(told_of.world, "open_app", lambda: app)
        payer = told_of.payer("Ada")
        payer.pays_by_app()
        return told_of, payer, app

    return make


def test_nothing_that_is_said_of_a_payer_tells_a_secret(ada):
    told_of, payer, _ = ada(CODE, KeptCodes(KEPT_CODE))
    payer.enters_as_told()
    payer.enters_twice()
    said = repr([payer, payer.card, payer.asked, payer.entered, told_of, told_of.world.book.sessions("p")])
    said += "".join(map(str, [*payer.asked, *payer.entered, *told_of.world.book.sessions("p")]))

    for secret in (payer.card.number, CODE, SESSION, KEPT_CODE, KEPT_SESSION):
        assert secret not in said
    assert not re.search(rf"(?<![\w.]){payer.card.ccv}(?![\w.])", said), "three digits are in many an address"


def test_whatever_the_gateway_leaks_of_a_payer_is_taken_out_of_all_that_is_kept(ada):
    told_of, payer, _ = ada(CODE, KeptCodes(KEPT_CODE))
    payer.enters_twice()
    card, redaction = payer.card, told_of.world.redaction
    leaked = redaction.text(f"<b>{card.number}</b> {CODE} {SESSION} {KEPT_SESSION}")
    named = json.dumps(redaction.data({"note": card.number, "cvv": card.ccv, "otp": KEPT_CODE}), ensure_ascii=False)

    assert leaked.count("«redacted") == 4
    assert named.count("«redacted") == 3


def test_a_code_that_is_shown_is_tried_as_it_was_told(ada):
    _, payer, app = ada(CODE, None)
    payer.enters_as_told()

    assert app.tried == [(SESSION, CODE)]
    assert [each.message for each in payer.attempts(1)] == [seen.VERIFIED]


def test_a_code_that_is_not_shown_comes_from_the_books(ada):
    told_of, payer, app = ada(None, KeptCodes(KEPT_CODE))
    payer.enters_as_told()
    payer.enters_wrong_then_right()

    assert app.tried == [(SESSION, KEPT_CODE), (KEPT_SESSION, "314160"), (KEPT_SESSION, KEPT_CODE)]
    assert len(payer.attempts(2)) == 2
    assert seen.got_code(told_of, "Ada").holds


@pytest.mark.parametrize("enters", ["enters_as_told", "enters_twice", "enters_wrong_then_right"])
def test_where_codes_are_neither_shown_nor_kept_nothing_is_tried_and_it_is_unsupported(ada, enters):
    told_of, payer, app = ada(None, None)
    getattr(payer, enters)()

    assert app.tried == []
    for asked in (lambda: payer.attempts(1), lambda: seen.got_code(told_of, "Ada")):
        with pytest.raises(Unsupported, match="payment_records"):
            asked()


def test_books_that_hold_no_code_are_no_lack_of_the_stack(ada):
    told_of, payer, app = ada(None, KeptCodes())
    payer.enters_twice()

    assert app.tried == []
    with pytest.raises(NoCode):
        payer.attempts(2)
    with pytest.raises(NoCode):
        seen.got_code(told_of, "Ada")
