"""One checkout: look up what the basket needs, ask for the payment, empty the cart, send the shipment."""

from __future__ import annotations

import asyncio
import time
import uuid
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientError, web
from bson import ObjectId

from reference.sock_shop import logs, service
from reference.sock_shop.databases import Document
from reference.sock_shop.orders_book import CLASS, answer, float32, open_order, printed, store, update

SHIPPING_FEE = 4.99
LINKS = ("customer", "address", "card", "items")
PHRASES = {400: "Bad Request", 406: "Not Acceptable", 500: "Internal Server Error"}
CONTROLLER = "works.weave.socks.orders.controllers.OrdersController"
log = logs.spring("orders", "w.w.s.o.controllers.OrdersController")


class Refused(Exception):
    """An error as Spring Boot tells it: status, exception class, message."""

    def __init__(self, status: int, exception: str, message: str) -> None:
        super().__init__(message)
        self.status, self.exception = status, exception

    def body(self, path: str) -> Document:
        """The error's JSON."""
        told = {"timestamp": int(time.time() * 1000), "status": self.status, "error": PHRASES[self.status]}
        return told | {"exception": self.exception, "message": str(self), "path": path}


def unable(reason: str) -> Refused:
    """A checkout that failed in one of the services behind."""
    return Refused(500, "java.lang.IllegalStateException", f"Unable to create order due to {reason}")


def timed_out() -> Refused:
    """One of the services behind did not answer within 5 s."""
    return unable("timeout from one of the services.")


def io_error() -> Refused:
    """One of the services behind answered with an error, or not at all."""
    return unable("unspecified IO error.")


@dataclass(frozen=True)
class Asked:
    """The four links of a new order, and the idempotency key if the client sent one."""

    customer: str
    address: str
    card: str
    items: str
    key: str | None

    @classmethod
    def of(cls, body: Document, key: str | None) -> Asked:
        """What the client asks for; all four links must be there."""
        customer, address, card, items = links = [str(body.get(name) or "") for name in LINKS]
        if not all(links):
            raise invalid()
        return cls(customer, address, card, items, key)

    @property
    def shopper(self) -> str:
        """Who checks out: one at a time for each of them."""
        return f"{self.customer} {self.key or ''}".strip()


def invalid() -> Refused:
    """An order that lacks something."""
    message = "Invalid order request. Order requires customer, address, card and items."
    return Refused(406, f"{CONTROLLER}$InvalidOrderException", message)


async def look_up(app: web.Application, asked: Asked) -> Document:
    """Customer, address, card and items behind the links."""
    try:
        found = await asyncio.gather(*(call(app, "GET", linked(getattr(asked, name))) for name in LINKS))
    except TimeoutError:
        raise timed_out() from None
    except ClientError:
        raise io_error() from None
    return dict(zip(LINKS, found, strict=True))


async def place(app: web.Application, asked: Asked, found: Document, fresh: bool) -> Document:
    """Create the order, or continue the basket's open one; then pay, empty the cart, ship."""
    if not found["items"]:
        raise invalid()
    order = stored(found, asked.key)
    first = None if fresh else await open_order(order["customerId"], order["items"], asked.key)
    if first:
        order = first | {name: order[name] for name in LINKS}
    else:
        await store.customerOrder.insert_one(order)
        log.info("Order created with ID: %s and status: Created", order["_id"])
    await update(order, **{name: order[name] for name in LINKS}, status="PENDING")
    log.info("Order %s status updated to PENDING", order["_id"])
    await pay(app, order)
    await update(order, status="PAID")
    log.info("Order %s payment successful, status updated to PAID", order["_id"])
    if not service.defect("cart_kept"):
        await empty_cart(app, asked)
    await update(order, shipment=await ship(app, order))
    log.info("Order %s shipped successfully", order["_id"])
    return order


