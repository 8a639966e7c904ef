"""The Deployment controller: one ReplicaSet per template, rolled over as the strategy allows."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable

from reference.cluster.controllers import Controller
from reference.cluster.events import Recorder
from reference.cluster.registry import NAME_LETTERS, Registry
from reference.cluster.resources import DEPLOYMENTS, PODS, REPLICASETS, Object, owner, owner_uid
from reference.cluster.store import Change, Key, clone, key_of, now

HASH = "pod-template-hash"
_PREFIX = "deployment.kubernetes.io/"
REVISION, HISTORY = _PREFIX + "revision", _PREFIX + "revision-history"
DESIRED, MAXIMUM = _PREFIX + "desired-replicas", _PREFIX + "max-replicas"
_NOT_COPIED = (REVISION, HISTORY, DESIRED, MAXIMUM, "kubectl.kubernetes.io/last-applied-configuration")


class DeploymentController(Controller):
    """Keeps the ReplicaSets of every Deployment, and tells in its status how far it is."""

    def __init__(self, registry: Registry) -> None:
        super().__init__(registry)
        self._events = Recorder(self.store, "deployment-controller")

    def heard(self, change: Change) -> None:
        """Mark the Deployment that changed, or one of whose ReplicaSets or pods did."""
        if change.resource is DEPLOYMENTS:
            self.mark(key_of(change.object))
        elif change.resource in (REPLICASETS, PODS):
            namespace, uid = change.object["metadata"]["namespace"], owner_uid(change.object)
            if change.resource is PODS:
                sets = self.store.list(REPLICASETS, namespace)
                uid = next((owner_uid(rs) for rs in sets if rs["metadata"]["uid"] == uid), "")
            for deployment in self.store.list(DEPLOYMENTS, namespace):
                if deployment["metadata"]["uid"] == uid:
                    self.mark(key_of(deployment))

    def reconcile(self, key: Key) -> None:
        """Move the ReplicaSets of one Deployment one step nearer to what it wants."""
        if deployment := self.store.find(DEPLOYMENTS, key):
            Rollout(self.registry, self._events, deployment).step()


class Rollout:
    """One look at a Deployment and its ReplicaSets: the new one (of the current template) and the old."""

    def __init__(self, registry: Registry, events: Recorder, deployment: Object) -> None:
        self._registry, self._store, self._events = registry, registry.store, events
        self._deployment, self._spec = deployment, deployment["spec"]
        self._status = clone(deployment.get("status") or {})
        self._before = dict(self._status)
        sets = self._sets()
        self._new = next((rs for rs in sets if _template(rs) == self._spec["template"]), None)
        self._old = [rs for rs in sets if rs is not self._new]
        self._surge, self._unavailable = self._allowed()

    def step(self) -> None:
        """Scale what may be scaled now, and tell in the status where things stand."""
        wanted = self._spec["replicas"]
        if self._spec["strategy"]["type"] == "Recreate":
            scaled = [self._scale(rs, 0) for rs in self._old]
            if not any(scaled) and not self._old_pods_run():
                self._scale(self._current(wanted), wanted)
        else:
            others = sum(rs["spec"]["replicas"] for rs in self._old)
            new = self._current(max(0, min(wanted, wanted + self._surge - others)))
            has = new["spec"]["replicas"]
            room = max(0, min(wanted + self._surge - others - has, wanted - has))
            if not self._scale(new, wanted if has > wanted else has + room):
                self._scale_down_old(new)
        self._forget_old()
        self._tell()

    def _sets(self) -> list[Object]:
        namespace, uid = (self._deployment["metadata"][field] for field in ("namespace", "uid"))
        return self._store.list(REPLICASETS, namespace, uid)

    def _allowed(self) -> tuple[int, int]:
        """Return how many pods more and how many ready pods less than wanted there may be."""
        wanted, limits = self._spec["replicas"], self._spec["strategy"].get("rollingUpdate")
        if limits is None:
            return 0, 0
        surge = _share(limits["maxSurge"], wanted, math.ceil)
        return surge, min(_share(limits["maxUnavailable"], wanted, math.floor) or int(surge == 0), wanted)

    def _current(self, replicas: int) -> Object:
        """Return the ReplicaSet of the current template, made or brought to the latest revision."""
        latest = max((_revision(rs) for rs in self._old), default=0) + 1
        annotations = self._deployment["metadata"].get("annotations", {})
        notes = {key: value for key, value in annotations.items() if key not in _NOT_COPIED}
        if self._new is None:
            self._new = self._made(notes | {REVISION: str(latest)}, replicas)
            name = self._new["metadata"]["name"]
            self._condition("Progressing", True, "NewReplicaSetCreated", f'Created new replica set "{name}"')
            if replicas:
                self._say_scaled("up", name, 0, replicas)
            return self._new
        revision = max(latest, _revision(self._new))

        def renumber(rs: Object) -> None:
            held = rs["metadata"]["annotations"]
            if _revision(rs) != revision:
                held[HISTORY] = ",".join(filter(None, [held.get(HISTORY), held[REVISION]]))
            held.update(notes | {REVISION: str(revision)})

        self._new = self._store.edit(REPLICASETS, key_of(self._new), renumber)
        return self._new

    def _made(self, annotations: dict[str, str], replicas: int) -> Object:
        meta, selector = self._deployment["metadata"], self._spec["selector"]
        template = clone(self._spec["template"])
        digest = str(zlib.crc32(json.dumps(template, sort_keys=True).encode()))
        hashed = {HASH: "".join(NAME_LETTERS[ord(digit) % len(NAME_LETTERS)] for digit in digest)}
        template["metadata"]["labels"] |= hashed
        selector = selector | {"matchLabels": selector.get("matchLabels", {}) | hashed}
        head = {
            "name": f"{meta['name']}-{hashed[HASH]}",
            "labels": template["metadata"]["labels"],
            "annotations": annotations | self._limits(),
            "ownerReferences": [owner(DEPLOYMENTS, self._deployment)],
        }
        spec = {"replicas": replicas, "selector": selector, "template": template}
        return self._registry.create(REPLICASETS, meta["namespace"], {"metadata": head, "spec": spec})

    def _limits(self) -> dict[str, str]:
        wanted = self._spec["replicas"]
        return {DESIRED: str(wanted), MAXIMUM: str(wanted + self._surge)}

    def _scale(self, rs: Object, replicas: int) -> bool:
        had = rs["spec"]["replicas"]
        if had == replicas and rs is not self._new:
            return False

        def change(rs: Object) -> None:
            rs["metadata"]["annotations"] |= self._limits()
            if had != replicas:
                rs["spec"]["replicas"] = replicas
                rs["metadata"]["generation"] += 1

        self._store.edit(REPLICASETS, key_of(rs), change)
        if had != replicas:
            self._say_scaled("up" if replicas > had else "down", rs["metadata"]["name"], had, replicas)
        return bool(had != replicas)

    def _say_scaled(self, way: str, name: str, had: int, replicas: int) -> None:
        told = f"Scaled {way} replica set {name} from {had} to {replicas}"
        self._events.normal(self._deployment, "ScalingReplicaSet", told)

    def _scale_down_old(self, new: Object) -> None:
        """Take away old pods: those that are not available first, others while enough stay available."""
        minimum = self._spec["replicas"] - self._unavailable
        total = sum(rs["spec"]["replicas"] for rs in (new, *self._old))
        spare = total - minimum - (new["spec"]["replicas"] - _count(new, "availableReplicas"))
        healthy = sum(_count(rs, "availableReplicas") for rs in (new, *self._old)) - minimum
        for rs in sorted(self._old, key=_revision):
            available = _count(rs, "availableReplicas")
            sick = min(max(spare, 0), rs["spec"]["replicas"] - available)
            well = max(0, min(available, healthy, spare - sick))
            self._scale(rs, rs["spec"]["replicas"] - sick - well)
            spare, healthy = spare - sick - well, healthy - well

    def _old_pods_run(self) -> bool:
        namespace = self._deployment["metadata"]["namespace"]
        pods = [pod for rs in self._old for pod in self._store.list(PODS, namespace, rs["metadata"]["uid"])]
        return any(pod["status"]["phase"] not in ("Succeeded", "Failed") for pod in pods)

    def _forget_old(self) -> None:
        finished = [rs for rs in self._old if not rs["spec"]["replicas"] and not _count(rs, "replicas")]
        surplus = max(0, len(finished) - self._spec["revisionHistoryLimit"])
        for rs in sorted(finished, key=_revision)[:surplus]:
            self._registry.delete(REPLICASETS, key_of(rs))

    def _tell(self) -> None:
        sets, new = self._sets(), self._new
        names = ("replicas", "readyReplicas", "availableReplicas")
        counts = {name: sum(_count(rs, name) for rs in sets) for name in names}
        counts["updatedReplicas"] = _count(new, "replicas") if new else 0
        missing = sum(rs["spec"]["replicas"] for rs in sets) - counts["availableReplicas"]
        counts["unavailableReplicas"] = max(0, missing)
        enough = counts["availableReplicas"] >= self._spec["replicas"] - self._unavailable
        reason = "MinimumReplicasAvailable" if enough else "MinimumReplicasUnavailable"
        told = f"Deployment {'has' if enough else 'does not have'} minimum availability."
        self._condition("Available", enough, reason, told)
        if new:
            self._tell_progress(new["metadata"]["name"], counts)
        status: Object = {"observedGeneration": self._deployment["metadata"]["generation"]}
        status |= {name: number for name, number in counts.items() if number}
        status["conditions"] = self._status["conditions"]

        def write(deployment: Object) -> None:
            deployment["status"] = status
            if new:
                deployment["metadata"].setdefault("annotations", {})[REVISION] = str(_revision(new))

        self._store.edit(DEPLOYMENTS, key_of(self._deployment), write)

    def _tell_progress(self, name: str, counts: dict[str, int]) -> None:
        conditions = self._status.get("conditions", ())
        reason = next((c["reason"] for c in conditions if c["type"] == "Progressing"), "")
        if reason == "NewReplicaSetAvailable" and counts["replicas"] == counts["updatedReplicas"]:
            return  # complete; scaling does not count as progress
        rising = ("updatedReplicas", "readyReplicas", "availableReplicas")
        gained = any(counts[count] > self._before.get(count, 0) for count in rising)
        whole = {counts[count] for count in ("replicas", "updatedReplicas", "availableReplicas")}
        if whole == {self._spec["replicas"]}:
            told = f'ReplicaSet "{name}" has successfully progressed.'
            self._condition("Progressing", True, "NewReplicaSetAvailable", told)
        elif gained or counts["replicas"] < self._before.get("replicas", 0):
            told = f'ReplicaSet "{name}" is progressing.'
            self._condition("Progressing", True, "ReplicaSetUpdated", told, renew=True)

    def _condition(self, kind: str, value: bool, reason: str, message: str, renew: bool = False) -> None:
        """Put a condition at the end of the list, as Kubernetes does, unless it says the same already."""
        conditions = self._status.setdefault("conditions", [])
        old = next((c for c in conditions if c["type"] == kind), None)
        if old and (old["status"], old["reason"]) == (str(value), reason) and not renew:
            return
        since = old["lastTransitionTime"] if old and old["status"] == str(value) else now()
        new = {"type": kind, "status": str(value), "lastUpdateTime": now(), "lastTransitionTime": since,
            "reason": reason, "message": message}  # fmt: skip
        self._status["conditions"] = [c for c in conditions if c is not old] + [new]


def _share(value: int | str, of: int, rounded: Callable[[float], int]) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return rounded(int(value[:-1]) * of / 100)
    return int(value)


def _count(rs: Object, name: str) -> int:
    return int((rs.get("status") or {}).get(name) or 0)


def _revision(rs: Object) -> int:
    return int(rs["metadata"].get("annotations", {}).get(REVISION, 0))


def _template(rs: Object) -> Object:
    template: Object = clone(rs["spec"]["template"])
    template["metadata"]["labels"].pop(HASH, None)
    return template
