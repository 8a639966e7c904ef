"""What a request asks for, and the form of its answer: an object, a list, or the Table that `kubectl get` prints."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from aiohttp import web

from reference.cluster import objects
from reference.cluster.objects import Key, Match, Object, Resource, Store

ROOTS = {each.api_version: f"{'apis' if each.group else 'api'}/{each.api_version}" for each in objects.ALL}
_BY_PATH = {(ROOTS[each.api_version], each.plural): each for each in objects.ALL}

Row = dict[str, Any]  # the cells of an object by column; "+" marks what only `-o wide` shows


@dataclass(frozen=True)
class Asked:
    """A request about objects; empty strings where its path says nothing."""

    request: web.BaseRequest
    resource: Resource
    namespace: str
    name: str
    part: str  # the subresource

    @classmethod
    def of(cls, request: web.BaseRequest) -> Asked | None:
        """Read a request's path; None when it leads to no resource."""
        words = request.path.strip("/").split("/")
        depth = 2 if words[0] == "api" else 3
        root, rest, namespace = "/".join(words[:depth]), words[depth:], ""
        if len(rest) > 2 and rest[0] == "namespaces" and (root, rest[2]) in _BY_PATH:
            namespace, rest = rest[1], rest[2:]
        resource = _BY_PATH.get((root, rest[0])) if 1 <= len(rest) <= 3 else None
        if resource is None or (resource.namespaced != bool(namespace) and len(rest) > 1):
            return None
        _, name, part = [*rest, "", ""][:3]
        return cls(request, resource, namespace, name, part)

    @property
    def key(self) -> Key:
        """Where the store keeps the object."""
        return self.namespace, self.name

    @functools.cached_property
    def match(self) -> Match:
        """Whether an object is among those asked for; raises ApiError 400."""
        query = self.request.query
        chosen = objects.matches(self.resource, query.get("labelSelector", ""), query.get("fieldSelector", ""))
        return lambda obj: self.name in ("", obj["metadata"]["name"]) and chosen(obj)

    def yes(self, option: str) -> bool:
        """Whether an option of the query is on."""
        return self.request.query.get(option, "").lower() in ("1", "true")

    def chosen(self, store: Store) -> list[Object]:
        """Return the objects asked for; raises ApiError 400."""
        match = self.match
        return [obj for obj in store.list(self.resource, self.namespace) if match(obj)]

    def shown(self, obj: Object) -> Object:
        """Return one object in the form that was asked for."""
        return self._table([obj], obj["metadata"]["resourceVersion"]) or obj

    def listed(self, found: list[Object], version: str) -> Object:
        """Return objects in the form that was asked for."""
        items = [{key: obj[key] for key in obj if key not in ("kind", "apiVersion")} for obj in found]
        head = {"kind": f"{self.resource.kind}List", "apiVersion": self.resource.api_version}
        return self._table(found, version) or head | {"metadata": {"resourceVersion": version}, "items": items}

    def _table(self, found: list[Object], version: str) -> Object | None:
        if self.part or "as=Table" not in self.request.headers.get("Accept", ""):
            return None
        cells = [_ROWS.get(self.resource.kind, _plain)(obj) for obj in found]
        columns = [_column(name) for name in (cells[0] if cells else ("Name",))]
        rows = [{"cells": list(row.values()), "object": obj} for row, obj in zip(cells, found, strict=True)]
        head = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version}}
        return head | {"columnDefinitions": columns, "rows": rows}


def _column(name: str) -> Object:
    plain = name.removeprefix("+")
    return {"name": plain, "type": "string", "format": "name" if name == "Name" else "", "priority": int(name != plain)}


def _ago(stamp: str | None) -> str:
    """Return how long ago a time was, as kubectl says it: two units while the larger one is small."""
    if not stamp:
        return "<unknown>"
    seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()))
    units = ((86400, "d", 2, 3600, "h", 8), (3600, "h", 3, 60, "m", 8), (60, "m", 2, 1, "s", 10))
    for size, unit, fewest, smaller, rest, few in units:
        whole, left = divmod(seconds, size)
        if whole >= fewest:
            return f"{whole}{unit}{left // smaller}{rest}" if whole < few and left // smaller else f"{whole}{unit}"
    return f"{seconds}s"


def pairs(labels: Object) -> str:
    """Return labels as kubectl prints a selector, and as a query takes it."""
    return ",".join(f"{key}={value}" for key, value in sorted(labels.items())) or "<none>"


def _plain(obj: Object, **cells: object) -> Row:
    return {"Name": obj["metadata"]["name"]} | cells | {"Age": _ago(obj["metadata"].get("creationTimestamp"))}


