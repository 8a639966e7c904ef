"""What Kubernetes fills in when a manifest leaves it out, and what it does not accept."""

from __future__ import annotations

import base64
import re

from reference.cluster.resources import Object, Resource
from reference.cluster.selectors import selects

Cause = tuple[str, str, str]  # reason, message, field

_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', and must start "
    f"and end with an alphanumeric character (e.g. 'example.com', regex used for validation is '{_SUBDOMAIN}')"
)
_PROBES = ("readinessProbe", "livenessProbe", "startupProbe")


def _fill(obj: Object, **defaults: object) -> None:
    for key, value in defaults.items():
        if obj.get(key) is None:
            obj[key] = value


def complete(resource: Resource, obj: Object) -> None:
    """Fill in what Kubernetes defaults for this kind, so that clients always find complete objects."""
    match resource.kind:
        case "Deployment":
            spec = obj.setdefault("spec", {})
            _fill(spec, replicas=1, strategy={}, revisionHistoryLimit=10, progressDeadlineSeconds=600)
            _fill(spec["strategy"], type="RollingUpdate")
            if spec["strategy"]["type"] == "RollingUpdate":
                _fill(spec["strategy"], rollingUpdate={})
                _fill(spec["strategy"]["rollingUpdate"], maxUnavailable="25%", maxSurge="25%")
            _complete_template(spec)
        case "ReplicaSet":
            _fill(obj.setdefault("spec", {}), replicas=1)
            _complete_template(obj["spec"])
        case "Pod":
            _complete_pod(obj.setdefault("spec", {}))
            _fill(obj["spec"], enableServiceLinks=True, priority=0, preemptionPolicy="PreemptLowerPriority")
            _fill(obj["spec"], serviceAccountName="default", serviceAccount="default")
            _fill(obj, status={"phase": "Pending", "qosClass": "BestEffort"})
        case "Service":
            spec = obj.setdefault("spec", {})
            _fill(spec, type="ClusterIP", sessionAffinity="None", internalTrafficPolicy="Cluster")
            _fill(spec, ipFamilies=["IPv4"], ipFamilyPolicy="SingleStack")
            if spec["type"] != "ClusterIP":
                _fill(spec, externalTrafficPolicy="Cluster")
            for port in spec.get("ports") or ():
                _fill(port, protocol="TCP", targetPort=port.get("port"))
            _fill(obj, status={"loadBalancer": {}})
        case "Secret":
            _fill(obj, type="Opaque")
            plain = {key: base64.b64encode(value.encode()).decode() for key, value in obj.pop("stringData", {}).items()}
            if plain:
                obj["data"] = (obj.get("data") or {}) | plain
        case "Namespace":
            obj["metadata"].setdefault("labels", {})["kubernetes.io/metadata.name"] = obj["metadata"]["name"]
            _fill(obj.setdefault("spec", {}), finalizers=["kubernetes"])
            _fill(obj, status={"phase": "Active"})


def _complete_template(spec: Object) -> None:
    template = spec.setdefault("template", {})
    template.setdefault("metadata", {})
    _complete_pod(template.setdefault("spec", {}))


def _complete_pod(spec: Object) -> None:
    _fill(spec, restartPolicy="Always", terminationGracePeriodSeconds=30, dnsPolicy="ClusterFirst")
    _fill(spec, securityContext={}, schedulerName="default-scheduler", containers=[])
    if "serviceAccountName" in spec:
        _fill(spec, serviceAccount=spec["serviceAccountName"])
    for container in spec["containers"]:
        latest = ":" not in container.get("image", "").rpartition("/")[2] or container["image"].endswith(":latest")
        _fill(container, imagePullPolicy="Always" if latest else "IfNotPresent", resources={})
        _fill(container, terminationMessagePath="/dev/termination-log", terminationMessagePolicy="File")
        for port in container.get("ports") or ():
            _fill(port, protocol="TCP")
        for entry in container.get("env") or ():
            for field in [entry["valueFrom"]["fieldRef"]] if "fieldRef" in (entry.get("valueFrom") or {}) else []:
                _fill(field, apiVersion="v1")
        for probe in (container[name] for name in _PROBES if container.get(name)):
            _fill(probe, timeoutSeconds=1, periodSeconds=10, successThreshold=1, failureThreshold=3)
            if "httpGet" in probe:
                _fill(probe["httpGet"], path="/", scheme="HTTP")


def faults(resource: Resource, obj: Object, before: Object | None) -> list[Cause]:
    """Return what Kubernetes would refuse in *obj*, with its words; *before* is the object being replaced."""
    name, spec = obj["metadata"]["name"], obj.get("spec") or {}
    causes: list[Cause] = []
    if not re.fullmatch(_SUBDOMAIN, name) or len(name) > 253:
        causes.append(_wrong("metadata.name", f'"{name}"', _SUBDOMAIN_RULE))
    if resource.kind in ("Deployment", "ReplicaSet"):
        replicas, labels = spec["replicas"], spec["template"]["metadata"].get("labels") or {}
        if not isinstance(replicas, int) or replicas < 0:
            causes.append(_wrong("spec.replicas", replicas, "must be greater than or equal to 0"))
        if not spec.get("selector"):
            causes.append(_missing("spec.selector"))
        elif not selects(spec["selector"], labels):
            told = "{" + ", ".join(f'"{key}":"{value}"' for key, value in sorted(labels.items())) + "}"
            why = "`selector` does not match template `labels`"
            causes.append(_wrong("spec.template.metadata.labels", f"map[string]string{told}", why))
        if before and before["spec"]["selector"] != spec.get("selector"):
            causes.append(_wrong("spec.selector", spec.get("selector"), "field is immutable"))
        causes += _pod_faults("spec.template.spec", spec["template"]["spec"])
    elif resource.kind == "Pod":
        causes += _pod_faults("spec", spec)
        if before and _without_images(before["spec"]) != _without_images(spec):
            why = "pod updates may not change fields other than `spec.containers[*].image`"
            causes.append(("FieldValueForbidden", f"Forbidden: {why}", "spec"))
    elif resource.kind == "Service" and spec["type"] != "ExternalName":
        if not spec.get("ports") and spec.get("clusterIP") != "None":
            causes.append(_missing("spec.ports"))
        for index, port in enumerate(spec.get("ports") or ()):
            if not isinstance(port.get("port"), int) or not 0 < port["port"] < 65536:
                why = "must be between 1 and 65535, inclusive"
                causes.append(_wrong(f"spec.ports[{index}].port", port.get("port"), why))
    return causes


def _without_images(spec: Object) -> Object:
    return spec | {"containers": [{**container, "image": ""} for container in spec["containers"]]}


def _pod_faults(path: str, spec: Object) -> list[Cause]:
    causes = [] if spec["containers"] else [_missing(f"{path}.containers")]
    if spec.get("initContainers"):
        why = "Unsupported value: the embedded cluster runs no init containers"
        causes.append(("FieldValueNotSupported", why, f"{path}.initContainers"))
    for index, container in enumerate(spec["containers"]):
        fields = [field for field in ("name", "image") if not container.get(field)]
        causes += [_missing(f"{path}.containers[{index}].{field}") for field in fields]
    return causes


def _missing(field: str) -> Cause:
    return "FieldValueRequired", "Required value", field


def _wrong(field: str, value: object, why: str) -> Cause:
    return "FieldValueInvalid", f"Invalid value: {value}: {why}", field
