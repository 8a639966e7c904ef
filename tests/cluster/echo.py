"""A small HTTP server for the tests' pods: says who it is, writes to its log, and dies or falls ill when asked.

GET /            {"pod": name, "env": {…}}
GET /health      200, or 503 while ill
GET /ill, /well  become ill, become well
GET /say?text    write one line to the log
GET /exit?code   end with that exit code

It begins to listen START_AFTER seconds late, and ends END_AFTER seconds after SIGTERM; with --deaf it never does.
"""

from __future__ import annotations

import asyncio
import json
import os
import signal
import sys
from urllib.parse import unquote

state = {"ill": False}


def answer(path: str, query: str) -> tuple[int, object]:
    if path == "/exit":
        os._exit(int(query))
    if path in ("/ill", "/well"):
        state["ill"] = path == "/ill"
    if path == "/say":
        print(unquote(query), flush=True)
    if path == "/health" and state["ill"]:
        return 503, "ill"
    return 200, {"pod": os.environ.get("HOSTNAME"), "env": dict(os.environ)}


async def serve(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    while line := await reader.readline():
        path, _, query = line.split()[1].decode().partition("?")
        last = False
        while header := (await reader.readline()).strip():
            last = last or header.lower() == b"connection: close"
        status, told = answer(path, query)
        body = json.dumps(told).encode()
        head = f"HTTP/1.1 {status} Told\r\nContent-Length: {len(body)}\r\nContent-Type: application/json\r\n\r\n"
        writer.write(head.encode() + body)
        await writer.drain()
        if last:
            break
    writer.close()


async def main() -> None:
    # PID 1 of a container has no default for SIGTERM, and has to listen on more than the pod's address:
    # a port-forward reaches it by its own loopback address.
    end = asyncio.get_running_loop().call_later, float(os.environ.get("END_AFTER", "0")), os._exit, 0
    if "--deaf" in sys.argv:
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
    else:
        asyncio.get_running_loop().add_signal_handler(signal.SIGTERM, *end)
    host = "0.0.0.0" if os.getpid() == 1 else os.environ.get("POD_IP", "127.0.0.1")
    await asyncio.sleep(float(os.environ.get("START_AFTER", "0")))
    server = await asyncio.start_server(serve, host, 8080)
    print("listening", flush=True)
    async with server:
        await server.serve_forever()


if __name__ == "__main__":
    asyncio.run(main())
