"""Carts: what a customer, or a session without one, is about to buy."""

from __future__ import annotations

import asyncio
from collections import defaultdict
from datetime import UTC, datetime
from typing import Any

from aiohttp import web
from bson import ObjectId

from reference.sock_shop import databases, service

Document = dict[str, Any]
store = databases.database("carts-db", "data")
# One writer a cart: two first reads would otherwise make two carts, and updates are not atomic on every server.
writing: defaultdict[str, asyncio.Lock] = defaultdict(asyncio.Lock)
routes = web.RouteTableDef()


async def cart_of(customer: str) -> Document:
    """The customer's cart, made empty when there is none."""
    cart = await store.cart.find_one({"customerId": customer})
    if cart is None:
        cart = {"_id": ObjectId(), "customerId": customer, "items": []}
        await store.cart.insert_one(cart)
    return cart


async def items_of(cart: Document) -> list[Document]:
    """The lines of a cart in the order they were added."""
    lines = {line["_id"]: line async for line in store.item.find({"_id": {"$in": cart["items"]}})}
    return [lines[identity] for identity in cart["items"] if identity in lines]


async def line_of(cart: Document, sock: str) -> Document | None:
    """The cart's first line of that sock."""
    return next((line for line in await items_of(cart) if line["itemId"] == sock), None)


async def add(cart: Document, *items: Document) -> list[Document]:
    """Put new lines into the cart."""
    lines = [
        {"_id": ObjectId(), "itemId": item["itemId"], "quantity": int(item.get("quantity", 1)),
         "unitPrice": float(item["unitPrice"])}
        for item in items
    ]  # fmt: skip
    if lines:
        await store.item.insert_many(lines)
        await keep(cart, cart["items"] + [line["_id"] for line in lines])
    return lines


async def keep(cart: Document, items: list[ObjectId]) -> None:
    """Write the cart's list of lines."""
    await store.cart.update_one({"_id": cart["_id"]}, {"$set": {"items": items}})


def told(line: Document) -> Document:
    """A line as the API tells it."""
    return {"id": str(line["_id"])} | {key: line[key] for key in ("itemId", "quantity", "unitPrice")}


@routes.get("/carts/{customer}")
async def cart(request: web.Request) -> web.Response:
    """A cart with its lines."""
    customer = request.match_info["customer"]
    async with writing[customer]:
        cart = await cart_of(customer)
    lines = [told(line) for line in await items_of(cart)]
    return web.json_response({"id": str(cart["_id"]), "customerId": customer, "items": lines})


@routes.delete("/carts/{customer}")
async def remove(request: web.Request) -> web.Response:
    """Forget a cart; its lines stay behind without one, as in the real shop."""
    async with writing[request.match_info["customer"]]:
        if not service.defect("cart_undeletable"):
            await store.cart.delete_one({"customerId": request.match_info["customer"]})
    return web.Response(status=202)


@routes.get("/carts/{customer}/merge")
async def merge(request: web.Request) -> web.Response:
    """Move a session's lines into the customer's cart; equal socks stay separate lines, as in the real shop."""
    customer, session = request.match_info["customer"], request.query["sessionId"]
    async with writing[customer]:
        if customer != session:
            await add(await cart_of(customer), *await items_of(await cart_of(session)))
            await store.cart.delete_one({"customerId": session})
    return web.Response(status=202)


@routes.get("/carts/{customer}/items")
async def items(request: web.Request) -> web.Response:
    """The lines of a cart."""
    async with writing[request.match_info["customer"]]:
        cart = await cart_of(request.match_info["customer"])
    return web.json_response([told(line) for line in await items_of(cart)])


@routes.post("/carts/{customer}/items")
async def put(request: web.Request) -> web.Response:
    """Add one of a sock: a new line, or one more on the line that there is."""
    customer, item = request.match_info["customer"], await request.json()
    async with writing[customer]:
        cart = await cart_of(customer)
        line = await line_of(cart, item["itemId"])
        if line:
            line["quantity"] += 1
            await store.item.update_one({"_id": line["_id"]}, {"$set": {"quantity": line["quantity"]}})
        else:
            [line] = await add(cart, item | {"quantity": 1})
    return web.json_response(told(line), status=201)


@routes.patch("/carts/{customer}/items")
async def change(request: web.Request) -> web.Response:
    """Set quantity and price of a line, which is added when missing."""
    customer, item = request.match_info["customer"], await request.json()
    async with writing[customer]:
        cart = await cart_of(customer)
        line = await line_of(cart, item["itemId"])
        if line:
            new = {"quantity": int(item["quantity"]), "unitPrice": float(item["unitPrice"])}
            await store.item.update_one({"_id": line["_id"]}, {"$set": new})
        else:
            await add(cart, item)
    return web.Response(status=202)


@routes.get("/carts/{customer}/items/{sock}")
async def item(request: web.Request) -> web.Response:
    """The line of one sock."""
    async with writing[request.match_info["customer"]]:
        cart = await cart_of(request.match_info["customer"])
    line = await line_of(cart, request.match_info["sock"])
    return web.json_response(told(line)) if line else web.Response(status=404)


@routes.delete("/carts/{customer}/items/{sock}")
async def take(request: web.Request) -> web.Response:
    """Take one sock's line out."""
    async with writing[request.match_info["customer"]]:
        cart = await cart_of(request.match_info["customer"])
        line = await line_of(cart, request.match_info["sock"])
        if line:
            await keep(cart, [identity for identity in cart["items"] if identity != line["_id"]])
            await store.item.delete_one({"_id": line["_id"]})
    return web.Response(status=202)


@routes.get("/health")
async def health(request: web.Request) -> web.Response:
    """Its own health and its database's."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    seen = {"carts": "OK", "carts-db": await databases.pulse(store)}
    return web.json_response({"health": [{"service": name, "status": s, "date": now} for name, s in seen.items()]})


def app() -> web.Application:
    """The service, ready to run."""
    carts = web.Application()
    carts.add_routes(routes)
    return carts


if __name__ == "__main__":
    service.run("carts", app(), 8080)
