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
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: "
    "runc create failed: unable to start container process: error during container init: "
)


@dataclass
class Surroundings:
    """What a container needs to know of its pod and its cluster; `pod` is the pod as last seen."""

    store: Store
    images: dict[str, Image]
    events: Recorder
    pod: Object
    ip: str
    home: Path  # the pod's own folder, gone when the pod is
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

    async def end(self, grace: float) -> None:
        """Ask the process to end, and end it when the grace (seconds) is over."""
        self._ending = True
        if self._process and not self._process.exited.done():
            self._say("normal", "Killing", f"Stopping container {self.name}")
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
        found |= {"started": "running" in self.state, "restartCount": self.restarts}
        found["image"] = self.spec["image"]
        found["imageID"] = f"embedded://{self.spec['image']}" if self.identity else ""
        return found | ({"containerID": self.identity} if self.identity else {})

    def _say(self, kind: str, reason: str, message: str) -> None:
        record = self.around.events.normal if kind == "normal" else self.around.events.warning
        record(self.around.pod, reason, message, self.name)

    def _become(self, state: Object, ready: bool = False) -> None:
        self.state, self.ready = state, ready
        self.around.changed()

    async def _keep_running(self) -> None:
        policy, pause = self.around.pod["spec"]["restartPolicy"], 0
        if (image := self.around.images.get(self.spec["image"])) is None:
            return self._miss_image()
        while True:
            began = time.monotonic()
            code = await self._run_once(image)
            if self._ending or policy == "Never" or (policy == "OnFailure" and code == 0):
                return None
            self.last_state = self.state
            pause = 0 if time.monotonic() - began > WELL_AFTER else pause
            if pause:
                await self._back_off(pause)
            pause = min(max(FIRST_PAUSE, pause * 2), LONGEST_PAUSE)
            self.restarts += 1

    def _miss_image(self) -> None:
        image = self.spec["image"]
        if self.spec["imagePullPolicy"] == "Never":
            reason = "ErrImageNeverPull"
            told = f'Container image "{image}" is not present with pull policy of Never'
            self._say("warning", reason, told)
        else:
            reason, why = "ImagePullBackOff", f'failed to pull image "{image}": not in the images file'
            told = f'Back-off pulling image "{image}": ErrImagePull: {why}'
            self._say("normal", "Pulling", f'Pulling image "{image}"')
            self._say("warning", "Failed", f'Failed to pull image "{image}": {why}')
            self._say("warning", "Failed", "Error: ErrImagePull")
            self._say("normal", "BackOff", f'Back-off pulling image "{image}"')
        self._say("warning", "Failed", f"Error: {reason}")
        self._become({"waiting": {"reason": reason, "message": told}})

    async def _run_once(self, image: Image) -> int:
        """Start the process and wait for its end; returns its exit code."""
        around, environment = self.around, await self._environment(image)
        self._say("normal", "Pulled", f'Container image "{self.spec["image"]}" already present on machine')
        words = command(image, self.spec, environment) or [""]
        self.previous_log, self.log = self.log, Log(around.logs / f"{self.name}.{self.restarts}.log")
        self.identity = f"embedded://{uuid.uuid4().hex}{uuid.uuid4().hex}"
        self._say("normal", "Created", f"Created container: {self.name}")
        folder = Path(self.spec.get("workingDir") or image.workdir or around.home)
        began = now()
        try:
            self._process = Process(words, environment, folder, self.log.feed)
        except (OSError, ValueError) as error:
            self.log.close()
            return self._start_failed(words[0], folder, error)
        self._say("normal", "Started", f"Started container {self.name}")
        self._become({"running": {"startedAt": began}}, ready="readinessProbe" not in self.spec)
        watching = asyncio.create_task(self._probe())
        try:
            await self._process.wait()
        finally:
            watching.cancel()
            self.log.close()
        code = self._process.exited.result()
        self._finish(code, "Error" if code else "Completed", began)
        return code

    def _finish(self, code: int, reason: str, began: str, message: str = "") -> None:
        ended = {"exitCode": code, "reason": reason, "startedAt": began, "finishedAt": now()}
        ended |= {"message": message} if message else {}
        self._become({"terminated": ended | {"containerID": self.identity}})

    def _start_failed(self, program: str, folder: Path, error: Exception) -> int:
        missing = isinstance(error, FileNotFoundError)
        why = f'exec: "{program}": {"executable file not found in $PATH" if missing else _told(error)}'
        if not folder.is_dir():
            why = f'chdir to cwd ("{folder}") set in config.json failed: no such file or directory'
        told = f"{_RUNTIME_SAYS}{why}: unknown"
        self._say("warning", "Failed", f"Error: {told}")
        self._finish(128, "StartError", _EPOCH, told)
        return 128

    async def _environment(self, image: Image) -> dict[str, str]:
        """Return the environment, as soon as everything that it refers to is there."""
        around, host = self.around, self.around.pod["status"]["hostIP"]
        status = around.pod["status"] | {"podIP": around.ip, "podIPs": around.ip, "hostIPs": host}
        placed = around.pod | {"status": status}  # the pod's own status tells its address only later
        while True:
            try:
                return variables(around.store, placed, self.spec, image, around.home)
            except ConfigError as error:
                waiting = {"waiting": {"reason": "CreateContainerConfigError", "message": str(error)}}
                if self.state != waiting:
                    self._say("warning", "Failed", f"Error: {error}")
                    self._become(waiting)
            await asyncio.sleep(CONFIG_RETRY_SECONDS)

    async def _back_off(self, seconds: int) -> None:
        pod = self.around.pod["metadata"]
        named = f"{pod['name']}_{pod['namespace']}({pod['uid']})"
        long = f"{seconds // 60}m{seconds % 60}s" if seconds >= 60 else f"{seconds}s"
        told = f"back-off {long} restarting failed container={self.name} pod={named}"
        self._become({"waiting": {"reason": "CrashLoopBackOff", "message": told}})
        self._say("warning", "BackOff", f"Back-off restarting failed container {self.name} in pod {named}")
        await asyncio.sleep(seconds)

    async def _stop(self, grace: float) -> None:
        assert self._process
        self._process.terminate()
        if not await self._process.wait(grace):
            self._process.kill()
            await self._process.wait()

    async def _probe(self) -> None:
        """Run the container's probes until it ends."""
        ports = {port.get("name"): port["containerPort"] for port in self.spec.get("ports") or ()}
        watches: list[Coroutine[Any, Any, None]] = []
        for kind, watch in (("readiness", self._keep_ready), ("liveness", self._keep_alive)):
            if probe := self.spec.get(f"{kind}Probe"):
                look = functools.partial(probes.look, probe, self.around.ip, ports)
                watches.append(watch(probe, look, functools.partial(self._unwell, kind)))
        await asyncio.gather(*watches)

    def _unwell(self, kind: str, wrong: str) -> None:
        self._say("warning", "Unhealthy", f"{kind.capitalize()} probe failed: {wrong}")

    async def _keep_ready(self, probe: Object, look: probes.Look, unwell: Callable[[str], None]) -> None:
        await probes.keep_ready(probe, look, unwell, lambda ready: self._become(self.state, ready))

    async def _keep_alive(self, probe: Object, look: probes.Look, unwell: Callable[[str], None]) -> None:
        await probes.until_dead(probe, look, unwell)
        if not self._ending:
            self._say("normal", "Killing", f"Container {self.name} failed liveness probe, will be restarted")
            await self._stop(self.around.pod["spec"]["terminationGracePeriodSeconds"])


def _told(error: Exception) -> str:
    return str(getattr(error, "strerror", None) or error).lower()
