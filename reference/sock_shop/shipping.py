"""Shipping: takes what a paid order asks to be sent, and writes it down."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from reference.sock_shop import logs, service

log = logs.spring("shipping", "w.w.s.queuemaster.ShippingTaskHandler")
routes = web.RouteTableDef()


@routes.post("/shipping")
async def ship(request: web.Request) -> web.Response:
    """Accept a shipment; the real shop's queue-master writes this line when it takes it from the queue."""
    shipment = await request.json()
    log.info("Received shipment task: %s", shipment["name"])
    return web.json_response(shipment, status=201)


@routes.get("/health")
async def health(request: web.Request) -> web.Response:
    """Always well: there is nothing behind it."""
    now = datetime.now(UTC).isoformat(timespec="milliseconds")
    return web.json_response({"health": [{"service": "shipping", "status": "OK", "date": now}]})


def app() -> web.Application:
    """The service, ready to run."""
    shipping = web.Application()
    shipping.add_routes(routes)
    return shipping


if __name__ == "__main__":
    service.run("shipping", app(), 8080)
