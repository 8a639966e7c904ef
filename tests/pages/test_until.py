"""Waiting for something of a page: told by its changes, across its reloads, and never for longer than was promised."""

from __future__ import annotations

import time

import pytest

from fixtures.browser import pages
from fixtures.browser.driver import Window
from fixtures.browser.pages import until
from fixtures.waiting import NotSeen

THERE = "() => document.querySelector('#there') !== null"
LATER = "document.body.insertAdjacentHTML('beforeend', '<p id=there>')"


@pytest.mark.parametrize(
    ("change", "condition"),
    [
        (f"setTimeout(() => {LATER}, 100)", THERE),
        ("setTimeout(() => { document.body.className = 'busy' }, 100)", "() => document.body.className === 'busy'"),
        ("setTimeout(() => { document.title = 'paid' }, 100)", "() => document.title === 'paid'"),
        ("setTimeout(() => { window.paid = true }, 100)", "() => window.paid === true"),  # no change of the page
        ("window.paid = true", "() => window.paid === true"),
    ],
    ids=["something comes", "an attribute", "words", "nothing that is shown", "before anybody waits"],
)
def test_what_comes_is_noticed_soon(window: Window, change: str, condition: str) -> None:
    window.page.set_content("<title>new</title><body>")
    window.page.evaluate(change + "; undefined")
    began = time.monotonic()
    until(window.page, "it comes", condition, 5)

    assert time.monotonic() - began < pages.STILL / 1000


def test_what_comes_only_after_a_reload_is_noticed_too(window: Window) -> None:
    answers = ["<p>first", "<p id=there>"]
    answer = lambda route: route.fulfill(content_type="text/html", body=answers.pop(0))  # noqa: E731
    window.page.route("**/*", answer)
    window.page.goto("http://127.0.0.1/")
    window.page.evaluate("setTimeout(() => location.reload(), 100); undefined")
    until(window.page, "it comes", THERE, 5)


def test_a_condition_that_cannot_be_asked_yet_is_asked_again_and_is_no_error_of_the_page(window: Window) -> None:
    errors = list[str]()
    window.page.on("pageerror", lambda error: errors.append(error.message))
    window.page.set_content("<body>")
    window.page.evaluate(f"setTimeout(() => {LATER}, 100); undefined")
    until(window.page, "it comes", "() => document.querySelector('#there').id === 'there'", 5)

    assert errors == []


def test_what_never_comes_is_told_in_time_by_its_promise(window: Window) -> None:
    window.page.set_content("<body>")
    began = time.monotonic()
    with pytest.raises(NotSeen, match=r"the order is paid: not within 1.2 s\. Seen instead:"):
        until(window.page, "the order is paid", "given => document.title === given", 1.2, "paid")

    assert 1.2 <= time.monotonic() - began < 1.2 + pages.STILL / 1000
