"""The patches of the API: merge, strategic merge, JSON, and apply (a strategic merge with a manager)."""

from __future__ import annotations

import json
from typing import Any

import jsonpatch
import yaml

from reference.cluster.errors import ApiError, bad_request
from reference.cluster.resources import Object
from reference.cluster.store import clone, now

JSON_PATCH, MERGE, STRATEGIC, APPLY = KINDS = tuple(
    f"application/{name}" for name in ("json-patch+json", "merge-patch+json", "strategic-merge-patch+json",
        "apply-patch+yaml")
)  # fmt: skip
_MERGED_BY = {"containers": "name", "env": "name", "volumes": "name", "volumeMounts": "mountPath",
    "imagePullSecrets": "name", "conditions": "type", "ownerReferences": "uid"}  # fmt: skip


def patched(current: Object, kind: str, body: bytes) -> Object:
    """Return *current* as the patch wants it; raises ApiError 400, 415 or 422."""
    if kind not in KINDS:
        message = "the body of the request was in an unknown format - accepted media types include: "
        raise ApiError(415, "UnsupportedMediaType", message + ", ".join(KINDS))
    try:
        patch = yaml.safe_load(body) if kind == APPLY else json.loads(body)
        if kind == JSON_PATCH:
            changed: Object = jsonpatch.apply_patch(clone(current), patch)
            return changed
    except (jsonpatch.JsonPatchException, jsonpatch.JsonPointerException) as error:
        message = f"the server rejected our request due to an error in our request: {error}"
        raise ApiError(422, "Invalid", message) from error
    except (ValueError, TypeError, yaml.YAMLError) as error:
        raise bad_request(f"error decoding patch: {error}") from error
    if not isinstance(patch, dict):
        raise bad_request("error decoding patch: it is not an object")
    result: Object = merge(current, patch) if kind == MERGE else strategic_merge(current, patch)
    return result


def merge(current: Any, patch: Any) -> Any:
    """Return the JSON merge patch (RFC 7386) of *current*."""
    if not isinstance(patch, dict):
        return patch
    kept = current if isinstance(current, dict) else {}
    merged = {key: merge(kept.get(key), value) for key, value in patch.items() if value is not None}
    return {key: value for key, value in kept.items() if key not in patch} | merged


def strategic_merge(current: Object, patch: Object) -> Object:
    """Return the strategic merge: lists of named things are merged by their key, directives are obeyed."""
    result = {} if patch.get("$patch") in ("replace", "delete") else dict(current)
    for key, value in patch.items():
        if value is None:
            result.pop(key, None)
        elif isinstance(value, dict):
            result[key] = strategic_merge(result.get(key) or {}, value)
        elif isinstance(value, list):
            order = patch.get(f"$setElementOrder/{key}")
            result[key] = _merged_list(key, result.get(key) or [], value, order or [])
        else:
            result[key] = value
    kept = patch.get("$retainKeys")
    return {key: value for key, value in result.items() if key[0] != "$" and (kept is None or key in kept)}


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
            merged[item.get(by)] = strategic_merge(merged.get(item.get(by)) or {}, item)
    ranks = {item.get(by): rank for rank, item in enumerate(order)}
    return sorted(merged.values(), key=lambda item: ranks.get(item.get(by), len(ranks)))


def managed(obj: Object, manager: str) -> Object:
    """Return *obj* with the note that *manager* applied it just now."""
    others = [entry for entry in obj["metadata"].get("managedFields", ()) if entry["manager"] != manager]
    entry = {"manager": manager, "operation": "Apply", "apiVersion": obj["apiVersion"], "time": now(),
        "fieldsType": "FieldsV1", "fieldsV1": {}}  # fmt: skip
    return obj | {"metadata": obj["metadata"] | {"managedFields": [*others, entry]}}
