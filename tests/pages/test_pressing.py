"""Pressing: what a hand could press is pressed once, what it could not is waited for, and nothing else is ever hit."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from fixtures.browser.driver import Window
from fixtures.browser.pages.pressing import AIM, PRESSED, press
from fixtures.waiting import NotSeen

SOON = 3.0  # seconds
BUTTON = "<button id=pay onclick='heard.push(\"pay\")' ondblclick='heard.push(\"twice\")'>Pay</button>"
HEARS = "onpointerdown='heard.push(\"over\")' onmousedown='heard.push(\"over\")' onclick='heard.push(\"over\")'"
OVER = f"<div id=over style='position: fixed; inset: 0' {HEARS}></div>"
MOVING = "<style>@keyframes come { from { margin-left: 600px } } #pay { animation: come 400ms linear }</style>"
PULSING = "<style>@keyframes pulse { to { opacity: .5 } } #pay { animation: pulse 100ms infinite }</style>"
Open = Callable[..., list[str]]


@pytest.fixture
def opened(window: Window) -> Open:
    """Opens a page, and then does something to it; what is heard of presses is asked for afterwards."""

    def opens(body: str, then: str = "") -> None:
        page = f"<script>heard = []</script><body style='margin: 0'>{body}"
        window.page.route("**/*", lambda route: route.fulfill(content_type="text/html", body=page))
        window.page.goto("http://127.0.0.1/")
        window.page.evaluate(f"() => {{ {then} }}")

    return opens


def heard(window: Window) -> list[str]:
    return window.page.evaluate("heard")


@pytest.mark.parametrize(
    ("body", "then"),
    [
        (BUTTON, ""),
        ("", f"setTimeout(() => document.body.insertAdjacentHTML('beforeend', {BUTTON!r}), 100)"),
        (BUTTON, "pay.disabled = true; setTimeout(() => { pay.disabled = false }, 100)"),
        (f"<fieldset disabled>{BUTTON}</fieldset>", "setTimeout(() => { pay.parentNode.disabled = false }, 100)"),
        (BUTTON, "pay.style.visibility = 'hidden'; setTimeout(() => { pay.style.visibility = '' }, 100)"),
        (f"<div hidden>{BUTTON}</div>", "setTimeout(() => { pay.parentNode.hidden = false }, 100)"),
        (BUTTON + OVER, "setTimeout(() => over.remove(), 100)"),
        (f"<div style='height: 3000px'></div>{BUTTON}", ""),
        (MOVING + BUTTON, ""),
        (PULSING + BUTTON, ""),
        (BUTTON.replace("Pay", "<b>Pay</b>"), ""),
    ],
    ids=[
        "there", "comes", "enabled later", "enabled with its form", "visible later", "shown later", "under something",
        "far down", "moves", "pulses for ever", "its words are hit",
    ],
)  # fmt: skip
def test_what_can_be_pressed_in_the_end_is_pressed_once(window: Window, opened: Open, body: str, then: str) -> None:
    opened(body, then)
    press(window.page, "#pay", "it can be pressed", SOON)

    assert heard(window) == ["pay"]


@pytest.mark.parametrize(
    "body", ["", BUTTON.replace("id=pay", "id=pay disabled"), BUTTON + OVER], ids=["missing", "disabled", "covered"]
)
def test_what_cannot_be_pressed_is_told_and_nothing_is_hit(window: Window, opened: Open, body: str) -> None:
    opened(body)
    assert window.page.evaluate(AIM, "#pay") is None
    with pytest.raises(NotSeen, match=r"the order can be paid: not within "):
        press(window.page, "#pay", "the order can be paid", 0.7)

    assert heard(window) == []


def test_what_never_hears_of_its_press_is_told(window: Window, opened: Open) -> None:
    deaf = "addEventListener(kind, event => event.stopImmediatePropagation(), true)"
    opened(BUTTON, f"for (const kind of ['pointerdown', 'mousedown', 'pointerup', 'mouseup', 'click']) {deaf}")
    with pytest.raises(NotSeen, match=r"the order can be paid: not within "):
        press(window.page, "#pay", "the order can be paid", 0.7)


def test_what_comes_between_aiming_and_pressing_hears_nothing_and_the_press_is_made_again(
    window: Window, opened: Open
) -> None:
    opened(BUTTON)
    window.page.evaluate(
        f"""() => {{ let once = true; addEventListener('mousemove', () => {{ if (!once) return; once = false;
        document.body.insertAdjacentHTML('beforeend', {OVER!r}); setTimeout(() => over.remove(), 100) }}) }}"""
    )
    press(window.page, "#pay", "it can be pressed", SOON)

    assert heard(window) == ["pay"]


def test_a_double_press_is_two_and_a_double_click(window: Window, opened: Open) -> None:
    opened(BUTTON)
    press(window.page, "#pay", "it can be pressed", SOON, times=2)

    assert heard(window) == ["pay", "pay", "twice"]


def test_a_press_that_leads_to_another_page_is_not_made_again(window: Window, opened: Open) -> None:
    opened(BUTTON, "pay.addEventListener('click', () => { sessionStorage.setItem('left', 'yes'); location.reload() })")
    press(window.page, "#pay", "it can be pressed", SOON)
    window.page.wait_for_load_state()

    assert heard(window) == []
    assert window.page.evaluate("sessionStorage.getItem('left')") == "yes"


def test_afterwards_the_page_hears_everything_again(window: Window, opened: Open) -> None:
    opened(BUTTON + "<button id=other onclick='heard.push(\"other\")'>Other</button>")
    press(window.page, "#pay", "it can be pressed", SOON)
    window.page.evaluate("other.click()")

    assert heard(window) == ["pay", "other"]


def test_who_aims_and_does_not_press_has_hit_nothing(window: Window, opened: Open) -> None:
    opened(BUTTON)
    press(window.page, "#pay", "it can be pressed", SOON)
    window.page.evaluate(AIM, "#pay")

    assert window.page.evaluate(PRESSED) == "missed"
