"""What is streamed instead of answered: the log of a container, and the ports of a pod."""

from __future__ import annotations

import asyncio
import struct
from collections.abc import Mapping
from datetime import UTC, datetime

from aiohttp import WSMsgType, web

from reference.cluster.containers import Container
from reference.cluster.errors import ApiError, bad_request
from reference.cluster.kubelet import Kubelet
from reference.cluster.pods import RunningPod
from reference.cluster.process import Log, stamp
from reference.cluster.resources import PODS
from reference.cluster.store import Key, Store

_CHANNELS = ("v4.channel.k8s.io", "portforward.k8s.io")
_CHUNK = 65536


class Streams:
    """Serves logs and port-forwards of the pods that run here."""

    def __init__(self, store: Store, kubelet: Kubelet) -> None:
        self._store, self._kubelet = store, kubelet

    async def answer(self, request: web.BaseRequest, key: Key, part: str) -> web.StreamResponse:
        """Answer a request for a pod's log or portforward; raises ApiError."""
        pod = self._store.get(PODS, *key)
        running = self._kubelet.running(key)
        if part == "log":
            names = [container["name"] for container in pod["spec"]["containers"]]
            return await self._log(request, running, key[1], names)
        if part == "portforward" and "websocket" in request.headers.get("Upgrade", "").lower():
            return await self._forward(request, running, key[1])
        why = "this cluster runs no commands in pods" if part == "exec" else "only over a websocket"
        raise ApiError(501, "NotImplemented", f"{part} is not served: {why}")

    async def _log(
        self, request: web.BaseRequest, running: RunningPod | None, pod: str, names: list[str]
    ) -> web.StreamResponse:
        query = request.query
        name = query.get("container") or (names[0] if len(names) == 1 else "")
        if not name:
            raise bad_request(f"a container name must be specified for pod {pod}, choose one of: [{' '.join(names)}]")
        if name not in names:
            raise bad_request(f"container {name} is not valid for pod {pod}")
        if running is None:
            raise bad_request(f'container "{name}" in pod "{pod}" is waiting to start: ContainerCreating')
        log = _log_of(running.containers[name], pod, _yes(query, "previous"))
        response = web.StreamResponse(headers={"Content-Type": "text/plain"})
        await response.prepare(request)
        await _send_log(response, log, query)
        await response.write_eof()
        return response

    async def _forward(self, request: web.BaseRequest, running: RunningPod | None, pod: str) -> web.StreamResponse:
        if running is None:
            raise bad_request(f"unable to forward port because pod is not running. Current status={pod}")
        ports = [int(port) for given in request.query.getall("ports", []) for port in given.split(",")]
        if not ports:
            raise bad_request("query parameter \"ports\" is required")
        socket = web.WebSocketResponse(protocols=_CHANNELS, max_msg_size=0)
        await socket.prepare(request)
        ip = next(iter(running.containers.values())).around.ip
        forwards = [_Forward(socket, index, ip, port) for index, port in enumerate(ports)]
        done = asyncio.ensure_future(asyncio.gather(*(forward.run() for forward in forwards)))
        done.add_done_callback(lambda _: asyncio.ensure_future(socket.close()))
        async for message in socket:
            if message.type is WSMsgType.BINARY and message.data:
                await forwards[message.data[0] // 2].send(message.data[1:])
        done.cancel()
        return socket


class _Forward:
    """One forwarded port: a data channel (2n) and an error channel (2n + 1) over a websocket, and a connection."""

    def __init__(self, socket: web.WebSocketResponse, index: int, ip: str, port: int) -> None:
        self._socket, self._ip, self._port = socket, ip, port
        self._data, self._error = bytes((2 * index,)), bytes((2 * index + 1,))
        self._writer: asyncio.StreamWriter | None = None

    async def run(self) -> None:
        """Name the port on both channels, as the protocol asks; connect, and pass on until the pod ends it."""
        for channel in (self._data, self._error):
            await self._socket.send_bytes(channel + struct.pack("<H", self._port))
        try:
            reader, self._writer = await asyncio.open_connection(self._ip, self._port)
        except OSError as error:
            told = f"error forwarding port {self._port} to pod: {error.strerror}"
            await self._socket.send_bytes(self._error + told.encode())
            return
        try:
            while data := await reader.read(_CHUNK):
                await self._socket.send_bytes(self._data + data)
        finally:
            self._writer.close()

    async def send(self, data: bytes) -> None:
        """Pass on what the client sent; what a closed connection cannot take is dropped."""
        if self._writer and not self._writer.is_closing():
            self._writer.write(data)
            await self._writer.drain()


def _log_of(container: Container, pod: str, previous: bool) -> Log:
    log = container.previous_log if previous else container.log
    if log is None and previous:
        raise bad_request(f'previous terminated container "{container.name}" in pod "{pod}" not found')
    if log is None:
        reason = container.state.get("waiting", {}).get("reason", "ContainerCreating")
        why = "trying and failing to pull image" if "Image" in reason else reason
        raise bad_request(f'container "{container.name}" in pod "{pod}" is waiting to start: {why}')
    return log


async def _send_log(response: web.StreamResponse, log: Log, query: Mapping[str, str]) -> None:
    since, timestamps, follow = _since(query), _yes(query, "timestamps"), _yes(query, "follow")
    left = int(query["limitBytes"]) if "limitBytes" in query else None
    with log.path.open("rb") as file:
        lines = [line for line in file if line[:30] >= since]
        if "tailLines" in query:
            lines = lines[len(lines) - min(int(query["tailLines"]), len(lines)) :]
        while True:
            text = b"".join(line if timestamps else line.partition(b" ")[2] for line in lines)
            await response.write(text[:left])
            left = None if left is None else max(0, left - len(text))
            if not follow or left == 0:
                return
            closed = log.closed
            if not (lines := file.readlines()):
                if closed:
                    return
                await log.grown()


def _since(query: Mapping[str, str]) -> bytes:
    """Return the stamp from which on lines count."""
    if "sinceSeconds" in query:
        moment = datetime.now(UTC).timestamp() - int(query["sinceSeconds"])
    elif "sinceTime" in query:
        try:
            moment = datetime.fromisoformat(query["sinceTime"]).timestamp()
        except ValueError as error:
            raise bad_request(f"invalid sinceTime: {query['sinceTime']}") from error
    else:
        return b""
    return stamp(round(moment * 1_000_000) * 1000).encode()


def _yes(query: Mapping[str, str], name: str) -> bool:
    return query.get(name, "") in ("1", "true", "True")
