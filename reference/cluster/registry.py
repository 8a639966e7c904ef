"""Writing as clients do it: patches, names, defaults, checks, addresses, generations, and graceful deletion."""

from __future__ import annotations

import base64
import json
import random
import re
import tomllib
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import jsonpatch

from reference.cluster import objects
from reference.cluster.objects import Key, Object, Resource, Store, clone, key_of, now, value_at

NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
JSON_PATCH, MERGE, STRATEGIC = PATCHES = tuple(
    f"application/{kind}+json" for kind in ("json-patch", "merge-patch", "strategic-merge-patch")
)
_DEFAULTS = tomllib.loads(Path(__file__).with_name("defaults.toml").read_text())
_COUNTED = ("Deployment", "ReplicaSet", "Pod")  # kinds whose generation counts the changes of their spec
_OWN_STATUS = (*_COUNTED, "Service", "Namespace", "Node")
_SET_BY_SERVER = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")
_MERGED_BY = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath",
    "imagePullSecrets": "name", "conditions": "type", "ownerReferences": "uid"}  # fmt: skip
_LABEL = r"[a-z0-9]([-a-z0-9]*[a-z0-9])?"
_SUBDOMAIN = rf"{_LABEL}(\.{_LABEL})*"
_SUBDOMAIN_RULE = (
    "a lowercase RFC 1123 subdomain must consist of lower case alphanumeric characters, '-' or '.', "
    "and must start and end with an alphanumeric character (e.g. 'example.com', regex used for validation "
    f"is '{_SUBDOMAIN}')"
)
_POD_RULE = (
    "Forbidden: pod updates may not change fields other than `spec.containers[*].image`,"
    "`spec.initContainers[*].image`,`spec.activeDeadlineSeconds`,`spec.tolerations` (only additions to existing "
    "tolerations),`spec.terminationGracePeriodSeconds` (allow it to be set to 1 if it was previously negative)"
)
_NOT_RUN = ("startupProbe", "readinessProbe.exec", "readinessProbe.grpc", "livenessProbe.exec", "livenessProbe.grpc")


class Registry:
    """The one way in which clients and controllers create, replace and delete objects."""

    def __init__(self, store: Store, network: int) -> None:
        self.store, self.network = store, network

    def create(self, resource: Resource, namespace: str, obj: Object) -> Object:
        """Store a new object; raises ApiError 400, 403, 404, 409 or 422."""
        obj = clone(obj) | {"apiVersion": resource.api_version, "kind": resource.kind}
        meta = obj["metadata"] = obj.get("metadata") or {}
        for field in (*_SET_BY_SERVER, "resourceVersion"):
            meta.pop(field, None)
        if meta.get("generateName") and not meta.get("name"):
            meta["name"] = meta["generateName"] + "".join(random.choices(NAME_LETTERS, k=5))
        elif not meta.get("name"):
            why = "Required value: name or generateName is required"
            raise objects.invalid(resource, "", ("FieldValueRequired", why, "metadata.name"))
        if resource.namespaced:
            if meta.setdefault("namespace", namespace) != namespace:
                why = "the namespace of the provided object does not match the namespace sent on the request"
                raise objects.bad_request(why)
            if "deletionTimestamp" in self.store.get(objects.NAMESPACES, ("", namespace))["metadata"]:
                why = f"unable to create new content in namespace {namespace} because it is being terminated"
                raise objects.refusal(403, "Forbidden", resource, meta["name"], f"{{}} is forbidden: {why}")
        if resource.kind in _OWN_STATUS and resource is not objects.NODES:
            obj.pop("status", None)
        if resource.kind in _COUNTED:
            meta["generation"] = 1
        self._accept(resource, obj, None)
        return self.store.create(resource, obj)

    def replace(self, resource: Resource, obj: Object, part: str = "") -> Object:
        """Store *obj* over what is there: its *part* "status", else everything else; raises ApiError."""
        before = self.store.get(resource, key_of(obj))
        kept = before["metadata"]
        if part == "status":
            meta = kept | {"resourceVersion": obj["metadata"].get("resourceVersion")}
            return self.store.update(resource, before | {"status": obj.get("status") or {}, "metadata": meta})
        obj = clone(obj) | {"apiVersion": resource.api_version, "kind": resource.kind}
        obj["metadata"] |= {field: kept[field] for field in _SET_BY_SERVER if field in kept}
        if resource.kind in _OWN_STATUS and "status" in before:
            obj["status"] = before["status"]
        self._accept(resource, obj, before)
        noted = resource.kind == "Deployment" and obj["metadata"].get("annotations") != kept.get("annotations")
        if resource.kind in _COUNTED and (noted or obj.get("spec") != before.get("spec")):
            obj["metadata"]["generation"] = kept["generation"] + 1
        return self.store.update(resource, obj)

    def delete(self, resource: Resource, key: Key, grace: int | None = None) -> Object:
        """Delete, or begin to: pods get their grace, namespaces empty themselves; raises ApiError."""
        if resource is objects.NAMESPACES:
            return self.store.edit(resource, key, _terminating)
        if resource is not objects.PODS or grace == 0:
            return self.store.delete(resource, key)
        return self.store.edit(objects.PODS, key, lambda pod: _ending(pod, grace))

    def _accept(self, resource: Resource, obj: Object, before: Object | None) -> None:
        _complete(resource, obj)
        if causes := _faults(resource, obj, before):
            raise objects.invalid(resource, obj["metadata"]["name"], *causes)
        if resource is objects.SERVICES:
            self._give_addresses(obj, (before or {}).get("spec", {}))

    def _give_addresses(self, service: Object, had: Object) -> None:
        spec, others = service["spec"], [s for s in self.store.list(objects.SERVICES) if key_of(s) != key_of(service)]
        taken = {other["spec"]["clusterIP"] for other in others}
        pool = (f"127.{self.network}.{third}.{last}" for third in range(2, 16) for last in range(1, 255))
        spec["clusterIP"] = spec.get("clusterIP") or had.get("clusterIP") or next(ip for ip in pool if ip not in taken)
        spec["clusterIPs"] = [spec["clusterIP"]]
        used = {port.get("nodePort") for other in others for port in other["spec"]["ports"]}
        held = {port["port"]: port.get("nodePort") for port in had.get("ports", ())}
        for index, port in enumerate(spec["ports"] if spec["type"] != "ClusterIP" else ()):
            if port.get("nodePort") and port["nodePort"] in used:
                why = f"Invalid value: {port['nodePort']}: provided port is already allocated"
                cause = ("FieldValueInvalid", why, f"spec.ports[{index}].nodePort")
                raise objects.invalid(objects.SERVICES, service["metadata"]["name"], cause)
            free = (number for number in range(30000, 32768) if number not in used)
            port["nodePort"] = port.get("nodePort") or held.get(port["port"]) or next(free)
            used.add(port["nodePort"])


