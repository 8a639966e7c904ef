"""Objects as Kubernetes has them: kinds, refusals, selectors, and the store with its memory of changes."""

from __future__ import annotations

import builtins
import re
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]  # one Kubernetes object, or a part of one, as JSON says it
Key = tuple[str, str]  # namespace ("" for objects of the cluster) and name
Match = Callable[[Object], bool]

REMEMBERED_CHANGES = 2000
_CHANGED = "the object has been modified; please apply your changes to the latest version and try again"
_LABEL_TERM = re.compile(r"(!?)\s*([\w./-]+)\s*(?:(==|=|!=)\s*(\S*)|(in|notin)\s*\(([^()]*)\))?")
_FIELD_TERM = re.compile(r"([^=!\s]+)(==|=|!=)(\S*)")
_ABOUT = {f"involvedObject.{field}" for field in ("kind", "name", "namespace", "uid", "apiVersion")}
_FIELDS = {"Pod": {"spec.nodeName", "status.phase", "status.podIP"}, "Event": {"reason", "type"} | _ABOUT}


@dataclass(frozen=True)
class Resource:
    """One kind of object: where it is served and what it is called."""

    plural: str
    kind: str
    short: str = ""
    group: str = ""
    parts: tuple[str, ...] = ()  # its subresources
    namespaced: bool = True

    @property
    def api_version(self) -> str:
        """Group and version as objects carry them."""
        return f"{self.group}/v1" if self.group else "v1"

    @property
    def qualified(self) -> str:
        """Plural name with group, as error messages carry it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


CONFIGMAPS = Resource("configmaps", "ConfigMap", "cm")
ENDPOINTS = Resource("endpoints", "Endpoints", "ep")
EVENTS = Resource("events", "Event", "ev")
NAMESPACES = Resource("namespaces", "Namespace", "ns", parts=("status",), namespaced=False)
NODES = Resource("nodes", "Node", "no", parts=("status",), namespaced=False)
PODS = Resource("pods", "Pod", "po", parts=("exec", "log", "portforward", "status"))
SECRETS = Resource("secrets", "Secret")
SERVICE_ACCOUNTS = Resource("serviceaccounts", "ServiceAccount", "sa")
SERVICES = Resource("services", "Service", "svc", parts=("status",))
DEPLOYMENTS = Resource("deployments", "Deployment", "deploy", "apps", ("scale", "status"))
REPLICASETS = Resource("replicasets", "ReplicaSet", "rs", "apps", ("scale", "status"))
SLICES = Resource("endpointslices", "EndpointSlice", "", "discovery.k8s.io")
SCALES = Resource("scales", "Scale", "", "autoscaling")  # a view of others, not stored
LEASES = Resource("leases", "Lease", "", "coordination.k8s.io")

ALL = (CONFIGMAPS, ENDPOINTS, EVENTS, NAMESPACES, NODES, PODS, SECRETS, SERVICE_ACCOUNTS, SERVICES,
    DEPLOYMENTS, REPLICASETS, SLICES, LEASES)  # fmt: skip


class ApiError(Exception):
    """A refusal, with the HTTP code and the Status object that clients receive."""

    def __init__(self, code: int, reason: str, message: str, **details: object) -> None:
        super().__init__(message)
        told = {"reason": reason, "details": {name: value for name, value in details.items() if value}}
        head = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Failure", "message": message}
        self.code, self.status = code, head | {key: each for key, each in told.items() if each} | {"code": code}


def refusal(code: int, reason: str, resource: Resource, name: str, why: str) -> ApiError:
    """Return the refusal that says *why* about one object."""
    told = why.format(f'{resource.qualified} "{name}"')
    return ApiError(code, reason, told, name=name, group=resource.group, kind=resource.plural)


def conflict(resource: Resource, name: str, why: str = _CHANGED) -> ApiError:
    """Return the refusal of a write that somebody else was faster than (409)."""
    return refusal(409, "Conflict", resource, name, f"Operation cannot be fulfilled on {{}}: {why}")


def invalid(resource: Resource, name: str, *causes: tuple[str, str, str]) -> ApiError:
    """Return the refusal of an object that breaks rules of its kind: reason, message and field of each (422)."""
    told = [f"{field}: {message}" for _, message, field in causes]
    kind = f"{resource.kind}.{resource.group}" if resource.group else resource.kind
    message = f'{kind} "{name}" is invalid: ' + (told[0] if len(told) == 1 else f"[{', '.join(told)}]")
    listed = [{"reason": reason, "message": text, "field": field} for reason, text, field in causes]
    return ApiError(422, "Invalid", message, name=name, group=resource.group, kind=resource.kind, causes=listed)


def bad_request(message: str) -> ApiError:
    """Return the refusal of a request that cannot be understood (400)."""
    return ApiError(400, "BadRequest", message)


def clone(value: Any) -> Any:
    """Return a copy of a JSON value that shares nothing with it."""
    if isinstance(value, dict):
        return {key: clone(inner) for key, inner in value.items()}
    return [clone(inner) for inner in value] if isinstance(value, list) else value


def now() -> str:
    """Return the time as objects carry it: RFC 3339, whole seconds, UTC."""
    return time.strftime("%Y-%m-%dT%H:%M:%SZ", time.gmtime())


def key_of(obj: Object) -> Key:
    """Return where the store keeps *obj*."""
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def owner(obj: Object) -> Object:
    """Return the reference by which *obj* owns what its controller makes."""
    named = {"apiVersion": obj["apiVersion"], "kind": obj["kind"]}
    named |= {field: obj["metadata"][field] for field in ("name", "uid")}
    return named | {"controller": True, "blockOwnerDeletion": True}


def owner_key(obj: Object, kind: str) -> Key | None:
    """Return where the owner of that kind is kept, None when *obj* has none."""
    owners = (each for each in obj["metadata"].get("ownerReferences", ()) if each["kind"] == kind)
    return next(((obj["metadata"]["namespace"], each["name"]) for each in owners), None)


def value_at(obj: Any, path: str) -> Any:
    """Return what *path* ("status.phase") leads to, None where it leads nowhere."""
    for part in path.split("."):
        obj = obj.get(part) if isinstance(obj, dict) else None
    return obj


def matches(resource: Resource, labels: str, fields: str) -> Match:
    """Return the test that a label selector `a=b,c in (d,e),!f` and a field selector make; raises ApiError 400."""
    by_label = [_label_test(term.strip()) for term in re.split(r",(?![^()]*\))", labels) if term.strip()]
    by_field = [_field_test(resource, term) for term in fields.split(",") if term]

    def match(obj: Object) -> bool:
        carried = obj["metadata"].get("labels") or {}
        return all(test(carried) for test in by_label) and all(test(obj) for test in by_field)

    return match


def _label_test(term: str) -> Match:
    if not (found := _LABEL_TERM.fullmatch(term)):
        raise bad_request(f"unable to parse requirement: found '{term}', expected: '=', '!=', '==', 'in', notin'")
    absent, key, sign, value, word, listed = found.groups()
    if not (sign or word):
        return lambda labels: (key in labels) != bool(absent)
    values = {each.strip() for each in listed.split(",")} if word else {value}
    return lambda labels: (labels.get(key) in values) == (sign in ("=", "==") or word == "in")


def _field_test(resource: Resource, term: str) -> Match:
    if not (found := _FIELD_TERM.fullmatch(term)):
        raise bad_request(f"invalid selector: '{term}'; can't understand '{term}'")
    path, sign, value = found.groups()
    if path not in {"metadata.name", "metadata.namespace"} | _FIELDS.get(resource.kind, set()):
        raise bad_request(f"field label not supported: {path}")
    return lambda obj: (str(value_at(obj, path) or "") == value) == (sign != "!=")


@dataclass(frozen=True)
class Change:
    """One write: `kind` is ADDED, MODIFIED or DELETED; `before` is None for ADDED."""

    version: int
    kind: str
    resource: Resource
    object: Object
    before: Object | None


class Store:
    """All objects. What is stored is never changed in place: readers may keep it and must not write to it."""

    def __init__(self) -> None:
        # The clock as first version: versions of an earlier cluster are recognised as too old.
        self.version = self._oldest = int(time.time())
        self._objects: dict[Resource, dict[Key, Object]] = {resource: {} for resource in ALL}
        self._changes: deque[Change] = deque(maxlen=REMEMBERED_CHANGES)
        self._listeners: list[Callable[[Change], None]] = []

    def find(self, resource: Resource, key: Key) -> Object | None:
        """Return the object, None when there is none."""
        return self._objects[resource].get(key)

    def get(self, resource: Resource, key: Key) -> Object:
        """Return the object; raises ApiError 404."""
        if (found := self.find(resource, key)) is None:
            raise refusal(404, "NotFound", resource, key[1], "{} not found")
        return found

    def list(self, resource: Resource, namespace: str = "", owner: str = "") -> builtins.list[Object]:
        """Return the objects of one namespace ("" for all) and one owning uid ("" for any), by name."""
        held = self._objects[resource]
        found = [held[key] for key in sorted(held) if not namespace or key[0] == namespace]
        owners = ((obj, obj["metadata"].get("ownerReferences", ())) for obj in found)
        return [obj for obj, listed in owners if not owner or owner in {each["uid"] for each in listed}]

    def create(self, resource: Resource, obj: Object) -> Object:
        """Store a new object and return it with uid and version; raises ApiError 409."""
        obj = clone(obj)
        if key_of(obj) in self._objects[resource]:
            raise refusal(409, "AlreadyExists", resource, obj["metadata"]["name"], "{} already exists")
        obj["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        return self._write("ADDED", resource, obj, None)

    def update(self, resource: Resource, obj: Object) -> Object:
        """Store *obj* if its resourceVersion is current or absent; raises ApiError 404 or 409."""
        before, obj = self.get(resource, key_of(obj)), clone(obj)
        current = before["metadata"]["resourceVersion"]
        if obj["metadata"].get("resourceVersion") not in (None, "", current):
            raise conflict(resource, obj["metadata"]["name"])
        obj["metadata"]["resourceVersion"] = current
        return before if obj == before else self._write("MODIFIED", resource, obj, before)

    def edit(self, resource: Resource, key: Key, change: Callable[[Object], None]) -> Object:
        """Let *change* rewrite a copy of the object, and store that; raises ApiError 404."""
        obj = clone(self.get(resource, key))
        change(obj)
        return self.update(resource, obj)

    def delete(self, resource: Resource, key: Key) -> Object:
        """Take the object away and return it as it last was; raises ApiError 404."""
        before = self.get(resource, key)
        return self._write("DELETED", resource, clone(before), before)

    def changes_since(self, version: int) -> builtins.list[Change]:
        """Return what happened after *version*; raises ApiError 410 when that is forgotten."""
        if version < self._oldest:
            raise ApiError(410, "Expired", f"too old resource version: {version} ({self._oldest})")
        return [change for change in self._changes if change.version > version]

    def listen(self, listener: Callable[[Change], None]) -> Callable[[], None]:
        """Call *listener* with every change from now on; returns the way to end that."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)

    def _write(self, kind: str, resource: Resource, obj: Object, before: Object | None) -> Object:
        self.version += 1
        obj["metadata"]["resourceVersion"] = str(self.version)
        if kind == "DELETED":
            del self._objects[resource][key_of(obj)]
        else:
            self._objects[resource][key_of(obj)] = obj
        if len(self._changes) == REMEMBERED_CHANGES:
            self._oldest = self._changes[0].version
        change = Change(self.version, kind, resource, obj, before)
        self._changes.append(change)
        for listener in tuple(self._listeners):
            listener(change)
        return obj
