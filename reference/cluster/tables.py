"""Tables, as the API server prepares them for `kubectl get`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reference.cluster.resources import Object, Resource
from reference.cluster.selectors import as_text

Row = tuple[Any, ...]


def table(resource: Resource, objects: list[Object], version: str, include: str, head: bool = True) -> Object:
    """Return the Table of some objects; *include* says how much of each object its row carries."""
    names, cells = _COLUMNS.get(resource.kind, ("Name Age", lambda obj: (_name(obj), _age(obj))))
    columns = [_column(name.replace("_", " ")) for name in names.split()]
    rows = []
    for obj in objects:
        row: Object = {"cells": list(cells(obj))}
        if include == "Object":
            row["object"] = obj
        elif include != "None":
            meta = {"kind": "PartialObjectMetadata", "apiVersion": "meta.k8s.io/v1", "metadata": obj["metadata"]}
            row["object"] = meta
        rows.append(row)
    found = {"kind": "Table", "apiVersion": "meta.k8s.io/v1", "metadata": {"resourceVersion": version}}
    return found | {"columnDefinitions": columns if head else None, "rows": rows}


def _column(name: str) -> Object:
    plain = name.removeprefix("+")
    kind = "integer" if plain in _NUMBERS else "string"
    form, priority = ("name" if plain == "Name" else ""), int(name != plain)
    return {"name": plain, "type": kind, "format": form, "description": "", "priority": priority}


def _age_of(stamp: str | None) -> str:
    if not stamp:
        return "<unknown>"
    seconds = int((datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds())
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{max(seconds, 0)}s"
    if minutes < 10:
        return f"{minutes}m{seconds % 60}s" if seconds % 60 else f"{minutes}m"
    if minutes < 180:
        return f"{minutes}m"
    if hours < 8:
        return f"{hours}h{minutes % 60}m" if minutes % 60 else f"{hours}h"
    if hours < 48:
        return f"{hours}h"
    return f"{days}d{hours % 24}h" if days < 8 and hours % 24 else f"{days}d"


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Object) -> str:
    return _age_of(obj["metadata"].get("creationTimestamp"))


def _containers(spec: Object) -> tuple[str, str]:
    containers = spec["template"]["spec"]["containers"]
    return ",".join(c["name"] for c in containers), ",".join(c["image"] for c in containers)


def _pod(pod: Object) -> Row:
    status, statuses = pod["status"], pod["status"].get("containerStatuses", [])
    reason, ready = status.get("reason") or status["phase"], sum(entry["ready"] for entry in statuses)
    for entry in reversed(statuses):
        waiting, ended = entry["state"].get("waiting", {}), entry["state"].get("terminated", {})
        reason = waiting.get("reason") or ended.get("reason") or reason
    if reason == "Completed" and any("running" in entry["state"] for entry in statuses):
        reason = "Running" if ready else "NotReady"
    if pod["metadata"].get("deletionTimestamp"):
        reason = "Terminating"
    restarts = sum(entry["restartCount"] for entry in statuses)
    ends = [entry["lastState"]["terminated"]["finishedAt"] for entry in statuses if entry["lastState"]]
    times = f"{restarts} ({_age_of(max(ends))} ago)" if restarts and ends else str(restarts)
    count = f"{ready}/{len(pod['spec']['containers'])}"
    place = (status.get("podIP", "<none>"), pod["spec"].get("nodeName", "<none>"), "<none>", "<none>")
    return _name(pod), count, reason, times, _age(pod), *place


def _deployment(obj: Object) -> Row:
    status, spec = obj.get("status") or {}, obj["spec"]
    ready = f"{status.get('readyReplicas', 0)}/{spec['replicas']}"
    counts = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    return _name(obj), ready, *counts, _age(obj), *_containers(spec), as_text(spec["selector"])


def _replica_set(obj: Object) -> Row:
    status, spec = obj.get("status") or {}, obj["spec"]
    counts = spec["replicas"], status.get("replicas", 0), status.get("readyReplicas", 0)
    return _name(obj), *counts, _age(obj), *_containers(spec), as_text(spec["selector"])


def _service(obj: Object) -> Row:
    spec = obj["spec"]
    node_ports = ((port, f":{port['nodePort']}" if port.get("nodePort") else "") for port in spec.get("ports") or ())
    ports = ",".join(f"{port['port']}{node}/{port['protocol']}" for port, node in node_ports) or "<none>"
    outside = spec.get("externalName") or ("<pending>" if spec["type"] == "LoadBalancer" else "<none>")
    selector = as_text({"matchLabels": spec.get("selector") or {}}) or "<none>"
    return _name(obj), spec["type"], spec.get("clusterIP", "<none>"), outside, ports, _age(obj), selector


def _few(found: list[str], shown: int) -> str:
    more = f" + {len(found) - shown} more..." if len(found) > shown else ""
    return ",".join(found[:shown]) + more


def _endpoints(obj: Object) -> Row:
    found = [f"{address['ip']}:{port['port']}" for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or () for address in subset.get("addresses") or ()]  # fmt: skip
    return _name(obj), _few(found, 3) or "<none>", _age(obj)


def _slice(obj: Object) -> Row:
    ports = _few([str(port["port"]) for port in obj.get("ports") or ()], 3) or "<unset>"
    found = [address for endpoint in obj.get("endpoints") or () for address in endpoint["addresses"]]
    return _name(obj), obj["addressType"], ports, _few(found, 3) or "<unset>", _age(obj)


def _event(obj: Object) -> Row:
    about = obj.get("involvedObject") or obj["regarding"]
    first = obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or obj.get("eventTime")
    last = obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp") or first
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    origin = ", ".join(source.values()) or f"{obj.get('reportingComponent', '')}, {obj.get('reportingInstance', '')}"
    told = str(obj.get("message") or obj.get("note") or "").strip()
    head = _age_of(last), obj.get("type"), obj.get("reason"), f"{about.get('kind', '').lower()}/{about.get('name')}"
    count = obj.get("count") or obj.get("deprecatedCount") or 1
    return *head, about.get("fieldPath", ""), origin, told, _age_of(first), count, _name(obj)


def _node(obj: Object) -> Row:
    status, info = obj["status"], obj["status"]["nodeInfo"]
    ready = any(c["type"] == "Ready" and c["status"] == "True" for c in status["conditions"])
    state = ("Ready" if ready else "NotReady") + (",SchedulingDisabled" if obj["spec"].get("unschedulable") else "")
    system = info["osImage"], info["kernelVersion"], info["containerRuntimeVersion"]
    return _name(obj), state, "control-plane", _age(obj), info["kubeletVersion"], \
        status["addresses"][0]["address"], "<none>", *system  # fmt: skip


_NUMBERS = ("Desired", "Current", "Up-to-date", "Available", "Count", "Data")
_WORKLOAD = "+Containers +Images +Selector"
_COLUMNS: dict[str, tuple[str, Callable[[Object], Row]]] = {  # "+" marks what only `-o wide` shows
    "Pod": ("Name Ready Status Restarts Age +IP +Node +Nominated_Node +Readiness_Gates", _pod),
    "Deployment": (f"Name Ready Up-to-date Available Age {_WORKLOAD}", _deployment),
    "ReplicaSet": (f"Name Desired Current Ready Age {_WORKLOAD}", _replica_set),
    "Service": ("Name Type Cluster-IP External-IP Port(s) Age +Selector", _service),
    "Endpoints": ("Name Endpoints Age", _endpoints),
    "EndpointSlice": ("Name AddressType Ports Endpoints Age", _slice),
    "Namespace": ("Name Status Age", lambda obj: (_name(obj), obj["status"]["phase"], _age(obj))),
    "Node": (
        "Name Status Roles Age Version +Internal-IP +External-IP +OS-Image +Kernel-Version +Container-Runtime",
        _node,
    ),
    "ConfigMap": ("Name Data Age", lambda obj: (_name(obj), len(obj.get("data") or {}), _age(obj))),
    "Secret": ("Name Type Data Age", lambda obj: (_name(obj), obj["type"], len(obj.get("data") or {}), _age(obj))),
    "ServiceAccount": ("Name Secrets Age", lambda obj: (_name(obj), len(obj.get("secrets") or ()), _age(obj))),
    "Event": (
        "Last_Seen Type Reason Object +Subobject +Source Message +First_Seen +Count +Name",
        _event,
    ),
}
