"""The front-end's API for customers: login, registration, address and card."""

from __future__ import annotations

from typing import Any

from aiohttp import ClientError, web

from reference.sock_shop.front_end_calls import Refused, as_json, call, log, parsed, posted, read
from reference.sock_shop.service import peer
from reference.sock_shop.sessions import sessions

routes = web.RouteTableDef()


@routes.get("/login")
async def log_in(request: web.Request) -> web.Response:
    """Log in with Basic credentials; 401 for any problem."""
    credentials = {"Authorization": request.headers.get("Authorization", "")}
    try:
        status, body = await call(request, "GET", f"{peer('user')}/login", headers=credentials)
    except (ClientError, OSError):
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
    except (ClientError, OSError) as error:
        log.info("Carts not merged: %s", error)
    sessions.log_in(request, response, customer)


@routes.get("/customers/{id}")
async def customer(request: web.Request) -> web.Response:
    """The session's customer, whatever id the URL names; errors come with status 200, as in the real shop."""
    person = sessions.customer_of(request) or "undefined"
    _, body = await call(request, "GET", f"{peer('user')}/customers/{person}")
    return as_json(body)


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
    _, answer = await call(request, "POST", f"{peer('user')}{request.path}", body)
    return as_json(answer)


def customer_of(request: web.Request) -> str:
    """Id of the customer; Refused when nobody is logged in."""
    customer = sessions.customer_of(request)
    if customer is None:
        raise Refused("User not logged in.")
    return customer
