"""The Deployment controller: one ReplicaSet per template, rolled over as the strategy allows."""

from __future__ import annotations

import json
import math
import zlib
from datetime import UTC, datetime
from typing import Any

from reference.cluster.events import Recorder
from reference.cluster.registry import Registry
from reference.cluster.resources import DEPLOYMENTS, PODS, REPLICASETS, Object, owner, owner_uid
from reference.cluster.store import Change, Key, clone, key_of, now
from reference.cluster.workqueue import WorkQueue

HASH = "pod-template-hash"
REVISION, HISTORY, DESIRED, MAXIMUM = (
    f"deployment.kubernetes.io/{name}" for name in ("revision", "revision-history", "desired-replicas", "max-replicas")
)
_NOT_COPIED = (REVISION, HISTORY, DESIRED, MAXIMUM, "kubectl.kubernetes.io/last-applied-configuration")
_HASH_LETTERS = "bcdfghjklmnpqrstvwxz2456789"


def template_hash(template: Object) -> str:
    """Return the label that tells the pods of one template from those of another."""
    digest = str(zlib.crc32(json.dumps(template, sort_keys=True).encode()))
    return "".join(_HASH_LETTERS[ord(digit) % len(_HASH_LETTERS)] for digit in digest)


def set_condition(status: Object, kind: str, value: str, reason: str, message: str, renew: bool = False) -> None:
    """Put a condition at the end of the list, as Kubernetes does, unless it says the same already."""
    conditions = status.setdefault("conditions", [])
    old = next((c for c in conditions if c["type"] == kind), None)
    if old and (old["status"], old["reason"]) == (value, reason) and not renew:
        return
    since = old["lastTransitionTime"] if old and old["status"] == value else now()
    new = {"type": kind, "status": value, "lastUpdateTime": now(), "lastTransitionTime": since,
        "reason": reason, "message": message}  # fmt: skip
    status["conditions"] = [c for c in conditions if c is not old] + [new]


def _share(value: Any, of: int, up: bool) -> int:
    if isinstance(value, str) and value.endswith("%"):
        return (math.ceil if up else math.floor)(int(value[:-1]) * of / 100)
    return int(value)


