"""Orders: takes checkouts, keeps every attempt, and tells what it keeps."""

from __future__ import annotations

import asyncio
import time
from datetime import UTC, datetime

from aiohttp import web
from aiohttp.typedefs import Handler
from bson import ObjectId
from pymongo.errors import PyMongoError

from reference.sock_shop import service
from reference.sock_shop.databases import Document, pulse
from reference.sock_shop.durations import Durations
from reference.sock_shop.orders_book import answer, latest, store, turn
from reference.sock_shop.orders_checkout import Asked, Refused, look_up, place

durations = Durations("orders")
running: dict[str, asyncio.Task[Document]] = {}
sold: dict[str, Document] = {}  # what each shopper bought within the last seconds
routes = web.RouteTableDef()


@web.middleware
async def spring(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors in Spring's shape; durations of the answers that are none, because Spring skips the others."""
    started = time.monotonic()
    try:
        reply = await handler(request)
    except (Refused, PyMongoError, ValueError) as error:
        if isinstance(error, PyMongoError):
            error = Refused(500, "org.springframework.dao.DataAccessResourceFailureException", str(error))
        elif isinstance(error, ValueError):
            error = Refused(400, "org.springframework.http.converter.HttpMessageNotReadableException", str(error))
        return web.json_response(error.body(request.path), status=error.status)
    resource = request.match_info.route.resource
    durations.observe(request.method, resource.canonical if resource else "", reply.status, time.monotonic() - started)
    return reply


@routes.post("/orders")
async def submit(request: web.Request) -> web.Response:
    """Check out; a submit that arrives while the shopper's first one still runs gets the first one's answer."""
    asked = Asked.of(await request.json(), request.headers.get("Idempotency-Key"))
    task = first = running.get(asked.shopper)
    if task is None or service.defect("duplicate_on_parallel"):
        task = asyncio.create_task(check_out(request.app, asked, alone=first is None))
        running[asked.shopper] = task
        task.add_done_callback(lambda done: running.get(asked.shopper) is done and running.pop(asked.shopper))
    order = await asyncio.shield(task)
    return web.json_response(answer(order, ids=True), status=201)


async def check_out(app: web.Application, asked: Asked, alone: bool) -> Document:
    """The order that comes of it, one checkout of a shopper at a time."""
    if not alone:  # only by the planted bug
        return await place(app, asked, await look_up(app, asked), fresh=True)
    async with turn(asked.shopper) as waited:
        found = await look_up(app, asked)
        if not found["items"]:  # a submit that comes a moment after the basket was sold is told of that sale
            order = sold.get(asked.shopper) or (await latest(found["customer"]["id"]) if waited else None)
            if order and order.get("status") == "PAID":
                return order
        order = await place(app, asked, found, fresh=service.defect("duplicate_on_retry"))
    sold[asked.shopper] = order
    asyncio.get_running_loop().call_later(service.DEADLINE, sold.pop, asked.shopper, None)
    return order


def hal(order: Document) -> Document:
    """An order as reads tell it: without ids, with links."""
    link = {"href": f"http://orders/orders/{order['_id']}"}
    return answer(order) | {"_links": {"self": link, "customerOrder": link}}


def listed(orders: list[Document], path: str) -> Document:
    """A HAL list of orders."""
    links = {"self": {"href": f"http://orders{path}"}}
    return {"_embedded": {"customerOrders": [hal(order) for order in orders]}, "_links": links}


@routes.get("/orders")
async def everything(request: web.Request) -> web.Response:
    """A page of all orders."""
    size, number = int(request.query.get("size", 20)), int(request.query.get("page", 0))
    orders = await store.customerOrder.find().sort("_id").skip(number * size).limit(size).to_list()
    total = await store.customerOrder.count_documents({})
    page = {"size": size, "totalElements": total, "totalPages": -(-total // size), "number": number}
    return web.json_response(listed(orders, request.path_qs) | {"page": page})


@routes.get("/orders/search/customerId")
async def search(request: web.Request) -> web.Response:
    """A customer's orders, oldest first whatever sort says."""
    orders = await store.customerOrder.find({"customerId": request.query["custId"]}).sort("_id").to_list()
    return web.json_response(listed(orders, request.path_qs))


@routes.get("/orders/{id}")
async def one(request: web.Request) -> web.Response:
    """One order, whoever asks."""
    identity = request.match_info["id"]
    order = await store.customerOrder.find_one({"_id": ObjectId(identity)}) if ObjectId.is_valid(identity) else None
    return web.json_response(hal(order)) if order else web.Response(status=404)


@routes.get("/health")
async def health(request: web.Request) -> web.Response:
    """Its own health and its database's."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    seen = {"orders": "OK", "orders-db": await pulse(store)}
    return web.json_response({"health": [{"service": name, "status": s, "date": now} for name, s in seen.items()]})


@routes.get("/metrics")
async def metrics(request: web.Request) -> web.Response:
    """Durations of the requests that succeeded."""
    return web.Response(text=durations.text())


def app() -> web.Application:
    """The service, ready to run."""
    orders = web.Application(middlewares=[spring])
    orders.add_routes(routes)
    return orders


if __name__ == "__main__":
    service.run("orders", app(), 8080)