def _terminating(namespace: Object) -> None:
    namespace["metadata"].setdefault("deletionTimestamp", now())
    namespace["status"]["phase"] = "Terminating"


def _ending(pod: Object, grace: int | None) -> None:
    """Give the pod its last seconds; asked again, only fewer seconds than before count."""
    meta, own = pod["metadata"], pod["spec"]["terminationGracePeriodSeconds"]
    seconds = own if grace is None else grace
    if seconds < meta.get("deletionGracePeriodSeconds", seconds + 1):
        meta["generation"] += "deletionTimestamp" not in meta
        until = datetime.now(UTC) + timedelta(seconds=seconds)
        meta["deletionTimestamp"] = until.strftime("%Y-%m-%dT%H:%M:%SZ")
        meta["deletionGracePeriodSeconds"] = seconds


def _fill(obj: Object, defaults: Object) -> None:
    for key, value in defaults.items():
        if obj.get(key) is None:
            obj[key] = clone(value)
        elif isinstance(value, dict) and isinstance(obj[key], dict):
            _fill(obj[key], value)


def _complete(resource: Resource, obj: Object) -> None:
    """Fill in what Kubernetes defaults for this kind, so that clients always find complete objects."""
    _fill(obj, _DEFAULTS.get(resource.kind, {}))
    spec = obj.get("spec") or {}
    match resource.kind:
        case "Deployment" | "ReplicaSet":
            _fill(spec.get("strategy", {}), _DEFAULTS.get(value_at(spec, "strategy.type"), {}))
            if spec["template"]["metadata"].get("creationTimestamp", "") is None:  # as kubectl sends it
                del spec["template"]["metadata"]["creationTimestamp"]
            _complete_pod(spec["template"]["spec"])
        case "Pod":
            _complete_pod(spec)
            if any(container["resources"] for container in spec["containers"]):
                obj["status"]["qosClass"] = "Burstable"
        case "Service":
            for port in spec["ports"]:
                _fill(port, _DEFAULTS["Port"] | {"targetPort": port.get("port")})
        case "Secret":
            plain = obj.pop("stringData", None) or {}
            obj["data"] |= {key: base64.b64encode(text.encode()).decode() for key, text in plain.items()}


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
        for probe in (container[name] for name in ("readinessProbe", "livenessProbe") if container.get(name)):
            _fill(probe, _DEFAULTS["Probe"])
            _fill(probe.get("httpGet") or {}, {"path": "/", "scheme": "HTTP"})


