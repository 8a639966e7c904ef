"""A service that takes as long, stalls and fails exactly as it is asked to, in a process of its own.

The query of each request says what becomes of it: `run` names the load it belongs to, `ms` is how long it takes, `at`
and `stall` keep everything that arrives so many seconds after the run's first request from being worked on, `every`
turns each so-manieth down, `end` is hang, close or text. `/seen?run=` tells how many came, and how many at once.
"""

from __future__ import annotations

import asyncio
import json
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from urllib.parse import parse_qsl, urlsplit

ROOT = Path(__file__).parents[2]
WITHIN = 10  # seconds


@dataclass
class Run:
    """What one load has sent so far."""

    began: float
    seen: int = 0
    at_once: int = 0
    most: int = 0
    bodies: list[str] = field(default_factory=list)


class Answering(asyncio.Protocol):
    """Answers the requests of one connection, one after the other."""

    runs: dict[str, Run] = {}  # noqa: RUF012

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport, self._unread = transport, b""

    def data_received(self, data: bytes) -> None:
        self._unread += data
        head, found, rest = self._unread.partition(b"\r\n\r\n")
        if not found:
            return
        lines = head.lower().split(b"\r\n")
        length = next((int(line.split(b":")[1]) for line in lines if line.startswith(b"content-length:")), 0)
        if len(rest) < length:
            return
        self._unread = rest[length:]
        target = urlsplit(head.split(b" ", 2)[1].decode())
        self._begin(target.path, dict(parse_qsl(target.query)), rest[:length].decode())

    def _begin(self, path: str, asked: dict[str, str], body: str) -> None:
        loop = asyncio.get_running_loop()
        run = self.runs.setdefault(asked.get("run", ""), Run(loop.time()))
        if path == "/seen":
            return self._answer(200, json.dumps({"seen": run.seen, "most": run.most, "bodies": run.bodies}))
        run.seen, run.at_once = run.seen + 1, run.at_once + 1
        run.most = max(run.most, run.at_once)
        run.bodies.append(body)
        since, at = loop.time() - run.began, float(asked.get("at", "inf"))
        stalled = max(0.0, at + float(asked.get("stall", 0)) - since) if since >= at else 0.0
        loop.call_later(stalled + float(asked.get("ms", 0)) / 1000, self._end, run, run.seen, asked)
        return None

    def _end(self, run: Run, number: int, asked: dict[str, str]) -> None:
        run.at_once -= 1
        end = asked.get("end") if number > int(asked.get("after", 0)) else ""
        if end == "close":
            self._transport.close()
        elif end == "text":
            self._answer(200, "no JSON at all")
        elif end != "hang":
            turned_down = "every" in asked and number % int(asked["every"]) == 0
            self._answer(int(asked.get("status", 200)), json.dumps({"success": not turned_down}))

    def _answer(self, status: int, body: str) -> None:
        place = "Location: http://127.0.0.1:1/\r\n" if status == 302 else ""
        self._transport.write(f"HTTP/1.1 {status} Said\r\n{place}Content-Length: {len(body)}\r\n\r\n{body}".encode())


@dataclass(frozen=True)
class KnownService:
    """Where it is, and what it has seen."""

    address: str

    def seen(self, run: str) -> dict:
        """How many requests of a load came, how many at once, and their bodies."""
        with urllib.request.urlopen(f"{self.address}/seen?run={run}", timeout=WITHIN) as answer:
            return json.load(answer)


@contextmanager
def known_service() -> Iterator[KnownService]:
    """One that runs; it ends with the `with`, or with this process."""
    command = [sys.executable, "-m", "tests.load.known_service"]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        try:
            yield KnownService(process.stdout.readline().strip())
        finally:
            process.kill()


async def main() -> None:
    """Serve until standard input ends."""
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Answering, "127.0.0.1", 0, backlog=1024)
    print(f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(main())
