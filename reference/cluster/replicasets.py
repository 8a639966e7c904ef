"""The ReplicaSet controller: as many pods as wanted, no more."""

from __future__ import annotations

from reference.cluster.controller import Controller
from reference.cluster.errors import ApiError
from reference.cluster.events import Recorder
from reference.cluster.registry import Registry
from reference.cluster.resources import PODS, REPLICASETS, Object, owner, owner_uid
from reference.cluster.store import Change, Key, clone, key_of


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
        first_to_go = sorted(reversed(pods), key=lambda pod: (is_ready(pod), pod["status"]["phase"] == "Running"))
        for pod in first_to_go[: max(0, surplus)]:
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
