"""The suite's browser shows no secret in its pictures, and reaches nothing but the stack."""

from __future__ import annotations

import base64
import threading
from collections.abc import Callable, Iterator
from http.server import BaseHTTPRequestHandler, HTTPServer

import pytest
from playwright.sync_api import Error as PlaywrightError

from fixtures.browser.driver import SECRET_FIELDS, Chromium, Window
from tests.front_end.backends import Backends
from tests.front_end.shops import StartShop
from tests.pages.conftest import Visit

SECRETS = {"form-card-number": "4242424242424242", "form-expires": "01/30", "form-ccv": "987"}
COVER = range(116, 157)  # one grey; a JPEG blurs it where it meets the rim
SHADES = """async ([picture, box]) => {
    const image = await createImageBitmap(await (await fetch(`data:image/jpeg;base64,${picture}`)).blob());
    const page = new OffscreenCanvas(image.width, image.height).getContext('2d');
    page.drawImage(image, 0, 0);
    const {data} = page.getImageData(box.x + 10, box.y + 10, box.width - 20, box.height - 20);
    return [...new Set(data.filter((_, place) => place % 4 < 3))];
}"""


class Answering(BaseHTTPRequestHandler):
    """Says hello to everybody."""

    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"hello")

    def log_message(self, *_: object) -> None:
        """Quiet."""


@pytest.fixture
def port() -> Iterator[int]:
    """The port of a server on the loopback network."""
    with HTTPServer(("127.0.0.1", 0), Answering) as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.01,))
        thread.start()
        yield server.server_port
        server.shutdown()
        thread.join(5)


@pytest.fixture
def shades(browser: Chromium) -> Iterator[Callable[[Window, str, str], set[int]]]:
    """The shades that a picture shows inside a field, its rim left out, once somebody has typed into it."""
    viewer = browser.window()

    def look(window: Window, field: str, text: str) -> set[int]:
        window.page.fill(field, text)
        picture = base64.b64encode(window.picture()).decode()
        return set(viewer.page.evaluate(SHADES, [picture, window.page.locator(field).bounding_box()]))

    yield look
    viewer.close()


def test_what_is_typed_into_a_secret_field_is_in_no_picture(
    shop: StartShop, visit: Visit, backends: Backends, shades: Callable[[Window, str, str], set[int]]
) -> None:
    window, who = visit(shop())
    backends.customers[who.id]["cards"].clear()
    window.page.goto(f"{shop().url}/basket.html")
    window.page.click("#add_payment a")

    for field, text in SECRETS.items():
        assert shades(window, f"#{field}", text) <= set(COVER), field


def test_a_password_is_in_no_picture_and_a_name_is(
    shop: StartShop, window: Window, backends: Backends, shades: Callable[[Window, str, str], set[int]]
) -> None:
    window.page.goto(f"{shop().url}/index.html")
    window.page.click("#register a")

    assert shades(window, "#register-password-modal", "secret") <= set(COVER)
    shown = shades(window, "#register-username-modal", "somebody")
    assert max(shown) - min(shown) > 150, "a field without a secret is shown"


def test_every_page_covers_secrets_from_the_beginning(shop: StartShop, window: Window, backends: Backends) -> None:
    window.page.goto(f"{shop().url}/basket.html")
    colours = window.page.locator(SECRET_FIELDS).evaluate_all(
        "fields => fields.map(field => [getComputedStyle(field).color, getComputedStyle(field).backgroundColor])"
    )

    assert len(colours) >= 4
    assert {colour for pair in colours for colour in pair} == {"rgb(136, 136, 136)"}


@pytest.mark.parametrize("address", ["http://elsewhere.localhost:{port}", "http://192.0.2.1", "http://[::1]:{port}"])
def test_nothing_but_the_stack_can_be_reached(window: Window, port: int, address: str) -> None:
    assert window.page.goto(f"http://127.0.0.1:{port}").text() == "hello"
    with pytest.raises(PlaywrightError, match="ERR_NAME_NOT_RESOLVED"):
        window.page.goto(address.format(port=port))


def test_windows_share_nothing(browser: Chromium, port: int) -> None:
    one, other = browser.window(), browser.window()
    one.go_on_as({"md.sid": "mine"}, f"http://127.0.0.1:{port}")

    assert one.cookies(f"http://127.0.0.1:{port}") == {"md.sid": "mine"}
    assert other.cookies(f"http://127.0.0.1:{port}") == {}
    one.close()
    other.close()
