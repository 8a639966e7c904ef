"""The payment page is read in every variant: corrected, as shipped, with its backend away, and in other builds."""

from __future__ import annotations

import base64
import json
import socket
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest

from fixtures.browser.driver import Chromium, Window
from fixtures.browser.pages.payment import PaymentPage
from fixtures.customers import Card, new_customer
from tests.otp_reference.conftest import Start, StartPage, backend, folder, hosts, mongodb, page
from tests.otp_reference.gateway import REFUSED
from tests.pages.conftest import DEADLINE
from tests.pages.test_browser import COVER, SHADES

__all__ = ["backend", "folder", "hosts", "mongodb", "page"]

EMPTY = dict.fromkeys(("card number", "holder", "expiry", "CVV"), "empty")
FILLED = dict.fromkeys(EMPTY, "filled")
CARD: Card = new_customer("Ada", "run").card
NETWORK = "Network error. Please check if the server is running."
KEYS = "window.keys = 0; document.addEventListener('keydown', event => { window.keys += event.isTrusted }, true)"
# Builds that the reference is not: the browser's own checks; a message that stays while the next answer is awaited.
OTHER = """<!doctype html><title>Payment Gateway - Demo</title><div id="root"><h1>Payment Gateway</h1><form CHECKS>
  <input id="cardNumber" required><input id="holderName"><input id="expiry"><input id="cvv" type="password">
  <p class="error-text">FIRST</p><button class="btn-primary" type="submit">Pay Now</button></form></div><script>
  const form = document.querySelector('form'), message = document.querySelector('.error-text'); let asked = 0;
  form.onsubmit = event => { event.preventDefault(); const button = form.querySelector('button'); asked += 1;
    button.disabled = BUSY; setTimeout(() => { button.disabled = false; message.textContent = MESSAGE }, 300) }
  </script>"""

Visit = Callable[[str], PaymentPage]


@pytest.fixture
def visit(window: Window) -> Visit:
    """Somebody who opens a payment page."""
    return lambda url: PaymentPage(window.page, url, DEADLINE).open()


@pytest.fixture
def other_build(window: Window) -> Callable[..., PaymentPage]:
    """A page of another build, with a backend that refuses."""

    def opened(**words: str) -> PaymentPage:
        text = OTHER
        for word, by in ({"CHECKS": "novalidate", "BUSY": "true", "FIRST": "No.", "MESSAGE": "'No.'"} | words).items():
            text = text.replace(word, by)
        window.page.route("**/*", lambda route: route.fulfill(body=text, content_type="text/html"))
        return PaymentPage(window.page, "http://127.0.0.1:9", DEADLINE).open()

    return opened


