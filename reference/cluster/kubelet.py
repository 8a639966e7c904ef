"""The node: gives pods a place and an address, runs their containers, and keeps their status true."""

from __future__ import annotations

import asyncio
import math
import os
import platform
import shutil
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

from reference.cluster.containers import Container, Surroundings
from reference.cluster.controllers import Controller
from reference.cluster.environment import Image
from reference.cluster.events import Recorder
from reference.cluster.registry import Registry
from reference.cluster.resources import NODES, PODS, Object
from reference.cluster.store import Change, Key, key_of, now

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
        self._scheduler = Recorder(self.store, "default-scheduler", NODE)
        self._events = Recorder(self.store, "kubelet", NODE)
        registry.create(NODES, "", self._node())

    def running(self, key: Key) -> Mapping[str, Container]:
        """Return the containers of a pod by name; none when nothing of it runs here (any more)."""
        return self._pods[key].containers if key in self._pods else {}

    async def stop(self) -> None:
        """End every pod: politely first, and for good after two seconds."""
        pods = list(self._pods.values())
        await asyncio.gather(*(c.end(STOP_SECONDS) for pod in pods for c in pod.containers.values()))
        for pod in pods:
            pod.kill()

    def heard(self, change: Change) -> None:
        """Mark the pod that changed."""
        if change.resource is PODS:
            self.mark(key_of(change.object))

    def reconcile(self, key: Key) -> None:
        """Place, start or end one pod."""
        pod, running = self.store.find(PODS, key), self._pods.get(key)
        if running and (pod is None or pod["metadata"]["uid"] != running.uid):
            running.kill()
            running = None
        if pod is None:
            return
        if not pod["spec"].get("nodeName"):
            self._place(pod)
        elif running and "deletionTimestamp" in pod["metadata"]:
            running.end(pod["metadata"]["deletionGracePeriodSeconds"])
        elif running is None and "deletionTimestamp" in pod["metadata"]:
            self.store.delete(PODS, key)
        elif running is None and pod["status"]["phase"] == "Pending":
            self._start(pod)

    def _place(self, pod: Object) -> None:
        def bind(pod: Object) -> None:
            scheduled = {"type": "PodScheduled", "observedGeneration": 1, "status": "True"}
            pod["spec"]["nodeName"] = NODE
            pod["status"]["conditions"] = [scheduled | {"lastProbeTime": None, "lastTransitionTime": now()}]

        self.store.edit(PODS, key_of(pod), bind)
        self._scheduler.normal(pod, "Scheduled", f"Successfully assigned {'/'.join(key_of(pod))} to {NODE}")

    def _start(self, pod: Object) -> None:
        key, ip = key_of(pod), self._free.popleft()

        def gone() -> None:
            if self._pods.get(key) is running:
                del self._pods[key]
                self._free.append(ip)

        home, logs = self._scratch / pod["metadata"]["uid"], self._logs / "_".join(key)
        around = Surroundings(self.store, self._images, self._events, pod, ip, home, logs, lambda: None)
        running = self._pods[key] = RunningPod(around, self.address, gone)

    def _node(self) -> Object:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
        capacity = {"cpu": str(os.cpu_count()), "memory": f"{memory}Ki", "pods": "110"}
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(platform.machine(), platform.machine())
        info = {"architecture": machine, "kernelVersion": platform.release(), "kubeletVersion": VERSION}
        addresses = [
            {"type": "InternalIP", "address": self.address},
            {"type": "Hostname", "address": NODE},
        ]
        status = {"addresses": addresses, "capacity": capacity, "allocatable": capacity, "nodeInfo": info}
        return {"metadata": {"name": NODE}, "status": status}


class RunningPod:
    """Runs the containers of a pod that was given to this node, and keeps the pod's status true."""

    def __init__(self, around: Surroundings, node: str, gone: Callable[[], None]) -> None:
        self._node, self._gone, self._since = node, gone, now()
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
        phase = _phase(listed, pod["spec"]["restartPolicy"])
        unready = [status["name"] for status in listed if not status["ready"]]
        over = phase in ("Succeeded", "Failed")
        why: Object = {}
        if over:
            why = {"reason": "PodCompleted" if phase == "Succeeded" else "PodFailed"}
        elif unready:
            told = f"containers with unready status: [{' '.join(unready)}]"
            why = {"reason": "ContainersNotReady", "message": told}
        ready = (not unready and not over, why)
        values = {
            "PodReadyToStartContainers": (self._placed and not over, {}),
            "Initialized": (True, why if phase == "Succeeded" else {}),
            "Ready": ready,
            "ContainersReady": ready,
            "PodScheduled": (True, {}),
        }
        old = {condition["type"]: condition for condition in pod["status"].get("conditions", ())}
        generation = pod["metadata"]["generation"]
        conditions = []
        for kind, (value, reason) in values.items():
            held = old.get(kind, {})
            since = held["lastTransitionTime"] if held.get("status") == str(value) else now()
            head = {"type": kind, "observedGeneration": generation, "status": str(value)}
            conditions.append(head | {"lastProbeTime": None, "lastTransitionTime": since} | reason)
        status = {"phase": phase, "conditions": conditions, "containerStatuses": listed}
        status |= {"startTime": self._since, "hostIP": self._node, "hostIPs": [{"ip": self._node}]}
        status |= {"podIP": self._around.ip, "podIPs": [{"ip": self._around.ip}]} if self._placed else {}
        return status | {"qosClass": pod["status"]["qosClass"], "observedGeneration": generation}


def _phase(statuses: list[Object], policy: str) -> str:
    codes = [status["state"].get("terminated", {}).get("exitCode") for status in statuses]
    if None not in codes and (policy == "Never" or (policy == "OnFailure" and not any(codes))):
        return "Failed" if any(codes) else "Succeeded"
    begun = any("waiting" not in status["state"] or status["lastState"] for status in statuses)
    return "Running" if begun else "Pending"
