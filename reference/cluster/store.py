"""Objects in memory, one version number over all of them, and a memory of the latest changes."""

from __future__ import annotations

import builtins
import time
import uuid
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from reference.cluster import errors
from reference.cluster.resources import Object, Resource

REMEMBERED_CHANGES = 2000

Key = tuple[str, str]  # namespace ("" for objects of the cluster) and name


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
        self._objects: dict[Resource, dict[Key, Object]] = {}
        self._changes: deque[Change] = deque(maxlen=REMEMBERED_CHANGES)
        self._listeners: list[Callable[[Change], None]] = []

    def find(self, resource: Resource, key: Key) -> Object | None:
        """Return the object, None when there is none."""
        return self._objects.get(resource, {}).get(key)

    def get(self, resource: Resource, key: Key) -> Object:
        """Return the object; raises ApiError 404."""
        if (found := self.find(resource, key)) is None:
            raise errors.not_found(resource, key[1])
        return found

    def list(self, resource: Resource, namespace: str = "", owner: str = "") -> builtins.list[Object]:
        """Return the objects of one namespace ("" for all) and one owning uid ("" for any), by name."""
        held = self._objects.get(resource, {})
        found = [held[key] for key in sorted(held) if not namespace or key[0] == namespace]
        return [obj for obj in found if not owner or owner in _owners(obj)]

    def create(self, resource: Resource, obj: Object) -> Object:
        """Store a new object and return it with uid and version; raises ApiError 409."""
        obj = clone(obj)
        if key_of(obj) in self._objects.setdefault(resource, {}):
            raise errors.already_exists(resource, obj["metadata"]["name"])
        obj["metadata"] |= {"uid": str(uuid.uuid4()), "creationTimestamp": now()}
        return self._write("ADDED", resource, obj, None)

    def update(self, resource: Resource, obj: Object) -> Object:
        """Store *obj* if its resourceVersion is current or absent; raises ApiError 404 or 409."""
        before, obj = self.get(resource, key_of(obj)), clone(obj)
        current = before["metadata"]["resourceVersion"]
        if obj["metadata"].get("resourceVersion") not in (None, "", current):
            raise errors.conflict(resource, obj["metadata"]["name"])
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
            raise errors.expired(version, self._oldest)
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


def _owners(obj: Object) -> builtins.list[str]:
    return [reference["uid"] for reference in obj["metadata"].get("ownerReferences", ())]
