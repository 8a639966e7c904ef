"""What is streamed instead of answered: the log of a container, and the ports of a pod."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Coroutine, Mapping
from datetime import UTC, datetime

from aiohttp import WSMsgType, web

from reference.cluster.containers import Container
from reference.cluster.errors import ApiError, bad_request
from reference.cluster.kubelet import Kubelet
from reference.cluster.process import Log, stamp
from reference.cluster.resources import PODS
from reference.cluster.store import Key, Store

_PROTOCOLS = ("v4.channel.k8s.io", "portforward.k8s.io")
_ASKED = "Sec-WebSocket-Protocol"
_CHUNK = 65536


class Streams:
    """Serves logs and port-forwards of the pods that run here."""

    def __init__(self, store: Store, kubelet: Kubelet) -> None:
        self._store, self._kubelet = store, kubelet

    async def answer(self, request: web.BaseRequest, key: Key, part: str) -> web.StreamResponse:
        """Answer a request for a pod's log or portforward; raises ApiError."""
        pod, running = self._store.get(PODS, key), self._kubelet.running(key)
        if part == "log":
            return await _log(request, key[1], [c["name"] for c in pod["spec"]["containers"]], running)
        if part == "exec":
            raise ApiError(501, "NotImplemented", "exec is not served: this cluster runs no commands in pods")
        if not set(_PROTOCOLS) & {name.strip() for name in request.headers.get(_ASKED, "").split(",")}:
            why = f"it takes a websocket that speaks {_PROTOCOLS[0]}, as the Python client's does"
            raise ApiError(501, "NotImplemented", f"portforward is not served in this way: {why}")
        if not running:
            why = "unable to forward port because pod is not running. Current status="
            raise bad_request(why + pod["status"]["phase"])
        return await _forward(request, next(iter(running.values())).around.ip)


async def _log(
    request: web.BaseRequest, pod: str, names: list[str], running: Mapping[str, Container]
) -> web.StreamResponse:
    query = request.query
    name = query.get("container") or (names[0] if len(names) == 1 else "")
    if name not in names:
        unnamed = f"a container name must be specified for pod {pod}, choose one of: [{' '.join(names)}]"
        raise bad_request(f"container {name} is not valid for pod {pod}" if name else unnamed)
    log = _log_of(running.get(name), name, pod, _yes(query, "previous"))
    since = _since(query)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    await _send_log(response, log, since, query)
    await response.write_eof()
    return response


def _log_of(container: Container | None, name: str, pod: str, previous: bool) -> Log:
    log = container and (container.previous_log if previous else container.log)
    if log:
        return log
    if previous:
        raise bad_request(f'previous terminated container "{name}" in pod "{pod}" not found')
    reason = container.state.get("waiting", {}).get("reason") if container else "ContainerCreating"
    why = "trying and failing to pull image" if "Image" in str(reason) else reason
    raise bad_request(f'container "{name}" in pod "{pod}" is waiting to start: {why}')


async def _send_log(response: web.StreamResponse, log: Log, since: bytes, query: Mapping[str, str]) -> None:
    timestamps, follow = _yes(query, "timestamps"), _yes(query, "follow")
    left = int(query["limitBytes"]) if "limitBytes" in query else None
    with log.path.open("rb") as file:
        lines = [line for line in file if line[:30] >= since]
        if "tailLines" in query:
            lines = lines[max(0, len(lines) - int(query["tailLines"])) :]
        while True:
            text = b"".join(line if timestamps else line.partition(b" ")[2] for line in lines)
            await response.write(text[:left])
            left = None if left is None else max(0, left - len(text))
            closed = log.closed
            lines = file.readlines()
            if not follow or left == 0 or (closed and not lines):
                return
            if not lines:
                await log.grown()
                lines = file.readlines()


def _since(query: Mapping[str, str]) -> bytes:
    """Return the stamp from which on lines count; raises ApiError 400."""
    try:
        if "sinceSeconds" in query:
            moment = datetime.now(UTC).timestamp() - int(query["sinceSeconds"])
        elif "sinceTime" in query:
            moment = datetime.fromisoformat(query["sinceTime"]).timestamp()
        else:
            return b""
    except ValueError as error:
        raise bad_request(f"invalid sinceTime or sinceSeconds: {error}") from error
    return stamp(round(moment * 1_000_000) * 1000).encode()


def _yes(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "").lower() in ("1", "true")


async def _forward(request: web.BaseRequest, ip: str) -> web.StreamResponse:
    """Relay ports over one websocket: for the nth port, channel 2n carries data and 2n + 1 an error."""
    ports = [int(port) for given in request.query.getall("ports", []) for port in given.split(",")]
    socket = web.WebSocketResponse(protocols=_PROTOCOLS, max_msg_size=0)
    await socket.prepare(request)
    writers: dict[int, asyncio.StreamWriter] = {}
    relays: list[Coroutine[None, None, None]] = []

    async def relay(channel: bytes, reader: asyncio.StreamReader) -> None:
        while received := await reader.read(_CHUNK):
            await socket.send_bytes(channel + received)

    async def relay_all() -> None:
        await asyncio.gather(*relays, return_exceptions=True)
        await socket.close()

    for index, port in enumerate(ports):
        data, error = bytes((2 * index,)), bytes((2 * index + 1,))
        for channel in (data, error):
            await socket.send_bytes(channel + struct.pack("<H", port))
        try:
            reader, writers[index] = await asyncio.open_connection(ip, port)
            relays.append(relay(data, reader))
        except OSError as failure:
            told = f"error forwarding port {port} to pod: {failure.strerror}"
            await socket.send_bytes(error + told.encode())
    relaying = asyncio.create_task(relay_all())
    async for message in socket:
        if message.type is WSMsgType.BINARY and (writer := writers.get(message.data[0] // 2)):
            writer.write(message.data[1:])
    relaying.cancel()
    for writer in writers.values():
        writer.close()
    return socket