@pytest.fixture
def silent() -> Iterator[str]:
    """The address of a backend that takes connections and says nothing."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield f"http://127.0.0.1:{server.getsockname()[1]}"


def fill(payment: PaymentPage, **changes: str) -> PaymentPage:
    card = {"number": CARD.number, "holder": "Ada Fern", "expires": CARD.expires, "cvv": CARD.ccv}
    return payment.fill(**card | changes)


def wrong(code: str | None) -> str:
    return "000000" if code != "000000" else "000001"


def test_a_card_and_its_code_lead_to_the_end_and_back_to_an_empty_form(
    visit: Visit, backend: Start, page: StartPage
) -> None:
    payment = visit(page(backend().url).url)
    assert payment.fields() == EMPTY
    assert fill(payment).fields() == FILLED
    form = payment.pay()
    assert (form.state, form.message, form.busy, form.page_errors) == ("code form", "", True, ())
    assert form.buttons == ("Verify OTP →", "← Back to Card Details")
    done = payment.enter(payment.shown_code() or "")

    assert (done.state, done.title, done.message) == ("end", "Payment Successful!", "Payment verified successfully")
    assert (done.buttons, done.busy) == (("Make Another Payment",), True)
    assert 0 < done.seconds < DEADLINE
    assert payment.again().state == "card form"
    assert payment.fields() == EMPTY
    assert payment.shown_code() is None


def test_a_wrong_code_and_the_way_back(visit: Visit, backend: Start, page: StartPage) -> None:
    payment = visit(page(backend().url).url)
    fill(payment).pay()
    assert payment.back().state == "card form"
    assert payment.fields() == EMPTY
    fill(payment).pay()
    assert payment.enter("12").state == "code form", "two digits are no code"
    failed = payment.enter(wrong(payment.shown_code()))

    assert (failed.state, failed.title, failed.message) == ("end", "Payment Failed", "Invalid OTP")
    assert failed.buttons == ("Try Again",)
    assert payment.again().state == "card form"


def test_what_is_typed_is_typed_key_by_key(visit: Visit, backend: Start, page: StartPage, window: Window) -> None:
    window.page.add_init_script(KEYS)
    payment = visit(page(backend().url).url)
    fill(payment, number="4" * 13)
    fill(payment)
    keys, number = window.page.evaluate("window.keys"), window.page.input_value("#cardNumber")
    answer = payment.pay()

    assert keys > 2 * (13 + len("Ada Fern") + 5 + 3)
    assert number.replace(" ", "") == CARD.number, "what was there before is gone"
    assert answer.state == "code form"


def test_a_refused_form_says_why_and_says_it_again(visit: Visit, backend: Start, page: StartPage) -> None:
    payment = visit(page(backend().url).url)
    first = fill(payment, cvv="1").pay()
    again = payment.pay()
    other = fill(payment, expires="1345").pay()

    assert (first.state, first.message, first.page_errors) == ("card form", "CVV must be 3-4 digits", ())
    assert (again.message, again.busy, payment.fields()) == (first.message, True, FILLED)
    assert other.message == "Month must be between 01 and 12"
    assert first.buttons == ("Pay Now →",)
    assert fill(payment).pay().state == "code form"


def test_a_page_that_goes_blank_is_an_outcome(visit: Visit, backend: Start, page: StartPage) -> None:
    payment = visit(page(backend().url, "blank_page_on_422").url)
    blank = fill(payment, cvv="1").pay()
    later = payment.pay()

    assert (blank.state, blank.title, blank.message, blank.buttons) == ("blank", "", "", ())
    assert len(blank.page_errors) == 1
    assert "objects" in blank.page_errors[0]
    assert blank.seconds < DEADLINE
    assert (later.state, payment.back().state, payment.again().state) == ("blank", "blank", "blank")
    assert payment.enter("123456").state == "blank"
    assert payment.fields() == dict.fromkeys(EMPTY, "missing")
    assert payment.open().look().page_errors == ()
    assert fill(payment).pay().state == "code form"


@pytest.mark.parametrize("errors", [("too late",), ()], ids=["with an error afterwards", "without one"])
def test_why_a_page_went_blank_may_come_late_or_never(
    other_build: Callable[..., PaymentPage], errors: tuple[str, ...]
) -> None:
    late = "".join(f"setTimeout(() => {{ throw new Error('{error}') }}, 300), " for error in errors)
    payment = fill(other_build(MESSAGE=f"({late}document.querySelector('#root').replaceChildren(), '')"))
    blank = payment.pay()

    assert (blank.state, blank.page_errors) == ("blank", errors)
    assert blank.seconds < DEADLINE / 2


def test_a_session_that_was_not_stored_fails(visit: Visit, backend: Start, page: StartPage) -> None:
    payment = visit(page(backend("session_not_stored").url).url)
    fill(payment).pay()
    failed = payment.enter(payment.shown_code() or "")

    assert (failed.state, failed.title, failed.message) == ("end", "Payment Failed", "Invalid or expired session")


def test_a_code_that_could_not_be_had_is_told(visit: Visit, backend: Start, page: StartPage) -> None:
    gateway = backend("deadline_from_arrival", DATABASE_MODULE="audit")
    payment = fill(visit(page(gateway.url).url))
    with ThreadPoolExecutor(1) as pool:
        crowd = pool.submit(gateway.pay_at_once, 12)
        told = payment.pay()
    assert not any(answer["success"] for answer in crowd.result())
    assert (told.state, told.message, told.busy, payment.fields()) == ("card form", REFUSED, True, FILLED)
    assert str(told) == f"card form, told: {REFUSED}"


def test_a_backend_that_is_away_is_told_in_both_forms(
    visit: Visit, backend: Start, page: StartPage, window: Window
) -> None:
    away = fill(visit(page("http://127.0.0.1:9").url)).pay()
    payment = fill(visit(page(backend().url).url))
    payment.pay()
    code = payment.shown_code() or ""
    window.page.route("**/payment/**", lambda route: route.abort())
    lost = payment.enter(code)
    window.page.unroute("**/payment/**")
    done = payment.enter(code)

    assert (away.state, away.message) == ("card form", NETWORK)
    assert (lost.state, lost.message) == ("code form", NETWORK)
    assert (done.state, done.title) == ("end", "Payment Successful!")


def test_without_demo_mode_no_code_is_shown(visit: Visit, backend: Start, page: StartPage) -> None:
    payment = fill(visit(page(backend(DEMO_MODE="off").url).url))

    assert payment.pay().state == "code form"
    assert payment.shown_code() is None


def test_a_backend_that_says_nothing_is_no_end_of_waiting(window: Window, page: StartPage, silent: str) -> None:
    payment = fill(PaymentPage(window.page, page(silent).url, 1.0).open())
    left = payment.pay()

    assert (left.state, left.message, left.busy) == ("card form", "", True)
    assert 1 <= left.seconds < 3
    assert str(left) == "card form, told nothing"


def test_the_browser_s_own_check_is_a_message(other_build: Callable[..., PaymentPage]) -> None:
    payment = other_build(CHECKS="", FIRST="")
    refused = payment.pay()

    assert refused.state == "card form"
    assert "fill" in refused.message.lower()
    assert refused.seconds < DEADLINE / 2
    assert fill(payment).pay().message == "No."


@pytest.mark.parametrize(
    "words",
    [{}, {"BUSY": "false", "MESSAGE": "`No, ${asked} times.`"}],
    ids=["the same message while busy", "another message, never busy"],
)
def test_a_message_that_was_there_before_is_not_taken_for_the_answer(
    other_build: Callable[..., PaymentPage], words: dict[str, str]
) -> None:
    payment = fill(other_build(**words))
    answers = [payment.pay(), payment.pay()]

    assert [each.message for each in answers] == (["No, 1 times.", "No, 2 times."] if words else ["No."] * 2)
    assert {each.busy for each in answers} == {not words}
    assert all(0.25 < each.seconds < DEADLINE / 2 for each in answers)


def test_neither_card_nor_code_is_in_any_picture(
    visit: Visit, backend: Start, page: StartPage, window: Window, browser: Chromium
) -> None:
    viewer = browser.window()

    def shades(place: str) -> set[int]:
        picture = base64.b64encode(window.picture()).decode()
        return set(viewer.page.evaluate(SHADES, [picture, window.page.locator(place).first.bounding_box()]))

    payment = visit(page(backend().url).url)
    fill(payment)
    seen = {place: shades(place) for place in ("#cardNumber", "#expiry", "#cvv", ".card-number-preview")}
    name = shades("#holderName")
    payment.pay()
    window.page.locator(".otp-input-single").first.press((payment.shown_code() or "")[0])
    seen |= {place: shades(place) for place in (".otp-display .code", ".otp-input-single")}
    viewer.close()

    assert {place for place, found in seen.items() if not found <= set(COVER)} == set()
    assert max(name) - min(name) > 150, "a field without a secret is shown"


def test_a_code_is_covered_from_the_moment_it_is_shown(
    visit: Visit, backend: Start, page: StartPage, window: Window
) -> None:
    window.page.add_init_script(
        """window.colours = []; new MutationObserver(() => document.querySelectorAll('.otp-display .code').forEach(
          code => { const style = getComputedStyle(code);
            window.colours.push([style.color, style.webkitTextFillColor, style.backgroundColor]) }))
          .observe(document, {subtree: true, childList: true})"""
    )
    fill(visit(page(backend().url).url)).pay()
    colours = window.page.evaluate("window.colours")

    assert colours
    assert {each for seen in colours for each in seen} == {"rgb(136, 136, 136)"}


def test_what_is_told_on_holds_no_secret(visit: Visit, backend: Start, page: StartPage) -> None:
    payment = fill(visit(page(backend().url).url))
    form = payment.pay()
    code = payment.shown_code() or ""
    told = json.dumps([repr(form), str(form), repr(payment.enter(code)), payment.fields()])

    assert len(code) == 6
    assert not [secret for secret in (code, CARD.number, CARD.number[:12]) if secret in told]
