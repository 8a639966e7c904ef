"""The book of orders: how an order is stored, how it is told, and whose turn it is to check out."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime, timedelta
from typing import Any

from bson import ObjectId
from pymongo.errors import DuplicateKeyError

from reference.sock_shop import service
from reference.sock_shop.databases import Document, database

CLASS = "works.weave.socks.orders.entities.CustomerOrder"
CLOSED = ("PAID", "SHIPPED", "DELIVERED", "CANCELLED")
TURN = timedelta(seconds=30)  # longer than any checkout: every call of it ends after 5 s
store = database("orders-db", "data")


def float32(value: float) -> float:
    """The nearest 32-bit float: the real service computes money with those, and MongoDB holds them widened."""
    return float(struct.unpack("f", struct.pack("f", value))[0])


def printed(value: float) -> float:
    """The shortest number that is the same 32-bit float: what Java prints, 22.99 for 22.989999771118164."""
    return next(short for digits in range(1, 10) if float32(short := float(f"{value:.{digits}g}")) == float32(value))


def stamp(date: datetime) -> str:
    """A date as the real service's API writes it."""
    return date.strftime("%Y-%m-%dT%H:%M:%S.") + f"{date.microsecond // 1000:03d}+0000"


def told(value: Any, ids: bool) -> Any:
    """A stored value as JSON; reads leave out every id, the answer to a new order tells them."""
    if isinstance(value, dict):
        return {"id" if key == "_id" else key: told(v, ids) for key, v in value.items() if key != "_id" or ids}
    if isinstance(value, list):
        return [told(each, ids) for each in value]
    if isinstance(value, datetime):
        return stamp(value)
    if isinstance(value, float):
        return printed(value)
    return str(value) if isinstance(value, ObjectId) else value


def answer(order: Document, ids: bool = False) -> Document:
    """An order as the API tells it: absent properties are null, technical ones are left out."""
    known = {"shipment": None, "status": None} | order
    return told({key: value for key, value in known.items() if key not in ("_class", "idempotencyKey")}, ids)  # type: ignore[no-any-return]


async def open_order(customer: str, items: list[Document], key: str | None) -> Document | None:
    """The customer's order of the very same basket that is neither paid nor cancelled."""
    async for order in store.customerOrder.find({"customerId": customer, "status": {"$nin": list(CLOSED)}}):
        same_key = order.get("idempotencyKey") == key
        same_basket = basket(order["items"]) == basket(items) or service.defect("baskets_merged")
        if "status" in order and same_key and same_basket:
            return order
    return None


def basket(items: list[Document]) -> list[tuple[str, int, float]]:
    """What makes two baskets the same: socks, quantities and prices."""
    return sorted((item["itemId"], item["quantity"], item["unitPrice"]) for item in items)


async def latest(customer: str) -> Document | None:
    """The customer's newest order."""
    return await store.customerOrder.find_one({"customerId": customer}, sort=[("_id", -1)])


async def update(order: Document, **changes: Any) -> None:
    """Change fields of a stored order."""
    order.update(changes)
    await store.customerOrder.update_one({"_id": order["_id"]}, {"$set": changes})


@asynccontextmanager
async def turn(shopper: str) -> AsyncIterator[bool]:
    """One checkout of a shopper at a time, in all pods; tells whether another one had to be waited for.

    An inserted key is the lock, because inserts and deletes are what every MongoDB-compatible server does atomically.
    """
    waited, mine = False, {"_id": shopper, "pod": str(ObjectId())}
    while True:
        now = datetime.now(UTC).replace(tzinfo=None)
        try:
            await store.checkout.insert_one(mine | {"since": now})
            break
        except DuplicateKeyError:
            waited = True
            await store.checkout.delete_one({"_id": shopper, "since": {"$lt": now - TURN}})  # its pod is gone
            await asyncio.sleep(0.05)
    try:
        yield waited
    finally:
        await store.checkout.delete_one(mine)
