"""What clients ask before they ask for objects: versions, groups, kinds, and a schema that checks nothing."""

from __future__ import annotations

from reference.cluster.kubelet import VERSION
from reference.cluster.resources import ALL, EVENTS, NEW_EVENTS, Object, Resource

_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_PART_VERBS = {
    "log": ("Pod", ["get"]),
    "portforward": ("PodPortForwardOptions", ["create", "get"]),
    "exec": ("PodExecOptions", ["create", "get"]),
    "finalize": ("Namespace", ["update"]),
    "scale": ("Scale", ["get", "patch", "update"]),
}
_GROUPS = sorted({(resource.group, resource.version) for resource in ALL if resource.group})


def document(path: str) -> Object | None:
    """Return what is served at a discovery path (without a leading slash), None when that is no such path."""
    match path.split("/"):
        case ["version"]:
            return {"major": "1", "minor": "34", "gitVersion": VERSION, "gitCommit": "", "gitTreeState": "clean",
                "buildDate": "1970-01-01T00:00:00Z", "goVersion": "", "compiler": "", "platform": "linux"}  # fmt: skip
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": [_group(*pair) for pair in _GROUPS]}
        case ["api", "v1"]:
            return _resource_list("", "v1")
        case ["apis", group] if any(group == known for known, _ in _GROUPS):
            return {"kind": "APIGroup", "apiVersion": "v1"} | _group(group, "v1")
        case ["apis", group, version] if (group, version) in _GROUPS:
            return _resource_list(group, version)
        case ["openapi", "v3"]:
            roots = ["api/v1", *(f"apis/{group}/{version}" for group, version in _GROUPS)]
            return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=0"} for root in roots}}
        case ["openapi", "v3", *root]:
            return _schema("/".join(root))
    return None


def _group(group: str, version: str) -> Object:
    served = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _resource_list(group: str, version: str) -> Object:
    entries: list[Object] = []
    for resource in (each for each in ALL if (each.group, each.version) == (group, version)):
        entry = {"name": resource.plural, "singularName": resource.kind.lower(), "namespaced": resource.namespaced}
        entry |= {"kind": resource.kind, "verbs": ["get", "list", "watch"] if resource is NEW_EVENTS else _VERBS}
        entry |= {"shortNames": list(resource.short)} if resource.short else {}
        entries.append(entry | ({"categories": list(resource.categories)} if resource.categories else {}))
        for part in resource.subresources:
            kind, verbs = _PART_VERBS.get(part, (resource.kind, ["get", "patch", "update"]))
            entry = {"name": f"{resource.plural}/{part}", "singularName": "", "namespaced": resource.namespaced}
            entry |= {"kind": kind, "verbs": verbs}
            entries.append(entry | ({"group": "autoscaling", "version": "v1"} if part == "scale" else {}))
    name = f"{group}/{version}" if group else version
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": name, "resources": entries}


def _schema(root: str) -> Object | None:
    """Return paths without schemas: seeing `fieldValidation` there, kubectl leaves validation to the server."""
    served = [resource for resource in ALL if _root(resource) == root and resource is not EVENTS]
    paths: Object = {}
    for resource in served:
        home = f"/{root}/namespaces/{{namespace}}" if resource.namespaced else f"/{root}"
        kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        query = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}
        patch = {"parameters": [query], "x-kubernetes-group-version-kind": kind, "responses": {}}
        paths[f"{home}/{resource.plural}/{{name}}"] = {"patch": patch}
    info = {"title": "Kubernetes", "version": VERSION}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {}} if served else None


def _root(resource: Resource) -> str:
    return f"apis/{resource.api_version}" if resource.group else f"api/{resource.version}"
