"""The node: gives pods a place and an address, runs them as processes, and says that it is well."""

from __future__ import annotations

import asyncio
import os
import platform
from collections import deque
from pathlib import Path

from reference.cluster.containers import Surroundings
from reference.cluster.environment import Image
from reference.cluster.events import Recorder
from reference.cluster.pods import RunningPod
from reference.cluster.registry import Registry
from reference.cluster.resources import NODES, PODS, Object
from reference.cluster.store import Change, Key, key_of, now
from reference.cluster.workqueue import WorkQueue

NODE = "embedded"
VERSION = "v1.34.0+embedded"
STOP_SECONDS = 2.0


class Kubelet:
    """Scheduler and kubelet of the one node."""

    def __init__(self, registry: Registry, images: dict[str, Image], network: int, logs: Path, scratch: Path) -> None:
        self._registry, self._store, self._images = registry, registry.store, images
        self._address, self._logs, self._scratch = f"127.{network}.0.1", logs, scratch
        thirds = (1, *range(16, 32))
        self._free = deque(f"127.{network}.{third}.{last}" for third in thirds for last in range(1, 255))
        self._pods: dict[Key, RunningPod] = {}
        self._scheduler = Recorder(self._store, "default-scheduler", NODE)
        self._events = Recorder(self._store, "kubelet", NODE)
        self._queue = WorkQueue(self.reconcile)
        self._store.listen(self._heard)
        self._store.create(NODES, self._node())

    def running(self, key: Key) -> RunningPod | None:
        """Return what runs for a pod, None when nothing does (any more)."""
        return self._pods.get(key)

    async def stop(self) -> None:
        """End every pod: politely first, and for good after two seconds."""
        pods = list(self._pods.values())
        ends = [container.end(STOP_SECONDS) for pod in pods for container in pod.containers.values()]
        await asyncio.gather(*ends)
        for pod in pods:
            pod.kill()

    def _heard(self, change: Change) -> None:
        if change.resource is PODS:
            self._queue.mark(key_of(change.object))

    def reconcile(self, key: Key) -> None:
        """Place, start or end one pod."""
        pod, running = self._store.find(PODS, *key), self._pods.get(key)
        if running and (pod is None or pod["metadata"]["uid"] != running.uid):
            running.kill()
            running = None
        if pod is None:
            return
        if not pod["spec"].get("nodeName"):
            self._place(pod)
        elif pod["spec"]["nodeName"] != NODE:
            return
        elif running is None:
            if "deletionTimestamp" in pod["metadata"]:
                self._store.delete(PODS, key)
            elif pod["status"]["phase"] not in ("Succeeded", "Failed"):
                self._start(pod)
        elif grace := pod["metadata"].get("deletionGracePeriodSeconds"):
            running.end(grace)

    def _place(self, pod: Object) -> None:
        def bind(pod: Object) -> None:
            pod["spec"]["nodeName"] = NODE
            scheduled = {"type": "PodScheduled", "observedGeneration": pod["metadata"].get("generation", 1)}
            scheduled |= {"status": "True", "lastProbeTime": None, "lastTransitionTime": now()}
            pod["status"]["conditions"] = [scheduled]

        self._store.edit(PODS, key_of(pod), bind)
        told = f"Successfully assigned {'/'.join(key_of(pod))} to {NODE}"
        self._scheduler.normal(pod, "Scheduled", told)

    def _start(self, pod: Object) -> None:
        key, ip = key_of(pod), self._free.popleft()
        name = "_".join(key)

        def gone() -> None:
            if self._pods.get(key) is running:
                del self._pods[key]
                self._free.append(ip)

        around = Surroundings(
            store=self._store, images=self._images, events=self._events, pod=pod, ip=ip,
            home=self._scratch / pod["metadata"]["uid"], logs=self._logs / name, changed=lambda: None,
        )  # fmt: skip
        running = self._pods[key] = RunningPod(around, self._address, gone)

    def _node(self) -> Object:
        kinds = ("MemoryPressure", "DiskPressure", "PIDPressure", "Ready")
        reasons = ("KubeletHasSufficientMemory", "KubeletHasNoDiskPressure", "KubeletHasSufficientPID", "KubeletReady")
        told = ("kubelet has sufficient memory available", "kubelet has no disk pressure",
            "kubelet has sufficient PID available", "kubelet is posting ready status")  # fmt: skip
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
        capacity = {"cpu": str(os.cpu_count()), "memory": f"{memory}Ki", "pods": "110"}
        system = platform.uname()
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(system.machine, system.machine)
        labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "kubernetes.io/arch": machine}
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": NODE, "labels": labels | {"node-role.kubernetes.io/control-plane": ""}},
            "spec": {},
            "status": {
                "addresses": [
                    {"type": "InternalIP", "address": self._address},
                    {"type": "Hostname", "address": NODE},
                ],
                "capacity": capacity,
                "allocatable": capacity,
                "conditions": [
                    {"type": kind, "status": str(kind == "Ready"), "reason": reason, "message": message,
                     "lastHeartbeatTime": now(), "lastTransitionTime": now()}
                    for kind, reason, message in zip(kinds, reasons, told, strict=True)
                ],
                "nodeInfo": {
                    "architecture": machine, "bootID": "", "containerRuntimeVersion": "embedded://1.0",
                    "kernelVersion": system.release, "kubeProxyVersion": "", "kubeletVersion": VERSION,
                    "machineID": "", "operatingSystem": "linux", "osImage": "local processes", "systemUUID": "",
                },
            },
        }  # fmt: skip
