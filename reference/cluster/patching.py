"""The patches of the API: merge, strategic merge, JSON, and apply (a strategic merge that names its manager)."""

from __future__ import annotations

import json
from typing import Any

import jsonpatch
import yaml

from reference.cluster.errors import ApiError, bad_request
from reference.cluster.resources import Object
from reference.cluster.store import clone, now

JSON_PATCH, MERGE, STRATEGIC, APPLY = (
    f"application/{name}" for name in ("json-patch+json", "merge-patch+json", "strategic-merge-patch+json",
        "apply-patch+yaml")
)  # fmt: skip
_MERGED_BY = {
    "containers": "name",
    "initContainers": "name",
    "env": "name",
    "volumes": "name",
    "volumeMounts": "mountPath",
    "imagePullSecrets": "name",
    "secrets": "name",
    "conditions": "type",
    "ownerReferences": "uid",
    "hostAliases": "ip",
}


def patched(current: Object, content_type: str, body: bytes) -> Object:
    """Return *current* as the patch wants it; raises ApiError 400, 415 or 422."""
    if content_type == APPLY:
        try:
            return strategic_merge(current, yaml.safe_load(body))
        except (yaml.YAMLError, AttributeError) as error:
            raise bad_request(f"error decoding YAML: {error}") from error
    try:
        patch = json.loads(body)
    except ValueError as error:
        raise bad_request(f"error decoding patch: {error}") from error
    if content_type == JSON_PATCH:
        return _json_patch(current, patch)
    if content_type not in (MERGE, STRATEGIC):
        accepted = ", ".join((JSON_PATCH, MERGE, STRATEGIC, APPLY))
        message = f"the body of the request was in an unknown format - accepted media types include: {accepted}"
        raise ApiError(415, "UnsupportedMediaType", message)
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: json: cannot unmarshal into Go value of type map[string]interface {}")
    return merge(current, patch) if content_type == MERGE else strategic_merge(current, patch)


def _json_patch(current: Object, patch: Any) -> Object:
    try:
        changed: Object = jsonpatch.apply_patch(clone(current), patch)
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException, TypeError) as error:
        message = "the server rejected our request due to an error in our request"
        raise ApiError(422, "Invalid", f"{message}: {error}", {}) from error
    return changed


def merge(current: Any, patch: Any) -> Any:
    """Return the JSON merge patch (RFC 7386) of *current*."""
    if not isinstance(patch, dict):
        return patch
    result = dict(current) if isinstance(current, dict) else {}
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merge(result.get(key), value)
    return result


def strategic_merge(current: Object, patch: Object) -> Object:
    """Return the strategic merge: lists of named things are merged by their key, `$patch` directives obeyed."""
    directive = patch.get("$patch")
    result = {} if directive in ("replace", "delete") else dict(current)
    for key, value in patch.items():
        if key.startswith("$deleteFromPrimitiveList/"):
            field = key.partition("/")[2]
            result[field] = [item for item in result.get(field, ()) if item not in value]
        elif key.startswith("$"):
            continue
        elif value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = strategic_merge(result.get(key) or {}, value)
        elif isinstance(value, list):
            result[key] = _merged_list(key, result.get(key) or [], value, patch.get(f"$setElementOrder/{key}"))
        else:
            result[key] = value
    for kept in [patch["$retainKeys"]] if "$retainKeys" in patch else []:
        result = {key: value for key, value in result.items() if key in kept}
    return result


def _merged_list(field: str, current: list[Any], patch: list[Any], order: list[Any] | None) -> list[Any]:
    if field == "finalizers":
        return [*current, *(item for item in patch if item not in current)]
    by = _MERGED_BY.get(field)
    if field == "ports" and all(isinstance(item, dict) for item in patch):
        by = "containerPort" if any("containerPort" in item for item in (*current, *patch)) else "port"
    if by is None:
        return patch
    if any(item.get("$patch") == "replace" for item in patch):
        return [item for item in patch if "$patch" not in item]
    merged = {item.get(by): item for item in current}
    for item in patch:
        if item.get("$patch") == "delete":
            merged.pop(item.get(by), None)
        else:
            merged[item.get(by)] = strategic_merge(merged.get(item.get(by)) or {}, item)
    ranks = {item.get(by): rank for rank, item in enumerate(order or ())}
    return sorted(merged.values(), key=lambda item: ranks.get(item.get(by), len(ranks)))


def managed(obj: Object, manager: str) -> None:
    """Note in *obj* that *manager* applied it just now."""
    others = [entry for entry in obj["metadata"].get("managedFields", ()) if entry["manager"] != manager]
    entry = {"manager": manager, "operation": "Apply", "apiVersion": obj["apiVersion"], "time": now(),
        "fieldsType": "FieldsV1", "fieldsV1": {}}  # fmt: skip
    obj["metadata"]["managedFields"] = [*others, entry]
