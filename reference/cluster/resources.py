"""The kinds this cluster serves, by the names that Kubernetes gives them."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

Object = dict[str, Any]  # one Kubernetes object, or a part of one, as JSON says it


@dataclass(frozen=True)
class Resource:
    """One kind of object: where it is served and what it is called."""

    group: str
    version: str
    plural: str
    kind: str
    short: str = ""
    subresources: tuple[str, ...] = ()
    namespaced: bool = True
    in_all: bool = False  # listed by `kubectl get all`

    @property
    def api_version(self) -> str:
        """Group and version as objects carry them."""
        return f"{self.group}/{self.version}" if self.group else self.version

    @property
    def qualified(self) -> str:
        """Plural name with group, as error messages carry it."""
        return f"{self.plural}.{self.group}" if self.group else self.plural


_POD_PARTS = ("exec", "log", "portforward", "status")
CONFIGMAPS = Resource("", "v1", "configmaps", "ConfigMap", "cm")
ENDPOINTS = Resource("", "v1", "endpoints", "Endpoints", "ep")
EVENTS = Resource("", "v1", "events", "Event", "ev")
NAMESPACES = Resource("", "v1", "namespaces", "Namespace", "ns", ("status",), namespaced=False)
NODES = Resource("", "v1", "nodes", "Node", "no", ("status",), namespaced=False)
PODS = Resource("", "v1", "pods", "Pod", "po", _POD_PARTS, in_all=True)
SECRETS = Resource("", "v1", "secrets", "Secret")
SERVICE_ACCOUNTS = Resource("", "v1", "serviceaccounts", "ServiceAccount", "sa")
SERVICES = Resource("", "v1", "services", "Service", "svc", ("status",), in_all=True)
DEPLOYMENTS = Resource("apps", "v1", "deployments", "Deployment", "deploy", ("scale", "status"), in_all=True)
REPLICASETS = Resource("apps", "v1", "replicasets", "ReplicaSet", "rs", ("scale", "status"), in_all=True)
SLICES = Resource("discovery.k8s.io", "v1", "endpointslices", "EndpointSlice")
NEW_EVENTS = Resource("events.k8s.io", "v1", "events", "Event", "ev")

ALL = (CONFIGMAPS, ENDPOINTS, EVENTS, NAMESPACES, NODES, PODS, SECRETS, SERVICE_ACCOUNTS, SERVICES,
    DEPLOYMENTS, REPLICASETS, SLICES, NEW_EVENTS)  # fmt: skip
BY_PATH = {(resource.group, resource.version, resource.plural): resource for resource in ALL}


def owner(resource: Resource, obj: Object) -> Object:
    """Return the reference by which *obj* owns what its controller makes."""
    named = {field: obj["metadata"][field] for field in ("name", "uid")}
    kind = {"apiVersion": resource.api_version, "kind": resource.kind}
    return kind | named | {"controller": True, "blockOwnerDeletion": True}


def owner_uid(obj: Object) -> str:
    """Return the uid of the controller that owns *obj*, "" when nobody does."""
    return next((r["uid"] for r in obj["metadata"].get("ownerReferences", ()) if r.get("controller")), "")
