"""What a container's process is started with, the process itself, and the log of what it writes."""

from __future__ import annotations

import asyncio
import base64
import contextlib
import ctypes
import os
import re
import signal
import subprocess
import sys
import time
import tomllib
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reference.cluster import reaper
from reference.cluster.objects import CONFIGMAPS, SECRETS, SERVICES, Object, Store, value_at

PROJECT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"\$\$|\$\(([^()\s]+)\)")
_PR_SET_PDEATHSIG = 1
_CHUNK = 65536
_libc = ctypes.CDLL(None, use_errno=True)


class ConfigError(Exception):
    """A variable points to something that is not there; the container has to wait for it."""


@dataclass(frozen=True)
class Image:
    """What an image name stands for on this machine."""

    entrypoint: tuple[str, ...]
    workdir: str = ""
    env: Mapping[str, str] = field(default_factory=dict)


def load_images(path: Path) -> dict[str, Image]:
    """Read the images file; raises OSError, or ValueError that names what is wrong in it."""
    images = {}
    text = path.read_text().replace("{python}", sys.executable).replace("{root}", str(PROJECT))
    for name, table in tomllib.loads(text).items():
        known = isinstance(table, dict) and not set(table) - {"entrypoint", "workdir", "env"}
        if not known or not isinstance(table.get("entrypoint", []), list):
            raise ValueError(f'image "{name}" may have entrypoint (a list), workdir and env, nothing else')
        images[name] = Image(tuple(table.get("entrypoint", ())), table.get("workdir", ""), table.get("env", {}))
    return images


def connectable_port(port: int) -> int:
    """Return the port on which a Service really listens here: only root may bind those below 1024."""
    return port + 8000 if port < 1024 else port


def command(image: Image, container: Object, variables: Mapping[str, str]) -> list[str]:
    """Return the command line: the container's command, else the image's entrypoint, and the arguments."""
    given = [[_expanded(word, variables) for word in container.get(part) or ()] for part in ("command", "args")]
    words = [*(given[0] or image.entrypoint), *given[1]]
    return [sys.executable, *words[1:]] if words[:1] in (["python"], ["python3"]) else words


def variables(store: Store, pod: Object, container: Object, image: Image, home: Path) -> dict[str, str]:
    """Return the container's environment; raises ConfigError."""
    namespace = pod["metadata"]["namespace"]
    found = {name: os.environ.get(name, "") for name in ("PATH", reaper.VARIABLE)}
    found |= {"LANG": "C.UTF-8", "HOME": str(home), "TMPDIR": str(home), "HOSTNAME": pod["metadata"]["name"]}
    found |= image.env
    for service in store.list(SERVICES, namespace) if pod["spec"]["enableServiceLinks"] else ():
        found |= _service_variables(service)
    for source in container.get("envFrom") or ():
        listed = _data(store, namespace, source, "Ref").items()
        found |= {source.get("prefix", "") + key: value for key, value in listed}
    for entry in container.get("env") or ():
        source = entry.get("valueFrom") or {}
        if "fieldRef" in source:
            found[entry["name"]] = _field(pod, source["fieldRef"]["fieldPath"])
        elif not source:
            found[entry["name"]] = _expanded(entry.get("value", ""), found)
        else:
            data, (reference,) = _data(store, namespace, source, "KeyRef"), source.values()
            if reference["key"] in data:
                found[entry["name"]] = data[reference["key"]]
            elif not reference.get("optional"):
                raise ConfigError(f"couldn't find key {reference['key']} in {reference['name']}")
    return found


def _service_variables(service: Object) -> dict[str, str]:
    host, ports = service["spec"]["clusterIP"], service["spec"]["ports"]
    if host == "None" or not ports:
        return {}
    name = service["metadata"]["name"].upper().replace("-", "_")
    first = str(connectable_port(ports[0]["port"]))
    found = {f"{name}_SERVICE_HOST": host, f"{name}_SERVICE_PORT": first, f"{name}_PORT": f"tcp://{host}:{first}"}
    for port in (port for port in ports if port.get("name")):
        named = port["name"].upper().replace("-", "_")
        found[f"{name}_SERVICE_PORT_{named}"] = str(connectable_port(port["port"]))
    return found


def _data(store: Store, namespace: str, source: Object, how: str) -> dict[str, str]:
    """Return what a `configMapRef`, `secretKeyRef` … refers to; nothing when that is absent and may be."""
    secret = f"secret{how}" in source
    if (reference := source.get(f"secret{how}") or source.get(f"configMap{how}")) is None:
        raise ConfigError(f"the embedded cluster does not know {', '.join(source)}")
    obj = store.find(SECRETS if secret else CONFIGMAPS, (namespace, reference["name"]))
    if obj is None and not reference.get("optional"):
        raise ConfigError(f'{"secret" if secret else "configmap"} "{reference["name"]}" not found')
    data: dict[str, str] = (obj or {}).get("data") or {}
    return {key: base64.b64decode(value).decode() if secret else value for key, value in data.items()}


