"""The shop's web server: its pages, and the API that they call, which asks the services behind."""

from __future__ import annotations

import asyncio
import errno
import json
import logging
import mimetypes
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

from aiohttp import ClientError, ClientTimeout, web

from reference.sock_shop.durations import Durations
from reference.sock_shop.service import DEADLINE, defect, http, peer, run
from reference.sock_shop.sessions import Sessions

PORT = 8079
CHECKOUT_DEADLINE = 30.0  # seconds: orders asks four services in turn, 5 s each
MEASURED = {"cart", "catalogue", "orders"}
PAGES = Path(__file__).parent / "pages"
PAGE_DEFECTS = (
    "shipped_on_list",
    "shipped_on_detail",
    "second_click_leaves",
    "no_busy_state",
    "duplicate_on_double_click",
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
log = logging.getLogger("front-end")
routes = web.RouteTableDef()
sessions = Sessions()
durations = Durations()


class Refused(Exception):
    """A request that cannot be served; the browser gets status 500 and this message."""


async def call(
    request: web.Request, method: str, url: str, body: object = None, *, within: float = DEADLINE, **headers: str
) -> tuple[int, bytes]:
    """Status and body of another service's answer, whatever the status; within seconds."""
    timeout = ClientTimeout(total=within)
    async with http(request.app).request(method, url, json=body, headers=headers, timeout=timeout) as answer:
        return answer.status, await answer.read()


async def read(request: web.Request, url: str) -> Any:
    """What a service answers to GET, parsed; Refused when that is no JSON."""
    status, body = await call(request, "GET", url)
    return parsed(body, f"HTTP {status} from {url}")


def parsed(body: bytes, source: str) -> Any:
    """A JSON body; Refused, naming the source, when it is none."""
    try:
        return json.loads(body)
    except ValueError:
        raise Refused(f"No JSON: {source}") from None


def as_json(body: bytes, status: int = 200) -> web.Response:
    """A service's JSON, passed on as it came."""
    return web.Response(body=body, status=status, content_type="application/json")


def failure(message: str, error: dict[str, object] | None = None) -> web.Response:
    """Status 500 in the shape that the pages know."""
    return web.json_response({"message": message, "error": error or {}}, status=500)


def customer_of(request: web.Request) -> str:
    """Id of the customer; Refused when nobody is logged in."""
    customer = sessions.customer_of(request)
    if customer is None:
        raise Refused("User not logged in.")
    return customer


def cart_of(request: web.Request) -> str:
    """URL of the request's cart: the customer's, else the session's."""
    return f"{peer('carts')}/carts/{sessions.customer_of(request) or sessions.id_of(request)}"


# Customers


@routes.get("/login")
async def log_in(request: web.Request) -> web.Response:
    """Log in with Basic credentials; 401 for any problem."""
    credentials = request.headers.get("Authorization", "")
    try:
        status, body = await call(request, "GET", f"{peer('user')}/login", Authorization=credentials)
    except (ClientError, TimeoutError):
        status, body = 503, b""
    if status != 200:
        log.info("%d\nError with log in: true", status)
        return web.Response(status=401)
    response = web.Response(text="Cookie is set")
    await welcome(request, response, parsed(body, "login")["user"]["id"])
    return response


@routes.post("/register")
async def register(request: web.Request) -> web.Response:
    """Make a customer and log in; 500 without a body when the user service declines."""
    status, body = await call(request, "POST", f"{peer('user')}/register", await posted(request))
    if status != 200:
        log.info("%d\nError with registration: true", status)
        return web.Response(status=500)
    response = as_json(body)
    await welcome(request, response, parsed(body, "register")["id"])
    return response


async def welcome(request: web.Request, response: web.Response, customer: str) -> None:
    """Begin the customer's session, and take along what was put in the cart before."""
    merge = f"{peer('carts')}/carts/{customer}/merge"
    try:
        await call(request, "GET", f"{merge}?sessionId={sessions.id_of(request)}")
        log.info("Carts merged.")
    except (ClientError, TimeoutError) as error:
        log.info("Carts not merged: %s", error)
    sessions.log_in(request, response, customer)


@routes.get("/customers/{id}")
async def customer(request: web.Request) -> web.Response:
    """The session's customer, whatever id the URL names; errors come with status 200, as in the real shop."""
    person = sessions.customer_of(request) or "undefined"
    return as_json((await call(request, "GET", f"{peer('user')}/customers/{person}"))[1])


@routes.get("/address")
async def address(request: web.Request) -> web.Response:
    """The customer's first address; status_code 500 in the body when there is none."""
    return web.json_response(await first(request, "addresses", "address") or {"status_code": 500})


@routes.get("/card")
async def card(request: web.Request) -> web.Response:
    """The last four digits of the customer's first card; status_code 500 in the body when there is none."""
    found = await first(request, "cards", "card")
    return web.json_response({"number": found["longNum"][-4:]} if found else {"status_code": 500})


async def first(request: web.Request, listing: str, kind: str) -> dict[str, Any] | None:
    """The first address or card of the customer who is logged in."""
    person = sessions.customer_of(request)
    if person is None:
        return None
    answer = await read(request, f"{peer('user')}/customers/{person}/{listing}")
    return next(iter((answer.get("_embedded") or {}).get(kind) or ()), None)


@routes.post("/{listing:addresses|cards}")
async def save(request: web.Request) -> web.Response:
    """Keep an address or a card of the customer."""
    body = {**await posted(request), "userID": customer_of(request)}
    return as_json((await call(request, "POST", f"{peer('user')}/{request.match_info['listing']}", body))[1])


async def posted(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; empty when it has none."""
    try:
        body = await request.json() if request.content_type == "application/json" else {}
    except ValueError:
        raise Refused("Unexpected token in JSON") from None
    return body if isinstance(body, dict) else {}


# Catalogue


@routes.get("/catalogue/images/{name:.+}")
async def image(request: web.Request) -> web.Response:
    """A product's picture."""
    async with http(request.app).get(f"{peer('catalogue')}{request.path}") as answer:
        kind = answer.headers.get("Content-Type", "image/jpeg")
        caching = {"Cache-Control": "max-age=3600"} if answer.ok else {}
        headers = {"Content-Type": kind, **caching}
        return web.Response(body=await answer.read(), status=answer.status, headers=headers)


@routes.get("/{listing:catalogue|tags}{rest:.*}")
async def catalogue(request: web.Request) -> web.Response:
    """What the catalogue says; its errors come with status 200, as in the real shop."""
    return as_json((await call(request, "GET", f"{peer('catalogue')}{request.path_qs}"))[1])


# Cart


@routes.get("/cart")
async def cart(request: web.Request) -> web.Response:
    """The items of the cart."""
    status, body = await call(request, "GET", f"{cart_of(request)}/items")
    if status != 200:
        raise Refused(f"Unable to read cart. Status code: {status}")
    return as_json(body)


@routes.post("/cart")
async def add_to_cart(request: web.Request) -> web.Response:
    """Put one piece of a product in the cart."""
    item = (await posted(request)).get("id")
    if item is None:
        raise Refused("Must pass id of item to add")
    return await put_in_cart(request, "POST", {"itemId": item}, 201)


@routes.post("/cart/update")
async def update_cart(request: web.Request) -> web.Response:
    """Set the quantity of a product in the cart."""
    line = await posted(request)
    if "id" not in line or "quantity" not in line:
        raise Refused("Must pass id and quantity of item to update")
    return await put_in_cart(request, "PATCH", {"itemId": line["id"], "quantity": int(line["quantity"])}, 202)


async def put_in_cart(request: web.Request, method: str, line: dict[str, Any], done: int) -> web.Response:
    """Write a line at the price of the catalogue."""
    product = await read(request, f"{peer('catalogue')}/catalogue/{line['itemId']}")
    if "price" not in product:
        raise Refused(f"Unable to add to cart. No such product: {line['itemId']}")
    status, _ = await call(request, method, f"{cart_of(request)}/items", {**line, "unitPrice": product["price"]})
    if status != done:
        raise Refused(f"Unable to add to cart. Status code: {status}")
    return cart_reply(done)


@routes.delete("/cart")
async def delete_cart(request: web.Request) -> web.Response:
    """Empty the cart."""
    owner = cart_of(request)
    log.info("Attempting to delete cart for user: %s", owner.rpartition("/")[2])
    status, _ = await call(request, "DELETE", owner)
    log.info("User cart deleted with status: %d", status)
    return cart_reply(202)


@routes.delete("/cart/{id}")
async def delete_from_cart(request: web.Request) -> web.Response:
    """Take a product out of the cart."""
    await call(request, "DELETE", f"{cart_of(request)}/items/{request.match_info['id']}")
    return cart_reply(202)


def cart_reply(status: int) -> web.Response:
    """An empty answer; the fork labels it JSON, at which the page stumbles and does not reload."""
    fork = os.environ.get("CART_REPLY") == "fork"
    return web.Response(status=status, headers={"Content-Type": "application/json"} if fork else {})


# Orders


@routes.post("/orders")
async def place_order(request: web.Request) -> web.Response:
    """Order what is in the customer's cart; the answer of the orders service, status included."""
    person = customer_of(request)
    log.info("Request received with body: {}")
    home = f"{peer('user')}/customers/{person}"
    log.info("GET Request to: %s/addresses\nGET Request to: %s/cards", home, home)
    address, card = await asyncio.gather(first(request, "addresses", "address"), first(request, "cards", "card"))
    order = {
        "customer": f"http://user/customers/{person}",
        "address": address and address["_links"]["self"]["href"],
        "card": card and card["_links"]["self"]["href"],
        "items": f"http://carts/carts/{person}/items",
    }
    log.info("Posting Order: %s", json.dumps(order))
    key = {name: value for name, value in request.headers.items() if name.lower() == "idempotency-key"}
    url = f"{peer('orders')}/orders"
    status, body = await call(request, "POST", url, order, within=CHECKOUT_DEADLINE, **key)
    answer = parsed(body, f"HTTP {status} from orders")
    log.info("Order response: %d\nOrder response: %s", status, answer.get("message") or answer.get("id"))
    return as_json(body, status)


@routes.get("/orders")
async def orders(request: web.Request) -> web.Response:
    """The customer's orders; with status 201, as in the real shop."""
    query = f"sort=date&custId={customer_of(request)}"
    status, body = await call(request, "GET", f"{peer('orders')}/orders/search/customerId?{query}")
    found = {} if status == 404 else parsed(body, "orders")
    if status not in (200, 404):
        raise Refused(found.get("message") or f"Unable to read orders. Status code: {status}")
    return web.json_response((found.get("_embedded") or {}).get("customerOrders", []), status=201)


@routes.get("/orders/{id}")
async def order(request: web.Request) -> web.Response:
    """One order; nobody asks whose it is, as in the real shop."""
    return as_json(*reversed(await call(request, "GET", f"{peer('orders')}{request.path}")))


# The server itself


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Durations of the requests for cart, catalogue and orders."""
    return web.Response(text=durations.text())


@web.middleware
async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors as the real shop does; measure, log, and hand out the session cookie."""
    began = time.monotonic()
    try:
        response = await handler(request)
    except Refused as error:
        response = failure(str(error))
    except (ClientError, TimeoutError, OSError) as error:
        number = getattr(error, "errno", None) or errno.ETIMEDOUT
        code = errno.errorcode.get(number, "UNKNOWN")
        response = failure(f"{code}: {error or 'no answer in time'}", {"errno": -number, "code": code})
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        text = f"<!doctype html><title>Error</title><pre>Cannot {request.method} {request.rel_url.raw_path}</pre>"
        response = web.Response(text=text, status=404, content_type="text/html")
    sessions.seal(request, response)
    seconds = time.monotonic() - began
    path = request.path.split("/")[1]
    if path in MEASURED:
        durations.observe(request.method, path, response.status, seconds)
    if not isinstance(request.match_info.get("page"), str):
        log.info("%s %s %d %.3f ms - -", request.method, request.path_qs, response.status, seconds * 1000)
    return response


def page_routes() -> list[web.RouteDef]:
    """A route for each file of the pages folder; the switches are written into each page's first tag."""
    defects = " ".join(filter(defect, PAGE_DEFECTS))
    messages = os.environ.get("CHECKOUT_MESSAGES", "FE2")
    switches = f'<html lang="en" data-defects="{defects}" data-messages="{messages}">'.encode()

    def serving(file: Path) -> Handler:
        body = file.read_bytes().replace(b'<html lang="en">', switches)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        headers = {"Content-Type": f"{kind}; charset=utf-8", "Cache-Control": "no-cache"}

        async def page(request: web.Request) -> web.Response:
            return web.Response(body=body, headers=headers)

        return page

    files = {f"/{file.relative_to(PAGES)}": file for file in PAGES.rglob("*.*")}
    return [web.get(path, serving(file)) for path, file in {**files, "/": PAGES / "index.html"}.items()]


def application() -> web.Application:
    """The front-end, ready to run."""
    app = web.Application(middlewares=[answered])
    app.add_routes([*page_routes(), *routes])
    return app


if __name__ == "__main__":
    run("front-end", application(), PORT)