def stored(found: Document, key: str | None) -> Document:
    """A new order as the database keeps it, card in clear text like the real one."""
    person, place, card = (found[name] for name in ("customer", "address", "card"))
    items = [
        {
            "_id": item["id"],
            "itemId": item["itemId"],
            "quantity": item["quantity"],
            "unitPrice": float32(item["unitPrice"]),
        }
        for item in found["items"]
    ]
    total = float32(float32(sum(item["quantity"] * item["unitPrice"] for item in items)) + float32(SHIPPING_FEE))
    return {
        "_id": ObjectId(),
        "_class": CLASS,
        "customerId": person["id"],
        "customer": embedded(person, "firstName", "lastName", "username") | {"addresses": [], "cards": []},
        "address": embedded(place, "number", "street", "city", "country", "postcode"),
        "card": embedded(card, "longNum", "expires", "ccv"),
        "items": items,
        "date": datetime.now(UTC),
        "total": total,
        "status": "CREATED",
    } | ({"idempotencyKey": key} if key else {})


def embedded(source: Document, *fields: str) -> Document:
    """The part of another service's document that an order keeps."""
    return {"_id": source["id"]} | {field: source.get(field, "") for field in fields}


async def pay(app: web.Application, order: Document) -> None:
    """Ask for the money; an order that is not paid keeps the reason in the log and PAYMENT_FAILED as its status."""
    asked = answer({name: order[name] for name in ("address", "card", "customer")}, ids=True)
    asked = {name: asked[name] for name in ("address", "card", "customer")} | {"amount": printed(order["total"])}
    log.info("Sending payment request for order %s: PaymentRequest%s", order["_id"], java(asked))
    try:
        reply = await call(app, "POST", f"{service.peer('payment')}/paymentAuth", asked | {"order": str(order["_id"])})
    except TimeoutError:
        await fail(app, order, "timeout")
        raise timed_out() from None
    except ClientError as error:
        refusal = (
            'ResourceAccessException: I/O error on POST request for "http://payment/paymentAuth": Connection refused'
        )
        log.error("Payment failed for order %s: org.springframework.web.client.%s (%s)", order["_id"], refusal, error)
        await fail(app, order, "Payment service unavailable")
        message = f"Payment service unavailable for order {order['_id']}. Please try again later."
        raise Refused(500, "java.lang.IllegalStateException", message) from None
    authorised, message = reply["authorised"], reply["message"]
    response = f"PaymentResponse{{authorised={str(authorised).lower()}, message={message}}}"
    log.info("Received payment response for order %s: %s", order["_id"], response)
    if not authorised:
        await fail(app, order, message)
        raise Refused(406, f"{CONTROLLER}$PaymentDeclinedException", message)


async def fail(app: web.Application, order: Document, reason: str) -> None:
    """Keep the attempt as failed."""
    await update(order, status="PAID" if service.defect("paid_without_charge") else "PAYMENT_FAILED")
    log.warning("Order %s status updated to %s due to: %s", order["_id"], order["status"], reason)
    if service.defect("shipment_for_failed"):
        await ship(app, order)


async def ship(app: web.Application, order: Document) -> Document:
    """Send the shipment of a paid order."""
    shipment = {"id": str(uuid.uuid4()), "name": order["customerId"]}
    try:
        await call(app, "POST", f"{service.peer('shipping')}/shipping", shipment)
    except TimeoutError:
        raise timed_out() from None
    except ClientError:
        raise io_error() from None
    return {"_id": shipment["id"], "name": shipment["name"]}


async def empty_cart(app: web.Application, asked: Asked) -> None:
    """Take the sold basket away; a failure of that does not undo the sale."""
    try:
        await call(app, "DELETE", linked(asked.items.removesuffix("/items")))
    except (ClientError, TimeoutError) as error:
        log.warning("Cart not emptied: %r", error)


async def call(app: web.Application, method: str, url: str, body: Document | None = None) -> Any:
    """One call to another service, at most 5 s; its JSON, or None when it sends none."""
    async with service.http(app).request(method, url, json=body) as reply:
        reply.raise_for_status()
        return await reply.json(content_type=None)


def linked(link: str) -> str:
    """Where a link such as http://user/customers/1 is reached from here."""
    parts = urlsplit(link)
    return service.peer(parts.hostname or "") + parts.path


def java(value: Any) -> str:
    """A value as a Java class prints itself."""
    if isinstance(value, dict):
        return "{" + ", ".join(f"{key}={java(each)}" for key, each in value.items()) + "}"
    return f"'{value}'" if isinstance(value, str) else str(value)
