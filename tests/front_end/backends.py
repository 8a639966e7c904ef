"""Stand-ins for user, catalogue, carts and orders on one socket, so that the front-end is tested alone."""

from __future__ import annotations

import asyncio
import base64
import itertools
import threading
from collections import defaultdict
from typing import Any

from aiohttp import web

SOCKS = [
    ("3395a43e-2d88-40de-b95f-e00e1502085b", "Colourful", 18, ["brown", "blue"]),
    ("819e1fbf-8b7e-4f6d-811f-693534916a8b", "Figueroa", 14, ["green", "formal"]),
    ("03fef6ac-1896-4ce8-bd69-b798f85c6e0b", "Holy", 99.99, ["magic", "action"]),
    ("510a0d7e-8e83-4193-b483-e27e09ddc34d", "SuperSport XL", 15, ["sport", "black"]),
    ("837ab141-399e-4c1f-9abc-bace40296bac", "Cat socks", 15, ["brown", "green"]),
    ("808a2de1-1aaa-4c25-a9b9-6612e8f29a38", "Crossed", 17.32, ["red", "formal"]),
    ("d3588630-ad8e-49df-bbd7-3167f7efb246", "YouTube.sock", 10.99, ["geek"]),
    ("zzz4f044-b040-410d-8ead-4de0446aec7e", "Nerd leg", 7.99, ["blue", "skin"]),
]
HELD_FOR = 30  # seconds at most
COLOURFUL, FIGUEROA = SOCKS[0][0], SOCKS[1][0]
REFUSED = (
    'Payment gateway error: Post "http://stripe-mock/v1/charges": dial tcp 10.96.0.9:80: connect: connection refused'
)
DECLINED = {"status": 406, "error": "Not Acceptable", "message": REFUSED, "path": "/orders"}


