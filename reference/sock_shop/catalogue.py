"""Catalogue: the socks on sale and their pictures; stock is never counted down."""

from __future__ import annotations

from datetime import UTC, datetime

from aiohttp import web

from reference.sock_shop import service
from reference.sock_shop.pictures import draw
from reference.sock_shop.socks import SOCKS, TAGS, Sock

SORTS = {"id": lambda sock: sock.id, "price": lambda sock: sock.price, "count": lambda sock: sock.count}
routes = web.RouteTableDef()


def tagged(tags: str) -> list[Sock]:
    """The socks that carry one of the comma-separated tags; all of them when none is asked for."""
    wanted = set(filter(None, tags.split(",")))
    return [sock for sock in SOCKS if not wanted or wanted & set(sock.tag)]


@routes.get("/catalogue")
async def listing(request: web.Request) -> web.Response:
    """One page of the catalogue, as a list."""
    query = request.query
    page, size = (
        int(query[key]) if query.get(key, "").isdigit() else usual for key, usual in (("page", 1), ("size", 10))
    )
    socks = sorted(tagged(query.get("tags", "")), key=SORTS.get(query.get("sort", "id"), SORTS["id"]))
    first = max(page - 1, 0) * size
    return web.json_response([sock.document() for sock in socks[first : first + size]])


@routes.get("/catalogue/size")
async def size(request: web.Request) -> web.Response:
    """How many socks carry the tags."""
    return web.json_response({"size": len(tagged(request.query.get("tags", ""))), "err": None})


@routes.get("/catalogue/images/{picture}_{view:[12]}.svg")
async def picture(request: web.Request) -> web.Response:
    """A drawn sock."""
    for sock in SOCKS:
        if sock.picture == request.match_info["picture"]:
            drawing = draw(sock, int(request.match_info["view"]))
            return web.Response(text=drawing, content_type="image/svg+xml")
    raise web.HTTPNotFound


@routes.get("/catalogue/{id}")
async def sock(request: web.Request) -> web.Response:
    """One sock."""
    for sock in SOCKS:
        if sock.id == request.match_info["id"]:
            return web.json_response(sock.document())
    missing = {"error": "not found", "status_code": 404, "status_text": "Not Found"}
    return web.json_response(missing, status=404)


@routes.get("/tags")
async def tags(request: web.Request) -> web.Response:
    """All tags there are."""
    return web.json_response({"tags": TAGS, "err": None})


@routes.get("/health")
async def health(request: web.Request) -> web.Response:
    """Always well: there is nothing behind it."""
    now = datetime.now(UTC).isoformat()
    return web.json_response({"health": [{"service": "catalogue", "status": "OK", "time": now}]})


def app() -> web.Application:
    """The service, ready to run."""
    catalogue = web.Application()
    catalogue.add_routes(routes)
    return catalogue


if __name__ == "__main__":
    service.run("catalogue", app(), 8080)
