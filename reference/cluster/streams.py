"""What is streamed to and from a pod: a container's log, a command run beside it, and the pod's ports."""

from __future__ import annotations

import asyncio
import json
import struct
import uuid
from collections.abc import Mapping
from datetime import UTC, datetime
from subprocess import DEVNULL, PIPE

from aiohttp import WSMsgType, web

from reference.cluster.containers import Container
from reference.cluster.objects import ApiError, Object, bad_request
from reference.cluster.processes import Log, Process, stamp, unstartable

_EXEC_PROTOCOLS = ("v5.channel.k8s.io", "v4.channel.k8s.io")
_INTERNAL = "Internal error occurred: "
_PORT_PROTOCOLS = ("v4.channel.k8s.io", "portforward.k8s.io")
_CHUNK = 65536

Running = Mapping[str, Container]  # the containers of a pod, by name


def _yes(query: Mapping[str, str], option: str) -> bool:
    return query.get(option, "").lower() in ("1", "true")


def _protocols(request: web.BaseRequest) -> set[str]:
    return {name.strip() for name in request.headers.get("Sec-WebSocket-Protocol", "").split(",")}


def _chosen(request: web.BaseRequest, pod: Object) -> str:
    """Return the name of the container that is asked for; raises ApiError 400."""
    pod_name, names = pod["metadata"]["name"], [container["name"] for container in pod["spec"]["containers"]]
    name = request.query.get("container") or (names[0] if len(names) == 1 else "")
    if name not in names:
        unnamed = f"a container name must be specified for pod {pod_name}, choose one of: [{' '.join(names)}]"
        raise bad_request(f"container {name} is not valid for pod {pod_name}" if name else unnamed)
    return name


async def log(request: web.BaseRequest, pod: Object, running: Running) -> web.StreamResponse:
    """Send what a container wrote, and what it writes while it is followed; raises ApiError 400."""
    query, pod_name, name = request.query, pod["metadata"]["name"], _chosen(request, pod)
    container, previous = running.get(name), _yes(query, "previous")
    found = container and (container.previous_log if previous else container.log)
    if not found:
        reason = container.state.get("waiting", {}).get("reason") if container else "ContainerCreating"
        why = "trying and failing to pull image" if "Image" in str(reason) else reason
        waits = f'container "{name}" in pod "{pod_name}" is waiting to start: {why}'
        raise bad_request(
            f'previous terminated container "{name}" in pod "{pod_name}" not found' if previous else waits
        )
    since = _since(query)
    response = web.StreamResponse(headers={"Content-Type": "text/plain"})
    await response.prepare(request)
    await _send_log(response, found, since, query)
    await response.write_eof()
    return response


def _since(query: Mapping[str, str]) -> bytes:
    """Return the stamp from which on lines count; raises ApiError 400."""
    try:
        moment = datetime.fromisoformat(query.get("sinceTime", "1970-01-01T00:00:00Z")).timestamp()
        if "sinceSeconds" in query:
            moment = datetime.now(UTC).timestamp() - int(query["sinceSeconds"])
    except ValueError as error:
        raise bad_request(f"invalid sinceTime or sinceSeconds: {error}") from error
    return stamp(round(moment * 1_000_000) * 1000).encode()


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


