"""Services: who answers for each (EndpointSlices, old Endpoints), and TCP proxies that lead there or refuse."""

from __future__ import annotations

import asyncio
import contextlib
import socket
import struct

from reference.cluster import objects
from reference.cluster.controllers import Controller, is_ready, record
from reference.cluster.environment import connectable_port
from reference.cluster.objects import Change, Key, Object, Resource, key_of, owner
from reference.cluster.registry import Registry

OVER = ("Succeeded", "Failed")
SERVICE_NAME, MANAGED_BY = "kubernetes.io/service-name", "kubernetes.io/managed-by"
CONNECT_SECONDS = 5.0
CHUNK = 65536

Address = tuple[str, int]


class EndpointController(Controller):
    """Keeps one EndpointSlice and one Endpoints object for every Service with a selector."""

    def heard(self, change: Change) -> None:
        if change.resource is objects.SERVICES:
            self.mark(key_of(change.object))
        elif change.resource is objects.PODS:
            for service in self.store.list(objects.SERVICES, change.object["metadata"]["namespace"]):
                if any(_selected(service, pod) for pod in (change.object, change.before) if pod):
                    self.mark(key_of(service))

    def reconcile(self, key: Key) -> None:
        service = self.store.find(objects.SERVICES, key)
        if service is None:
            if self.store.find(objects.ENDPOINTS, key):
                self.store.delete(objects.ENDPOINTS, key)
        elif service["spec"].get("selector"):
            found = [pod for pod in self.store.list(objects.PODS, key[0]) if _selected(service, pod)]
            pods = [pod for pod in found if "podIP" in pod["status"] and pod["status"]["phase"] not in OVER]
            self._write(objects.SLICES, self._slice(service, pods))
            self._write(objects.ENDPOINTS, _endpoints(service, pods))

    def _slice(self, service: Object, pods: list[Object]) -> Object:
        meta = service["metadata"]
        held = self.store.list(objects.SLICES, meta["namespace"], meta["uid"])
        head: Object = {"name": held[0]["metadata"]["name"]} if held else {"generateName": meta["name"] + "-"}
        labels = {f"endpointslice.{MANAGED_BY}": "endpointslice-controller.k8s.io", SERVICE_NAME: meta["name"]}
        labels |= {"service.kubernetes.io/headless": ""} if service["spec"]["clusterIP"] == "None" else {}
        head |= {"namespace": meta["namespace"], "labels": (meta.get("labels") or {}) | labels}
        head["ownerReferences"] = [owner(service)]
        endpoints = []
        for pod in pods:
            ending, serving = "deletionTimestamp" in pod["metadata"], is_ready(pod)
            conditions = {"ready": serving and not ending, "serving": serving, "terminating": ending}
            endpoints.append({"addresses": [pod["status"]["podIP"]], "conditions": conditions} | _place(pod))
        found = {"endpoints": endpoints or None, "ports": _ports(service, pods)}
        return {"metadata": head, "addressType": "IPv4"} | found

    def _write(self, resource: Resource, obj: Object) -> None:
        key = obj["metadata"]["namespace"], obj["metadata"].get("name", "")
        if (before := self.store.find(resource, key)) is None:
            obj["metadata"]["generation"] = 1
            self.registry.create(resource, key[0], obj)
            return
        kept = {field: before[field] for field in ("apiVersion", "kind")}
        changed = kept | obj | {"metadata": before["metadata"] | obj["metadata"]}
        if resource is objects.SLICES and changed != before:
            changed["metadata"]["generation"] = before["metadata"].get("generation", 1) + 1
        self.store.update(resource, changed)


def _selected(service: Object, pod: Object) -> bool:
    selector, labels = service["spec"].get("selector"), pod["metadata"].get("labels") or {}
    return bool(selector) and selector.items() <= labels.items()


def _place(pod: Object) -> Object:
    target = {"kind": "Pod"} | {field: pod["metadata"][field] for field in ("namespace", "name", "uid")}
    return {"nodeName": pod["spec"]["nodeName"], "targetRef": target}


