"""What clients ask before they ask for objects: versions, groups, kinds, and a schema that checks nothing."""

from __future__ import annotations

from reference.cluster.kubelet import VERSION
from reference.cluster.resources import ALL, NEW_EVENTS, Object, Resource

_READ, _WRITE = ["get", "list", "watch"], ["create", "delete", "deletecollection", "patch", "update"]
_PARTS = {
    "log": ("Pod", ["get"]),
    "portforward": ("PodPortForwardOptions", ["create", "get"]),
    "exec": ("PodExecOptions", ["create", "get"]),
    "scale": ("Scale", ["get", "patch", "update"]),
}
_ROOTS = {resource.api_version: f"api{'s' if resource.group else ''}/{resource.api_version}" for resource in ALL}


def document(path: str) -> Object | None:
    """Return what is served at a discovery path (without a leading slash), None when that is no such path."""
    named = {root: version for version, root in _ROOTS.items()}
    groups = {version.partition("/")[0]: version for version in _ROOTS if "/" in version}
    match path.split("/"):
        case ["version"]:
            unknown = dict.fromkeys(("gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform"), "")
            return {"major": "1", "minor": "34", "gitVersion": VERSION} | unknown
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            listed = [_group(group, version) for group, version in groups.items()]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": listed}
        case ["apis", group] if group in groups:
            return {"kind": "APIGroup", "apiVersion": "v1"} | _group(group, groups[group])
        case ["openapi", "v3"]:
            return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=0"} for root in _ROOTS.values()}}
        case ["openapi", "v3", *parts] if (root := "/".join(parts)) in named:
            return _schema(root, named[root])
    return _resource_list(named[path]) if path in named else None


def _group(group: str, version: str) -> Object:
    served = {"groupVersion": version, "version": version.partition("/")[2]}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _resource_list(version: str) -> Object:
    entries: list[Object] = []
    for resource in (resource for resource in ALL if resource.api_version == version):
        common = {"singularName": resource.kind.lower(), "namespaced": resource.namespaced}
        entry = {"name": resource.plural, "kind": resource.kind, "shortNames": [resource.short] if resource.short else []}
        entry |= {"verbs": _READ if resource is NEW_EVENTS else _READ + _WRITE}
        entries.append(common | entry | ({"categories": ["all"]} if resource.in_all else {}))
        for part in resource.subresources:
            kind, verbs = _PARTS.get(part, (resource.kind, ["get", "patch", "update"]))
            entry = {"name": f"{resource.plural}/{part}", "kind": kind, "verbs": verbs}
            entries.append(common | entry | ({"group": "autoscaling", "version": "v1"} if part == "scale" else {}))
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": entries}


def _schema(root: str, version: str) -> Object:
    """Return paths without schemas: seeing `fieldValidation` there, kubectl leaves validation to the server."""
    query = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}

    def patch(resource: Resource) -> Object:
        kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        return {"patch": {"parameters": [query], "x-kubernetes-group-version-kind": kind, "responses": {}}}

    paths = {
        f"/{root}/{'namespaces/{namespace}/' if resource.namespaced else ''}{resource.plural}/{{name}}": patch(resource)
        for resource in ALL
        if resource.api_version == version
    }
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION}, "paths": paths, "components": {}}
