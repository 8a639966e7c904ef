"""One pod on the node: its containers together, its status, and its end."""

from __future__ import annotations

import asyncio
import math
import shutil
from collections.abc import Callable
from dataclasses import replace

from reference.cluster.containers import Container, Surroundings
from reference.cluster.errors import ApiError
from reference.cluster.resources import PODS, Object
from reference.cluster.store import key_of, now

_ORDER = ("PodReadyToStartContainers", "Initialized", "Ready", "ContainersReady", "PodScheduled")


class RunningPod:
    """Runs the containers of a pod that was given to this node, and keeps the pod's status true."""

    def __init__(self, around: Surroundings, node: str, gone: Callable[[], None]) -> None:
        self._node, self._gone, self._since = node, gone, now()
        self._around = replace(around, changed=self.tell)
        self.uid, self.key = around.pod["metadata"]["uid"], key_of(around.pod)
        self.containers = {spec["name"]: Container(spec, self._around) for spec in around.pod["spec"]["containers"]}
        self._placed = False
        self._ending: asyncio.Task[None] | None = None
        self._grace = math.inf
        around.home.mkdir(parents=True)
        self.tell()
        self._placed = True
        for container in self.containers.values():
            container.begin()

    def end(self, grace: float) -> None:
        """Begin the pod's graceful end (seconds); only a shorter grace than before changes anything."""
        if grace >= self._grace:
            return
        if self._ending:
            self._ending.cancel()
        self._grace = grace
        self._ending = asyncio.create_task(self._end(grace))

    async def _end(self, grace: float) -> None:
        await asyncio.gather(*(container.end(grace) for container in self.containers.values()))
        self._clear()
        self.tell()
        store = self._around.store
        held = store.find(PODS, *self.key)
        if held and held["metadata"]["uid"] == self.uid:
            store.delete(PODS, self.key)

    def kill(self) -> None:
        """End everything at once: the pod is no longer in the cluster."""
        if self._ending:
            self._ending.cancel()
        for container in self.containers.values():
            container.kill()
        self._clear()

    def _clear(self) -> None:
        shutil.rmtree(self._around.home, ignore_errors=True)
        self._gone()

    def tell(self) -> None:
        """Write the pod's status, if the pod is still there."""
        held = self._around.store.find(PODS, *self.key)
        if held is None or held["metadata"]["uid"] != self.uid:
            return

        def write(pod: Object) -> None:
            pod["status"] = self._status(pod)

        try:
            self._around.pod = self._around.store.edit(PODS, self.key, write)
        except ApiError:
            return

    def _status(self, pod: Object) -> Object:
        listed = [container.status() for container in self.containers.values()]
        unready = [status["name"] for status in listed if not status["ready"]]
        phase = _phase(listed, pod["spec"]["restartPolicy"])
        over = phase in ("Succeeded", "Failed")
        why: Object = {}
        if over:
            why = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
        elif unready:
            why = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
        ready = not unready and not over
        values = {"Ready": ready, "ContainersReady": ready, "Initialized": True, "PodScheduled": True}
        values["PodReadyToStartContainers"] = self._placed and not over
        reasons = {"Ready": why, "ContainersReady": why}
        if phase == "Succeeded":
            reasons["Initialized"] = why
        old = {condition["type"]: condition for condition in pod["status"].get("conditions", ())}
        generation = pod["metadata"].get("generation", 1)
        conditions = [_condition(old.get(kind), kind, values[kind], reasons.get(kind, {}), generation) for kind in _ORDER]
        address: Object = {"podIP": self._around.ip, "podIPs": [{"ip": self._around.ip}]} if self._placed else {}
        return {
            "observedGeneration": generation,
            "phase": phase,
            "conditions": conditions,
            "hostIP": self._node,
            "hostIPs": [{"ip": self._node}],
            **address,
            "startTime": self._since,
            "containerStatuses": listed,
            "qosClass": pod["status"]["qosClass"],
        }


def _condition(old: Object | None, kind: str, value: bool, why: Object, generation: int) -> Object:
    status = str(value)
    since = old["lastTransitionTime"] if old and old["status"] == status else now()
    head = {"type": kind, "observedGeneration": generation, "status": status}
    return head | {"lastProbeTime": None, "lastTransitionTime": since} | why


def _phase(statuses: list[Object], policy: str) -> str:
    if all("terminated" in status["state"] for status in statuses):
        codes = [status["state"]["terminated"]["exitCode"] for status in statuses]
        if policy == "Never" or (policy == "OnFailure" and not any(codes)):
            return "Failed" if any(codes) else "Succeeded"
    begun = any("waiting" not in status["state"] or status["lastState"] for status in statuses)
    return "Running" if begun else "Pending"
