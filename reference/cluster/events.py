"""Events as Kubernetes' own components write them; repeats of one event are counted, not repeated."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from reference.cluster.resources import EVENTS, NAMESPACES, Object
from reference.cluster.store import Key, Store, now


class Recorder:
    """Writes the events of one component, for example the kubelet of a node."""

    def __init__(self, store: Store, component: str, host: str = "") -> None:
        self._store, self._component, self._host = store, component, host
        self._written: dict[tuple[str, ...], Key] = {}

    def normal(self, about: Object, reason: str, message: str, container: str = "") -> None:
        """Record something expected about an object, or about one of a pod's containers."""
        self._record("Normal", about, reason, message, container)

    def warning(self, about: Object, reason: str, message: str, container: str = "") -> None:
        """Record something that a person should know about."""
        self._record("Warning", about, reason, message, container)

    def _record(self, kind: str, about: Object, reason: str, message: str, container: str) -> None:
        meta = about["metadata"]
        same = (meta["uid"], kind, reason, message, container)
        if (key := self._written.get(same)) and self._store.find(EVENTS, key):
            self._store.edit(EVENTS, key, _again)
            return
        namespace = meta.get("namespace", "default")
        home = self._store.find(NAMESPACES, ("", namespace))
        if home is None or "deletionTimestamp" in home["metadata"]:
            return
        involved = {"kind": about["kind"], "apiVersion": about["apiVersion"], "namespace": namespace}
        involved |= {field: meta[field] for field in ("name", "uid", "resourceVersion")}
        event: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": f"{meta['name']}.{time.time_ns():x}", "namespace": namespace},
            "involvedObject": involved | _path(container),
            "reason": reason,
            "message": message,
            "type": kind,
            "reportingComponent": self._component,
        } | self._times()  # fmt: skip
        self._written[same] = (namespace, event["metadata"]["name"])
        self._store.create(EVENTS, event)

    def _times(self) -> Object:
        """Return what differs between the two ways of recording: only the scheduler uses the newer one."""
        if self._component == "default-scheduler":
            exact = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            return {"source": {}, "firstTimestamp": None, "lastTimestamp": None, "eventTime": exact,
                "action": "Binding", "reportingInstance": f"default-scheduler-{self._host}"}  # fmt: skip
        source = {"component": self._component} | ({"host": self._host} if self._host else {})
        times = {"firstTimestamp": now(), "lastTimestamp": now(), "eventTime": None}
        return times | {"source": source, "count": 1, "reportingInstance": self._host}


def _path(container: str) -> Object:
    return {"fieldPath": f"spec.containers{{{container}}}"} if container else {}


def _again(event: Object) -> None:
    event["count"] = event.get("count", 1) + 1
    event["lastTimestamp"] = now()


def as_new_event(event: Object) -> Object:
    """Return a core event as `events.k8s.io/v1` shows the same event."""
    renamed = {"involvedObject": "regarding", "message": "note", "reportingComponent": "reportingController",
        "count": "deprecatedCount", "firstTimestamp": "deprecatedFirstTimestamp",
        "lastTimestamp": "deprecatedLastTimestamp", "source": "deprecatedSource"}  # fmt: skip
    return {renamed.get(key, key): value for key, value in event.items()} | {"apiVersion": "events.k8s.io/v1"}