def _endpoints(service: Object, pods: list[Object]) -> Object:
    meta = service["metadata"]
    subset: Object = {}
    for pod in (pod for pod in pods if "deletionTimestamp" not in pod["metadata"]):
        listed = subset.setdefault("addresses" if is_ready(pod) else "notReadyAddresses", [])
        listed.append({"ip": pod["status"]["podIP"]} | _place(pod))
    labels = (meta.get("labels") or {}) | {f"endpoints.{MANAGED_BY}": "endpoint-controller"}
    obj: Object = {"metadata": {"name": meta["name"], "namespace": meta["namespace"], "labels": labels}}
    return obj | ({"subsets": [subset | {"ports": _ports(service, pods)}]} if subset else {})


def _ports(service: Object, pods: list[Object]) -> list[Object] | None:
    if not pods:
        return None
    named = {port.get("name"): port["containerPort"] for container in pods[0]["spec"]["containers"]
        for port in container.get("ports") or ()}  # fmt: skip
    numbers = [(port, named.get(port["targetPort"], port["targetPort"])) for port in service["spec"]["ports"]]
    return [{"name": port.get("name", ""), "port": number, "protocol": port["protocol"]}
        for port, number in numbers if isinstance(number, int)]  # fmt: skip


class ServiceProxy(Controller):
    """Keeps a listener for every port of every Service, pointed at the ready endpoints of its slices."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self._node = f"127.{registry.network}.0.1"
        self._listeners: dict[Key, dict[Address, Listener]] = {}

    def heard(self, change: Change) -> None:
        if change.resource is objects.SERVICES:
            self.mark(key_of(change.object))
        elif change.resource is objects.SLICES:
            self.mark(
                (change.object["metadata"]["namespace"], change.object["metadata"]["labels"].get(SERVICE_NAME, ""))
            )

    def reconcile(self, key: Key) -> None:
        service = self.store.find(objects.SERVICES, key)
        wanted, held = self._wanted(service) if service else {}, self._listeners.setdefault(key, {})
        for address in set(held) - set(wanted):
            held.pop(address).point_at([])
        for address, backends in wanted.items():
            try:
                held.setdefault(address, Listener(address)).point_at(backends)
            except OSError as error:
                told = f"cannot listen on {address[0]}:{address[1]}: {error.strerror}"
                record(self.store, "kube-proxy", service or {}, "FailedToListen", told, warning=True)

    def _wanted(self, service: Object) -> dict[Address, list[Address]]:
        spec, meta = service["spec"], service["metadata"]
        slices = self.store.list(objects.SLICES, meta["namespace"], meta["uid"])
        wanted: dict[Address, list[Address]] = {}
        for port in (port for port in spec["ports"] if port["protocol"] == "TCP" and spec["clusterIP"] != "None"):
            backends = [
                (endpoint["addresses"][0], backend["port"])
                for each in slices
                for backend in each["ports"] or ()
                for endpoint in each["endpoints"] or ()
                if backend["name"] == port.get("name", "") and endpoint["conditions"]["ready"]
            ]
            wanted[spec["clusterIP"], connectable_port(port["port"])] = backends
            if "nodePort" in port:
                wanted[self._node, port["nodePort"]] = backends
        return wanted


class Listener:
    """One address of a Service: it listens only while somebody would answer, and refuses otherwise."""

    def __init__(self, address: Address) -> None:
        self._loop, self._address = asyncio.get_running_loop(), address
        self._backends: list[Address] = []
        self._turn = 0
        self._relays: set[asyncio.Task[None]] = set()
        self._socket: socket.socket | None = None

    def point_at(self, backends: list[Address]) -> None:
        """Send new connections there from now on; with nobody there, refuse them. Raises OSError."""
        if backends and self._socket is None:
            self._socket = socket.create_server(self._address, backlog=128)
            self._socket.setblocking(False)
            self._loop.add_reader(self._socket, self._accept, self._socket)
        elif self._socket and not backends:
            self._loop.remove_reader(self._socket)
            self._socket.close()
            self._socket = None
        self._backends = backends

    def _accept(self, listening: socket.socket) -> None:
        with contextlib.suppress(BlockingIOError, ConnectionError):
            client, _ = listening.accept()
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