def _faults(resource: Resource, obj: Object, before: Object | None) -> list[tuple[str, str, str]]:
    """Return what Kubernetes would refuse in *obj*, in its words; *before* is what is being replaced."""
    name, spec = obj["metadata"]["name"], obj.get("spec") or {}
    missing: list[str] = []
    wrong: list[tuple[str, Any, str]] = []
    not_run: list[str] = []
    if not re.fullmatch(_SUBDOMAIN, name) or len(name) > 253:
        wrong.append(("metadata.name", name, _SUBDOMAIN_RULE))
    match resource.kind:
        case "Deployment" | "ReplicaSet":
            labels, selector = spec["template"]["metadata"].get("labels") or {}, spec.get("selector") or {}
            if not isinstance(spec["replicas"], int) or spec["replicas"] < 0:
                wrong.append(("spec.replicas", spec["replicas"], "must be greater than or equal to 0"))
            missing += [] if selector else ["spec.selector"]
            if not selector or not selector.get("matchLabels", {}).items() <= labels.items():
                why = "`selector` does not match template `labels`"
                wrong.append(("spec.template.metadata.labels", labels, why))
            if before and before["spec"]["selector"] != selector:
                wrong.append(("spec.selector", selector, "field is immutable"))
            not_run += ["spec.selector.matchExpressions"] if selector.get("matchExpressions") else []
        case "Pod" if before and _without_images(before["spec"]) != _without_images(spec):
            return [("FieldValueForbidden", _POD_RULE, "spec")]
        case "Service":
            missing += [] if spec["ports"] or spec.get("clusterIP") == "None" else ["spec.ports"]
            not_run += ["spec.type"] if spec["type"] == "ExternalName" else []
            for index, port in enumerate(spec["ports"]):
                for field in ("port", "targetPort"):
                    if isinstance(port[field], int) and not 0 < port[field] < 65536:
                        why = "must be between 1 and 65535, inclusive"
                        wrong.append((f"spec.ports[{index}].{field}", port[field], why))
    path = "spec" if resource is objects.PODS else "spec.template.spec"
    if (pod := value_at(obj, path)) is not None:
        missing += [] if pod["containers"] else [f"{path}.containers"]
        not_run += [f"{path}.initContainers"] if pod.get("initContainers") else []
        not_run += [f"{path}.restartPolicy"] if pod["restartPolicy"] != "Always" else []
        for index, container in enumerate(pod["containers"]):
            here = f"{path}.containers[{index}]"
            missing += [f"{here}.{field}" for field in ("name", "image") if not container.get(field)]
            not_run += [f"{here}.{field}" for field in _NOT_RUN if value_at(container, field)]
    told = "Unsupported value: the embedded cluster does not run this"
    causes = [("FieldValueRequired", "Required value", field) for field in missing]
    for field, value, why in wrong:
        shown = json.dumps(value, separators=(",", ":"))
        causes.append(("FieldValueInvalid", f"Invalid value: {shown}: {why}", field))
    return causes + [("FieldValueNotSupported", told, field) for field in not_run]


def _without_images(spec: Object) -> Object:
    return spec | {"containers": [container | {"image": ""} for container in spec["containers"]]}


def patched(current: Object, kind: str, body: bytes) -> Object:
    """Return *current* as the patch wants it; raises ApiError 400, 415 or 422."""
    if kind not in PATCHES:
        raise objects.ApiError(415, "UnsupportedMediaType", "415: Unsupported Media Type")
    try:
        patch = json.loads(body)
        if kind == JSON_PATCH:
            changed: Object = jsonpatch.apply_patch(clone(current), patch)
            return changed
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        message = "the server rejected our request due to an error in our request"
        raise objects.ApiError(422, "Invalid", message) from error
    except (ValueError, TypeError) as error:
        raise objects.bad_request(f"error decoding patch: {error}") from error
    if not isinstance(patch, dict):
        raise objects.bad_request("error decoding patch: it is not an object")
    return _merged(current, patch, kind == STRATEGIC)


def _merged(current: Object, patch: Object, strategic: bool) -> Object:
    """Return a merge patch (RFC 7386); a strategic one merges lists of named things, and obeys directives."""
    result = {} if strategic and patch.get("$patch") in ("replace", "delete") else dict(current)
    for key, value in patch.items():
        held = result.get(key)
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = _merged(held if isinstance(held, dict) else {}, value, strategic)
        elif isinstance(value, list) and strategic:
            result[key] = _merged_list(key, held or [], value, patch.get(f"$setElementOrder/{key}") or [])
        else:
            result[key] = value
    kept = patch.get("$retainKeys")
    return {key: value for key, value in result.items() if key[:1] != "$" and (kept is None or key in kept)}


def _merged_list(field: str, current: list[Any], patch: list[Any], order: list[Any]) -> list[Any]:
    by = _MERGED_BY.get(field)
    if field == "ports":
        by = "containerPort" if any("containerPort" in item for item in (*current, *patch)) else "port"
    if by is None or any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if by is None or "$patch" not in item]
    merged = {item.get(by): item for item in current}
    for item in patch:
        if item.get("$patch") == "delete":
            merged.pop(item.get(by), None)
        else:
            merged[item.get(by)] = _merged(merged.get(item.get(by)) or {}, item, True)
    held = {item.get(by) for item in current}
    ranks = {item.get(by): rank for rank, item in enumerate(order)}  # without an order, what is new comes first
    return sorted(merged.values(), key=lambda item: (ranks.get(item.get(by), len(ranks)), item.get(by) in held))
