"""The gateway's backend: takes cards, hands out one-time passwords, and completes payments with them."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import UTC, datetime
from html import escape
from typing import Any, TypeVar
from uuid import uuid4

from fastapi import FastAPI, Request
from fastapi.middleware.cors import CORSMiddleware
from fastapi.responses import HTMLResponse, JSONResponse
from pymongo.errors import PyMongoError
from starlette.types import ASGIApp, Receive, Scope, Send

from reference.otp_gateway import codes, database
from reference.otp_gateway.requests import Attempt, Payment
from reference.otp_gateway.service import defect, run, setting

T = TypeVar("T")
DEMO = setting("DEMO_MODE", "on", "off") == "on"
threads = ThreadPoolExecutor(256)
app = FastAPI(title="Payment Gateway", version="2.0.0", docs_url=None, redoc_url=None)


class Arrivals:
    """Notes when each request arrived, before anything is done about it."""

    def __init__(self, app: ASGIApp) -> None:
        self.app = app

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        """Pass it on."""
        scope["arrived"] = time.monotonic()
        await self.app(scope, receive, send)


app.add_middleware(CORSMiddleware, allow_origins=["*"], allow_methods=["*"], allow_headers=["*"])
app.add_middleware(Arrivals)


async def done(work: Callable[..., T], *about: Any) -> T:
    """The result of work that blocks its thread: a thread of its own, or by the planted bug the only one there is."""
    if defect("one_at_a_time"):
        return work(*about)
    return await asyncio.get_running_loop().run_in_executor(threads, work, *about)


@app.post("/payment/initiate")
async def initiate(payment: Payment, request: Request) -> dict[str, Any]:
    """Submit card details, receive a one-time password."""
    return await done(begin, payment, request.scope["arrived"])


@app.post("/payment/verify-otp")
async def verify_otp(attempt: Attempt) -> dict[str, Any]:
    """Verify a one-time password, get the payment's status."""
    message = await done(codes.verify, attempt.session_id, attempt.otp)
    success = message == codes.VERIFIED
    return {"success": success, "status": f"payment_{'success' if success else 'failed'}", "message": message}


def begin(asked: Payment, arrived: float) -> dict[str, Any]:
    """Write a payment down and get a password for it; failures are told in the body, never by the status."""
    payment = {
        "_id": str(uuid4()), "merchant_id": asked.merchant_id, "amount": asked.amount, "currency": asked.currency,
        "card_last_four": asked.card_number[-4:], "holder_name": asked.holder_name, "status": "pending",
        "created_at": datetime.now(UTC), "committed_at": None,
    }  # fmt: skip
    if defect("card_stored"):
        payment |= {"card_number": asked.card_number, "cvv": asked.cvv}
    try:
        at_once = database.create(payment)
    except PyMongoError as error:
        return answer(f"Payment creation failed: {error}")
    issued = codes.issue(payment["_id"], arrived, at_once)
    if issued is None:
        return answer("Unable to generate OTP. Please try again.", payment["_id"])
    session, code = issued
    shown = code if DEMO or defect("code_always_shown") else None
    return answer("OTP generated successfully", payment["_id"], session, shown)


def answer(
    message: str, payment: str | None = None, session: str | None = None, code: str | None = None
) -> dict[str, Any]:
    """What an initiated payment comes to."""
    return {
        "success": session is not None,
        "message": message,
        "session_id": session,
        "otp": code,
        "payment_id": payment,
    }


@app.get("/health")
async def health() -> JSONResponse:
    """Health check."""
    # The real service looks at nothing.
    well = defect("health_unconditional") or await done(database.answers)
    told = (
        {"status": "healthy", "database": "connected"} if well else {"status": "unhealthy", "database": "disconnected"}
    )
    ready = {} if defect("health_incomplete") else {"otp_service": "ready"}
    return JSONResponse(told | ready, 200 if well else 503)


async def config() -> dict[str, Any]:
    """View the current configuration."""
    return {"otp_timeout_ms": 400, "payment_retry_count": 3, "base_write_latency_ms": 15, "contention_factor": 1.5}


if not defect("settings_hidden"):
    app.get("/debug/config")(config)


@app.get("/", include_in_schema=False)
async def about() -> dict[str, str]:
    """Who this is."""
    return {"status": "healthy", "service": "Payment Gateway", "version": "2.0.0"}


@app.get("/docs", include_in_schema=False)
async def docs() -> HTMLResponse:
    """The endpoints as a page that needs nothing from elsewhere."""
    calls = [
        f"<dt><code>{verb.upper()} {escape(path)}</code></dt><dd>{escape(call['description'])}</dd>"
        for path, verbs in app.openapi()["paths"].items()
        for verb, call in verbs.items()
    ]
    head = "<!doctype html><html lang='en'><meta charset='utf-8'><title>Payment Gateway - API</title>"
    more = "<p>In full: <a href='openapi.json'>openapi.json</a></p>"
    return HTMLResponse(f"{head}<h1>Payment Gateway 2.0.0</h1><dl>{''.join(calls)}</dl>{more}")


if __name__ == "__main__":
    run("payment-backend", app, 8000)
