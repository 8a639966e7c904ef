"""How long a cluster took to follow a patch of a Deployment's replicas, from what its watches told."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from tests.bench.intervals import Interval

STOP, READY, ENDPOINTS = "pods stop", "pods get ready", "endpoints follow"
PODS, SLICES = "Pod", "EndpointSlice"


@dataclass(frozen=True)
class Patch:
    """A Deployment's number of replicas was changed."""

    at: float
    deployment: str
    replicas: int


@dataclass(frozen=True)
class Sight:
    """An event of a watch: what became of one object, and how much of it is ready; None when it is gone."""

    at: float
    kind: str
    name: str
    deployment: str
    ready: int | None


def pod_sight(at: float, event: str, pod: dict[str, Any]) -> Sight:
    """What an event says of a pod; it belongs to the Deployment whose ReplicaSet owns it."""
    meta, conditions = pod["metadata"], pod.get("status", {}).get("conditions") or []
    owner = next((each["name"] for each in meta.get("ownerReferences") or []), meta["name"])
    ready = any(each["type"] == "Ready" and each["status"] == "True" for each in conditions)
    return Sight(at, PODS, meta["name"], owner.rpartition("-")[0], None if event == "DELETED" else int(ready))


def endpoint_sight(at: float, event: str, found: dict[str, Any]) -> Sight:
    """What an event says of an EndpointSlice; its Service is called as its Deployment is."""
    meta, points = found["metadata"], found.get("endpoints") or []
    ready = sum(point.get("conditions", {}).get("ready") is not False for point in points)
    service = meta.get("labels", {}).get("kubernetes.io/service-name", "")
    return Sight(at, SLICES, meta["name"], service, None if event == "DELETED" else ready)


def reactions(patches: Sequence[Patch], sights: Sequence[Sight]) -> tuple[list[Interval], list[str]]:
    """From each patch to the event that fulfils it, for pods and endpoints; and what no event has told."""
    seen, unseen = list[Interval](), list[str]()
    for patch in patches:
        for kind, what in ((PODS, READY if patch.replicas else STOP), (SLICES, ENDPOINTS)):
            at = _fulfilled(
                patch, [each for each in sights if (each.kind, each.deployment) == (kind, patch.deployment)]
            )
            if at is None:
                unseen.append(f"{what} after {patch.deployment} → {patch.replicas}")
            else:
                seen.append(Interval(what, patch.at, at))
    return seen, unseen


def _fulfilled(patch: Patch, sights: Sequence[Sight]) -> float | None:
    """When there was, after the patch, as much ready as it asks for; for none, nothing that is left."""
    there = dict[str, int]()
    for sight in sights:
        if sight.ready is None:
            there.pop(sight.name, None)
        else:
            there[sight.name] = sight.ready
        left = there if sight.kind == PODS and not patch.replicas else any(there.values())
        done = sum(there.values()) == patch.replicas if patch.replicas else not left
        if sight.at > patch.at and done:
            return sight.at
    return None
