"""One container of a pod: started, probed, restarted with growing pauses, and ended with grace."""

from __future__ import annotations

import asyncio
import time
import uuid
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from subprocess import DEVNULL

import aiohttp

from reference.cluster.controllers import record
from reference.cluster.environment import ConfigError, Image, command, variables
from reference.cluster.objects import Object, Store, now
from reference.cluster.processes import Log, Process, unstartable

FIRST_PAUSE, LONGEST_PAUSE = 10, 300  # seconds between restarts; the first restart comes at once
CONFIG_RETRY_SECONDS = 1.0
EAGER_SECONDS, EASE = 0.02, 0.05  # while not ready, the next look comes after this share of the time waited so far
_RUNTIME_SAYS = (
    "failed to create containerd task: failed to create shim task: OCI runtime create failed: runc create failed: "
)


@dataclass
class Surroundings:
    """What a container needs to know of its pod and its node; `pod` is the pod as last seen."""

    store: Store
    images: dict[str, Image]
    pod: Object
    ip: str
    home: Path  # the pod's own folder, gone when the pod is
    logs: Path
    changed: Callable[[], None]  # called after every change of a container's state


class Container:
    """A container and what its status says."""

    def __init__(self, spec: Object, around: Surroundings) -> None:
        self.spec, self.around, self.name = spec, around, str(spec["name"])
        self.state: Object = {"waiting": {"reason": "ContainerCreating"}}
        self.ready = False
        self.environment: dict[str, str] = {}
        self.folder = around.home
        self.log: Log | None = None
        self.previous_log: Log | None = None
        self._last_state: Object = {}
        self._restarts, self._identity, self._ending = 0, "", False
        self._process: Process | None = None
        self._run: asyncio.Task[None] | None = None

    @property
    def process(self) -> Process | None:
        """The process that runs now."""
        return self._process if self._process and not self._process.exited.done() else None

    def begin(self) -> None:
        """Have the container run from now on, again and again."""
        self._run = asyncio.create_task(self._keep_running())

    async def end(self, grace: float) -> None:
        """Ask the process to end, and end it when the grace (seconds) is over."""
        self._ending = True
        if process := self.process:
            self._say("Killing", f"Stopping container {self.name}")
            await process.stop(grace)
        elif self._run:
            self._run.cancel()
        if self._run:
            await asyncio.wait({self._run})

    def status(self) -> Object:
        """Return the container's entry in the status of its pod."""
        image, running = self.spec["image"], "running" in self.state
        found = {"name": self.name, "state": self.state, "lastState": self._last_state, "ready": self.ready}
        found |= {"started": running, "restartCount": self._restarts, "image": image}
        found["imageID"] = f"embedded://{image}" if self._identity else ""
        return found | ({"containerID": self._identity} if self._identity else {})

    def _say(self, reason: str, message: str, warning: bool = False) -> None:
        part = f"spec.containers{{{self.name}}}"
        record(self.around.store, "kubelet", self.around.pod, reason, message, part=part, warning=warning)

    def _become(self, state: Object, ready: bool = False) -> None:
        self.state, self.ready = state, ready
        self.around.changed()

    def _wait(self, reason: str, message: str) -> None:
        self._become({"waiting": {"reason": reason, "message": message}})

    async def _keep_running(self) -> None:
        pause = 0
        if (image := self.around.images.get(self.spec["image"])) is None:
            return self._miss_image()
        while True:
            await self._run_once(image)
            if self._ending:
                return None
            self._last_state = self.state
            if pause:
                await self._back_off(pause)
            pause = min(max(FIRST_PAUSE, pause * 2), LONGEST_PAUSE)
            self._restarts += 1

    def _miss_image(self) -> None:
        image = self.spec["image"]
        if self.spec["imagePullPolicy"] == "Never":
            reason = "ErrImageNeverPull"
            told = f'Container image "{image}" is not present with pull policy of Never'
            self._say(reason, told, warning=True)
        else:
            reason, why = "ImagePullBackOff", f'failed to pull image "{image}": not in the images file'
            told = f'Back-off pulling image "{image}": ErrImagePull: {why}'
            self._say("Pulling", f'Pulling image "{image}"')
            self._say("Failed", f'Failed to pull image "{image}": {why}', warning=True)
            self._say("Failed", "Error: ErrImagePull", warning=True)
            self._say("BackOff", f'Back-off pulling image "{image}"')
        self._say("Failed", f"Error: {reason}", warning=True)
        self._wait(reason, told)

    async def _run_once(self, image: Image) -> None:
        """Start the process, probe it, and wait for its end."""
        around, self.environment = self.around, await self._environment(image)
        self._say("Pulled", f'Container image "{self.spec["image"]}" already present on machine')
        words = command(image, self.spec, self.environment) or [""]
        self.previous_log, self.log = self.log, Log(around.logs / f"{self.name}.{self._restarts}.log")
        self._identity = f"embedded://{uuid.uuid4().hex}{uuid.uuid4().hex}"
        self._say("Created", f"Created container: {self.name}")
        self.folder = Path(self.spec.get("workingDir") or image.workdir or around.home)
        began = now()
        try:
            self._process = Process(words, self, [self.log.feed], DEVNULL, tty=False)
        except (OSError, ValueError) as error:
            self.log.close()
            message = _RUNTIME_SAYS + unstartable(words, error)
            self._say("Failed", f"Error: {message}", warning=True)
            return self._finish(128, "StartError", "1970-01-01T00:00:00Z", message=message)
        self._say("Started", f"Started container {self.name}")
        self._become({"running": {"startedAt": began}}, ready="readinessProbe" not in self.spec)
        probes = [asyncio.create_task(probe) for probe in (self._keep_ready(), self._keep_alive(self._process))]
        try:
            await asyncio.wait({self._process.exited})
        finally:
            self.log.close()
            for probe in probes:
                probe.cancel()
        code = self._process.exited.result()
        return self._finish(code, "Error" if code else "Completed", began)

    def _finish(self, code: int, reason: str, began: str, **more: str) -> None:
        ended = {"exitCode": code, "reason": reason, "startedAt": began, "finishedAt": now()} | more
        self._become({"terminated": ended | {"containerID": self._identity}})

    async def _environment(self, image: Image) -> dict[str, str]:
        """Return the environment, as soon as everything that it refers to is there."""
        around, host = self.around, self.around.pod["status"]["hostIP"]
        status = around.pod["status"] | {"podIP": around.ip, "podIPs": around.ip, "hostIPs": host}
        placed = around.pod | {"status": status}  # the pod's own status tells its address only later
        while True:
            try:
                return variables(around.store, placed, self.spec, image, around.home)
            except ConfigError as error:
                if "CreateContainerConfigError" not in self.state.get("waiting", {}).values():
                    self._say("Failed", f"Error: {error}", warning=True)
                    self._wait("CreateContainerConfigError", str(error))
            await asyncio.sleep(CONFIG_RETRY_SECONDS)

    async def _back_off(self, seconds: int) -> None:
        pod = self.around.pod["metadata"]
        named = f"{pod['name']}_{pod['namespace']}({pod['uid']})"
        long = f"{seconds // 60}m{seconds % 60}s" if seconds >= 60 else f"{seconds}s"
        self._wait("CrashLoopBackOff", f"back-off {long} restarting failed container={self.name} pod={named}")
        told = f"Back-off restarting failed container {self.name} in pod {named}"
        self._say("BackOff", told, warning=True)
        await asyncio.sleep(seconds)

    async def _keep_ready(self) -> None:
        """Tell readiness as its probe finds it; failures count and are told only when the probe is due."""
        if not (probe := self.spec.get("readinessProbe")):
            return
        wins, losses, period, since = 0, 0, float(probe["periodSeconds"]), time.monotonic()
        due = since + probe.get("initialDelaySeconds", 0)
        while True:
            wrong, at = await self._probed(probe), time.monotonic()
            wins, losses = (0, losses) if wrong else (wins + 1, 0)
            if at >= due:
                due = at + period
                losses += bool(wrong)
                if wrong:
                    self._say("Unhealthy", f"Readiness probe failed: {wrong}", warning=True)
            if losses >= probe["failureThreshold"] if self.ready else wins >= probe["successThreshold"]:
                since = at
                self._become(self.state, not self.ready)
            await asyncio.sleep(period if self.ready else min(period, max(EAGER_SECONDS, (at - since) * EASE)))

    async def _keep_alive(self, process: Process) -> None:
        """End the process when its liveness probe has failed as often in a row as it may."""
        if not (probe := self.spec.get("livenessProbe")):
            return
        losses, pause = 0, probe.get("initialDelaySeconds", 0)
        while losses < probe["failureThreshold"]:
            await asyncio.sleep(pause)
            wrong, pause = await self._probed(probe), probe["periodSeconds"]
            losses = losses + 1 if wrong else 0
            if wrong:
                self._say("Unhealthy", f"Liveness probe failed: {wrong}", warning=True)
        if not self._ending:
            self._say("Killing", f"Container {self.name} failed liveness probe, will be restarted")
            await process.stop(self.around.pod["spec"]["terminationGracePeriodSeconds"])

    async def _probed(self, probe: Object) -> str:
        """Look once, within the probe's timeout; returns what is wrong in the kubelet's words, "" when all is well."""
        ports = {port.get("name"): port["containerPort"] for port in self.spec.get("ports") or ()}
        check = probe.get("httpGet") or probe["tcpSocket"]
        host, port = check.get("host") or self.around.ip, ports.get(check["port"], check["port"])
        url = f"http://{host}:{port}/{check['path'].lstrip('/')}" if "httpGet" in probe else ""
        asked = f'Get "{url}": ' if url else ""
        try:
            async with asyncio.timeout(probe["timeoutSeconds"]):
                if url:
                    return await _http_fault(
                        url, {each["name"]: each["value"] for each in check.get("httpHeaders") or ()}
                    )
                _, writer = await asyncio.open_connection(host, port)
                writer.close()
                return ""
        except TimeoutError:
            late = "context deadline exceeded (Client.Timeout exceeded while awaiting headers)"
            return asked + (late if url else f"dial tcp {host}:{port}: i/o timeout")
        except (ConnectionRefusedError, aiohttp.ClientConnectorError):
            return f"{asked}dial tcp {host}:{port}: connect: connection refused"
        except (OSError, aiohttp.ClientError):
            return f"{asked}EOF"


async def _http_fault(url: str, headers: dict[str, str]) -> str:
    head = {"User-Agent": "kube-probe/1.34", "Accept": "*/*", "Connection": "close"} | headers
    async with aiohttp.ClientSession() as session, session.get(url, headers=head, allow_redirects=False) as answer:
        return "" if 200 <= answer.status < 400 else f"HTTP probe failed with statuscode: {answer.status}"
