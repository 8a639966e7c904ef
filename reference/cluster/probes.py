"""Probes of a container: looked at as its manifest says, and eagerly while everybody waits for it."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable

from reference.cluster.resources import Object

EAGER_SECONDS = 0.02
EASE = 0.05  # while not ready, the next look comes after this share of the time waited so far

Look = Callable[[], Awaitable[str]]  # says what is wrong, "" when all is well
Tell = Callable[[str], None]


async def look(probe: Object, ip: str, ports: dict[str, int]) -> str:
    """Probe once, within the probe's timeout; returns what is wrong in the kubelet's words, else ""."""
    check = probe.get("httpGet") or probe["tcpSocket"]
    host, port = check.get("host") or ip, ports.get(check["port"], check["port"])
    path = "/" + check["path"].lstrip("/") if "httpGet" in probe else ""
    asked = f'Get "http://{host}:{port}{path}": ' if path else ""
    try:
        async with asyncio.timeout(probe["timeoutSeconds"]):
            reader, writer = await asyncio.open_connection(host, port)
            try:
                return await _http_fault(reader, writer, check, f"{host}:{port}", path) if path else ""
            finally:
                writer.close()
    except TimeoutError:
        late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
        return asked + (late if path else f"dial tcp {host}:{port}: i/o timeout")
    except ConnectionRefusedError:
        return f"{asked}dial tcp {host}:{port}: connect: connection refused"
    except (OSError, ValueError, IndexError):
        return f"{asked}EOF"


async def _http_fault(
    reader: asyncio.StreamReader, writer: asyncio.StreamWriter, check: Object, host: str, path: str
) -> str:
    headers = {"Host": host, "User-Agent": "kube-probe/1.34", "Accept": "*/*", "Connection": "close"}
    headers |= {header["name"]: header["value"] for header in check.get("httpHeaders") or ()}
    lines = [f"GET {path} HTTP/1.1", *(f"{name}: {value}" for name, value in headers.items()), "", ""]
    writer.write("\r\n".join(lines).encode())
    status = int((await reader.readline()).split()[1])
    return "" if 200 <= status < 400 else f"HTTP probe failed with statuscode: {status}"


async def keep_ready(probe: Object, look: Look, unwell: Tell, say: Callable[[bool], None]) -> None:
    """Say whenever readiness changes, for ever; failures count and are told only when the probe is due."""
    ready, wins, losses, period = False, 0, 0, float(probe["periodSeconds"])
    since = time.monotonic()
    due = since + probe.get("initialDelaySeconds", 0)
    while True:
        wrong, at = await look(), time.monotonic()
        wins, losses = (0, losses) if wrong else (wins + 1, 0)
        if at >= due:
            due = at + period
            losses += bool(wrong)
            if wrong:
                unwell(wrong)
        if losses >= probe["failureThreshold"] if ready else wins >= probe["successThreshold"]:
            ready, since = not ready, at
            say(ready)
        await asyncio.sleep(period if ready else min(period, max(EAGER_SECONDS, (at - since) * EASE)))


async def until_dead(probe: Object, look: Look, unwell: Tell) -> None:
    """Return when a liveness probe has failed as often in a row as it may."""
    losses, pause = 0, probe.get("initialDelaySeconds", 0)
    while losses < probe["failureThreshold"]:
        await asyncio.sleep(pause)
        pause = probe["periodSeconds"]
        wrong = await look()
        losses = losses + 1 if wrong else 0
        if wrong:
            unwell(wrong)
