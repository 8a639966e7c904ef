"""What Kubernetes fills in when a manifest leaves it out, and what it does not accept."""

from __future__ import annotations

import base64
import re

from reference.cluster.errors import Cause
from reference.cluster.resources import Object, Resource
from reference.cluster.selectors import selects, value_at

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    f"and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_WITH_SPEC = ("Deployment", "ReplicaSet", "Pod", "Service", "Namespace")
_NOT_SERVED = ("initContainers", *(f"containers.{field}" for field in
    ("startupProbe", "livenessProbe.exec", "livenessProbe.grpc", "readinessProbe.exec", "readinessProbe.grpc")))  # fmt: skip


def _fill(obj: Object, **defaults: object) -> None:
    for key, value in defaults.items():
        if obj.get(key) is None:
            obj[key] = value


def complete(resource: Resource, obj: Object) -> None:
    """Fill in what Kubernetes defaults for this kind, so that clients always find complete objects."""
    spec = obj.setdefault("spec", {}) if resource.kind in _WITH_SPEC else {}
    match resource.kind:
        case "Deployment":
            _fill(spec, replicas=1, strategy={}, revisionHistoryLimit=10, progressDeadlineSeconds=600, template={})
            _fill(spec["strategy"], type="RollingUpdate")
            if spec["strategy"]["type"] == "RollingUpdate":
                _fill(spec["strategy"], rollingUpdate={})
                _fill(spec["strategy"]["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")
            _complete_template(spec["template"])
        case "ReplicaSet":
            _fill(spec, replicas=1, template={})
            _complete_template(spec["template"])
        case "Pod":
            _complete_pod(spec)
            _fill(spec, enableServiceLinks=True, priority=0, preemptionPolicy="PreemptLowerPriority")
            _fill(spec, serviceAccountName="default", serviceAccount="default")
            wants = any(container["resources"] for container in spec["containers"])
            _fill(obj, status={"phase": "Pending", "qosClass": "Burstable" if wants else "BestEffort"})
        case "Service":
            _fill(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
            _fill(spec, ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
            if spec["type"] != "ClusterIP":
                _fill(spec, externalTrafficPolicy="Cluster")
            for port in spec.get("ports") or ():
                _fill(port, protocol="TCP", targetPort=port.get("port"))
            _fill(obj, status={"loadBalancer": {}})
        case "Secret":
            _fill(obj, type="Opaque", data={})
            given = obj.pop("stringData", {})
            obj["data"] |= {key: base64.b64encode(value.encode()).decode() for key, value in given.items()}
        case "Namespace":
            obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]
            _fill(spec, finalizers=["kubernetes"])
            _fill(obj, status={"phase": "Active"})


def _complete_template(template: Object) -> None:
    _fill(template, metadata={}, spec={})
    _complete_pod(template["spec"])


def _complete_pod(spec: Object) -> None:
    _fill(spec, restartPolicy="Always", terminationGracePeriodSeconds=30, dnsPolicy="ClusterFirst")
    _fill(spec, securityContext={}, schedulerName="default-scheduler", containers=[])
    for container in spec["containers"]:
        name, _, tag = container.get("image", "").rpartition("/")[2].partition(":")
        _fill(container, imagePullPolicy="IfNotPresent" if tag not in ("", "latest") else "Always", resources={})
        _fill(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
        for port in container.get("ports") or ():
            _fill(port, protocol="TCP")
        for field in (value_at(entry, "valueFrom.fieldRef") for entry in container.get("env") or ()):
            _fill(field or {}, apiVersion="v1")
        for probe in (container[name] for name in ("readinessProbe", "livenessProbe") if container.get(name)):
            _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            if "httpGet" in probe:
                _fill(probe["httpGet"], path="/", scheme="HTTP")


def faults(resource: Resource, obj: Object, before: Object | None) -> list[Cause]:
    """Return what Kubernetes would refuse in *obj*, with its words; *before* is the object being replaced."""
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
    for index, container in enumerate(spec["containers"]):
        fields = [field for field in ("name", "image") if not container.get(field)]
        causes += [_missing(f"{path}.containers[{index}].{field}") for field in fields]
    seen = [{"initContainers": spec.get("initContainers")}, *({"containers": each} for each in spec["containers"])]
    for field in (field for field in _NOT_SERVED if any(value_at(part, field) for part in seen)):
        why = "Unsupported value: the embedded cluster does not run this"
        causes.append(("FieldValueNotSupported", why, f"{path}.{field}"))
    return causes


def _missing(field: str) -> Cause:
    return "FieldValueRequired", "Required value", field


def _wrong(field: str, value: object, why: str) -> Cause:
    return "FieldValueInvalid", f"Invalid value: {value}: {why}", field