async def execute(request: web.BaseRequest, pod: Object, running: Running) -> web.StreamResponse:
    """Run a command beside a container's process; raises ApiError.

    One websocket carries stdin, stdout, stderr and the outcome on channels 0 to 3; channel 255 closes another.
    """
    query, name = request.query, _chosen(request, pod)
    container = running.get(name)
    if not _protocols(request) & set(_EXEC_PROTOCOLS):
        raise ApiError(501, "NotImplemented", "exec is served to websockets only")
    if container is None or (process := container.process) is None:
        raise ApiError(404, "NotFound", f'container not found ("{name}")')
    socket = web.WebSocketResponse(protocols=_EXEC_PROTOCOLS, max_msg_size=0)
    await socket.prepare(request)
    words = query.getall("command", [])
    tty, frames = _yes(query, "tty"), asyncio.Queue[bytes]()
    outputs = [lambda data: frames.put_nowait(b"\1" + data), lambda data: frames.put_nowait(b"\2" + data)]
    try:
        stdin = PIPE if _yes(query, "stdin") else DEVNULL
        command = Process(words, container, outputs[:1] if tty else outputs, stdin, tty)
    except (OSError, ValueError) as error:
        started = f'failed to start exec "{uuid.uuid4().hex * 2}"'
        why = f"{started}: OCI runtime exec failed: exec failed: {unstartable(words, error)}"
        told = f"{_INTERNAL}{_INTERNAL}error executing command in container: failed to exec in container: {why}"
        await socket.send_bytes(_outcome("InternalError", told))
        await socket.close()
        return socket

    def finish(exited: asyncio.Future[int]) -> None:
        told = f"command terminated with non-zero exit code: exit code {exited.result()}"
        frames.put_nowait(_outcome("NonZeroExitCode", told, exited.result()) if exited.result() else _outcome())

    async def send_all() -> None:
        frame = b""
        while frame[:1] != b"\3":
            frame = await frames.get()
            await socket.send_bytes(frame)
        await socket.close()

    command.exited.add_done_callback(finish)
    process.exited.add_done_callback(command.kill)
    sending = asyncio.create_task(send_all())
    loop = asyncio.get_running_loop()
    entry = (await loop.connect_write_pipe(asyncio.BaseProtocol, command.stdin))[0] if command.stdin else None
    async for message in socket:
        data = message.data if message.type is WSMsgType.BINARY else message.data.encode()
        if entry and data[:1] == b"\0":
            entry.write(data[1:])
        elif entry and data == b"\xff\0":
            entry.close()
    sending.cancel()
    process.exited.remove_done_callback(command.kill)
    command.kill()
    if entry:
        entry.close()
    return socket


def _outcome(reason: str = "", message: str = "", code: int = 0) -> bytes:
    status: Object = {"metadata": {}, "status": "Failure" if reason else "Success"}
    status |= {"message": message, "reason": reason} if reason else {}
    status |= {"details": {"causes": [{"reason": "ExitCode", "message": str(code)}]}} if code else {}
    return b"\3" + json.dumps(status).encode()


async def portforward(request: web.BaseRequest, pod: Object, running: Running) -> web.StreamResponse:
    """Relay ports over one websocket: for the nth port, channel 2n carries data and 2n + 1 an error."""
    if not _protocols(request) & set(_PORT_PROTOCOLS):
        why = f"it takes a websocket that speaks {_PORT_PROTOCOLS[0]}, as the Python client's does"
        raise ApiError(501, "NotImplemented", f"portforward is not served in this way: {why}")
    if not running:
        why = "unable to forward port because pod is not running. Current status="
        raise bad_request(why + pod["status"]["phase"])
    ports = [int(port) for given in request.query.getall("ports", []) for port in given.split(",")]
    socket = web.WebSocketResponse(protocols=_PORT_PROTOCOLS, max_msg_size=0)
    await socket.prepare(request)
    writers: dict[int, asyncio.StreamWriter] = {}

    async def relay(channel: bytes, reader: asyncio.StreamReader) -> None:
        while received := await reader.read(_CHUNK):
            await socket.send_bytes(channel + received)

    async def relay_all(readers: dict[int, asyncio.StreamReader]) -> None:
        relays = (relay(bytes((2 * index,)), reader) for index, reader in readers.items())
        await asyncio.gather(*relays, return_exceptions=True)
        await socket.close()

    readers: dict[int, asyncio.StreamReader] = {}
    for index, port in enumerate(ports):
        data, error = bytes((2 * index,)), bytes((2 * index + 1,))
        for channel in (data, error):
            await socket.send_bytes(channel + struct.pack("<H", port))
        try:
            readers[index], writers[index] = await asyncio.open_connection(pod["status"]["podIP"], port)
        except OSError as failure:
            await socket.send_bytes(error + f"error forwarding port {port} to pod: {failure.strerror}".encode())
    relaying = asyncio.create_task(relay_all(readers))
    async for message in socket:
        if message.type is WSMsgType.BINARY and (writer := writers.get(message.data[0] // 2)):
            writer.write(message.data[1:])
    relaying.cancel()
    for writer in writers.values():
        writer.close()
    return socket
