"""One container of a pod: started, probed, restarted with growing pauses, and ended with grace."""

from __future__ import annotations

import asyncio
import functools
import time
import uuid
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from reference.cluster import probes
from reference.cluster.environment import ConfigError, Image, command, variables
from reference.cluster.events import Recorder
from reference.cluster.process import Log, Process
from reference.cluster.resources import Object
from reference.cluster.store import Store, now

FIRST_PAUSE, LONGEST_PAUSE = 10, 300  # seconds between restarts; the first restart comes at once
WELL_AFTER = 600  # seconds of running after which the pauses start again from the first
CONFIG_RETRY_SECONDS = 1.0
_EPOCH = "1970-01-01T00:00:00Z"
_RUNTIME_SAYS = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
    "unable to start container process: error during container init: "
)


@dataclass
class Surroundings:
    """What a container needs to know of its pod and its cluster; `pod` is the pod as last seen."""

    store: Store
    images: dict[str, Image]
    events: Recorder
    pod: Object
    ip: str
    home: Path
    logs: Path
    changed: Callable[[], None]  # called after every change of a container's state


@dataclass
class Container:
    """A container and what its status says."""

    spec: Object
    around: Surroundings
    state: Object = field(default_factory=lambda: {"waiting": {"reason": "ContainerCreating"}})
    last_state: Object = field(default_factory=dict)
    restarts: int = 0
    ready: bool = False
    started: bool = False
    identity: str = ""
    log: Log | None = None
    previous_log: Log | None = None
    _process: Process | None = None
    _run: asyncio.Task[None] | None = None
    _ending: bool = False

    @property
    def name(self) -> str:
        """The container's name within its pod."""
        return str(self.spec["name"])

    def begin(self) -> None:
        """Have the container run from now on, again and again as its pod's restart policy says."""
        self._run = asyncio.create_task(self._keep_running())

    async def _keep_running(self) -> None:
        policy, pause = self.around.pod["spec"]["restartPolicy"], 0
        if not await self._image_found():
            return
        while not self._ending:
            began = time.monotonic()
            code = await self._run_once()
            if self._ending or policy == "Never" or (policy == "OnFailure" and code == 0):
                return
            if time.monotonic() - began > WELL_AFTER:
                pause = 0
            if pause:
                await self._back_off(pause)
            pause = min(max(FIRST_PAUSE, pause * 2), LONGEST_PAUSE)
            self.last_state = {"terminated": self.state["terminated"]} if "terminated" in self.state else self.last_state
            self.restarts += 1

    async def end(self, grace: float) -> None:
        """Ask the process to end, and end it when the grace (seconds) is over."""
        self._ending = True
        if self._process and not self._process.exited.done():
            self.around.events.normal(self.around.pod, "Killing", f"Stopping container {self.name}", self.name)
            await self._stop(grace)
        elif self._run:
            self._run.cancel()
        if self._run:
            await asyncio.wait({self._run})

    def kill(self) -> None:
        """End the process at once, with all that it started."""
        self._ending = True
        if self._process and not self._process.exited.done():
            self._process.kill()
        elif self._run:
            self._run.cancel()

    def status(self) -> Object:
        """Return the container's entry in the status of its pod."""
        found = {"name": self.name, "state": self.state, "lastState": self.last_state, "ready": self.ready}
        found |= {"restartCount": self.restarts, "image": self.spec["image"], "started": self.started}
        found["imageID"] = f"embedded://{self.spec['image']}" if self.identity else ""
        return found | ({"containerID": self.identity} if self.identity else {})

    async def _image_found(self) -> bool:
        image, pod, say = self.spec["image"], self.around.pod, self.around.events
        if image in self.around.images:
            return True
        if self.spec["imagePullPolicy"] == "Never":
            reason, told = "ErrImageNeverPull", f'Container image "{image}" is not present with pull policy of Never'
            say.warning(pod, reason, told, self.name)
            say.warning(pod, "Failed", f"Error: {reason}", self.name)
        else:
            reason, absent = "ImagePullBackOff", f'failed to pull image "{image}": the images file has no such image'
            say.normal(pod, "Pulling", f'Pulling image "{image}"', self.name)
            say.warning(pod, "Failed", f'Failed to pull image "{image}": {absent}', self.name)
            say.warning(pod, "Failed", "Error: ErrImagePull", self.name)
            say.normal(pod, "BackOff", f'Back-off pulling image "{image}"', self.name)
            say.warning(pod, "Failed", f"Error: {reason}", self.name)
            told = f'Back-off pulling image "{image}": ErrImagePull: {absent}'
        self._become({"waiting": {"reason": reason, "message": told}})
        return False

    async def _run_once(self) -> int:
        """Start the process and wait for its end; returns its exit code."""
        around, image = self.around, self.around.images[self.spec["image"]]
        environment = await self._environment(image)
        if self._ending:
            return 0
        say = around.events.normal
        say(around.pod, "Pulled", f'Container image "{self.spec["image"]}" already present on machine', self.name)
        words = command(image, self.spec, environment)
        self.previous_log, self.log = self.log, Log(around.logs / f"{self.name}.{self.restarts}.log")
        self.identity = f"embedded://{uuid.uuid4().hex}{uuid.uuid4().hex}"
        say(around.pod, "Created", f"Created container: {self.name}", self.name)
        folder = Path(self.spec.get("workingDir") or image.workdir or around.home)
        try:
            self._process = Process(words or [""], environment, folder, self.log.feed)
        except OSError as error:
            return self._start_failed(words, error)
        began = now()
        say(around.pod, "Started", f"Started container {self.name}", self.name)
        self._become({"running": {"startedAt": began}}, ready=not self.spec.get("readinessProbe"))
        watching = asyncio.create_task(self._probe(words, environment))
        await self._process.wait()
        code = self._process.exited.result()
        watching.cancel()
        self.log.close()
        self._become({"terminated": {"exitCode": code, "reason": "Error" if code else "Completed",
            "startedAt": began, "finishedAt": now(), "containerID": self.identity}})  # fmt: skip
        return code

    async def _environment(self, image: Image) -> dict[str, str]:
        around, told = self.around, ""
        status = around.pod["status"] | {"podIP": around.ip, "podIPs": around.ip, "hostIPs": around.pod["status"]["hostIP"]}
        placed = around.pod | {"status": status}  # the pod's own status tells its address only later
        while not self._ending:
            try:
                return variables(around.store, placed, self.spec, image, around.home)
            except ConfigError as error:
                if told != str(error):
                    told = str(error)
                    around.events.warning(around.pod, "Failed", f"Error: {told}", self.name)
                    self._become({"waiting": {"reason": "CreateContainerConfigError", "message": told}})
            await asyncio.sleep(CONFIG_RETRY_SECONDS)
        return {}

    def _start_failed(self, words: list[str], error: OSError) -> int:
        assert self.log
        self.log.close()
        reasons = {FileNotFoundError: "executable file not found in $PATH", PermissionError: "permission denied"}
        why = reasons.get(type(error), str(error.strerror).lower())
        told = f'{_RUNTIME_SAYS}exec: "{words[0] if words else ""}": {why}: unknown'
        self.around.events.warning(self.around.pod, "Failed", f"Error: {told}", self.name)
        over = {"exitCode": 128, "reason": "StartError", "message": told, "startedAt": _EPOCH, "finishedAt": now()}
        self._become({"terminated": over | {"containerID": self.identity}})
        return 128

    async def _back_off(self, seconds: int) -> None:
        pod = self.around.pod["metadata"]
        where = f"pod={pod['name']}_{pod['namespace']}({pod['uid']})"
        told = f"back-off {_duration(seconds)} restarting failed container={self.name} {where}"
        self.last_state = {"terminated": self.state["terminated"]}
        self._become({"waiting": {"reason": "CrashLoopBackOff", "message": told}})
        about = f"Back-off restarting failed container {self.name} in {where.replace('=', ' ')}"
        self.around.events.warning(self.around.pod, "BackOff", about, self.name)
        await asyncio.sleep(seconds)

    def _become(self, state: Object, ready: bool = False) -> None:
        self.state = state
        self.ready = ready and "running" in state and not self.spec.get("startupProbe")
        self.started = "running" in state and not self.spec.get("startupProbe")
        self.around.changed()

    def _set_ready(self, ready: bool) -> None:
        self.ready = ready
        self.around.changed()

    async def _stop(self, grace: float) -> None:
        assert self._process
        self._process.terminate()
        if not await self._process.wait(grace):
            self._process.kill()
            await self._process.wait()

    async def _probe(self, words: list[str], environment: dict[str, str]) -> None:
        """Run the container's probes until it ends; restart it when the startup or liveness probe says so."""

        def eyes(kind: str) -> tuple[Object, probes.Look, Callable[[str], None]]:
            probe = self.spec[f"{kind.lower()}Probe"]

            def unwell(wrong: str) -> None:
                self.around.events.warning(
                    self.around.pod, "Unhealthy", f"{kind} probe failed: {wrong}", self.name
                )

            return probe, functools.partial(self._look, probe, environment), unwell

        if self.spec.get("startupProbe"):
            if not await probes.until_fit(*eyes("Startup")):
                return await self._restart("startup")
            self.started = True
            self._set_ready(not self.spec.get("readinessProbe"))
        watches: list[Coroutine[Any, Any, None]] = []
        if self.spec.get("readinessProbe"):
            watches.append(probes.keep_ready(*eyes("Readiness"), self._set_ready))
        if self.spec.get("livenessProbe"):
            watches.append(self._keep_alive(*eyes("Liveness")))
        await asyncio.gather(*watches)
        return None

    async def _keep_alive(self, probe: Object, look: probes.Look, unwell: Callable[[str], None]) -> None:
        await probes.until_dead(probe, look, unwell)
        await self._restart("liveness")

    async def _restart(self, kind: str) -> None:
        told = f"Container {self.name} failed {kind} probe, will be restarted"
        self.around.events.normal(self.around.pod, "Killing", told, self.name)
        if not self._ending:
            await self._stop(self.around.pod["spec"]["terminationGracePeriodSeconds"])

    async def _look(self, probe: Object, environment: dict[str, str]) -> str:
        if "exec" not in probe:
            ports = {port["name"]: port["containerPort"] for port in self.spec.get("ports") or () if "name" in port}
            return await probes.look(probe, self.around.ip, ports)
        said = bytearray()
        image = self.around.images[self.spec["image"]]
        words = command(Image(()), {"command": probe["exec"]["command"]}, environment)
        process = Process(words, environment, Path(image.workdir or self.around.home), said.extend)
        try:
            if await process.wait(probe["timeoutSeconds"]):
                return said.decode(errors="replace") or "command failed" if process.exited.result() else ""
        finally:
            process.kill()
        return f"command timed out: {' '.join(words)!r} timed out after {probe['timeoutSeconds']}s"


def _duration(seconds: int) -> str:
    minutes, rest = divmod(seconds, 60)
    return f"{minutes}m{rest}s" if minutes else f"{rest}s"
