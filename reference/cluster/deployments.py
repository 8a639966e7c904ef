"""The Deployment controller: one ReplicaSet per template, rolled over as the strategy allows."""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable

from reference.cluster import objects
from reference.cluster.controllers import Controller, record
from reference.cluster.objects import Change, Key, Object, clone, key_of, now, owner, owner_key
from reference.cluster.registry import NAME_LETTERS, Registry

HASH, PREFIX = "pod-template-hash", "deployment.kubernetes.io/"
REVISION, DESIRED, MAXIMUM = f"{PREFIX}revision", f"{PREFIX}desired-replicas", f"{PREFIX}max-replicas"
_NOT_COPIED = (REVISION, DESIRED, MAXIMUM, "kubectl.kubernetes.io/last-applied-configuration")


class DeploymentController(Controller):
    """Keeps the ReplicaSets of every Deployment, and tells in its status how far it is."""

    def heard(self, change: Change) -> None:
        rs: Object | None = change.object
        if change.resource is objects.PODS:
            key = owner_key(change.object, "ReplicaSet")
            rs = self.store.find(objects.REPLICASETS, key) if key else None
        if change.resource is objects.DEPLOYMENTS:
            self.mark(key_of(change.object))
        elif rs and change.resource in (objects.PODS, objects.REPLICASETS):
            self.mark(owner_key(rs, "Deployment"))

    def reconcile(self, key: Key) -> None:
        if deployment := self.store.find(objects.DEPLOYMENTS, key):
            Rollout(self.registry, deployment).step()


