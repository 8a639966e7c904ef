"""A fake payment gateway that speaks Stripe's charges, and keeps a ledger of what it charged."""

from __future__ import annotations

import asyncio
import hashlib
import os
import re
import secrets
import time
from collections.abc import Mapping

from aiohttp import web
from aiohttp.typedefs import Handler
from pymongo import DESCENDING
from pymongo.errors import DuplicateKeyError

from reference.sock_shop import service
from reference.sock_shop.databases import Document, database

MODE = os.environ.get("GATEWAY_MODE", "ok")  # ok, decline, 503, 429, hang, slow, bad-json
DELAY = float(os.environ.get("GATEWAY_DELAY", "8"))  # seconds that "slow" takes
CARDS = ("tok_visa", "tok_mastercard", "tok_amex", "tok_chargeDeclined")
PARAMETERS = {"amount", "currency", "source", "description"}
charges = database("stripe-db", "stripe").charges
routes = web.RouteTableDef()


class Refused(Exception):
    """An error in Stripe's shape."""

    def __init__(self, status: int, kind: str, message: str, **more: str) -> None:
        super().__init__(message)
        self.status, self.body = status, {"error": {"type": kind, "message": message, **more}}


def invalid(code: str, message: str, param: str, status: int = 400) -> Refused:
    """A request that Stripe would not take."""
    return Refused(status, "invalid_request_error", message, code=code, param=param)


def declined(**more: str) -> Refused:
    """A card whose bank says no."""
    return Refused(
        402, "card_error", "Your card was declined.", code="card_declined", decline_code="generic_decline", **more
    )


