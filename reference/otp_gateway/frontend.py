"""The gateway's page, and where it finds the backend."""

from __future__ import annotations

import mimetypes
import os
from collections.abc import Awaitable, Callable
from pathlib import Path

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import Response
from starlette.routing import Route

from reference.otp_gateway.service import defect, run

PAGES = Path(__file__).parent / "pages"
FILES = {f"/{file.name}": file for file in PAGES.iterdir()} | {"/": PAGES / "index.html"}
PAGE_DEFECTS = ("blank_page_on_422", "failure_untold", "page_impatient")


def serving(file: Path) -> Callable[[Request], Awaitable[Response]]:
    """Answer with that file; the page's first tag gets the backend's address and the switches."""
    api, defects = os.environ.get("API_URL", "http://localhost:8000"), " ".join(filter(defect, PAGE_DEFECTS))
    told = f'<html lang="en" data-api="{api}" data-defects="{defects}">'.encode()
    body = file.read_bytes().replace(b'<html lang="en">', told)
    kind = mimetypes.guess_type(file.name)[0] or "application/octet-stream"

    async def answer(request: Request) -> Response:
        return Response(body, headers={"Content-Type": f"{kind}; charset=utf-8", "Cache-Control": "no-cache"})

    return answer


app = Starlette(routes=[Route(path, serving(file)) for path, file in FILES.items()])

if __name__ == "__main__":
    run("payment-frontend", app, 8080)