class Rollout:
    """One look at a Deployment and its ReplicaSets: the new one (of the current template) and the old."""

    def __init__(self, registry: Registry, deployment: Object) -> None:
        self._registry, self._store = registry, registry.store
        self._deployment, self._spec, self._wanted = deployment, deployment["spec"], deployment["spec"]["replicas"]
        self._status = clone(deployment.get("status") or {})
        meta = deployment["metadata"]
        self._sets = self._store.list(objects.REPLICASETS, meta["namespace"], meta["uid"])
        self._new = next((rs for rs in self._sets if _template(rs) == self._spec["template"]), None)
        self._old = sorted((rs for rs in self._sets if rs is not self._new), key=_revision)
        self._surge = self._unavailable = 0  # how many pods more, and ready pods less, than wanted there may be
        if limits := self._spec["strategy"].get("rollingUpdate"):
            self._surge = _share(limits["maxSurge"], self._wanted, math.ceil)
            unavailable = _share(limits["maxUnavailable"], self._wanted, math.floor)
            self._unavailable = min(unavailable or int(self._surge == 0), self._wanted)

    def step(self) -> None:
        """Scale what may be scaled now, and tell in the status where things stand."""
        if self._spec["strategy"]["type"] == "Recreate":
            scaled = [self._scale(rs, 0) for rs in self._old]
            if not any(scaled) and not any(self._pods(rs) for rs in self._old):
                self._scale(self._current(self._wanted), self._wanted)
        else:
            room = max(0, self._wanted + self._surge - sum(rs["spec"]["replicas"] for rs in self._old))
            new = self._current(min(self._wanted, room))
            if not self._scale(new, min(self._wanted, max(room, new["spec"]["replicas"]))):
                self._scale_down_old(new)
        self._tell()

    def _pods(self, rs: Object) -> list[Object]:
        return self._store.list(objects.PODS, rs["metadata"]["namespace"], rs["metadata"]["uid"])

    def _current(self, replicas: int) -> Object:
        """Return the ReplicaSet of the current template, made or brought to the latest revision."""
        latest = max(map(_revision, self._old), default=0) + 1
        annotations = self._deployment["metadata"].get("annotations", {})
        notes = {key: value for key, value in annotations.items() if key not in _NOT_COPIED}
        if self._new is None:
            self._new = self._made(notes | self._limits() | {REVISION: str(latest)}, replicas)
            name = self._new["metadata"]["name"]
            self._sets.append(self._new)
            self._condition("Progressing", True, "NewReplicaSetCreated", f'Created new replica set "{name}"')
            self._deployment = self._store.update(objects.DEPLOYMENTS, self._deployment | {"status": self._status})
            self._say_scaled(name, 0, replicas)
        else:
            notes[REVISION] = str(max(latest, _revision(self._new)))
            note = lambda rs: rs["metadata"]["annotations"].update(notes)  # noqa: E731
            self._new = self._store.edit(objects.REPLICASETS, key_of(self._new), note)
        return self._new

    def _made(self, annotations: dict[str, str], replicas: int) -> Object:
        meta, template = self._deployment["metadata"], clone(self._spec["template"])
        digest = str(zlib.crc32(json.dumps(template, sort_keys=True).encode()))
        hashed = {HASH: "".join(NAME_LETTERS[ord(digit) % len(NAME_LETTERS)] for digit in digest)}
        template["metadata"]["labels"] |= hashed
        head = {
            "name": f"{meta['name']}-{hashed[HASH]}",
            "labels": template["metadata"]["labels"],
            "annotations": annotations,
            "ownerReferences": [owner(self._deployment)],
        }
        selector = {"matchLabels": self._spec["selector"]["matchLabels"] | hashed}
        spec = {"replicas": replicas, "selector": selector, "template": template}
        return self._registry.create(objects.REPLICASETS, meta["namespace"], {"metadata": head, "spec": spec})

    def _limits(self) -> dict[str, str]:
        return {DESIRED: str(self._wanted), MAXIMUM: str(self._wanted + self._surge)}

    def _scale(self, rs: Object, replicas: int) -> bool:
        had, meta = rs["spec"]["replicas"], rs["metadata"]
        if had != replicas:
            notes = meta["annotations"] | self._limits()
            meta = meta | {"generation": meta["generation"] + 1, "annotations": notes}
            changed = rs | {"metadata": meta, "spec": rs["spec"] | {"replicas": replicas}}
            self._store.update(objects.REPLICASETS, changed)
            self._say_scaled(meta["name"], had, replicas)
        return bool(had != replicas)

    def _say_scaled(self, name: str, had: int, replicas: int) -> None:
        if had != replicas:
            told = f"Scaled {'up' if replicas > had else 'down'} replica set {name} from {had} to {replicas}"
            record(self._store, "deployment-controller", self._deployment, "ScalingReplicaSet", told)

    def _scale_down_old(self, new: Object) -> None:
        """Take away old pods: those that are not available first, others while enough stay available."""
        minimum = self._wanted - self._unavailable
        total = sum(rs["spec"]["replicas"] for rs in (new, *self._old))
        spare = total - minimum - (new["spec"]["replicas"] - _count(new, "availableReplicas"))
        healthy = sum(_count(rs, "availableReplicas") for rs in (new, *self._old)) - minimum
        for rs in self._old:
            available = _count(rs, "availableReplicas")
            sick = min(max(spare, 0), rs["spec"]["replicas"] - available)
            well = max(0, min(available, healthy, spare - sick))
            self._scale(rs, rs["spec"]["replicas"] - sick - well)
            spare, healthy = spare - sick - well, healthy - well

    def _tell(self) -> None:
        sets, new = self._sets, self._new
        names = ("replicas", "readyReplicas", "availableReplicas")
        counts = {name: sum(_count(rs, name) for rs in sets) for name in names}
        counts["updatedReplicas"] = _count(new, "replicas") if new else 0
        missing = sum(rs["spec"]["replicas"] for rs in sets) - counts["availableReplicas"]
        counts["unavailableReplicas"] = max(0, missing)
        enough = counts["availableReplicas"] >= self._wanted - self._unavailable
        told = f"Deployment {'has' if enough else 'does not have'} minimum availability."
        self._condition("Available", enough, f"MinimumReplicas{'Available' if enough else 'Unavailable'}", told)
        if new:
            self._tell_progress(new["metadata"]["name"], counts)
        status: Object = {"observedGeneration": self._deployment["metadata"]["generation"]}
        status |= {name: number for name, number in counts.items() if number}
        status["conditions"] = self._status["conditions"]

        def write(deployment: Object) -> None:
            deployment["status"] = status
            if new:
                deployment["metadata"].setdefault("annotations", {})[REVISION] = str(_revision(new))

        self._store.edit(objects.DEPLOYMENTS, key_of(self._deployment), write)

    def _tell_progress(self, name: str, counts: dict[str, int]) -> None:
        """Tell of progress, but not of scaling what is complete."""
        reasons = {c["type"]: c["reason"] for c in self._status.get("conditions", ())}
        if reasons.get("Progressing") == "NewReplicaSetAvailable" and counts["replicas"] == counts["updatedReplicas"]:
            return
        rising = ("updatedReplicas", "readyReplicas", "availableReplicas")
        gained = any(counts[count] > self._status.get(count, 0) for count in rising)
        if {counts[count] for count in ("replicas", "updatedReplicas", "availableReplicas")} == {self._wanted}:
            told = f'ReplicaSet "{name}" has successfully progressed.'
            self._condition("Progressing", True, "NewReplicaSetAvailable", told)
        elif gained or counts["replicas"] < self._status.get("replicas", 0):
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
    return rounded(int(value[:-1]) * of / 100) if isinstance(value, str) else value


def _count(rs: Object, name: str) -> int:
    return int((rs.get("status") or {}).get(name) or 0)


def _revision(rs: Object) -> int:
    return int(rs["metadata"].get("annotations", {}).get(REVISION, 0))


def _template(rs: Object) -> Object:
    template: Object = clone(rs["spec"]["template"])
    template["metadata"]["labels"].pop(HASH, None)
    return template
