"""Tables, as the API server prepares them for `kubectl get`."""

from __future__ import annotations

from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from reference.cluster.resources import Object
from reference.cluster.selectors import as_text

Row = tuple[Any, ...]

_META = "meta.k8s.io/v1"
_NUMBERS = ("Desired", "Current", "Up-to-date", "Available", "Count", "Data")


def table(kind: str, objects: list[Object], version: str, include: str) -> Object:
    """Return the Table of some objects; *include* says how much of each object its row carries."""
    names, cells = _COLUMNS.get(kind, ("Name Age", lambda obj: (_name(obj), _age(obj))))
    rows = []
    for obj in objects:
        partial = {"kind": "PartialObjectMetadata", "apiVersion": _META, "metadata": obj["metadata"]}
        carried = {"Object": obj, "None": None}.get(include, partial)
        rows.append({"cells": list(cells(obj)), "object": carried})
    columns = [_column(name.replace("_", " ")) for name in names.split()]
    head = {"kind": "Table", "apiVersion": _META, "metadata": {"resourceVersion": version}}
    return head | {"columnDefinitions": columns, "rows": rows}


def _column(name: str) -> Object:
    plain = name.removeprefix("+")
    kind = "integer" if plain in _NUMBERS else "string"
    form, priority = ("name" if plain == "Name" else ""), int(name != plain)
    return {"name": plain, "type": kind, "format": form, "description": "", "priority": priority}


def _age_of(stamp: str | None) -> str:
    if not stamp:
        return "<unknown>"
    seconds = max(0, int((datetime.now(UTC) - datetime.fromisoformat(stamp)).total_seconds()))
    minutes, hours, days = seconds // 60, seconds // 3600, seconds // 86400
    if seconds < 120:
        return f"{seconds}s"
    exact = {minutes < 10: (minutes, "m", seconds % 60, "s"), 3 <= hours < 8: (hours, "h", minutes % 60, "m"),
        2 <= days < 8: (days, "d", hours % 24, "h")}  # fmt: skip
    if True in exact:
        whole, unit, rest, smaller = exact[True]
        return f"{whole}{unit}{rest}{smaller}" if rest else f"{whole}{unit}"
    return f"{minutes}m" if hours < 3 else f"{hours}h" if days < 2 else f"{days}d"


def _name(obj: Object) -> str:
    return str(obj["metadata"]["name"])


def _age(obj: Object) -> str:
    return _age_of(obj["metadata"].get("creationTimestamp"))


def _template(spec: Object) -> Row:
    containers = spec["template"]["spec"]["containers"]
    named = (",".join(container[field] for container in containers) for field in ("name", "image"))
    return *named, as_text(spec["selector"])


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
    times = f"{restarts} ({_age_of(max(ends))} ago)" if restarts and ends else str(restarts)
    place = (status.get("podIP", "<none>"), pod["spec"].get("nodeName", "<none>"), "<none>", "<none>")
    return _name(pod), f"{ready}/{len(pod['spec']['containers'])}", reason, times, _age(pod), *place


def _deployment(obj: Object) -> Row:
    status, spec = obj.get("status") or {}, obj["spec"]
    ready = f"{status.get('readyReplicas', 0)}/{spec['replicas']}"
    counts = status.get("updatedReplicas", 0), status.get("availableReplicas", 0)
    return _name(obj), ready, *counts, _age(obj), *_template(spec)


def _replica_set(obj: Object) -> Row:
    status, spec = obj.get("status") or {}, obj["spec"]
    counts = spec["replicas"], status.get("replicas", 0), status.get("readyReplicas", 0)
    return _name(obj), *counts, _age(obj), *_template(spec)