@web.middleware
async def stripe(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Stripe's authentication and errors; every answer says that no money moves here."""
    try:
        if request.path.startswith("/v1/") and not re.match(
            r"Bearer sk_test_\w+$", request.headers.get("Authorization", "")
        ):
            raise Refused(
                401, "invalid_request_error", "This is a fake: give a test key (Authorization: Bearer sk_test_…)."
            )
        answer = await handler(request)
    except Refused as refused:
        answer = web.json_response(refused.body, status=refused.status)
    except web.HTTPNotFound:
        message = f"Unrecognized request URL ({request.method}: {request.path})."
        answer = web.json_response(Refused(404, "invalid_request_error", message).body, status=404)
    answer.headers["Fake-Gateway"] = "livemode=false"
    answer.headers["Request-Id"] = f"req_{secrets.token_hex(7)}"
    return answer


def checked(form: Mapping[str, str]) -> Document:
    """The charge a form asks for; raises what Stripe would answer to a wrong one."""
    for name in form:
        if name not in PARAMETERS and not name.startswith("metadata["):
            raise invalid("parameter_unknown", f"Received unknown parameter: {name}", name)
    for name in ("amount", "currency", "source"):
        if not form.get(name):
            raise invalid("parameter_missing", f"Missing required param: {name}.", name)
    if not re.fullmatch(r"-?\d+", form["amount"]):
        raise invalid("parameter_invalid_integer", f"Invalid integer: {form['amount']}", "amount")
    if int(form["amount"]) > 99_999_999:
        raise invalid("amount_too_large", "Amount must be no more than $999,999.99", "amount")
    if int(form["amount"]) < 50:
        raise invalid("amount_too_small", "Amount must be at least $0.50 usd", "amount")
    if not re.fullmatch("[A-Za-z]{3}", form["currency"]):
        raise invalid("", f"Invalid currency: {form['currency']}.", "currency")
    if form["source"] not in CARDS:
        raise invalid("resource_missing", f"No such token: '{form['source']}'", "source")
    metadata = {name[9:-1]: value for name, value in form.items() if name.startswith("metadata[")}
    return {
        "amount": int(form["amount"]),
        "currency": form["currency"].lower(),
        "source": form["source"],
        "description": form.get("description"),
        "metadata": metadata,
        "paid": form["source"] != "tok_chargeDeclined",
    }


def told(charge: Document) -> Document:
    """A charge as Stripe tells it."""
    fields = ("amount", "currency", "description", "metadata", "paid")
    return (
        {"id": charge["_id"], "object": "charge", "livemode": False, "captured": charge["paid"], "refunded": False}
        | {
            "created": int(charge["at"]),
            "status": "succeeded" if charge["paid"] else "failed",
            "payment_method_details": {"type": "card", "card": {"brand": charge["source"].removeprefix("tok_")}},
        }
        | {field: charge[field] for field in fields}
    )


@routes.post("/v1/charges")
async def create(request: web.Request) -> web.Response:
    """Charge a card; the same idempotency key twice charges once and answers the same."""
    await pretend()
    asked, key = (
        checked({name: str(value) for name, value in (await request.post()).items()}),
        request.headers.get("Idempotency-Key"),
    )
    # The key is the charge's identity: the database itself lets only one of two through.
    identity = hashlib.sha256(key.encode()).hexdigest()[:24] if key else secrets.token_hex(12)
    charge = {"_id": f"ch_{identity}", "at": time.time(), "idempotency_key": key} | asked
    headers = {"Idempotency-Key": key} if key else {}
    try:
        await charges.insert_one(charge)
    except DuplicateKeyError:
        first = await charges.find_one({"_id": charge["_id"]}) or {}
        if any(first.get(name) != value for name, value in asked.items()):
            message = f"Keys for idempotent requests can only be used with the same parameters: {key} was not."
            raise Refused(400, "idempotency_error", message) from None
        charge, headers = first, headers | {"Idempotent-Replayed": "true"}
    if charge["paid"]:
        return web.json_response(told(charge), headers=headers)
    refused = declined(charge=f"ch_{identity}")
    return web.json_response(refused.body, status=refused.status, headers=headers)


async def pretend() -> None:
    """What GATEWAY_MODE has the gateway do before it looks at a charge; nothing of it is kept in the book."""
    if MODE == "decline":
        raise declined()
    if MODE == "503":
        raise Refused(503, "api_error", "The gateway is down for maintenance.")
    if MODE == "429":
        raise Refused(429, "invalid_request_error", "Too many requests hit the API too quickly.", code="rate_limit")
    if MODE == "bad-json":
        raise web.HTTPOk(text='{"id": "ch_', content_type="application/json")
    if MODE == "hang":
        await asyncio.Event().wait()
    if MODE == "slow":
        await asyncio.sleep(DELAY)


async def find(identity: str) -> Document:
    """A charge by its id."""
    charge = await charges.find_one({"_id": identity})
    if charge is None:
        raise invalid("resource_missing", f"No such charge: '{identity}'", "id", status=404)
    return charge


@routes.get("/v1/charges/{id}")
async def one(request: web.Request) -> web.Response:
    """One charge."""
    return web.json_response(told(await find(request.match_info["id"])))


@routes.get("/v1/charges")
async def listing(request: web.Request) -> web.Response:
    """Charges, newest first, a page at a time (limit, starting_after)."""
    asked, after = request.query.get("limit", "10"), request.query.get("starting_after")
    if not asked.isdecimal() or not 1 <= (limit := int(asked)) <= 100:
        raise invalid("parameter_invalid_integer", f"Invalid limit: {asked}: give 1 to 100", "limit")
    older = {"at": {"$lt": (await find(after))["at"]}} if after else {}
    page = await charges.find(older).sort("at", DESCENDING).limit(limit + 1).to_list()
    listed = {"object": "list", "url": "/v1/charges", "has_more": len(page) > limit}
    return web.json_response(listed | {"data": [told(charge) for charge in page[:limit]]})


@routes.get("/admin/ledger")
async def ledger(request: web.Request) -> web.Response:
    """Every charge that was really made, oldest first."""
    names = ("amount", "currency", "created", "idempotency_key", "metadata")
    return web.json_response([
        {"id": charge["_id"]} | {name: (charge | {"created": int(charge["at"])})[name] for name in names}
        async for charge in charges.find({"paid": True}).sort("at")
    ])  # fmt: skip


@routes.get("/")
async def about(request: web.Request) -> web.Response:
    """Says that this is a fake."""
    text = "A fake payment gateway for tests. It speaks a part of Stripe's API and never moves money."
    return web.json_response({"object": "fake_payment_gateway", "livemode": False, "message": text})


@routes.get("/health")
async def health(request: web.Request) -> web.Response:
    """Well as long as it runs."""
    return web.json_response({"health": [{"service": "stripe-mock", "status": "OK"}]})


def app() -> web.Application:
    """The service, ready to run."""
    gateway = web.Application(middlewares=[stripe])
    gateway.add_routes(routes)
    return gateway


if __name__ == "__main__":
    service.run("stripe-mock", app(), 12111)
