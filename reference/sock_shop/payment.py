"""Payment: asks the gateway for the money and tells what it said, always with HTTP 200."""

from __future__ import annotations

import errno
import json
import os
import socket
import time
from datetime import UTC, datetime
from typing import Any
from urllib.parse import urlsplit

from aiohttp import ClientConnectorDNSError, ClientConnectorError, ClientError, ClientTimeout, web

from reference.sock_shop import logs, service

GATEWAY = os.environ.get("PAYMENT_GATEWAY_URL", "")
TIMEOUT = ClientTimeout(total=35)
log = logs.go()
routes = web.RouteTableDef()


@routes.post("/paymentAuth")
async def authorise(request: web.Request) -> web.Response:
    """Authorise one payment; declines and outages are told in the body, not by the status."""
    try:
        payment = await request.json()
        amount = float(payment["amount"])
    except (ValueError, TypeError, KeyError) as error:
        log.info("❌ Invalid request: %s", error)
        return answer(False, "Invalid payment request", status=400)
    log.info("💳 Payment auth request: amount=%.2f", amount)
    if not GATEWAY:
        log.info("🔄 Mock mode: authorizing locally")
        authorised = 0 < amount <= 100
        return answer(authorised, f"Payment {'authorized' if authorised else 'declined'} (mock mode)")
    return answer(*await charge(request.app, amount, payment.get("order")))


def cents(amount: float) -> int:
    """Whole cents of an amount, rounded; the planted bug cuts them off as the real service does."""
    return int(amount * 100) if service.defect("truncated_cents") else round(amount * 100)


async def charge(app: web.Application, amount: float, order: str | None) -> tuple[bool, str]:
    """One charge at the gateway, never repeated: whether it was paid, and the words for it."""
    endpoint, started = f"{GATEWAY}/v1/charges", time.monotonic()
    form: dict[str, Any] = {"amount": cents(amount), "currency": "usd", "source": "tok_visa"}
    headers = {"Authorization": "Bearer sk_test_mock"}
    if order:
        form["metadata[order]"] = headers["Idempotency-Key"] = order
    log.info("🌐 Calling payment gateway: %s (amount=%d cents)", endpoint, form["amount"])
    gateway = service.peer(urlsplit(GATEWAY).netloc) + urlsplit(endpoint).path
    try:
        async with service.http(app).post(gateway, data=form, headers=headers, timeout=TIMEOUT) as reply:
            body = await reply.text()
    except (ClientError, TimeoutError) as error:
        reason = f'Payment gateway error: Post "{endpoint}": {go_words(error)}'
        log.info("❌ %s (%.2fs)", reason, time.monotonic() - started)
        return False, reason
    log.info("✅ Gateway response: HTTP %d (%.2fs)", reply.status, time.monotonic() - started)
    return judge(reply.status, body)


def judge(status: int, body: str) -> tuple[bool, str]:
    """What the gateway's answer means."""
    if status >= 500:
        log.info("⚠️  Gateway unavailable: HTTP %d", status)
        return False, f"Payment gateway unavailable (HTTP {status})"
    if status == 429:
        log.info("⚠️  Gateway rate limited")
        return False, "Payment gateway rate limit exceeded"
    if status >= 400:
        log.info("⚠️  Gateway error: HTTP %d", status)
        return False, f"Payment request failed (HTTP {status})"
    try:
        charged = json.loads(body)
    except ValueError as error:
        log.info("⚠️  Failed to parse gateway response: %s", error)
        return False, "Payment gateway returned invalid JSON"
    if charged.get("paid") and charged.get("status") == "succeeded":
        log.info("✅ Payment authorized: %s", charged["id"])
        return True, f"Payment authorized (charge: {charged['id']})"
    log.info("❌ Payment declined by gateway")
    return False, "Payment declined by gateway"


def go_words(error: Exception) -> str:
    """A transport failure in the words of Go's net package, which customers and log searches see."""
    if isinstance(error, TimeoutError):
        return "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
    if isinstance(error, ClientConnectorDNSError):
        return f"dial tcp: lookup {error.host}: no such host"
    if isinstance(error, ClientConnectorError):
        host = socket.gethostbyname(error.host or "")
        cause = os.strerror(error.os_error.errno or errno.ECONNREFUSED).lower()
        return f"dial tcp {host}:{error.port}: connect: {cause}"
    return "EOF"


def answer(authorised: bool, message: str, status: int = 200) -> web.Response:
    """The service's one kind of answer."""
    return web.json_response({"authorised": authorised, "message": message}, status=status)


@routes.get("/health")
async def health(request: web.Request) -> web.Response:
    """Its own health only, as a bare list: the gateway is not looked at."""
    now = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
    return web.json_response([{"service": "payment", "status": "OK", "time": now}])


def app() -> web.Application:
    """The service, ready to run."""
    payment = web.Application()
    payment.add_routes(routes)
    return payment


if __name__ == "__main__":
    if GATEWAY:
        log.info("✅ Payment gateway: %s", GATEWAY)
    else:
        log.info("⚠️  PAYMENT_GATEWAY_URL not set - running in mock mode")
    port = int(os.environ.get("PORT", "8080"))
    log.info("🚀 Payment service starting on port %d", port)
    service.run("payment", app(), port)
