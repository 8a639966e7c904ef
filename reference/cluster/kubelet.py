"""The node: gives pods a place and an address, runs them as processes, and says that it is well."""

from __future__ import annotations

import asyncio
import os
import platform
from collections import deque
from collections.abc import Mapping
from pathlib import Path

from reference.cluster.containers import Container, Surroundings
from reference.cluster.controller import Controller
from reference.cluster.environment import Image
from reference.cluster.events import Recorder
from reference.cluster.pods import RunningPod
from reference.cluster.registry import Registry
from reference.cluster.resources import NODES, PODS, Object
from reference.cluster.store import Change, Key, key_of, now

NODE = "embedded"
VERSION = "v1.34.0+embedded"
STOP_SECONDS = 2.0
_CONDITIONS = {
    "MemoryPressure": ("KubeletHasSufficientMemory", "kubelet has sufficient memory available"),
    "DiskPressure": ("KubeletHasNoDiskPressure", "kubelet has no disk pressure"),
    "PIDPressure": ("KubeletHasSufficientPID", "kubelet has sufficient PID available"),
    "Ready": ("KubeletReady", "kubelet is posting ready status"),
}
_UNKNOWN = ("bootID", "kubeProxyVersion", "machineID", "systemUUID")


class Kubelet(Controller):
    """Scheduler and kubelet of the one node."""

    def __init__(self, registry: Registry, images: dict[str, Image], logs: Path, scratch: Path) -> None:
        super().__init__(registry)
        self._images, self._logs, self._scratch = images, logs, scratch
        self.address = f"127.{registry.network}.0.1"
        thirds = (1, *range(16, 32))  # Services have 2 to 15
        self._free = deque(f"127.{registry.network}.{third}.{last}" for third in thirds for last in range(1, 255))
        self._pods: dict[Key, RunningPod] = {}
        self._scheduler = Recorder(self.store, "default-scheduler", NODE)
        self._events = Recorder(self.store, "kubelet", NODE)
        self.store.create(NODES, self._node())

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
        around = Surroundings(self.store, self._images, self._events, pod, ip, home, logs, changed=lambda: None)
        running = self._pods[key] = RunningPod(around, self.address, gone)

    def _node(self) -> Object:
        memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") // 1024
        capacity, system = {"cpu": str(os.cpu_count()), "memory": f"{memory}Ki", "pods": "110"}, platform.uname()
        machine = {"x86_64": "amd64", "aarch64": "arm64"}.get(system.machine, system.machine)
        labels = {"kubernetes.io/hostname": NODE, "kubernetes.io/os": "linux", "kubernetes.io/arch": machine}
        times = {"lastHeartbeatTime": now(), "lastTransitionTime": now()}
        addresses = {"InternalIP": self.address, "Hostname": NODE}
        info = {"architecture": machine, "containerRuntimeVersion": "embedded://1.0", "kubeletVersion": VERSION,
            "kernelVersion": system.release, "operatingSystem": "linux", "osImage": "local processes"}  # fmt: skip
        return {
            "apiVersion": "v1",
            "kind": "Node",
            "metadata": {"name": NODE, "labels": labels | {"node-role.kubernetes.io/control-plane": ""}},
            "spec": {},
            "status": {
                "addresses": [{"type": kind, "address": address} for kind, address in addresses.items()],
                "capacity": capacity,
                "allocatable": capacity,
                "conditions": [
                    {"type": kind, "status": str(kind == "Ready"), "reason": reason, "message": message} | times
                    for kind, (reason, message) in _CONDITIONS.items()
                ],
                "nodeInfo": info | dict.fromkeys(_UNKNOWN, ""),
            },
        }
