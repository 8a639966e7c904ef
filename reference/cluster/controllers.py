"""Controllers: what they share, the ReplicaSets' pods, and what goes when something else goes."""

from __future__ import annotations

import asyncio
import logging

from reference.cluster.errors import ApiError
from reference.cluster.events import Recorder
from reference.cluster.registry import Registry
from reference.cluster.resources import (
    ALL,
    CONFIGMAPS,
    DEPLOYMENTS,
    NAMESPACES,
    PODS,
    REPLICASETS,
    SERVICE_ACCOUNTS,
    SERVICES,
    SLICES,
    Object,
    owner,
    owner_uid,
)
from reference.cluster.store import Change, Key, clone, key_of

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

    def mark(self, key: Key) -> None:
        """Have *key* reconciled as soon as the current callback is over."""
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


def is_ready(pod: Object) -> bool:
    """Tell whether the pod's Ready condition is True."""
    return any(c["type"] == "Ready" and c["status"] == "True" for c in pod["status"].get("conditions", ()))


def is_active(pod: Object) -> bool:
    """Tell whether the pod counts as a replica: neither over nor on its way out."""
    over = pod["status"]["phase"] in ("Succeeded", "Failed")
    return not over and "deletionTimestamp" not in pod["metadata"]


class ReplicaSetController(Controller):
    """Creates and deletes the pods of every ReplicaSet, and counts them in its status."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self._events = Recorder(self.store, "replicaset-controller")

    def heard(self, change: Change) -> None:
        """Mark the ReplicaSet that changed, or whose pod did."""
        if change.resource is REPLICASETS:
            self.mark(key_of(change.object))
        elif change.resource is PODS and (uid := owner_uid(change.object)):
            for rs in self.store.list(REPLICASETS, change.object["metadata"]["namespace"]):
                if rs["metadata"]["uid"] == uid:
                    self.mark(key_of(rs))

    def reconcile(self, key: Key) -> None:
        """Create or delete pods of one ReplicaSet until there are as many as it wants."""
        if (rs := self.store.find(REPLICASETS, key)) is None:
            return
        pods = [pod for pod in self.store.list(PODS, key[0], rs["metadata"]["uid"]) if is_active(pod)]
        surplus = len(pods) - rs["spec"]["replicas"]
        try:
            for _ in range(-surplus):
                self._create_pod(rs)
        except ApiError as error:
            self._events.warning(rs, "FailedCreate", f"Error creating: {error}")
        newest_first = sorted(pods, key=lambda pod: str(pod["metadata"]["creationTimestamp"]), reverse=True)
        for pod in sorted(newest_first, key=is_ready)[: max(0, surplus)]:
            self.registry.delete(PODS, key_of(pod))
            self._events.normal(rs, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")
        ready = sum(map(is_ready, pods))
        counts = {"fullyLabeledReplicas": len(pods), "readyReplicas": ready, "availableReplicas": ready}
        status: Object = {"replicas": len(pods), "observedGeneration": rs["metadata"]["generation"]}
        status |= {name: number for name, number in counts.items() if number}
        self.store.edit(REPLICASETS, key, lambda rs: rs.update(status=status))

    def _create_pod(self, rs: Object) -> None:
        template = clone(rs["spec"]["template"])
        template["metadata"]["generateName"] = rs["metadata"]["name"] + "-"
        template["metadata"]["ownerReferences"] = [owner(REPLICASETS, rs)]
        pod = self.registry.create(PODS, rs["metadata"]["namespace"], template)
        self._events.normal(rs, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")


class GarbageCollector(Controller):
    """Deletes the dependents of deleted objects."""

    def heard(self, change: Change) -> None:
        """Mark the namespace and uid of an owner that is gone."""
        if change.kind == "DELETED" and change.resource in (DEPLOYMENTS, REPLICASETS, SERVICES):
            self.mark((change.object["metadata"]["namespace"], change.object["metadata"]["uid"]))

    def reconcile(self, key: Key) -> None:
        """Delete what the object with this namespace and uid owned."""
        for resource in (REPLICASETS, PODS, SLICES):
            for child in self.store.list(resource, *key):
                self.registry.delete(resource, key_of(child))


class NamespaceController(Controller):
    """Furnishes new namespaces, and empties and removes those that are being deleted."""

    def __init__(self, registry: Registry, authority: str) -> None:
        super().__init__(registry)
        self._authority = authority

    def heard(self, change: Change) -> None:
        """Mark the namespace that changed, or that lost a pod."""
        if change.resource is NAMESPACES and change.kind != "DELETED":
            self.mark(key_of(change.object))
        elif change.resource is PODS and change.kind == "DELETED":
            self.mark(("", change.object["metadata"]["namespace"]))

    def reconcile(self, key: Key) -> None:
        """Furnish one namespace, or delete what is in it and then itself."""
        namespace, name = self.store.find(NAMESPACES, key), key[1]
        if namespace is None:
            return
        if "deletionTimestamp" not in namespace["metadata"]:
            if self.store.find(SERVICE_ACCOUNTS, (name, "default")) is None:
                self.registry.create(SERVICE_ACCOUNTS, name, {"metadata": {"name": "default"}})
                root = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": self._authority}}
                self.registry.create(CONFIGMAPS, name, root)
            return
        for resource in (resource for resource in ALL if resource.namespaced):
            for obj in self.store.list(resource, name):
                if "deletionTimestamp" not in obj["metadata"]:
                    self.registry.delete(resource, key_of(obj))
        if not self.store.list(PODS, name):
            self.store.delete(NAMESPACES, key)
