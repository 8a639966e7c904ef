"""Events as Kubernetes' own components write them; repeats of one event are counted, not repeated."""

from __future__ import annotations

import time
from datetime import UTC, datetime

from reference.cluster import resources
from reference.cluster.resources import Object
from reference.cluster.store import Store, now


class Recorder:
    """Writes the events of one component, for example the kubelet of a node."""

    def __init__(self, store: Store, component: str, host: str = "") -> None:
        self._store, self._component, self._host = store, component, host
        self._written: dict[tuple[str, ...], tuple[str, str]] = {}

    def normal(self, about: Object, reason: str, message: str, container: str = "") -> None:
        """Record something expected about an object, or about one of a pod's containers."""
        self._record("Normal", about, reason, message, container)

    def warning(self, about: Object, reason: str, message: str, container: str = "") -> None:
        """Record something that a person should know about."""
        self._record("Warning", about, reason, message, container)

    def _record(self, kind: str, about: Object, reason: str, message: str, container: str) -> None:
        same = (about["metadata"]["uid"], kind, reason, message, container)
        if (key := self._written.get(same)) and self._store.find(resources.EVENTS, *key):
            self._store.edit(resources.EVENTS, key, _again)
            return
        meta = about["metadata"]
        namespace = meta.get("namespace", "default")
        home = self._store.find(resources.NAMESPACES, "", namespace)
        if home is None or home["metadata"].get("deletionTimestamp"):
            return
        name = f"{meta['name']}.{time.time_ns():x}"
        regarding = {"kind": about["kind"], "namespace": namespace, "name": meta["name"], "uid": meta["uid"],
            "apiVersion": about["apiVersion"], "resourceVersion": meta["resourceVersion"]}  # fmt: skip
        event: Object = {
            "apiVersion": "v1",
            "kind": "Event",
            "metadata": {"name": name, "namespace": namespace},
            "involvedObject": regarding | ({"fieldPath": f"spec.containers{{{container}}}"} if container else {}),
            "reason": reason,
            "message": message,
            "source": {"component": self._component} | ({"host": self._host} if self._host else {}),
            "firstTimestamp": now(),
            "lastTimestamp": now(),
            "count": 1,
            "type": kind,
            "eventTime": None,
            "reportingComponent": self._component,
            "reportingInstance": self._host,
        }
        if self._component == "default-scheduler":  # the one component here that writes the newer kind of event
            exact = datetime.now(UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
            event |= {"source": {}, "firstTimestamp": None, "lastTimestamp": None, "eventTime": exact,
                "action": "Binding", "reportingInstance": f"default-scheduler-{self._host}"}  # fmt: skip
            del event["count"]
        self._store.create(resources.EVENTS, event)
        self._written[same] = (namespace, name)


def _again(event: Object) -> None:
    event["count"] = event.get("count", 1) + 1
    event["lastTimestamp"] = now()


def as_new_event(event: Object) -> Object:
    """Return a core event as `events.k8s.io/v1` shows the same event."""
    same = ("metadata", "reason", "type", "eventTime", "action", "reportingInstance", "kind")
    shown = {key: event[key] for key in same if key in event}
    shown |= {"apiVersion": "events.k8s.io/v1", "regarding": event["involvedObject"], "note": event["message"]}
    shown |= {"reportingController": event.get("reportingComponent", "")}
    old = {"deprecatedCount": "count", "deprecatedFirstTimestamp": "firstTimestamp",
        "deprecatedLastTimestamp": "lastTimestamp", "deprecatedSource": "source"}  # fmt: skip
    return shown | {new: event[key] for new, key in old.items() if event.get(key)}
