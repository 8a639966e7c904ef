"""Lines that hold no secret, as stacks write them; run as a module it prints how fast they are read."""

from __future__ import annotations

import random
import time
import uuid
from collections.abc import Iterator

from judging.redaction import Redaction


def lines(count: int, seed: int = 6) -> Iterator[str]:
    """Log lines, API answers and metrics full of stamps, ids and hashes; the same for the same seed."""
    draw = random.Random(seed)
    for _ in range(count):
        stamp = 1_762_500_000_000 + draw.randrange(10**10)
        order, trace = f"{draw.getrandbits(96):024x}", f"{draw.getrandbits(64):016x}"
        yield draw.choice(
            (
                f"2026-01-07 09:10:{stamp % 60:02d}.123 INFO [orders,{trace},{trace},false] 1 --- [exec-3] "
                f"w.w.s.o.controllers.OrdersController : Order {order} status updated to PAYMENT_FAILED",
                f'{{"id":"{order}","total":{draw.random() * 100},"at":{stamp},"number":"5918","done":null}}',
                f"ts={stamp} caller=logging.go:25 method=Authorise result=false took={draw.random()}ms",
                f"GET /orders/{order} 200 {draw.random() * 30:.3f} ms - {draw.randrange(9999)} card",
                f"{draw.getrandbits(256):064x} {stamp * 1000} {stamp * 10**6} {stamp + 1}",
                f'seconds_bucket{{le="{draw.random():.2f}",route="/card"}} {draw.randrange(10**6)}',
                f"pod/payment-{trace[:9]}-x2x4z 1/1 Running 0 3s 127.12.1.{draw.randrange(250)}",
                f'uid: "{uuid.UUID(int=draw.getrandbits(128))}" resourceVersion: "{stamp % 99}" key: value',
                f"expires: 2026-12-31, Idempotency-Key: {order}, the password field is empty",
                f"0.{draw.randrange(10**16):016d} {draw.random()} {draw.randrange(10**10)} cookies",
                f"INFO: payment {uuid.UUID(int=draw.getrandbits(128))} written: "
                f"began=2026-01-07T12:01:22.{draw.choice((482913, stamp % 10**6)):06d}+00:00 "
                f"ms={draw.random() * 400:.1f} at_once={draw.randrange(41)}",
                f'POST /payment/verify-otp: 200 OK, otp_timeout_ms=400, "otp": null, '
                f'{draw.randrange(100)} OTP sessions, {{"amount": {draw.randrange(10**6)}.00, "otp_service": "ready"}}',
                f'{{"automountServiceAccountToken": false, "secretName": "{trace}", "token": null}}',
            )
        )


if __name__ == "__main__":
    some, quiet = "\n".join(lines(40_000)), "\n".join(line for line in lines(100_000) if " INFO " in line)
    redaction = Redaction()
    for known in (0, 20):
        for each in range(known):
            redaction.secret(f"pw-{each}-{uuid.UUID(int=each * 7919)}", "password")
        for kind, text in (("log lines", quiet), ("lines with stamps, ids and suspicious words", some)):
            began = time.perf_counter()
            redaction.text(text)
            speed = len(text) / 1e6 / (time.perf_counter() - began)
            print(f"{speed:5.1f} MB/s, {known} known secrets, {kind}")
