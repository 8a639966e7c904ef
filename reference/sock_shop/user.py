"""User: accounts, addresses and cards, linked the upstream way (a customer has lists of both)."""

from __future__ import annotations

import asyncio
import hashlib
import json
import secrets
from datetime import UTC, datetime
from typing import Any

from aiohttp import BasicAuth, web
from aiohttp.typedefs import Handler
from bson import ObjectId
from bson.errors import InvalidId
from pymongo.errors import PyMongoError

from reference.sock_shop import databases, service

Document = dict[str, Any]
KINDS = {"customers": "customer", "addresses": "address", "cards": "card"}
FIELDS = {
    "customers": ("firstName", "lastName", "username"),
    "addresses": ("street", "number", "country", "city", "postcode"),
    "cards": ("longNum", "expires", "ccv"),
}
store = databases.database("user-db", "users")
writing = asyncio.Lock()  # updates of one document are not atomic on every server
routes = web.RouteTableDef()


class Refused(Exception):
    """An answer that is an error, with the real service's body."""

    def __init__(self, message: str, status: int = 500) -> None:
        super().__init__(message)
        self.status = status


@web.middleware
async def errors(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Errors are written as text, because the real service sends its header first."""
    try:
        return await handler(request)
    except (Refused, PyMongoError) as error:
        status = getattr(error, "status", 500)
        text = {401: "Unauthorized", 500: "Internal Server Error"}[status]
        body = {"error": str(error), "status_code": status, "status_text": text}
        return web.Response(text=json.dumps(body), status=status)


def hashed(password: str, salt: str) -> str:
    """Salted SHA-1 in hexadecimal, which is how the real service keeps passwords."""
    return hashlib.sha1(f"{salt}{password}".encode()).hexdigest()


def told(kind: str, document: Document) -> Document:
    """A document as the API tells it: its fields, its id and its links."""
    link = f"http://user/{kind}/{document['_id']}"
    links = {"self": link, KINDS[kind]: link}
    if kind == "customers":
        links |= {"addresses": f"{link}/addresses", "cards": f"{link}/cards"}
    fields = {field: document.get(field, "") for field in FIELDS[kind]}
    return fields | {"id": str(document["_id"]), "_links": {name: {"href": href} for name, href in links.items()}}


def embedded(kind: str, documents: list[Document]) -> web.Response:
    """A HAL list."""
    return web.json_response({"_embedded": {KINDS[kind]: [told(kind, document) for document in documents]}})


async def find(kind: str, identity: str) -> Document:
    """One document by its hexadecimal id."""
    try:
        document = await store[kind].find_one({"_id": ObjectId(identity)})
    except InvalidId:
        raise Refused("Invalid Id Hex") from None
    if document is None:
        raise Refused("not found")
    return document


async def create_customer(person: Document) -> ObjectId:
    """Store a new account; the name must be free."""
    salt, password = secrets.token_hex(20), str(person.get("password", ""))
    document = {field: person.get(field, "") for field in (*FIELDS["customers"], "email")}
    identity = ObjectId()
    document |= {"_id": identity, "salt": salt, "password": hashed(password, salt), "addresses": [], "cards": []}
    await store.customers.create_index("username", unique=True)
    await store.customers.insert_one(document)
    return identity


@routes.get("/login")
async def login(request: web.Request) -> web.Response:
    """Who the name and password belong to."""
    try:
        given = BasicAuth.decode(request.headers.get("Authorization", ""))
    except ValueError:
        raise Refused("Unauthorized", 401) from None
    customer = await store.customers.find_one({"username": given.login})
    if customer is None:
        raise Refused("not found")
    if not secrets.compare_digest(hashed(given.password, customer["salt"]), customer["password"]):
        raise Refused("Unauthorized", 401)
    return web.json_response({"user": told("customers", customer)})


@routes.post("/register")
async def register(request: web.Request) -> web.Response:
    """Open an account."""
    return web.json_response({"id": str(await create_customer(await request.json()))})


@routes.post("/{kind:customers|addresses|cards}")
async def create(request: web.Request) -> web.Response:
    """Store an account, or an address or card of the customer named by userID."""
    kind, given = request.match_info["kind"], await request.json()
    if kind == "customers":
        return web.json_response({"id": str(await create_customer(given))})
    document = {"_id": ObjectId()} | {field: given.get(field, "") for field in FIELDS[kind]}
    async with writing:
        owner = await find("customers", given["userID"]) if given.get("userID") else None
        await store[kind].insert_one(document)
        if owner:
            owned = {kind: [*owner.get(kind, []), document["_id"]]}
            await store.customers.update_one({"_id": owner["_id"]}, {"$set": owned})
    return web.json_response({"id": str(document["_id"])})


@routes.get("/{kind:customers|addresses|cards}")
async def everything(request: web.Request) -> web.Response:
    """All documents of a kind."""
    kind = request.match_info["kind"]
    return embedded(kind, await store[kind].find().to_list())


@routes.get("/{kind:customers|addresses|cards}/{id}")
async def one(request: web.Request) -> web.Response:
    """One document."""
    kind = request.match_info["kind"]
    return web.json_response(told(kind, await find(kind, request.match_info["id"])))


@routes.delete("/{kind:customers|addresses|cards}/{id}")
async def delete(request: web.Request) -> web.Response:
    """Remove one document."""
    kind = request.match_info["kind"]
    document = await find(kind, request.match_info["id"])
    await store[kind].delete_one({"_id": document["_id"]})
    return web.json_response({"status": True})


@routes.get("/customers/{id}/{kind:addresses|cards}")
async def owned(request: web.Request) -> web.Response:
    """A customer's addresses or cards."""
    kind, customer = request.match_info["kind"], await find("customers", request.match_info["id"])
    return embedded(kind, await store[kind].find({"_id": {"$in": customer.get(kind, [])}}).sort("_id").to_list())


@routes.get("/health")
async def health(request: web.Request) -> web.Response:
    """Its own health and its database's."""
    now = datetime.now(UTC).isoformat()
    seen = {"user": "OK", "user-db": await databases.pulse(store)}
    return web.json_response({"health": [{"service": name, "status": s, "time": now} for name, s in seen.items()]})


def app() -> web.Application:
    """The service, ready to run."""
    user = web.Application(middlewares=[errors])
    user.add_routes(routes)
    return user


if __name__ == "__main__":
    service.run("user", app(), 8080)
