"""The page as a page object meets it: ids, classes and texts of the real one, in each state."""

from __future__ import annotations

import re
import tomllib
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect, sync_playwright

from fixtures.browser.driver import executable
from reference.otp_gateway.frontend import PAGE_DEFECTS
from tests.otp_reference.conftest import Start, StartPage
from tests.otp_reference.gateway import REFUSED, ROOT


@pytest.fixture(scope="module")
def browser() -> Iterator[Browser]:
    """The machine's Chromium, else Playwright's own."""
    with sync_playwright() as playwright:
        chromium = playwright.chromium.launch(executable_path=executable(playwright), args=["--no-sandbox"])
        yield chromium
        chromium.close()


@pytest.fixture
def context(browser: Browser) -> Iterator[BrowserContext]:
    opened = browser.new_context(viewport={"width": 900, "height": 800})
    opened.set_default_timeout(5000)
    yield opened
    opened.close()


@pytest.fixture
def customer(context: BrowserContext, backend: Start, page: StartPage) -> Page:
    """Somebody at the card form of the corrected gateway."""
    return visit(context, page(backend().url).url)


def visit(context: BrowserContext, url: str) -> Page:
    window = context.new_page()
    window.goto(url)
    return window


def type_card(window: Page) -> None:
    for place, text in {"cardNumber": "41111111111111119", "holderName": "Ada Fern", "expiry": "1245"}.items():
        window.locator(f"#{place}").press_sequentially(text)
    window.fill("#cvv", "987")


def test_the_card_form_tidies_what_is_typed(customer: Page) -> None:
    expect(customer).to_have_title("Payment Gateway - Demo")
    expect(customer.locator("h1")).to_have_text("💳 Payment Gateway")
    expect(customer.locator(".card")).to_have_count(1)
    type_card(customer)
    values = [customer.input_value(f"#{place}") for place in ("cardNumber", "holderName", "expiry", "cvv")]
    assert values == ["4111 1111 1111 1111", "ADA FERN", "12/45", "987"]
    assert customer.get_attribute("#cvv", "type") == "password"
    expect(customer.locator(".card-number-preview")).to_have_text("4111 1111 1111 1111")
    expect(customer.locator("button.btn-primary[type=submit]")).to_have_text("Pay Now →")


def test_paying_asks_nobody_but_the_page_and_its_backend(customer: Page, backend: Start) -> None:
    asked: list[str] = []
    customer.on("request", lambda request: asked.append(request.url))
    customer.reload()
    type_card(customer)
    customer.route("**/payment/**", lambda route: (expect_busy(customer, "Processing..."), route.continue_()))
    customer.click("text=Pay Now")
    code = customer.text_content(".otp-display .code") or ""
    expect(customer.locator(".otp-display")).to_contain_text("Your OTP Code (Demo Only)")
    places = customer.locator(".otp-input-container .otp-input-single")
    expect(places).to_have_count(6)
    expect(places.first).to_be_focused()
    expect(customer.locator("button.btn-primary")).to_have_text("Verify OTP →")
    expect(customer.locator("button.btn-primary")).to_be_disabled()
    customer.keyboard.type(code)
    customer.unroute("**/payment/**")
    customer.route("**/payment/**", lambda route: (expect_busy(customer, "Verifying..."), route.continue_()))
    customer.click("text=Verify OTP")
    expect(customer.locator(".status-message .status-icon.success")).to_be_visible()
    expect(customer.locator("h2.status-title")).to_have_text("Payment Successful!")
    expect(customer.locator("p.status-description")).to_have_text("Payment verified successfully")
    customer.click("text=Make Another Payment")
    assert customer.input_value("#cardNumber") == ""
    here = (customer.url, backend().url)
    assert all(url.startswith(here) for url in asked), asked


def expect_busy(window: Page, words: str) -> None:
    button = window.locator("button.btn-primary")
    expect(button).to_be_disabled()
    expect(button).to_contain_text(words)
    expect(button.locator(".spinner")).to_be_visible()


def test_a_wrong_code_fails_and_back_and_again_lead_to_an_empty_form(customer: Page) -> None:
    type_card(customer)
    customer.click("text=Pay Now")
    customer.click("button.btn-secondary:has-text('← Back to Card Details')")
    assert [customer.input_value(f"#{place}") for place in ("cardNumber", "holderName", "expiry", "cvv")] == [""] * 4
    type_card(customer)
    customer.click("text=Pay Now")
    code = customer.text_content(".otp-display .code") or ""
    paste(customer, "000000" if code != "000000" else "000001")
    customer.click("text=Verify OTP")
    expect(customer.locator(".status-icon.error")).to_be_visible()
    expect(customer.locator("h2.status-title")).to_have_text("Payment Failed")
    expect(customer.locator("p.status-description")).to_have_text("Invalid OTP")
    customer.click("text=Try Again")
    assert customer.input_value("#cardNumber") == ""


