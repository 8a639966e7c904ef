"""Writing as clients do it: names, defaults, validation, addresses, generations, and graceful deletion."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from reference.cluster import errors
from reference.cluster.defaults import complete, faults
from reference.cluster.resources import NAMESPACES, NODES, PODS, SERVICES, Object, Resource
from reference.cluster.store import Key, Store, clone, key_of, now

NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_COUNTED = ("Deployment", "ReplicaSet", "Pod")  # kinds whose generation counts the changes of their spec
_OWN_STATUS = ("Deployment", "ReplicaSet", "Pod", "Service", "Namespace", "Node")
_SET_BY_SERVER = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


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
        if not meta.get("name"):
            if not meta.get("generateName"):
                why = "Required value: name or generateName is required"
                raise errors.invalid(resource, "", [("FieldValueRequired", why, "metadata.name")])
            meta["name"] = meta["generateName"] + "".join(random.choices(NAME_LETTERS, k=5))
        if resource.namespaced:
            if meta.setdefault("namespace", namespace) != namespace:
                why = "the namespace of the provided object does not match the namespace sent on the request"
                raise errors.bad_request(why)
            if "deletionTimestamp" in self.store.get(NAMESPACES, ("", namespace))["metadata"]:
                why = f"unable to create new content in namespace {namespace} because it is being terminated"
                raise errors.forbidden(resource, meta["name"], why)
        if resource.kind in _OWN_STATUS and resource is not NODES:
            obj.pop("status", None)
        if resource.kind in _COUNTED:
            meta["generation"] = 1
        self._accept(resource, obj, None)
        return self.store.create(resource, obj)

    def replace(self, resource: Resource, obj: Object, part: str = "") -> Object:
        """Store *obj* over what is there: its *part* "status", else everything else; raises ApiError."""
        before = self.store.get(resource, key_of(obj))
        given, kept = obj["metadata"], before["metadata"]
        if given.get("uid") not in (None, "", kept["uid"]):
            uids = f"UID in precondition: {given['uid']}, UID in object meta: {kept['uid']}"
            raise errors.conflict(resource, kept["name"], f"Precondition failed: {uids}")
        if part == "status":
            meta = kept | {"resourceVersion": given.get("resourceVersion")}
            return self.store.update(resource, before | {"status": obj.get("status") or {}, "metadata": meta})
        obj = clone(obj) | {"apiVersion": resource.api_version, "kind": resource.kind}
        obj["metadata"] |= {field: kept[field] for field in _SET_BY_SERVER if field in kept}
        if resource.kind in _OWN_STATUS and "status" in before:
            obj["status"] = before["status"]
        self._accept(resource, obj, before)
        if resource.kind in _COUNTED and obj.get("spec") != before.get("spec"):
            obj["metadata"]["generation"] = kept["generation"] + 1
        return self.store.update(resource, obj)

    def delete(self, resource: Resource, key: Key, options: Object | None = None) -> Object:
        """Delete, or begin to: pods get their grace, namespaces empty themselves; raises ApiError."""
        options, obj = options or {}, self.store.get(resource, key)
        for field, wanted in (options.get("preconditions") or {}).items():
            if wanted not in (None, obj["metadata"][field]):
                raise errors.conflict(resource, key[1], f"the {field} in the precondition is {wanted}")
        if options.get("propagationPolicy") == "Orphan" or options.get("orphanDependents"):
            raise errors.bad_request("the embedded cluster always deletes dependents")
        if resource is NAMESPACES:
            return self.store.edit(resource, key, _terminating)
        grace = options.get("gracePeriodSeconds")
        if resource is not PODS or grace == 0 or obj["status"]["phase"] in ("Succeeded", "Failed"):
            return self.store.delete(resource, key)
        return self.store.edit(PODS, key, lambda pod: _ending(pod, grace))

    def _accept(self, resource: Resource, obj: Object, before: Object | None) -> None:
        complete(resource, obj)
        if causes := faults(resource, obj, before):
            raise errors.invalid(resource, obj["metadata"]["name"], causes)
        if resource is SERVICES:
            self._give_addresses(obj, (before or {}).get("spec", {}))

    def _give_addresses(self, service: Object, had: Object) -> None:
        spec, others = service["spec"], [s for s in self.store.list(SERVICES) if key_of(s) != key_of(service)]
        if spec["type"] != "ExternalName" and not spec.get("clusterIP"):
            taken = {other["spec"].get("clusterIP") for other in others}
            pool = (f"127.{self.network}.{third}.{last}" for third in range(2, 16) for last in range(1, 255))
            spec["clusterIP"] = had.get("clusterIP") or next(ip for ip in pool if ip not in taken)
        if spec.get("clusterIP"):
            spec["clusterIPs"] = [spec["clusterIP"]]
        used = {port.get("nodePort") for other in others for port in other["spec"].get("ports") or ()}
        held = {port["port"]: port.get("nodePort") for port in had.get("ports") or ()}
        outside = spec["type"] in ("NodePort", "LoadBalancer")
        for index, port in enumerate(spec.get("ports") or () if outside else ()):
            if port.get("nodePort") and port["nodePort"] in used:
                why = f"Invalid value: {port['nodePort']}: provided port is already allocated"
                cause = ("FieldValueInvalid", why, f"spec.ports[{index}].nodePort")
                raise errors.invalid(SERVICES, service["metadata"]["name"], [cause])
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
