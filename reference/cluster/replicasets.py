"""The ReplicaSet controller: as many pods as wanted, no more."""

from __future__ import annotations

from datetime import UTC, datetime

from reference.cluster.errors import ApiError
from reference.cluster.events import Recorder
from reference.cluster.registry import Registry
from reference.cluster.resources import PODS, REPLICASETS, Object, owner, owner_uid
from reference.cluster.store import Change, Key, clone, key_of
from reference.cluster.workqueue import WorkQueue


def ready_condition(pod: Object) -> Object:
    """Return the pod's Ready condition, an empty one when it has none yet."""
    conditions = pod["status"].get("conditions", ())
    found: Object = next((c for c in conditions if c["type"] == "Ready"), {"status": "False"})
    return found


def is_ready(pod: Object) -> bool:
    """Tell whether the pod's Ready condition is True."""
    return bool(ready_condition(pod)["status"] == "True")


def is_active(pod: Object) -> bool:
    """Tell whether the pod counts as a replica: neither over nor on its way out."""
    over = pod["status"]["phase"] in ("Succeeded", "Failed")
    return not over and "deletionTimestamp" not in pod["metadata"]


class ReplicaSetController:
    """Creates and deletes the pods of every ReplicaSet, and counts them in its status."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._store = registry, registry.store
        self._events = Recorder(self._store, "replicaset-controller")
        self._queue = WorkQueue(self.reconcile)
        self._store.listen(self._heard)

    def _heard(self, change: Change) -> None:
        if change.resource is REPLICASETS:
            self._queue.mark(key_of(change.object))
        elif change.resource is PODS and (uid := owner_uid(change.object)):
            for rs in self._store.list(REPLICASETS, change.object["metadata"]["namespace"]):
                if rs["metadata"]["uid"] == uid:
                    self._queue.mark(key_of(rs))

    def reconcile(self, key: Key) -> None:
        """Create or delete pods of one ReplicaSet until there are as many as it wants."""
        rs = self._store.find(REPLICASETS, *key)
        if rs is None:
            return
        pods = [pod for pod in self._store.owned(PODS, key[0], rs["metadata"]["uid"]) if is_active(pod)]
        surplus = len(pods) - rs["spec"]["replicas"]
        try:
            for _ in range(-surplus):
                self._create_pod(rs)
        except ApiError as error:
            self._events.warning(rs, "FailedCreate", f"Error creating: {error}")
        first_to_go = sorted(reversed(pods), key=lambda p: (is_ready(p), p["status"]["phase"] == "Running"))
        for pod in first_to_go[: max(0, surplus)]:
            self._registry.delete(PODS, key_of(pod))
            self._events.normal(rs, "SuccessfulDelete", f"Deleted pod: {pod['metadata']['name']}")
        self._tell(rs, pods)

    def _create_pod(self, rs: Object) -> None:
        template = clone(rs["spec"]["template"])
        template["metadata"] |= {"generateName": rs["metadata"]["name"] + "-"}
        template["metadata"]["ownerReferences"] = [owner(REPLICASETS, rs)]
        pod = self._registry.create(PODS, rs["metadata"]["namespace"], template)
        self._events.normal(rs, "SuccessfulCreate", f"Created pod: {pod['metadata']['name']}")

    def _tell(self, rs: Object, pods: list[Object]) -> None:
        ready = [pod for pod in pods if is_ready(pod)]
        wait = rs["spec"].get("minReadySeconds", 0)
        left = {pod["metadata"]["name"]: wait - _seconds_ready(pod) for pod in ready} if wait else {}
        available = [pod for pod in ready if left.get(pod["metadata"]["name"], 0) <= 0]
        if len(available) < len(ready):
            self._queue.mark_later(key_of(rs), max(left.values()))
        counts = {"fullyLabeledReplicas": len(pods), "readyReplicas": len(ready), "availableReplicas": len(available)}
        status: Object = {"replicas": len(pods)} | {name: number for name, number in counts.items() if number}
        status["observedGeneration"] = rs["metadata"]["generation"]

        def write(rs: Object) -> None:
            rs["status"] = status

        self._store.edit(REPLICASETS, key_of(rs), write)


def _seconds_ready(pod: Object) -> float:
    since = datetime.fromisoformat(ready_condition(pod)["lastTransitionTime"])
    return (datetime.now(UTC) - since).total_seconds()
