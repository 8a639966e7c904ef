"""The shop's web server: its pages, the API that they call, and what both have in common."""

from __future__ import annotations

import errno
import mimetypes
import os
import time
from collections.abc import Awaitable, Callable
from pathlib import Path

from aiohttp import ClientError, web

from reference.sock_shop import front_end_accounts, front_end_shopping
from reference.sock_shop.durations import Durations
from reference.sock_shop.front_end_calls import Refused, failure, log
from reference.sock_shop.service import defect, run
from reference.sock_shop.sessions import sessions

PORT = 8079
MEASURED = {"cart", "catalogue", "orders"}
PAGES = Path(__file__).parent / "pages"
FILES = {f"/{file.relative_to(PAGES)}": file for file in PAGES.rglob("*.*")} | {"/": PAGES / "index.html"}
PAGE_DEFECTS = (
    "shipped_on_list",
    "shipped_on_detail",
    "second_click_leaves",
    "no_busy_state",
    "duplicate_on_double_click",
)

Handler = Callable[[web.Request], Awaitable[web.StreamResponse]]
durations = Durations("front-end")


async def metrics(request: web.Request) -> web.Response:
    """Durations of the requests for cart, catalogue and orders, for Prometheus."""
    return web.Response(text=durations.text())


@web.middleware
async def answered(request: web.Request, handler: Handler) -> web.StreamResponse:
    """Answer errors as the real shop does; hand out the session cookie; measure and log."""
    began = time.monotonic()
    try:
        response = await handler(request)
    except Refused as error:
        response = failure(str(error))
    except (ClientError, OSError) as error:
        response = failure(*reason(error))
    except (web.HTTPNotFound, web.HTTPMethodNotAllowed):
        asked = f"{request.method} {request.rel_url.raw_path}"
        text = f"<!doctype html><title>Error</title><pre>Cannot {asked}</pre>"
        response = web.Response(text=text, status=404, content_type="text/html")
    sessions.seal(request, response)
    seconds = time.monotonic() - began
    path = request.path.split("/")[1]
    if path in MEASURED:
        durations.observe(request.method.lower(), path, response.status, seconds)
    if request.path not in FILES:
        log.info("%s %s %d %.3f ms - -", request.method, request.path_qs, response.status, seconds * 1000)
    return response


def reason(error: Exception) -> tuple[str, dict[str, object]]:
    """Message and error object for a service that could not be reached, or did not answer in time."""
    number = getattr(error, "errno", None) or errno.ETIMEDOUT
    code = errno.errorcode.get(number, "UNKNOWN")
    return f"{code}: {error}" if str(error) else code, {"errno": -number, "code": code}


def page_routes() -> list[web.RouteDef]:
    """A route for each file of the pages folder; the switches are written into each page's first tag."""
    defects = " ".join(filter(defect, PAGE_DEFECTS))
    messages = os.environ.get("CHECKOUT_MESSAGES", "FE2")
    switches = f'<html lang="en" data-defects="{defects}" data-messages="{messages}">'.encode()

    def serving(file: Path) -> Handler:
        body = file.read_bytes().replace(b'<html lang="en">', switches)
        kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"
        headers = {"Content-Type": f"{kind}; charset=utf-8", "Cache-Control": "no-cache"}

        async def page(request: web.Request) -> web.Response:
            if switches in body:
                sessions.id_of(request)  # or a page's first calls, side by side, would each begin one
            return web.Response(body=body, headers=headers)

        return page

    return [web.get(path, serving(file)) for path, file in FILES.items()]


def application() -> web.Application:
    """The front-end, ready to run."""
    app = web.Application(middlewares=[answered])
    app.add_routes([*page_routes(), web.get("/metrics", metrics)])
    app.add_routes([*front_end_accounts.routes, *front_end_shopping.routes])
    return app


if __name__ == "__main__":
    run("front-end", application(), PORT)