class DeploymentController:
    """Keeps the ReplicaSets of every Deployment, and tells in its status how far it is."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._store = registry, registry.store
        self._events = Recorder(self._store, "deployment-controller")
        self._queue = WorkQueue(self.reconcile)
        self._store.listen(self._heard)

    def _heard(self, change: Change) -> None:
        if change.resource is DEPLOYMENTS:
            self._queue.mark(key_of(change.object))
        elif change.resource in (REPLICASETS, PODS):
            self._mark_owner(change.object, follow=change.resource is PODS)

    def _mark_owner(self, obj: Object, follow: bool) -> None:
        namespace, uid = obj["metadata"]["namespace"], owner_uid(obj)
        for candidate in self._store.list(REPLICASETS if follow else DEPLOYMENTS, namespace):
            if candidate["metadata"]["uid"] == uid:
                self._mark_owner(candidate, False) if follow else self._queue.mark(key_of(candidate))

    def reconcile(self, key: Key) -> None:
        """Move the ReplicaSets of one Deployment one step nearer to what it wants."""
        deployment = self._store.find(DEPLOYMENTS, *key)
        if deployment is None:
            return
        spec = deployment["spec"]
        sets = self._store.owned(REPLICASETS, key[0], deployment["metadata"]["uid"])
        new = next((rs for rs in sets if _template(rs) == spec["template"]), None)
        old = [rs for rs in sets if rs is not new]
        status = clone(deployment.get("status") or {})
        surge, unavailable = self._allowed(spec)
        if spec.get("paused"):
            set_condition(status, "Progressing", "Unknown", "DeploymentPaused", "Deployment is paused")
            if active := new or max(old, key=_revision, default=None):
                self._scale(deployment, active, spec["replicas"], surge)
        elif spec["strategy"]["type"] == "Recreate":
            if not self._scaled_down_all(deployment, old, surge) and not self._running(old):
                new = self._new(deployment, new, old, status, spec["replicas"], surge)
                self._scale(deployment, new, spec["replicas"], surge)
        else:
            room = spec["replicas"] + surge - sum(rs["spec"]["replicas"] for rs in old)
            new = self._new(deployment, new, old, status, max(0, min(room, spec["replicas"])), surge)
            if not self._scaled_new(deployment, new, old, surge):
                self._scale_down_old(deployment, new, old, surge, unavailable)
        sets = self._store.owned(REPLICASETS, key[0], deployment["metadata"]["uid"])
        self._tell(key, sets, new, status, spec["replicas"] - unavailable)

    def _allowed(self, spec: Object) -> tuple[int, int]:
        if spec["strategy"]["type"] == "Recreate":
            return 0, spec["replicas"]
        limits = spec["strategy"]["rollingUpdate"]
        surge = _share(limits["maxSurge"], spec["replicas"], up=True)
        unavailable = min(_share(limits["maxUnavailable"], spec["replicas"], up=False), spec["replicas"])
        return surge, unavailable or int(surge == 0)

    def _new(
        self, deployment: Object, new: Object | None, old: list[Object], status: Object, replicas: int, surge: int
    ) -> Object:
        """Return the ReplicaSet of the current template, made or brought to the latest revision."""
        latest = max((_revision(rs) for rs in old), default=0) + 1
        notes = {k: v for k, v in deployment["metadata"].get("annotations", {}).items() if k not in _NOT_COPIED}
        if new:
            revision = max(latest, _revision(new))

            def renumber(rs: Object) -> None:
                annotations = rs["metadata"].setdefault("annotations", {})
                if _revision(rs) != revision:
                    before = annotations.get(HISTORY, "").split(",") if HISTORY in annotations else []
                    annotations[HISTORY] = ",".join([*before, str(_revision(rs))])
                annotations.update(notes | {REVISION: str(revision)})

            new = self._store.edit(REPLICASETS, key_of(new), renumber)
            if not any(c["type"] == "Progressing" for c in status.get("conditions", ())):
                name = new["metadata"]["name"]
                set_condition(status, "Progressing", "True", "FoundNewReplicaSet", f'Found new replica set "{name}"')
        else:
            new = self._made(deployment, notes | {REVISION: str(latest)}, replicas, surge)
            name = new["metadata"]["name"]
            told = f'Created new replica set "{name}"'
            set_condition(status, "Progressing", "True", "NewReplicaSetCreated", told)
            if replicas:
                self._events.normal(
                    deployment, "ScalingReplicaSet", f"Scaled up replica set {name} from 0 to {replicas}"
                )
        return new

    def _made(self, deployment: Object, annotations: dict[str, str], replicas: int, surge: int) -> Object:
        spec, meta = deployment["spec"], deployment["metadata"]
        template, hashed = clone(spec["template"]), template_hash(spec["template"])
        template["metadata"].setdefault("labels", {})[HASH] = hashed
        selector = clone(spec["selector"])
        selector.setdefault("matchLabels", {})[HASH] = hashed
        annotations |= {DESIRED: str(spec["replicas"]), MAXIMUM: str(spec["replicas"] + surge)}
        wanted = {"replicas": replicas, "selector": selector, "template": template}
        wanted |= {"minReadySeconds": spec["minReadySeconds"]} if "minReadySeconds" in spec else {}
        rs = {
            "metadata": {
                "name": f"{meta['name']}-{hashed}",
                "labels": template["metadata"]["labels"],
                "annotations": annotations,
                "ownerReferences": [owner(DEPLOYMENTS, deployment)],
            },
            "spec": wanted,
        }
        return self._registry.create(REPLICASETS, meta["namespace"], rs)

    def _scale(self, deployment: Object, rs: Object, replicas: int, surge: int) -> bool:
        wanted, had = deployment["spec"]["replicas"], rs["spec"]["replicas"]

        def change(rs: Object) -> None:
            rs["metadata"]["annotations"] |= {DESIRED: str(wanted), MAXIMUM: str(wanted + surge)}
            if had != replicas:
                rs["spec"]["replicas"] = replicas
                rs["metadata"]["generation"] += 1

        self._store.edit(REPLICASETS, key_of(rs), change)
        if had != replicas:
            way = "up" if replicas > had else "down"
            told = f"Scaled {way} replica set {rs['metadata']['name']} from {had} to {replicas}"
            self._events.normal(deployment, "ScalingReplicaSet", told)
        return had != replicas

    def _scaled_down_all(self, deployment: Object, old: list[Object], surge: int) -> bool:
        return any([self._scale(deployment, rs, 0, surge) for rs in old if rs["spec"]["replicas"]])

    def _running(self, old: list[Object]) -> bool:
        uids = {rs["metadata"]["uid"] for rs in old}
        namespace = old[0]["metadata"]["namespace"] if old else "-"
        pods = (pod for pod in self._store.list(PODS, namespace) if owner_uid(pod) in uids)
        return any(pod["status"]["phase"] not in ("Succeeded", "Failed") for pod in pods)

    def _scaled_new(self, deployment: Object, new: Object, old: list[Object], surge: int) -> bool:
        wanted, has = deployment["spec"]["replicas"], new["spec"]["replicas"]
        room = wanted + surge - has - sum(rs["spec"]["replicas"] for rs in old)
        target = wanted if has > wanted else has + max(0, min(room, wanted - has))
        return self._scale(deployment, new, target, surge)

    def _scale_down_old(
        self, deployment: Object, new: Object, old: list[Object], surge: int, unavailable: int
    ) -> None:
        total = sum(rs["spec"]["replicas"] for rs in (new, *old))
        not_yet = new["spec"]["replicas"] - _count(new, "availableReplicas")
        minimum = deployment["spec"]["replicas"] - unavailable
        spare = total - minimum - not_yet
        for rs in sorted(old, key=lambda rs: rs["metadata"]["creationTimestamp"]):
            sick = rs["spec"]["replicas"] - _count(rs, "availableReplicas")
            down = min(max(spare, 0), sick)
            available = sum(_count(each, "availableReplicas") for each in (new, *old))
            down = max(down, min(rs["spec"]["replicas"], spare, available - minimum + down))
            if down > 0:
                self._scale(deployment, rs, rs["spec"]["replicas"] - down, surge)
                spare -= down
        finished = [rs for rs in old if not rs["spec"]["replicas"] and not _count(rs, "replicas")]
        limit = len(finished) - deployment["spec"]["revisionHistoryLimit"]
        for rs in sorted(finished, key=_revision)[: max(0, limit)]:
            self._registry.delete(REPLICASETS, key_of(rs))

    def _tell(self, key: Key, sets: list[Object], new: Object | None, status: Object, minimum: int) -> None:
        deployment = self._store.get(DEPLOYMENTS, *key)
        spec, before = deployment["spec"], deployment.get("status") or {}
        counts = {
            "replicas": sum(_count(rs, "replicas") for rs in sets),
            "updatedReplicas": _count(new, "replicas") if new else 0,
            "readyReplicas": sum(_count(rs, "readyReplicas") for rs in sets),
            "availableReplicas": sum(_count(rs, "availableReplicas") for rs in sets),
        }
        counts["unavailableReplicas"] = max(0, sum(rs["spec"]["replicas"] for rs in sets) - counts["availableReplicas"])
        if counts["availableReplicas"] >= minimum:
            told = "Deployment has minimum availability."
            set_condition(status, "Available", "True", "MinimumReplicasAvailable", told)
        else:
            told = "Deployment does not have minimum availability."
            set_condition(status, "Available", "False", "MinimumReplicasUnavailable", told)
        if new and not spec.get("paused"):
            self._progress(key, spec, new, status, counts, before)
        status = {"observedGeneration": deployment["metadata"]["generation"]} | {
            name: number for name, number in counts.items() if number
        } | {"conditions": status["conditions"]}  # fmt: skip

        def write(deployment: Object) -> None:
            deployment["status"] = status
            if new:
                deployment["metadata"].setdefault("annotations", {})[REVISION] = str(_revision(new))

        self._store.edit(DEPLOYMENTS, key, write)

    def _progress(
        self, key: Key, spec: Object, new: Object, status: Object, counts: dict[str, int], before: Object
    ) -> None:
        name = new["metadata"]["name"]
        current: Object = next((c for c in status.get("conditions", ()) if c["type"] == "Progressing"), {})
        if current.get("reason") == "NewReplicaSetAvailable" and counts["replicas"] == counts["updatedReplicas"]:
            return
        done = all(counts[count] == spec["replicas"] for count in ("replicas", "updatedReplicas", "availableReplicas"))
        gained = any(counts[count] > before.get(count, 0) for count in ("updatedReplicas", "readyReplicas",
            "availableReplicas")) or counts["replicas"] < before.get("replicas", 0)  # fmt: skip
        if done:
            told = f'ReplicaSet "{name}" has successfully progressed.'
            set_condition(status, "Progressing", "True", "NewReplicaSetAvailable", told)
        elif gained or current.get("reason") in ("NewReplicaSetAvailable", "DeploymentPaused"):
            told = f'ReplicaSet "{name}" is progressing.'
            set_condition(status, "Progressing", "True", "ReplicaSetUpdated", told, renew=True)
        elif current and current["reason"] != "ProgressDeadlineExceeded":
            updated = datetime.fromisoformat(current["lastUpdateTime"])
            left = spec["progressDeadlineSeconds"] - (datetime.now(UTC) - updated).total_seconds()
            if left <= 0:
                told = f'ReplicaSet "{name}" has timed out progressing.'
                set_condition(status, "Progressing", "False", "ProgressDeadlineExceeded", told)
        if not done:
            self._queue.mark_later(key, spec["progressDeadlineSeconds"] + 1)


def _count(rs: Object, name: str) -> int:
    return int((rs.get("status") or {}).get(name) or 0)


def _revision(rs: Object) -> int:
    return int(rs["metadata"].get("annotations", {}).get(REVISION, 0))


def _template(rs: Object) -> Object:
    template = clone(rs["spec"]["template"])
    template["metadata"].get("labels", {}).pop(HASH, None)
    return dict(template)
