"""What goes when something else goes: dependents of a deleted owner, and the contents of a namespace."""

from __future__ import annotations

from reference.cluster import resources
from reference.cluster.registry import Registry
from reference.cluster.resources import CONFIGMAPS, NAMESPACES, SERVICE_ACCOUNTS
from reference.cluster.store import Change, Key, key_of
from reference.cluster.workqueue import WorkQueue

_OWNABLE = [resource for resource in resources.ALL if resource.namespaced and resource.kind != "Event"]


class GarbageCollector:
    """Deletes the dependents of deleted objects."""

    def __init__(self, registry: Registry) -> None:
        self._registry = registry
        self._queue = WorkQueue(self.reconcile)
        registry.store.listen(self._heard)

    def _heard(self, change: Change) -> None:
        if change.kind == "DELETED" and change.resource in (resources.DEPLOYMENTS, resources.REPLICASETS,
            resources.SERVICES, resources.PODS, CONFIGMAPS, resources.SECRETS):  # fmt: skip
            self._queue.mark((change.object["metadata"]["namespace"], change.object["metadata"]["uid"]))

    def reconcile(self, key: Key) -> None:
        """Delete what the object with this namespace and uid owned."""
        for resource in _OWNABLE:
            for child in self._registry.store.list(resource, key[0]):
                references = child["metadata"].get("ownerReferences", ())
                if any(reference["uid"] == key[1] for reference in references):
                    self._registry.delete(resource, key_of(child))


class NamespaceController:
    """Furnishes new namespaces, and empties and removes those that are being deleted."""

    def __init__(self, registry: Registry, authority: str) -> None:
        self._registry, self._store, self._authority = registry, registry.store, authority
        self._queue = WorkQueue(self.reconcile)
        self._store.listen(self._heard)

    def _heard(self, change: Change) -> None:
        if change.resource is NAMESPACES and change.kind != "DELETED":
            self._queue.mark(("", change.object["metadata"]["name"]))
        elif change.resource is resources.PODS and change.kind == "DELETED":
            self._queue.mark(("", change.object["metadata"]["namespace"]))

    def reconcile(self, key: Key) -> None:
        """Furnish one namespace, or delete what is in it and then itself."""
        namespace, name = self._store.find(NAMESPACES, *key), key[1]
        if namespace is None:
            return
        if "deletionTimestamp" not in namespace["metadata"]:
            if self._store.find(SERVICE_ACCOUNTS, name, "default") is None:
                self._registry.create(SERVICE_ACCOUNTS, name, {"metadata": {"name": "default"}})
                root = {"metadata": {"name": "kube-root-ca.crt"}, "data": {"ca.crt": self._authority}}
                self._registry.create(CONFIGMAPS, name, root)
            return
        for resource in (r for r in resources.ALL if r.namespaced):
            for obj in self._store.list(resource, name):
                if "deletionTimestamp" not in obj["metadata"]:
                    self._registry.delete(resource, key_of(obj))
        if not self._store.list(resources.PODS, name):
            self._store.delete(NAMESPACES, key)