def _service(obj: Object) -> Row:
    spec = obj["spec"]
    listed = spec.get("ports") or ()
    nodes = [f":{port['nodePort']}" if port.get("nodePort") else "" for port in listed]
    pairs = zip(listed, nodes, strict=True)
    ports = ",".join(f"{port['port']}{node}/{port['protocol']}" for port, node in pairs) or "<none>"
    outside = spec.get("externalName") or ("<pending>" if spec["type"] == "LoadBalancer" else "<none>")
    selector = as_text({"matchLabels": spec.get("selector") or {}}) or "<none>"
    return _name(obj), spec["type"], spec.get("clusterIP", "<none>"), outside, ports, _age(obj), selector


def _few(found: list[str], without: str) -> str:
    more = f" + {len(found) - 3} more..." if len(found) > 3 else ""
    return ",".join(found[:3]) + more or without


def _endpoints(obj: Object) -> Row:
    found = [f"{address['ip']}:{port['port']}" for subset in obj.get("subsets") or ()
        for port in subset.get("ports") or () for address in subset.get("addresses") or ()]  # fmt: skip
    return _name(obj), _few(found, "<none>"), _age(obj)


def _slice(obj: Object) -> Row:
    ports = [str(port["port"]) for port in obj.get("ports") or ()]
    found = [address for endpoint in obj.get("endpoints") or () for address in endpoint["addresses"]]
    return _name(obj), obj["addressType"], _few(ports, "<unset>"), _few(found, "<unset>"), _age(obj)


def _event(obj: Object) -> Row:
    about = obj.get("involvedObject") or obj["regarding"]
    first = obj.get("firstTimestamp") or obj.get("deprecatedFirstTimestamp") or obj.get("eventTime")
    last = obj.get("lastTimestamp") or obj.get("deprecatedLastTimestamp") or first
    source = obj.get("source") or obj.get("deprecatedSource") or {}
    origin = ", ".join(source.values()) or obj.get("reportingComponent") or obj.get("reportingController")
    head = _age_of(last), obj["type"], obj["reason"], f"{about.get('kind', '').lower()}/{about.get('name')}"
    count = obj.get("count") or obj.get("deprecatedCount") or 1
    told = obj.get("message") or obj.get("note")
    return *head, about.get("fieldPath", ""), origin, told, _age_of(first), count, _name(obj)


def _node(obj: Object) -> Row:
    info, address = obj["status"]["nodeInfo"], obj["status"]["addresses"][0]["address"]
    system = info["osImage"], info["kernelVersion"], info["containerRuntimeVersion"]
    return _name(obj), "Ready", "control-plane", _age(obj), info["kubeletVersion"], address, "<none>", *system


def _counted(field: str) -> Callable[[Object], Row]:
    return lambda obj: (_name(obj), len(obj.get(field) or ()), _age(obj))


_COLUMNS: dict[str, tuple[str, Callable[[Object], Row]]] = {  # "+" marks what only `-o wide` shows
    "Pod": ("Name Ready Status Restarts Age +IP +Node +Nominated_Node +Readiness_Gates", _pod),
    "Deployment": ("Name Ready Up-to-date Available Age +Containers +Images +Selector", _deployment),
    "ReplicaSet": ("Name Desired Current Ready Age +Containers +Images +Selector", _replica_set),
    "Service": ("Name Type Cluster-IP External-IP Port(s) Age +Selector", _service),
    "Endpoints": ("Name Endpoints Age", _endpoints),
    "EndpointSlice": ("Name AddressType Ports Endpoints Age", _slice),
    "Namespace": ("Name Status Age", lambda obj: (_name(obj), obj["status"]["phase"], _age(obj))),
    "Node": ("Name Status Roles Age Version +Internal-IP +External-IP +OS-Image +Kernel-Version "
        "+Container-Runtime", _node),
    "ConfigMap": ("Name Data Age", _counted("data")),
    "Secret": ("Name Type Data Age", lambda obj: (_name(obj), obj["type"], len(obj["data"]), _age(obj))),
    "ServiceAccount": ("Name Secrets Age", _counted("secrets")),
    "Event": ("Last_Seen Type Reason Object +Subobject +Source Message +First_Seen +Count +Name", _event),
}  # fmt: skip
