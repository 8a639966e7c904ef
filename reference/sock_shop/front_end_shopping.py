"""The front-end's API for shopping: catalogue, cart and orders."""

from __future__ import annotations

import asyncio
import json
import os
from typing import Any

from aiohttp import web

from reference.sock_shop.front_end_accounts import customer_of, first
from reference.sock_shop.front_end_calls import Refused, as_json, call, log, parsed, posted, read
from reference.sock_shop.service import http, peer
from reference.sock_shop.sessions import sessions

CHECKOUT_DEADLINE = 30.0  # seconds: orders asks four services in turn, 5 s each

routes = web.RouteTableDef()


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
    _, body = await call(request, "GET", f"{peer('catalogue')}{request.path_qs}")
    return as_json(body)


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


def cart_of(request: web.Request) -> str:
    """URL of the request's cart: the customer's, else the session's."""
    return f"{peer('carts')}/carts/{sessions.customer_of(request) or sessions.id_of(request)}"


async def put_in_cart(request: web.Request, method: str, line: dict[str, Any], done: int) -> web.Response:
    """Write a line at the price of the catalogue."""
    product = await read(request, f"{peer('catalogue')}/catalogue/{line['itemId']}")
    if "price" not in product:
        raise Refused(f"Unable to add to cart. No such product: {line['itemId']}")
    priced = {**line, "unitPrice": product["price"]}
    status, _ = await call(request, method, f"{cart_of(request)}/items", priced)
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
    key = {name: request.headers[name] for name in ["Idempotency-Key"] if name in request.headers}
    status, body = await call(request, "POST", f"{peer('orders')}/orders", order, key, CHECKOUT_DEADLINE)
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
    status, body = await call(request, "GET", f"{peer('orders')}{request.rel_url.raw_path}")
    return as_json(body, status)
