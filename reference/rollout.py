"""Follows a rollout by what the cluster tells: until every Deployment is available, or a pod cannot start."""

from __future__ import annotations

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from queue import Empty, Queue
from threading import Thread

from reference.deploying import DEPLOYMENTS, EVENTS, PODS, REPLICA_SETS, Cluster, Document, Unusable, Watch
from reference.refusal import CannotRun

REVISION = "deployment.kubernetes.io/revision"
CRASHES, IMAGE, SETTINGS, UNPLACED = "E-POD-CRASHES", "E-POD-IMAGE", "E-POD-SETTINGS", "E-POD-PENDING"
HOPELESS = {
    "CrashLoopBackOff": CRASHES, "RunContainerError": CRASHES, "CreateContainerError": CRASHES,
    "ErrImagePull": IMAGE, "ImagePullBackOff": IMAGE, "ErrImageNeverPull": IMAGE, "InvalidImageName": IMAGE,
    "CreateContainerConfigError": SETTINGS,
    "Unschedulable": UNPLACED,
}  # fmt: skip
REMEDIES = {
    CRASHES: "correct what its last words name; kubectl --namespace {} logs {} --previous tells more",
    IMAGE: "make the image available under that name, or correct the name in the manifests",
    SETTINGS: "correct what the manifests say about the container",
    UNPLACED: "give the node what the pod asks for, or ask for less",
}
LAST_WORDS = 5


@dataclass(frozen=True)
class Trouble:
    """A pod that will not start: why, in the cluster's words."""

    pod: Document
    reason: str
    message: str
    container: str = ""


@dataclass
class Seen:
    """The namespace as the watches tell it."""

    deployments: dict[str, Document] = field(default_factory=dict)
    pods: dict[str, Document] = field(default_factory=dict)

    @property
    def unavailable(self) -> set[str]:
        """The Deployments that are not available yet."""
        return {name for name, each in self.deployments.items() if not _available(each)}


def follow(cluster: Cluster, namespace: str, seconds: float) -> Iterator[set[str]]:
    """The Deployments that are not available yet, told again at every change until there is none; refuses otherwise."""
    seen, news = Seen(), Queue[tuple[str, str, Document | None]]()
    watches = {kind: cluster.watch(place.format(namespace)) for kind, place in _WATCHED.items()}
    seen.deployments, seen.pods = watches["deployments"].first, watches["pods"].first
    deadline = time.monotonic() + seconds
    try:
        for kind, watch in watches.items():
            Thread(target=_tell, args=(kind, watch, news), daemon=True).start()
        while True:
            waiting = seen.unavailable
            yield waiting
            if not waiting:
                return
            for trouble in _troubles(seen.pods.values()):
                if _is_current(cluster, namespace, trouble.pod):
                    raise _refusal(cluster, namespace, trouble)
            try:
                kind, name, changed = news.get(timeout=max(0, deadline - time.monotonic()))
            except Empty:
                raise _late(waiting, seen, seconds) from None
            if not name:
                raise Unusable(f"the cluster ended the watch of the {kind}")
            objects: dict[str, Document] = getattr(seen, kind)
            objects.pop(name, None)
            if changed:
                objects[name] = changed
    finally:
        for watch in watches.values():
            watch.close()


_WATCHED = {"deployments": DEPLOYMENTS, "pods": PODS}


def _tell(kind: str, watch: Watch, news: Queue[tuple[str, str, Document | None]]) -> None:
    for name, changed in watch:
        news.put((kind, name, changed))
    news.put((kind, "", None))


def _available(deployment: Document) -> bool:
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    fresh = (status.get("updatedReplicas") or 0) >= wanted and (status.get("replicas") or 0) == wanted
    return bool(seen and fresh and (status.get("availableReplicas") or 0) >= wanted)


def _troubles(pods: object) -> Iterator[Trouble]:
    for pod in pods:  # type: ignore[attr-defined]
        if pod["metadata"].get("deletionTimestamp"):
            continue
        for condition in pod.get("status", {}).get("conditions") or ():
            if condition["type"] == "PodScheduled" and condition.get("reason") in HOPELESS:
                yield Trouble(pod, condition["reason"], condition.get("message", ""))
        for container in pod.get("status", {}).get("containerStatuses") or ():
            waiting = container["state"].get("waiting") or {}
            if waiting.get("reason") in HOPELESS:
                yield Trouble(pod, waiting["reason"], waiting.get("message", ""), container["name"])


def _is_current(cluster: Cluster, namespace: str, pod: Document) -> bool:
    """Whether the pod is of its Deployment's newest revision; an older one is about to be replaced."""
    [owner] = [each["name"] for each in pod["metadata"].get("ownerReferences") or () if each["kind"] == "ReplicaSet"]
    replica_set = cluster.get(f"{REPLICA_SETS.format(namespace)}/{owner}")
    [above] = [each["name"] for each in replica_set["metadata"]["ownerReferences"] if each["kind"] == "Deployment"]
    deployment = cluster.get(f"{DEPLOYMENTS.format(namespace)}/{above}")
    observed = deployment.get("status", {}).get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    newest = (deployment["metadata"].get("annotations") or {}).get(REVISION)
    return bool(observed and newest == (replica_set["metadata"].get("annotations") or {}).get(REVISION))


def _refusal(cluster: Cluster, namespace: str, trouble: Trouble) -> CannotRun:
    name = trouble.pod["metadata"]["name"]
    error_id = HOPELESS[trouble.reason]
    told = [f"last words  {line}" for line in _last_words(cluster, namespace, trouble)]
    told += [f"event       {line}" for line in _events(cluster, namespace, trouble.pod)]
    remedy = REMEDIES[error_id].format(namespace, name)
    return CannotRun(error_id, f"pod {name} cannot start: {trouble.reason}: {trouble.message}", remedy, told)


def _last_words(cluster: Cluster, namespace: str, trouble: Trouble) -> list[str]:
    if HOPELESS[trouble.reason] != CRASHES:
        return []
    name = trouble.pod["metadata"]["name"]
    log = f"{PODS.format(namespace)}/{name}/log?container={trouble.container}&tailLines={LAST_WORDS}"
    for place in (f"{log}&previous=true", log):
        try:
            if said := cluster.text(place).strip():
                return said.splitlines()
        except Unusable:
            continue
    return ["(none)"]


def _events(cluster: Cluster, namespace: str, pod: Document) -> list[str]:
    place = f"{EVENTS.format(namespace)}?fieldSelector=involvedObject.name%3D{pod['metadata']['name']}"
    try:
        events = cluster.get(place)["items"]
    except Unusable as error:
        return [f"(not told: {error})"]
    warnings = [event for event in events if event.get("type") == "Warning"] or events
    return [f"{event['reason']}: {' '.join(event.get('message', '').split())}" for event in warnings[-LAST_WORDS:]]


def _late(waiting: set[str], seen: Seen, seconds: float) -> CannotRun:
    told = []
    for name, pod in sorted(seen.pods.items()):
        ready = [each for each in pod.get("status", {}).get("conditions") or () if each["type"] == "Ready"]
        if not ready or ready[0]["status"] != "True":
            told.append(f"pod         {name}: {pod.get('status', {}).get('phase')}, not ready")
    cause = f"not available within {seconds:.0f} s: {', '.join(sorted(waiting))}"
    return CannotRun("E-NOT-READY", cause, "free the machine and try again", told)
