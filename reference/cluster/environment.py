"""What a container's process is started with: its image's command, and the variables that Kubernetes sets."""

from __future__ import annotations

import base64
import os
import re
import sys
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

from reference.cluster import reaper
from reference.cluster.objects import CONFIGMAPS, SECRETS, SERVICES, Object, Store, value_at

PROJECT = Path(__file__).parents[2]
_VARIABLE = re.compile(r"\$\$|\$\(([^()\s]+)\)")


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
