"""The node: gives pods a place and an address, runs their containers, and keeps their status true."""

from __future__ import annotations

import asyncio
import math
import shutil
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from reference.cluster.containers import Container, Surroundings
from reference.cluster.controllers import Controller, record
from reference.cluster.environment import Image
from reference.cluster.objects import NODES, PODS, Change, Key, Object, key_of, now
from reference.cluster.registry import Registry

NODE = "embedded"
VERSION = "v1.34.0+embedded"
STOP_SECONDS = 2.0


class Kubelet(Controller):
    """Scheduler and kubelet of the one node."""

    def __init__(self, registry: Registry, images: dict[str, Image], logs: Path, scratch: Path) -> None:
        super().__init__(registry)
        self._images, self._logs, self._scratch = images, logs, scratch
        self.address = f"127.{registry.network}.0.1"
        nets = [f"127.{registry.network}.{third}" for third in (1, *range(16, 32))]  # Services have 2 to 15
        self._free = deque(f"{net}.{last}" for net in nets for last in range(1, 255))
        self._pods: dict[Key, RunningPod] = {}
        registry.create(NODES, "", self._node())

    def running(self, key: Key) -> Mapping[str, Container]:
        """Return the containers of a pod by name; none when nothing of it runs here (any more)."""
        return self._pods[key].containers if key in self._pods else {}

    async def stop(self) -> None:
        """End every pod: politely first, and for good after two seconds."""
        containers = (each for pod in self._pods.values() for each in pod.containers.values())
        await asyncio.gather(*(container.end(STOP_SECONDS) for container in containers))

    def heard(self, change: Change) -> None:
        if change.resource is PODS:
            self.mark(key_of(change.object))

    def reconcile(self, key: Key) -> None:
        pod, running = self.store.find(PODS, key), self._pods.get(key)
        if running and (pod is None or pod["metadata"]["uid"] != running.uid):
            running.end(0)
            running = None
        if pod is None:
            return
        ending = "deletionTimestamp" in pod["metadata"]
        if not pod["spec"].get("nodeName"):
            self._place(pod)
        elif running and ending:
            running.end(pod["metadata"]["deletionGracePeriodSeconds"])
        elif ending:
            self.store.delete(PODS, key)
        elif running is None:
            self._start(pod)

    def _place(self, pod: Object) -> None:
        def bind(pod: Object) -> None:
            scheduled = {"type": "PodScheduled", "observedGeneration": 1, "status": "True"}
            pod["spec"]["nodeName"] = NODE
            pod["status"]["conditions"] = [scheduled | {"lastProbeTime": None, "lastTransitionTime": now()}]

        self.store.edit(PODS, key_of(pod), bind)
        told = f"Successfully assigned {'/'.join(key_of(pod))} to {NODE}"
        record(self.store, "default-scheduler", pod, "Scheduled", told)

    def _start(self, pod: Object) -> None:
        key, ip = key_of(pod), self._free.popleft()

        def gone() -> None:
            if self._pods.get(key) is running:
                del self._pods[key]
                self._free.append(ip)

        home, logs = self._scratch / pod["metadata"]["uid"], self._logs / "_".join(key)
        around = Surroundings(self.store, self._images, pod, ip, home, logs, lambda: None)
        running = self._pods[key] = RunningPod(around, self.address, gone)

    def _node(self) -> Object:
        addresses = [{"type": "InternalIP", "address": self.address}, {"type": "Hostname", "address": NODE}]
        status = {"addresses": addresses, "nodeInfo": {"kubeletVersion": VERSION}}
        return {"metadata": {"name": NODE}, "status": status}


class RunningPod:
    """Runs the containers of a pod that was given to this node, and keeps the pod's status true."""

    def __init__(self, around: Surroundings, host: str, gone: Callable[[], None]) -> None:
        self._host, self._gone, self._since = host, gone, now()
        self._around = replace(around, changed=self.tell)
        self.uid, self.key = around.pod["metadata"]["uid"], key_of(around.pod)
        specs = around.pod["spec"]["containers"]
        self.containers = {spec["name"]: Container(spec, self._around) for spec in specs}
        self._placed, self._grace = False, math.inf
        self._ending: asyncio.Task[None] | None = None
        around.home.mkdir(parents=True, exist_ok=True)
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
        shutil.rmtree(self._around.home, ignore_errors=True)
        self._gone()
        self.tell()
        if self._held():
            self._around.store.delete(PODS, self.key)

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
        unready = [status["name"] for status in listed if not status["ready"]]
        told = f"containers with unready status: [{' '.join(unready)}]"
        why = {"reason": "ContainersNotReady", "message": told} if unready else {}
        phase = _phase(listed, "deletionTimestamp" in pod["metadata"])
        if over := phase in ("Succeeded", "Failed"):
            why = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
        values = {"PodReadyToStartContainers": self._placed and not over, "Initialized": True, "Ready": not unready}
        values |= {"ContainersReady": not unready, "PodScheduled": True}
        told_of = ("Ready", "ContainersReady", "Initialized") if phase == "Succeeded" else ("Ready", "ContainersReady")
        old = {condition["type"]: condition for condition in pod["status"].get("conditions", ())}
        generation, conditions = pod["metadata"]["generation"], []
        for kind, value in values.items():
            held = old.get(kind, {})
            since = held["lastTransitionTime"] if held.get("status") == str(value) else now()
            head = {"type": kind, "observedGeneration": generation, "status": str(value), "lastProbeTime": None}
            conditions.append(head | {"lastTransitionTime": since} | (why if kind in told_of else {}))
        status = {"phase": phase, "conditions": conditions, "containerStatuses": listed}
        status |= {"startTime": self._since, "hostIP": self._host, "hostIPs": [{"ip": self._host}]}
        status |= {"podIP": self._around.ip, "podIPs": [{"ip": self._around.ip}]} if self._placed else {}
        return status | {"qosClass": pod["status"]["qosClass"], "observedGeneration": generation}


def _phase(statuses: list[Object], ending: bool) -> str:
    codes = [status["state"].get("terminated", {}).get("exitCode") for status in statuses]
    if ending and None not in codes:
        return "Failed" if any(codes) else "Succeeded"
    begun = any("waiting" not in status["state"] or status["lastState"] for status in statuses)
    return "Running" if begun else "Pending"
