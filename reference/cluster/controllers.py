"""Controllers: what they share, the ReplicaSets' pods, and what goes when something else goes."""

from __future__ import annotations

import asyncio
import functools
import logging
import time

from reference.cluster import objects
from reference.cluster.objects import Change, Key, Object, Store, clone, key_of, now, owner, owner_key
from reference.cluster.registry import Registry

RETRY_SECONDS = 1.0


class Controller:
    """Hears every change, marks the keys that it concerns, and reconciles each of them once."""

    def __init__(self, registry: Registry) -> None:
        self.registry, self.store = registry, registry.store
        self._loop = asyncio.get_running_loop()
        self._marked: dict[Key, None] = {}
        self.store.listen(self.heard)

    def heard(self, change: Change) -> None:
        """Mark what this change concerns."""
        raise NotImplementedError

    def reconcile(self, key: Key) -> None:
        """Bring what this key stands for nearer to what is wanted."""
        raise NotImplementedError

    def mark(self, key: Key | None) -> None:
        """Have *key*, if any, reconciled as soon as the current callback is over."""
        if key:
            if not self._marked:
                self._loop.call_soon(self._work)
            self._marked[key] = None

    def _work(self) -> None:
        marked, self._marked = self._marked, {}
        for key in marked:
            try:
                self.reconcile(key)
            except Exception:  # one object that cannot be handled must not stop the others
                logging.getLogger(__name__).exception("reconciling %s failed", "/".join(key))
                self._loop.call_later(RETRY_SECONDS, self.mark, key)


def record(
    store: Store, component: str, about: Object, reason: str, message: str, *, part: str = "", warning: bool = False
) -> None:
    """Write an event about an object (of a pod: about a part) as Kubernetes' components do; repeats are counted."""
    meta, kind = about["metadata"], "Warning" if warning else "Normal"
    namespace = meta.get("namespace", "default")
    same = (meta["uid"], part, kind, reason, message)
    for event in store.list(objects.EVENTS, namespace):
        told = event["involvedObject"]
        if (told["uid"], told.get("fieldPath", ""), event["type"], event["reason"], event["message"]) == same:
            store.update(objects.EVENTS, event | {"count": event["count"] + 1, "lastTimestamp": now()})
            return
    home = store.find(objects.NAMESPACES, ("", namespace))
    if home is None or "deletionTimestamp" in home["metadata"]:
        return
    involved = {"kind": about["kind"], "apiVersion": about["apiVersion"], "namespace": namespace}
    involved |= {field: meta[field] for field in ("name", "uid", "resourceVersion")}
    event = {
        "apiVersion": "v1",
        "kind": "Event",
        "metadata": {"name": f"{meta['name']}.{time.time_ns():x}", "namespace": namespace},
        "involvedObject": involved | ({"fieldPath": part} if part else {}),
        "reason": reason,
        "message": message,
        "type": kind,
        "source": {"component": component},
        "reportingComponent": component,
        "reportingInstance": "",
        "firstTimestamp": now(),
        "lastTimestamp": now(),
        "eventTime": None,
        "count": 1,
    }
    store.create(objects.EVENTS, event)


def is_ready(pod: Object) -> bool:
    """Tell whether the pod's Ready condition is True."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


class ReplicaSetController(Controller):
    """Creates and deletes the pods of every ReplicaSet, and counts them in its status."""

    def heard(self, change: Change) -> None:
        if change.resource is objects.REPLICASETS:
            self.mark(key_of(change.object))
        elif change.resource is objects.PODS:
            self.mark(owner_key(change.object, "ReplicaSet"))

    def reconcile(self, key: Key) -> None:
        if (rs := self.store.find(objects.REPLICASETS, key)) is None:
            return
        owned = self.store.list(objects.PODS, key[0], rs["metadata"]["uid"])
        pods = [pod for pod in owned if "deletionTimestamp" not in pod["metadata"]]
        say = functools.partial(record, self.store, "replicaset-controller", rs)
        surplus = len(pods) - rs["spec"]["replicas"]
        for _ in range(-surplus):
            template = clone(rs["spec"]["template"])
            template["metadata"] |= {"generateName": rs["metadata"]["name"] + "-", "ownerReferences": [owner(rs)]}
            pod = self.registry.create(objects.PODS, key[0], template)
            say("SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")
        newest_first = sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)
        for pod in sorted(newest_first, key=is_ready)[: max(0, surplus)]:
            self.registry.delete(objects.PODS, key_of(pod))
            say("SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")
        ready = sum(map(is_ready, pods))
        counts = {"fullyLabeledReplicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}
        status: Object = {"replicas": len(pods), "observedGeneration": rs["metadata"]["generation"]}
        status |= {name: number for name, number in counts.items() if number}
        self.store.edit(objects.REPLICASETS, key, lambda rs: rs.update(status=status))


class GarbageCollector(Controller):
    """Deletes the dependents of deleted objects."""

    def heard(self, change: Change) -> None:
        if change.kind == "DELETED" and change.resource.namespaced:
            self.mark((change.object["metadata"]["namespace"], change.object["metadata"]["uid"]))

    def reconcile(self, key: Key) -> None:
        for resource in (objects.REPLICASETS, objects.PODS, objects.SLICES):
            for child in self.store.list(resource, *key):
                self.registry.delete(resource, key_of(child))


class NamespaceController(Controller):
    """Furnishes new namespaces, and empties and removes those that are being deleted."""

    def __init__(self, registry: Registry, authority: str) -> None:
        super().__init__(registry)
        self._root = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": authority}}

    def heard(self, change: Change) -> None:
        if change.resource is objects.NAMESPACES and change.kind != "DELETED":
            self.mark(key_of(change.object))
        elif change.resource is objects.PODS and change.kind == "DELETED":
            self.mark(("", change.object["metadata"]["namespace"]))

    def reconcile(self, key: Key) -> None:
        namespace, name = self.store.find(objects.NAMESPACES, key), key[1]
        if namespace is None:
            return
        if "deletionTimestamp" not in namespace["metadata"]:
            if self.store.find(objects.SERVICE_ACCOUNTS, (name, "default")) is None:
                self.registry.create(objects.SERVICE_ACCOUNTS, name, {"metadata": {"name": "default"}})
                self.registry.create(objects.CONFIGMAPS, name, self._root)
            return
        for resource in (resource for resource in objects.ALL if resource.namespaced):
            for obj in self.store.list(resource, name):
                if "deletionTimestamp" not in obj["metadata"]:
                    self.registry.delete(resource, key_of(obj))
        if not self.store.list(objects.PODS, name):
            self.store.delete(objects.NAMESPACES, key)
