"""What clients ask before they ask for objects: versions, groups, kinds, and a schema that checks nothing."""

from __future__ import annotations

from reference.cluster.kubelet import VERSION
from reference.cluster.resources import ALL, NEW_EVENTS, Object

_READ, _WRITE = ["get", "list", "watch"], ["create", "delete", "deletecollection", "patch", "update"]
_PART_KINDS = {"portforward": "PodPortForwardOptions", "exec": "PodExecOptions", "scale": "Scale"}
_ROOTS = {each.api_version: f"{'apis' if each.group else 'api'}/{each.api_version}" for each in ALL}
_VERSIONS = {root: version for version, root in _ROOTS.items()}


def document(path: str) -> Object | None:
    """Return what is served at a discovery path (without a leading slash), None when that is no such path."""
    match path.split("/"):
        case ["version"]:
            unknown = ("gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform")
            return {"major": "1", "minor": "34", "gitVersion": VERSION} | dict.fromkeys(unknown, "")
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            groups = [_group(*version.split("/")) for version in _ROOTS if "/" in version]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": groups}
        case ["openapi", "v3"]:
            paths = {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=0"} for root in _VERSIONS}
            return {"paths": paths}
        case ["openapi", "v3", *parts] if (root := "/".join(parts)) in _VERSIONS:
            return _schema(root)
    return _resource_list(_VERSIONS[path]) if path in _VERSIONS else None


def _group(group: str, version: str) -> Object:
    served = {"groupVersion": f"{group}/{version}", "version": version}
    return {"name": group, "versions": [served], "preferredVersion": served}


def _resource_list(version: str) -> Object:
    entries: list[Object] = []
    for resource in (resource for resource in ALL if resource.api_version == version):
        common = {"namespaced": resource.namespaced, "singularName": resource.kind.lower()}
        common |= {"verbs": _READ if resource is NEW_EVENTS else _READ + _WRITE}
        names = {"shortNames": [resource.short] if resource.short else []}
        names |= {"categories": ["all"]} if resource.in_all else {}
        entries.append(common | {"name": resource.plural, "kind": resource.kind} | names)
        for part in resource.subresources:
            entry = {"name": f"{resource.plural}/{part}", "kind": _PART_KINDS.get(part, resource.kind)}
            entry |= {"group": "autoscaling", "version": "v1"} if part == "scale" else {}
            entries.append(common | entry)
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": entries}


def _schema(root: str) -> Object:
    """Return paths without schemas: seeing `fieldValidation`, kubectl leaves validation to the server."""
    query, paths = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}, {}
    for resource in (resource for resource in ALL if resource.api_version == _VERSIONS[root]):
        kind = {"group": resource.group, "version": resource.version, "kind": resource.kind}
        patch = {"parameters": [query], "x-kubernetes-group-version-kind": kind, "responses": {}}
        home = f"/{root}/namespaces/{{namespace}}" if resource.namespaced else f"/{root}"
        paths[f"{home}/{resource.plural}/{{name}}"] = {"patch": patch}
    info = {"title": "Kubernetes", "version": VERSION}
    return {"openapi": "3.0.0", "info": info, "paths": paths, "components": {}}