def _field(pod: Object, path: str) -> str:
    if keyed := re.fullmatch(r"(metadata\.(?:labels|annotations))\['(.+)'\]", path):
        return str((value_at(pod, keyed[1]) or {}).get(keyed[2], ""))
    return str(value_at(pod, path) or "")


def _expanded(text: str, found: Mapping[str, str]) -> str:
    """Replace $(NAME) where NAME is known; $$ stands for one dollar."""
    return _VARIABLE.sub(lambda hit: "$" if hit[0] == "$$" else found.get(hit[1], hit[0]), text)


def stamp(nanoseconds: int) -> str:
    """Return a time as RFC 3339 with nine decimals, the way container logs carry it."""
    seconds, fraction = divmod(nanoseconds, 1_000_000_000)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{fraction:09d}Z"


class Log:
    """What one run of a container wrote: a file of lines, each with its time in front."""

    def __init__(self, path: Path) -> None:
        path.parent.mkdir(parents=True, exist_ok=True)
        self.path, self.closed = path, False
        self._file = path.open("ab", buffering=0)
        self._begun = b""
        self._grown = asyncio.Event()

    def feed(self, data: bytes) -> None:
        """Take output as it comes; a line counts when it is complete."""
        *lines, self._begun = (self._begun + data).split(b"\n")
        head = stamp(time.time_ns()).encode() + b" "
        self._file.write(b"".join(head + line + b"\n" for line in lines))
        self._announce()

    def close(self) -> None:
        """Keep a last line that had no end, and tell the followers that nothing more will come."""
        if self._begun:
            self.feed(b"\n")
        self.closed = True
        self._file.close()
        self._announce()

    async def grown(self) -> None:
        """Wait until there is more to read, or the log is closed."""
        if not self.closed:
            await self._grown.wait()

    def _announce(self) -> None:
        self._grown.set()
        self._grown = asyncio.Event()


def _bind_life_to(parent: int) -> Callable[[], None]:
    def prepare() -> None:
        _libc.prctl(_PR_SET_PDEATHSIG, signal.SIGKILL)
        if os.getppid() != parent:  # it died before the line above: nobody would ever end this process
            os._exit(1)

    return prepare


class Process:
    """A running command in a session of its own; `exited` resolves to its code, 128 + n when signal n ended it."""

    def __init__(self, command: Sequence[str], variables: Mapping[str, str], folder: Path, log: Log) -> None:
        """Start it; raises OSError or ValueError when it cannot be started."""
        loop = asyncio.get_running_loop()
        self.exited: asyncio.Future[int] = loop.create_future()
        self._popen = subprocess.Popen(
            command, env=variables, cwd=folder, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT, start_new_session=True, preexec_fn=_bind_life_to(os.getpid()),
        )  # fmt: skip
        assert self._popen.stdout
        self._log, self._pipe = log, self._popen.stdout
        os.set_blocking(self._pipe.fileno(), False)
        self._pidfd = os.pidfd_open(self._popen.pid)
        loop.add_reader(self._pipe, self._read)
        loop.add_reader(self._pidfd, self._end)

    async def stop(self, grace: float) -> None:
        """Ask the process itself to end, and end all that it started when the grace (seconds) is over."""
        with contextlib.suppress(ProcessLookupError):
            if not self.exited.done():
                signal.pidfd_send_signal(self._pidfd, signal.SIGTERM)
        await asyncio.wait({self.exited}, timeout=grace)
        self.kill()
        await asyncio.wait({self.exited})

    def kill(self) -> None:
        """End the process and everything that it started in its session, unless it is over."""
        with contextlib.suppress(ProcessLookupError):
            if not self.exited.done():
                os.killpg(self._popen.pid, signal.SIGKILL)

    def _read(self) -> bool:
        try:
            data = os.read(self._pipe.fileno(), _CHUNK)
        except BlockingIOError:
            return False
        if data:
            self._log.feed(data)
        else:
            asyncio.get_running_loop().remove_reader(self._pipe)
        return bool(data)

    def _end(self) -> None:
        loop = asyncio.get_running_loop()
        self.kill()  # before the wait: until then the number cannot belong to anybody else
        code = self._popen.wait()
        while self._read():
            pass
        loop.remove_reader(self._pipe)
        loop.remove_reader(self._pidfd)
        self._pipe.close()
        os.close(self._pidfd)
        self._log.close()
        self.exited.set_result(code if code >= 0 else 128 - code)
