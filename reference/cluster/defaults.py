"""What Kubernetes fills in when a manifest leaves it out, and what it does not accept."""

from __future__ import annotations

import base64
import re
import tomllib
from pathlib import Path

from reference.cluster.errors import Cause
from reference.cluster.resources import Object, Resource
from reference.cluster.selectors import selects, value_at
from reference.cluster.store import clone

_DEFAULTS = tomllib.loads(Path(__file__).with_name("defaults.toml").read_text())
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation "
    f"is '{_SUBDOMAIN}')"
)
_PROBES = ("readinessProbe", "livenessProbe")
_NOT_RUN = ("startupProbe", *(f"{probe}.{how}" for probe in _PROBES for how in ("exec", "grpc")))


def _fill(obj: Object, defaults: Object) -> None:
    for key, value in defaults.items():
        if obj.get(key) is None:
            obj[key] = clone(value)
        elif isinstance(value, dict) and isinstance(obj[key], dict):
            _fill(obj[key], value)


def complete(resource: Resource, obj: Object) -> None:
    """Fill in what Kubernetes defaults for this kind, so that clients always find complete objects."""
    _fill(obj, _DEFAULTS.get(resource.kind, {}))
    spec = obj.get("spec") or {}
    match resource.kind:
        case "Deployment" | "ReplicaSet":
            if "strategy" in spec:
                _fill(spec["strategy"], _DEFAULTS.get(spec["strategy"]["type"], {}))
            _complete_pod(spec["template"]["spec"])
        case "Pod":
            _complete_pod(spec)
            if any(container["resources"] for container in spec["containers"]):
                obj["status"]["qosClass"] = "Burstable"
        case "Service":
            _fill(spec, {"externalTrafficPolicy": "Cluster"} if spec["type"] != "ClusterIP" else {})
            for port in spec.get("ports") or ():
                _fill(port, _DEFAULTS["Port"] | {"targetPort": port.get("port")})
        case "Secret":
            given = obj.pop("stringData", {})
            obj["data"] |= {key: base64.b64encode(value.encode()).decode() for key, value in given.items()}
        case "Namespace":
            obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]


def _complete_pod(spec: Object) -> None:
    _fill(spec, _DEFAULTS["PodSpec"])
    for container in spec["containers"]:
        tag = container.get("image", "").rpartition("/")[2].partition(":")[2]
        policy = "IfNotPresent" if tag not in ("", "latest") else "Always"
        _fill(container, _DEFAULTS["Container"] | {"imagePullPolicy": policy})
        for port in container.get("ports") or ():
            _fill(port, _DEFAULTS["Port"])
        for entry in container.get("env") or ():
            _fill(value_at(entry, "valueFrom.fieldRef") or {}, {"apiVersion": "v1"})
        for probe in (container[name] for name in _PROBES if container.get(name)):
            _fill(probe, _DEFAULTS["Probe"])
            _fill(probe.get("httpGet") or {}, {"path": "/", "scheme": "HTTP"})


def faults(resource: Resource, obj: Object, before: Object | None) -> list[Cause]:
    """Return what Kubernetes would refuse in *obj*, in its words; *before* is what is being replaced."""
    name, spec = obj["metadata"]["name"], obj.get("spec") or {}
    causes: list[Cause] = []
    if not re.fullmatch(_SUBDOMAIN, name) or len(name) > 253:
        causes.append(_wrong("metadata.name", f'"{name}"', _SUBDOMAIN_RULE))
    match resource.kind:
        case "Deployment" | "ReplicaSet":
            labels = spec["template"]["metadata"].get("labels") or {}
            if not isinstance(spec["replicas"], int) or spec["replicas"] < 0:
                causes.append(_wrong("spec.replicas", spec["replicas"], "must be greater than or equal to 0"))
            if not spec.get("selector"):
                causes.append(_missing("spec.selector"))
            elif not selects(spec["selector"], labels):
                told = ", ".join(f'"{key}":"{value}"' for key, value in sorted(labels.items()))
                why = "`selector` does not match template `labels`"
                causes.append(_wrong("spec.template.metadata.labels", f"map[string]string{{{told}}}", why))
            if before and before["spec"]["selector"] != spec.get("selector"):
                causes.append(_wrong("spec.selector", spec.get("selector"), "field is immutable"))
            causes += _pod_faults("spec.template.spec", spec["template"]["spec"])
        case "Pod":
            causes += _pod_faults("spec", spec)
            if before and _without_images(before["spec"]) != _without_images(spec):
                why = "Forbidden: pod updates may not change fields other than `spec.containers[*].image`"
                causes.append(("FieldValueForbidden", why, "spec"))
        case "Service" if spec["type"] != "ExternalName":
            if not spec.get("ports") and spec.get("clusterIP") != "None":
                causes.append(_missing("spec.ports"))
            for index, port in enumerate(spec.get("ports") or ()):
                if not isinstance(port.get("port"), int) or not 0 < port["port"] < 65536:
                    why = "must be between 1 and 65535, inclusive"
                    causes.append(_wrong(f"spec.ports[{index}].port", port.get("port"), why))
    return causes


def _without_images(spec: Object) -> Object:
    return spec | {"containers": [container | {"image": ""} for container in spec["containers"]]}


def _pod_faults(path: str, spec: Object) -> list[Cause]:
    causes = [] if spec["containers"] else [_missing(f"{path}.containers")]
    not_run = [f"{path}.initContainers"] if spec.get("initContainers") else []
    for index, container in enumerate(spec["containers"]):
        here = f"{path}.containers[{index}]"
        causes += [_missing(f"{here}.{field}") for field in ("name", "image") if not container.get(field)]
        not_run += [f"{here}.{field}" for field in _NOT_RUN if value_at(container, field)]
    why = "Unsupported value: the embedded cluster does not run this"
    return causes + [("FieldValueNotSupported", why, field) for field in not_run]


def _missing(field: str) -> Cause:
    return "FieldValueRequired", "Required value", field


def _wrong(field: str, value: object, why: str) -> Cause:
    return "FieldValueInvalid", f"Invalid value: {value}: {why}", field
