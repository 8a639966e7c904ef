"""Writing as clients do it: names, defaults, validation, addresses, generations, and graceful deletion."""

from __future__ import annotations

import random
from datetime import UTC, datetime, timedelta

from reference.cluster import errors, resources
from reference.cluster.defaults import complete, faults
from reference.cluster.resources import Object, Resource
from reference.cluster.store import Key, Store, clone, key_of, now

_NAME_LETTERS = "bcdfghjklmnpqrstvwxz2456789"
_COUNTED = ("Deployment", "ReplicaSet", "Pod")  # kinds whose generation counts the changes of their spec
_OWN_STATUS = ("Deployment", "ReplicaSet", "Pod", "Service", "Namespace", "Node")
_SET_BY_SERVER = ("uid", "creationTimestamp", "deletionTimestamp", "deletionGracePeriodSeconds", "generation")


def suffix(length: int = 5) -> str:
    """Return random letters as Kubernetes ends generated names with."""
    return "".join(random.choices(_NAME_LETTERS, k=length))


class Registry:
    """The one way in which clients and controllers create, replace and delete objects."""

    def __init__(self, store: Store, network: int) -> None:
        self.store, self._network = store, network

    def create(self, resource: Resource, namespace: str, obj: Object, dry_run: bool = False) -> Object:
        """Store a new object; raises ApiError 403, 404, 409 or 422."""
        obj = clone(obj) | {"apiVersion": resource.api_version, "kind": resource.kind}
        meta = obj["metadata"] = obj.get("metadata") or {}
        for field in (*_SET_BY_SERVER, "resourceVersion"):
            meta.pop(field, None)
        if resource.namespaced:
            if meta.setdefault("namespace", namespace) != namespace:
                why = "the namespace of the provided object does not match the namespace sent on the request"
                raise errors.bad_request(why)
        if not meta.get("name"):
            if not meta.get("generateName"):
                why = ("FieldValueRequired", "Required value: name or generateName is required", "metadata.name")
                raise errors.invalid(resource, "", [why])
            meta["name"] = meta["generateName"] + suffix()
        if resource.namespaced:
            home = self.store.get(resources.NAMESPACES, "", namespace)
            if home["metadata"].get("deletionTimestamp"):
                why = f"unable to create new content in namespace {namespace} because it is being terminated"
                raise errors.forbidden(resource, meta["name"], why)
        if resource.kind in ("Deployment", "ReplicaSet", "Pod", "Service"):
            obj.pop("status", None)
        complete(resource, obj)
        self._check(resource, obj, None)
        if resource.kind in _COUNTED:
            meta["generation"] = 1
        if resource is resources.SERVICES:
            self._give_addresses(obj)
        if dry_run:
            return obj
        return self.store.create(resource, obj)

    def replace(self, resource: Resource, obj: Object, part: str = "", dry_run: bool = False) -> Object:
        """Store *obj* over what is there: all but its status, or only its *part* "status"; raises ApiError."""
        before = self.store.get(resource, *key_of(obj))
        given, kept = obj["metadata"], before["metadata"]
        if given.get("uid") not in (None, "", kept["uid"]):
            why = f"Precondition failed: UID in precondition: {given['uid']}, UID in object meta: {kept['uid']}"
            raise errors.conflict(resource, kept["name"], why)
        if part == "status":
            obj = before | {"status": obj.get("status") or {}}
            obj["metadata"] = kept | {"resourceVersion": given.get("resourceVersion")}
            return self.store.update(resource, obj)
        obj = clone(obj) | {"apiVersion": resource.api_version, "kind": resource.kind}
        obj["metadata"] |= {field: kept[field] for field in _SET_BY_SERVER if field in kept}
        if resource.kind in _OWN_STATUS and "status" in before:
            obj["status"] = before["status"]
        complete(resource, obj)
        if resource is resources.SERVICES:
            self._give_addresses(obj, before)
        self._check(resource, obj, before)
        if resource.kind in _COUNTED and obj.get("spec") != before.get("spec"):
            obj["metadata"]["generation"] = kept.get("generation", 0) + 1
        return obj if dry_run else self.store.update(resource, obj)

    def delete(self, resource: Resource, key: Key, options: Object | None = None) -> Object:
        """Delete, or begin to: pods get their grace, namespaces empty themselves; raises ApiError 404 or 409."""
        options = options or {}
        obj = self.store.get(resource, *key)
        for field, wanted in (options.get("preconditions") or {}).items():
            if wanted not in (None, obj["metadata"][field]):
                raise errors.conflict(resource, key[1], f"the {field} in the precondition ({wanted}) does not match")
        if options.get("dryRun"):
            return obj
        if resource is resources.NAMESPACES:
            return self.store.edit(resource, key, _terminating)
        if resource is resources.PODS:
            return self._end_pod(obj, options.get("gracePeriodSeconds"))
        if options.get("propagationPolicy") == "Orphan" or options.get("orphanDependents"):
            self._orphan(obj)
        return self.store.delete(resource, key)

    def _end_pod(self, pod: Object, grace: int | None) -> Object:
        grace = pod["spec"]["terminationGracePeriodSeconds"] if grace is None else max(grace, 0)
        over = pod["status"]["phase"] in ("Succeeded", "Failed") or not pod["spec"].get("nodeName")
        if grace == 0 or over:
            return self.store.delete(resources.PODS, key_of(pod))
        until = datetime.now(UTC) + timedelta(seconds=grace)

        def ending(pod: Object) -> None:
            meta = pod["metadata"]
            if meta.get("deletionGracePeriodSeconds", grace + 1) > grace:
                meta["generation"] = meta.get("generation", 0) + ("deletionTimestamp" not in meta)
                meta["deletionTimestamp"] = until.strftime("%Y-%m-%dT%H:%M:%SZ")
                meta["deletionGracePeriodSeconds"] = grace

        return self.store.edit(resources.PODS, key_of(pod), ending)

    def _orphan(self, obj: Object) -> None:
        def forget(child: Object) -> None:
            meta = child["metadata"]
            meta["ownerReferences"] = [r for r in meta["ownerReferences"] if r["uid"] != obj["metadata"]["uid"]]

        for resource in (resources.REPLICASETS, resources.PODS):
            for child in self.store.owned(resource, obj["metadata"]["namespace"], obj["metadata"]["uid"]):
                self.store.edit(resource, key_of(child), forget)

    def _check(self, resource: Resource, obj: Object, before: Object | None) -> None:
        if causes := faults(resource, obj, before):
            raise errors.invalid(resource, obj["metadata"]["name"], causes)

    def _give_addresses(self, service: Object, before: Object | None = None) -> None:
        spec, had = service["spec"], (before or {}).get("spec", {})
        others = [s for s in self.store.list(resources.SERVICES) if before is None or key_of(s) != key_of(before)]
        if spec["type"] != "ExternalName" and not spec.get("clusterIP"):
            taken = {other["spec"].get("clusterIP") for other in others}
            pool = (f"127.{self._network}.{third}.{last}" for third in range(2, 16) for last in range(1, 255))
            spec["clusterIP"] = had.get("clusterIP") or next(ip for ip in pool if ip not in taken)
        if spec.get("clusterIP"):
            spec["clusterIPs"] = [spec["clusterIP"]]
        if spec["type"] not in ("NodePort", "LoadBalancer"):
            return
        used = {port.get("nodePort") for other in others for port in other["spec"].get("ports") or ()}
        held = {port["port"]: port.get("nodePort") for port in had.get("ports") or ()}
        for index, port in enumerate(spec["ports"]):
            if port.get("nodePort") in used:
                why = f"Invalid value: {port['nodePort']}: provided port is already allocated"
                cause = ("FieldValueInvalid", why, f"spec.ports[{index}].nodePort")
                raise errors.invalid(resources.SERVICES, service["metadata"]["name"], [cause])
            free = (number for number in range(30000, 32768) if number not in used)
            port["nodePort"] = port.get("nodePort") or held.get(port["port"]) or next(free)
            used.add(port["nodePort"])


def _terminating(namespace: Object) -> None:
    namespace["metadata"].setdefault("deletionTimestamp", now())
    namespace["status"]["phase"] = "Terminating"