def _template(spec: Object) -> Row:
    containers = spec["template"]["spec"]["containers"]
    names, images = (",".join(each[field] for each in containers) for field in ("name", "image"))
    return {"+Containers": names, "+Images": images, "+Selector": pairs(spec["selector"]["matchLabels"])}


def _pod(pod: Object) -> Row:
    status, statuses = pod["status"], pod["status"].get("containerStatuses", [])
    reason, ready = status["phase"], sum(entry["ready"] for entry in statuses)
    for entry in reversed(statuses):
        states = [entry["state"].get(name, {}) for name in ("waiting", "terminated")]
        reason = next((state["reason"] for state in states if "reason" in state), reason)
    if "deletionTimestamp" in pod["metadata"]:
        reason = "Terminating"
    restarts = sum(entry["restartCount"] for entry in statuses)
    ends = [entry["lastState"]["terminated"]["finishedAt"] for entry in statuses if entry["lastState"]]
    times = f"{restarts} ({_ago(max(ends))} ago)" if restarts and ends else str(restarts)
    row = _plain(pod, Ready=f"{ready}/{len(pod['spec']['containers'])}", Status=reason, Restarts=times)
    row |= {"+IP": status.get("podIP", "<none>"), "+Node": pod["spec"].get("nodeName", "<none>")}
    return row | {"+Nominated Node": "<none>", "+Readiness Gates": "<none>"}


def _deployment(obj: Object) -> Row:
    status, spec = obj.get("status") or {}, obj["spec"]
    cells = {"Ready": f"{status.get('readyReplicas', 0)}/{spec['replicas']}"}
    cells |= {"Up-to-date": status.get("updatedReplicas", 0), "Available": status.get("availableReplicas", 0)}
    return _plain(obj, **cells) | _template(spec)


def _replica_set(obj: Object) -> Row:
    status, spec = obj.get("status") or {}, obj["spec"]
    current, ready = status.get("replicas", 0), status.get("readyReplicas", 0)
    return _plain(obj, Desired=spec["replicas"], Current=current, Ready=ready) | _template(spec)


def _service(obj: Object) -> Row:
    spec = obj["spec"]
    nodes = [f":{port['nodePort']}" if "nodePort" in port else "" for port in spec["ports"]]
    ports = [f"{port['port']}{node}/{port['protocol']}" for port, node in zip(spec["ports"], nodes, strict=True)]
    cells = {"Type": spec["type"], "Cluster-IP": spec["clusterIP"], "External-IP": "<none>"}
    row = _plain(obj, **cells, **{"Port(s)": ",".join(ports) or "<none>"})
    return row | {"+Selector": pairs(spec.get("selector") or {})}


def _few(found: list[str], without: str) -> str:
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more or without


def _endpoints(obj: Object) -> Row:
    found = [f"{address['ip']}:{port['port']}" for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or () for address in subset.get("addresses") or ()]  # fmt: skip
    return _plain(obj, Endpoints=_few(found, "<none>"))


def _slice(obj: Object) -> Row:
    ports = [str(port["port"]) for port in obj.get("ports") or ()]
    found = [address for endpoint in obj.get("endpoints") or () for address in endpoint["addresses"]]
    return _plain(obj, AddressType=obj["addressType"], Ports=_few(ports, "<unset>"), Endpoints=_few(found, "<unset>"))


def _event(obj: Object) -> Row:
    about = obj["involvedObject"]
    head = {"Last Seen": _ago(obj["lastTimestamp"]), "Type": obj["type"], "Reason": obj["reason"]}
    return head | {"Object": f"{about['kind'].lower()}/{about['name']}", "Message": obj["message"]}


def _node(obj: Object) -> Row:
    return _plain(obj, Status="Ready", Roles="control-plane") | {"Version": obj["status"]["nodeInfo"]["kubeletVersion"]}


_ROWS: dict[str, Callable[[Object], Row]] = {
    "Pod": _pod,
    "Deployment": _deployment,
    "ReplicaSet": _replica_set,
    "Service": _service,
    "Endpoints": _endpoints,
    "EndpointSlice": _slice,
    "Event": _event,
    "Node": _node,
    "Namespace": lambda obj: _plain(obj, Status=obj["status"]["phase"]),
    "ConfigMap": lambda obj: _plain(obj, Data=len(obj.get("data") or ())),
    "Secret": lambda obj: _plain(obj, Type=obj["type"], Data=len(obj["data"])),
    "ServiceAccount": lambda obj: _plain(obj, Secrets=0),
}
