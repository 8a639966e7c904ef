"""Services as TCP proxies on loopback addresses: balanced over ready pods, refusing when there is none."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from reference.cluster.controllers import Controller
from reference.cluster.endpoints import SERVICE_NAME
from reference.cluster.environment import connectable_port
from reference.cluster.events import Recorder
from reference.cluster.registry import Registry
from reference.cluster.resources import SERVICES, SLICES, Object
from reference.cluster.store import Change, Key, key_of

CONNECT_SECONDS = 5.0
CHUNK = 65536

Address = tuple[str, int]


class ServiceProxy(Controller):
    """Keeps a listener for every port of every Service, pointed at the ready endpoints of its slices."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self._node = f"127.{registry.network}.0.1"
        self._events = Recorder(self.store, "kube-proxy")
        self._listeners: dict[Key, dict[Address, Listener]] = {}

    def heard(self, change: Change) -> None:
        """Mark the Service that changed, or whose slice did."""
        if change.resource is SERVICES:
            self.mark(key_of(change.object))
        elif change.resource is SLICES:
            self.mark((change.object["metadata"]["namespace"], _service_of(change.object)))

    def reconcile(self, key: Key) -> None:
        """Open, close and point the listeners of one Service."""
        service = self.store.find(SERVICES, key)
        wanted, held = self._wanted(service) if service else {}, self._listeners.setdefault(key, {})
        for address in set(held) - set(wanted):
            held.pop(address).close()
        for address, backends in wanted.items():
            try:
                if address not in held:
                    held[address] = Listener(address)
                held[address].point_at(backends)
            except OSError as error:
                told = f"cannot listen on {address[0]}:{address[1]}: {error.strerror}"
                self._events.warning(service or {}, "FailedToListen", told)

    def _wanted(self, service: Object) -> dict[Address, list[Address]]:
        spec, key = service["spec"], key_of(service)
        slices = [each for each in self.store.list(SLICES, key[0]) if _service_of(each) == key[1]]
        wanted: dict[Address, list[Address]] = {}
        if spec.get("clusterIP", "None") == "None":
            return wanted
        for port in (port for port in spec.get("ports") or () if port["protocol"] == "TCP"):
            backends = [
                (endpoint["addresses"][0], backend["port"])
                for each in slices
                for backend in each.get("ports") or ()
                for endpoint in each.get("endpoints") or ()
                if backend.get("name", "") == port.get("name", "") and endpoint["conditions"]["ready"]
            ]
            wanted[spec["clusterIP"], connectable_port(port["port"])] = backends
            if "nodePort" in port:
                wanted[self._node, port["nodePort"]] = backends
        return wanted


def _service_of(endpoint_slice: Object) -> str:
    return str((endpoint_slice["metadata"].get("labels") or {}).get(SERVICE_NAME, ""))


class Listener:
    """One address of a Service. It is bound all its life, and listens only while somebody would answer."""

    def __init__(self, address: Address) -> None:
        """Bind; raises OSError when the address is taken."""
        self._loop = asyncio.get_running_loop()
        self._backends: list[Address] = []
        self._turn = 0
        self._relays: set[asyncio.Task[None]] = set()
        self._socket = socket.socket()
        self._socket.setblocking(False)
        self._socket.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        self._socket.bind(address)

    def point_at(self, backends: list[Address]) -> None:
        """Send new connections there from now on; with nobody there, refuse them. Raises OSError."""
        if backends and not self._backends:
            self._socket.listen(128)
            self._loop.add_reader(self._socket, self._accept)
        elif self._backends and not backends:
            self._loop.remove_reader(self._socket)
            self._socket.shutdown(socket.SHUT_RDWR)  # bound, but no longer listening: refuses, keeps the port
        self._backends = backends

    def close(self) -> None:
        """Give the address back."""
        self._loop.remove_reader(self._socket)
        self._socket.close()

    def _accept(self) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            client, _ = self._socket.accept()
            client.setblocking(False)
            self._turn += 1
            backend = self._backends[self._turn % len(self._backends)]
            relay = self._loop.create_task(self._relay(client, backend))
            self._relays.add(relay)
            relay.add_done_callback(self._relays.discard)

    async def _relay(self, client: socket.socket, backend: Address) -> None:
        try:
            async with asyncio.timeout(CONNECT_SECONDS):
                from_pod, to_pod = await asyncio.open_connection(*backend)
        except OSError:
            _reset(client)
            client.close()
            return
        from_client, to_client = await asyncio.open_connection(sock=client)
        await asyncio.gather(_pour(from_client, to_pod), _pour(from_pod, to_client))
        to_pod.close()
        to_client.close()


async def _pour(source: asyncio.StreamReader, target: asyncio.StreamWriter) -> None:
    """Pass on everything until its end; a broken connection breaks the other one, too."""
    try:
        while data := await source.read(CHUNK):
            target.write(data)
            await target.drain()
        target.write_eof()
    except OSError:
        _reset(target.get_extra_info("socket"))
        target.transport.abort()


def _reset(connection: socket.socket) -> None:
    """Have the other side see a reset, not a polite end, when this connection is closed."""
    with contextlib.suppress(OSError):
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