class Backends:
    """What the services know, what they were asked, and how the orders service answers next."""

    def __init__(self) -> None:
        self.customers: dict[str, dict[str, Any]] = {}
        self.carts: defaultdict[str, list[dict[str, Any]]] = defaultdict(list)
        self.orders: list[dict[str, Any]] = []
        self.order_posts: list[dict[str, Any]] = []
        self.merges: list[tuple[str, str]] = []
        self.answer: tuple[int, Any] = (201, {})
        self.delay = 0.0  # seconds before the orders service answers
        self.may_answer = threading.Event()  # and it waits for this
        self.may_answer.set()
        self.port = 0
        self._ids = (f"{number:024x}" for number in itertools.count(1))
        self._loop = asyncio.new_event_loop()
        self._started = threading.Event()
        self._thread = threading.Thread(target=self._serve, daemon=True)

    def __enter__(self) -> Backends:
        self._thread.start()
        assert self._started.wait(5)
        return self

    def __exit__(self, *_: object) -> None:
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join(5)

    def order(self, owner: str, **changes: Any) -> dict[str, Any]:
        """Put an order in the book; a change to None removes the key."""
        number = next(self._ids)
        order = {
            "customerId": owner,
            "customer": {"firstName": "Ada", "lastName": "Fern"},
            "address": {"number": "5", "street": "Hill Road", "city": "Leeds", "postcode": "LS1"},
            "items": [{"itemId": COLOURFUL, "quantity": 1, "unitPrice": 18}],
            "date": "2026-01-07T16:02:43.632+0000",
            "total": 22.99,
            "status": "PAID",
            "shipment": {"id": "s1", "name": owner},
            "_links": {"self": {"href": f"http://orders/orders/{number}"}},
        }
        self.orders.append({key: value for key, value in (order | changes).items() if value is not None})
        return {**self.orders[-1], "id": number}

    def _serve(self) -> None:
        asyncio.set_event_loop(self._loop)
        app = web.Application()
        app.add_routes(
            [
                web.get("/login", self._login),
                web.post("/register", self._register),
                web.get("/customers/{id}", self._customer),
                web.get("/customers/{id}/{kind:addresses|cards}", self._kept),
                web.post("/{kind:addresses|cards}", self._keep),
                web.get("/catalogue", self._catalogue),
                web.get("/catalogue/size", self._size),
                web.get("/catalogue/{id}", self._sock),
                web.get("/tags", self._tags),
                web.get("/carts/{id}/items", self._items),
                web.post("/carts/{id}/items", self._add),
                web.patch("/carts/{id}/items", self._update),
                web.delete("/carts/{id}/items/{item}", self._remove),
                web.delete("/carts/{id}", self._clear),
                web.get("/carts/{id}/merge", self._merge),
                web.post("/orders", self._place),
                web.get("/orders/search/customerId", self._orders_of),
                web.get("/orders/{id}", self._order),
            ]
        )
        runner = web.AppRunner(app)
        self._loop.run_until_complete(runner.setup())
        site = web.TCPSite(runner, "127.0.0.1", 0)
        self._loop.run_until_complete(site.start())
        self.port = runner.addresses[0][1]
        self._started.set()
        self._loop.run_forever()

    # user

    async def _login(self, request: web.Request) -> web.Response:
        name, _, password = base64.b64decode(request.headers["Authorization"][6:]).decode().partition(":")
        for number, customer in self.customers.items():
            if (customer["username"], customer["password"]) == (name, password):
                return web.json_response({"user": {"id": number}})
        return web.json_response({"error": "not found", "status_code": 500}, status=500)

    async def _register(self, request: web.Request) -> web.Response:
        asked = await request.json()
        if any(customer["username"] == asked["username"] for customer in self.customers.values()):
            return web.json_response({"error": "E11000 duplicate key", "status_code": 500}, status=500)
        number = next(self._ids)
        self.customers[number] = {**asked, "addresses": [], "cards": []}
        return web.json_response({"id": number})

    async def _customer(self, request: web.Request) -> web.Response:
        customer = self.customers.get(request.match_info["id"])
        if customer is None:
            return web.json_response({"error": "Invalid Id Hex", "status_code": 500}, status=500)
        shown = {key: customer[key] for key in ("firstName", "lastName", "username")}
        return web.json_response({**shown, "id": request.match_info["id"]})

    async def _kept(self, request: web.Request) -> web.Response:
        kind = request.match_info["kind"]
        kept = self.customers[request.match_info["id"]][kind]
        return web.json_response({"_embedded": {{"addresses": "address", "cards": "card"}[kind]: kept}})

    async def _keep(self, request: web.Request) -> web.Response:
        kind, number, what = request.match_info["kind"], next(self._ids), await request.json()
        kept = {**what, "id": number, "_links": {"self": {"href": f"http://user/{kind}/{number}"}}}
        self.customers[what["userID"]][kind].append(kept)
        return web.json_response({"id": number})

    # catalogue

    def _socks(self, tags: str) -> list[dict[str, Any]]:
        wanted = set(tags.split(",")) if tags else set()
        return [
            {
                "id": number,
                "name": name,
                "price": price,
                "tag": tag,
                "count": 100,
                "description": f"{name}: warm in winter, light in summer, and never lonely.",
                "imageUrl": [f"/catalogue/images/{number}.svg"] * 2,
            }
            for number, name, price, tag in SOCKS
            if not wanted or wanted & set(tag)
        ]

    async def _catalogue(self, request: web.Request) -> web.Response:
        page, size = int(request.query.get("page") or 1), int(request.query.get("size") or 10)
        return web.json_response(self._socks(request.query.get("tags", ""))[(page - 1) * size : page * size])

    async def _size(self, request: web.Request) -> web.Response:
        return web.json_response({"size": len(self._socks(request.query.get("tags", ""))), "err": None})

    async def _sock(self, request: web.Request) -> web.Response:
        for sock in self._socks(""):
            if sock["id"] == request.match_info["id"]:
                return web.json_response(sock)
        return web.json_response({"error": "not found", "status_code": 404}, status=404)

    async def _tags(self, request: web.Request) -> web.Response:
        return web.json_response({"tags": sorted({tag for sock in SOCKS for tag in sock[3]}), "err": None})

    # carts

    async def _items(self, request: web.Request) -> web.Response:
        return web.json_response(self.carts[request.match_info["id"]])

    async def _add(self, request: web.Request) -> web.Response:
        self.carts[request.match_info["id"]].append({"quantity": 1, **await request.json()})
        return web.json_response({}, status=201)

    async def _update(self, request: web.Request) -> web.Response:
        asked = await request.json()
        for line in self.carts[request.match_info["id"]]:
            if line["itemId"] == asked["itemId"]:
                line.update(asked)
        return web.Response(status=202)

    async def _remove(self, request: web.Request) -> web.Response:
        lines = self.carts[request.match_info["id"]]
        lines[:] = [line for line in lines if line["itemId"] != request.match_info["item"]]
        return web.Response(status=202)

    async def _clear(self, request: web.Request) -> web.Response:
        self.carts[request.match_info["id"]].clear()
        return web.Response(status=202)

    async def _merge(self, request: web.Request) -> web.Response:
        customer, session = request.match_info["id"], request.query["sessionId"]
        self.merges.append((customer, session))
        self.carts[customer] += self.carts.pop(session, [])
        return web.Response(status=202)

    # orders

    async def _place(self, request: web.Request) -> web.Response:
        asked = await request.json()
        self.order_posts.append({**asked, "key": request.headers.get("Idempotency-Key")})
        await asyncio.sleep(self.delay)
        await asyncio.to_thread(self.may_answer.wait, HELD_FOR)
        status, body = self.answer
        if isinstance(body, str):
            return web.Response(text=body, status=status)
        failed = {} if status == 201 else {"status": "PAYMENT_FAILED", "shipment": None}
        order = self.order(asked["customer"].rpartition("/")[2], **failed)
        return web.json_response(body or order, status=status)

    async def _orders_of(self, request: web.Request) -> web.Response:
        found = [order for order in self.orders if order["customerId"] == request.query["custId"]]
        return web.json_response({"_embedded": {"customerOrders": found}})

    async def _order(self, request: web.Request) -> web.Response:
        for order in self.orders:
            if order["_links"]["self"]["href"].endswith(request.match_info["id"]):
                return web.json_response(order)
        return web.json_response({"error": "Not Found"}, status=404)
