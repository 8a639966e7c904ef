"""What goes when something else goes: dependents of a deleted owner, and the contents of a namespace."""

from __future__ import annotations

from reference.cluster.controller import Controller
from reference.cluster.registry import Registry
from reference.cluster.resources import (
    ALL, CONFIGMAPS, DEPLOYMENTS, NAMESPACES, PODS, REPLICASETS, SERVICE_ACCOUNTS, SERVICES, SLICES
)  # fmt: skip
from reference.cluster.store import Change, Key, key_of


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
