"""How the front-end asks the services behind it, and how it passes on what they say."""

from __future__ import annotations

import json
import logging
from collections.abc import Mapping
from typing import Any

from aiohttp import ClientTimeout, web

from reference.sock_shop.service import DEADLINE, http

log = logging.getLogger("front-end")


class Refused(Exception):
    """A request that cannot be served; the browser gets status 500 and this message."""


async def call(
    request: web.Request,
    method: str,
    url: str,
    body: object = None,
    headers: Mapping[str, str] | None = None,
    within: float = DEADLINE,
) -> tuple[int, bytes]:
    """Status and body of another service's answer, whatever the status; within seconds."""
    timeout = ClientTimeout(total=within)
    async with http(request.app).request(method, url, json=body, headers=headers, timeout=timeout) as answer:
        return answer.status, await answer.read()


async def read(request: web.Request, url: str) -> Any:
    """What a service answers to GET, parsed; Refused when that is no JSON."""
    status, body = await call(request, "GET", url)
    return parsed(body, f"HTTP {status} from {url}")


def parsed(body: bytes, source: str) -> Any:
    """A JSON body; Refused, naming the source, when it is none."""
    try:
        return json.loads(body)
    except ValueError:
        raise Refused(f"No JSON: {source}") from None


def as_json(body: bytes, status: int = 200) -> web.Response:
    """A service's JSON, passed on as it came."""
    return web.Response(body=body, status=status, content_type="application/json")


def failure(message: str, error: dict[str, object] | None = None) -> web.Response:
    """Status 500 in the shape that the pages know."""
    return web.json_response({"message": message, "error": error or {}}, status=500)


async def posted(request: web.Request) -> dict[str, Any]:
    """The request's JSON object; empty when it has none."""
    try:
        body = await request.json() if request.content_type == "application/json" else {}
    except ValueError:
        raise Refused("Unexpected token in JSON") from None
    return body if isinstance(body, dict) else {}