def paste(window: Page, text: str) -> None:
    window.locator(".otp-input-single").first.evaluate(
        """(place, text) => {
            const clipboardData = new DataTransfer();
            clipboardData.setData("text", text);
            place.dispatchEvent(new ClipboardEvent("paste", { clipboardData, bubbles: true, cancelable: true }));
        }""",
        text,
    )


def test_what_was_typed_wrong_is_told_above_the_button(customer: Page) -> None:
    type_card(customer)
    customer.fill("#cvv", "1")
    customer.click("text=Pay Now")
    expect(customer.locator("p.error-text")).to_have_text("CVV must be 3-4 digits")
    assert customer.input_value("#cardNumber") == "4111 1111 1111 1111"


def test_with_the_bug_the_page_goes_blank_and_throws(context: BrowserContext, backend: Start, page: StartPage) -> None:
    window = visit(context, page(backend().url, "blank_page_on_422").url)
    with window.expect_event("pageerror") as thrown:
        window.click("text=Pay Now")
    assert "objects" in str(thrown.value)
    assert window.inner_html("#root") == ""


def test_a_password_that_could_not_be_had_is_told_in_the_card_form(
    context: BrowserContext, backend: Start, page: StartPage
) -> None:
    gateway = backend("deadline_from_arrival", DATABASE_MODULE="audit")
    window = visit(context, page(gateway.url).url)
    type_card(window)
    with ThreadPoolExecutor(1) as pool:
        crowd = pool.submit(gateway.pay_at_once, 12)
        window.click("text=Pay Now")
    assert not any(answer["success"] for answer in crowd.result())
    expect(window.locator("p.error-text")).to_have_text(REFUSED)
    expect(window.locator("#cardNumber")).to_be_visible()
    expect(window.locator("button.btn-primary")).to_be_enabled()


def test_with_the_bug_a_failed_payment_is_not_told(context: BrowserContext, backend: Start, page: StartPage) -> None:
    away = backend(MONGO_URI="mongodb://127.0.0.1:9")
    for bugs, told in (((), 1), (("failure_untold",), 0)):
        window = visit(context, page(away.url, *bugs).url)
        type_card(window)
        window.click("text=Pay Now")
        expect(window.locator("button.btn-primary")).to_contain_text("Processing...")
        expect(window.locator("button.btn-primary")).to_have_text("Pay Now →", timeout=15000)
        expect(window.locator("p.error-text")).to_have_count(told)


def test_with_the_bug_a_payment_that_takes_long_is_given_up(
    context: BrowserContext, backend: Start, page: StartPage
) -> None:
    gateway = backend(DATABASE_MODULE="audit")
    for bugs, shown in (((), ".otp-display"), (("page_impatient",), "p.error-text:has-text('Network error')")):
        window = visit(context, page(gateway.url, *bugs).url)
        type_card(window)
        with ThreadPoolExecutor(1) as pool:
            crowd = pool.submit(gateway.pay_at_once, 12)
            window.click("text=Pay Now")
        assert all(answer["success"] for answer in crowd.result())
        expect(window.locator(shown)).to_be_visible()


def test_every_switch_of_the_page_is_tried_here() -> None:
    listed = tomllib.loads((ROOT / "reference" / "defects.toml").read_text())["otp_gateway"]
    pages = {name for name, defect in listed.items() if defect["deployment"] == "payment-frontend"}
    assert pages == {"blank_page_on_422", "failure_untold", "page_impatient"} == set(PAGE_DEFECTS)


def test_without_a_backend_the_network_is_blamed_and_without_demo_no_code_is_shown(
    context: BrowserContext, backend: Start, page: StartPage
) -> None:
    window = visit(context, page("http://127.0.0.1:9").url)
    type_card(window)
    window.click("text=Pay Now")
    expect(window.locator("p.error-text")).to_have_text("Network error. Please check if the server is running.")
    window = visit(context, page(backend(DEMO_MODE="off").url).url)
    type_card(window)
    window.click("text=Pay Now")
    expect(window.locator(".otp-input-single").first).to_be_focused()
    expect(window.locator(".otp-display")).to_have_count(0)
    expect(window).to_have_url(re.compile("8080/$"))
