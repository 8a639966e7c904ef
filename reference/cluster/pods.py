"""One pod on the node: its containers together, its status, and its end."""

from __future__ import annotations

import asyncio
import math
import shutil
from collections.abc import Callable
from dataclasses import replace

from reference.cluster.containers import Container, Surroundings
from reference.cluster.resources import PODS, Object
from reference.cluster.store import key_of, now


class RunningPod:
    """Runs the containers of a pod that was given to this node, and keeps the pod's status true."""

    def __init__(self, around: Surroundings, node: str, gone: Callable[[], None]) -> None:
        self._node, self._gone, self._since = node, gone, now()
        self._around = replace(around, changed=self.tell)
        self.uid, self.key = around.pod["metadata"]["uid"], key_of(around.pod)
        self.containers = {spec["name"]: Container(spec, self._around) for spec in around.pod["spec"]["containers"]}
        self._placed, self._grace = False, math.inf
        self._ending: asyncio.Task[None] | None = None
        around.home.mkdir(parents=True)
        self.tell()
        self._placed = True
        for container in self.containers.values():
            container.begin()

    def end(self, grace: float) -> None:
        """Begin the pod's graceful end (seconds); only a shorter grace than before changes anything."""
        if grace < self._grace:
            if self._ending:
                self._ending.cancel()
            self._grace, self._ending = grace, asyncio.create_task(self._end(grace))

    async def _end(self, grace: float) -> None:
        await asyncio.gather(*(container.end(grace) for container in self.containers.values()))
        self._leave()
        self.tell()
        if self._held():
            self._around.store.delete(PODS, self.key)

    def kill(self) -> None:
        """End everything at once: the pod is no longer in the cluster."""
        if self._ending:
            self._ending.cancel()
        for container in self.containers.values():
            container.kill()
        self._leave()

    def _leave(self) -> None:
        shutil.rmtree(self._around.home, ignore_errors=True)
        self._gone()

    def _held(self) -> bool:
        held = self._around.store.find(PODS, self.key)
        return held is not None and held["metadata"]["uid"] == self.uid

    def tell(self) -> None:
        """Write the pod's status, if the pod is still there."""
        if self._held():
            write = self._around.store.edit
            self._around.pod = write(PODS, self.key, lambda pod: pod.update(status=self._status(pod)))

    def _status(self, pod: Object) -> Object:
        listed = [container.status() for container in self.containers.values()]
        phase, unready = _phase(listed, pod["spec"]["restartPolicy"]), [c["name"] for c in listed if not c["ready"]]
        over = phase in ("Succeeded", "Failed")
        why: Object = {}
        if over:
            why = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
        elif unready:
            why = {"reason": "ContainersNotReady", "message": f"containers with unready status: [{' '.join(unready)}]"}
        ready = (not unready and not over, why)
        values = {
            "PodReadyToStartContainers": (self._placed and not over, {}),
            "Initialized": (True, why if phase == "Succeeded" else {}),
            "Ready": ready,
            "ContainersReady": ready,
            "PodScheduled": (True, {}),
        }
        old = {condition["type"]: condition for condition in pod["status"].get("conditions", ())}
        generation, placed = pod["metadata"]["generation"], {"podIP": self._around.ip, "podIPs": [{"ip": self._around.ip}]}
        conditions = []
        for kind, (value, reason) in values.items():
            held = old.get(kind, {})
            since = held["lastTransitionTime"] if held.get("status") == str(value) else now()
            head = {"type": kind, "observedGeneration": generation, "status": str(value)}
            conditions.append(head | {"lastProbeTime": None, "lastTransitionTime": since} | reason)
        status = {"phase": phase, "conditions": conditions, "containerStatuses": listed, "startTime": self._since}
        status |= {"hostIP": self._node, "hostIPs": [{"ip": self._node}], **(placed if self._placed else {})}
        return status | {"qosClass": pod["status"]["qosClass"], "observedGeneration": generation}


def _phase(statuses: list[Object], policy: str) -> str:
    codes = [status["state"].get("terminated", {}).get("exitCode") for status in statuses]
    if None not in codes and (policy == "Never" or (policy == "OnFailure" and not any(codes))):
        return "Failed" if any(codes) else "Succeeded"
    begun = any("waiting" not in status["state"] or status["lastState"] for status in statuses)
    return "Running" if begun else "Pending"
