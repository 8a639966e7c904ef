"""The endpoint controllers: which pods answer for a Service, as EndpointSlices and as old Endpoints."""

from __future__ import annotations

from reference.cluster.registry import Registry
from reference.cluster.replicasets import is_ready
from reference.cluster.resources import ENDPOINTS, PODS, SERVICES, SLICES, Object, Resource, owner
from reference.cluster.store import Change, Key, key_of
from reference.cluster.workqueue import WorkQueue

SERVICE_NAME = "kubernetes.io/service-name"
_MANAGED_BY = "endpointslice.kubernetes.io/managed-by"


class EndpointController:
    """Keeps one EndpointSlice and one Endpoints object for every Service with a selector."""

    def __init__(self, registry: Registry) -> None:
        self._registry, self._store = registry, registry.store
        self._queue = WorkQueue(self.reconcile)
        self._store.listen(self._heard)

    def _heard(self, change: Change) -> None:
        if change.resource is SERVICES:
            self._queue.mark(key_of(change.object))
        elif change.resource is PODS:
            for service in self._store.list(SERVICES, change.object["metadata"]["namespace"]):
                if any(_selected(service, pod) for pod in (change.object, change.before) if pod):
                    self._queue.mark(key_of(service))

    def reconcile(self, key: Key) -> None:
        """Write who answers for one Service now."""
        service = self._store.find(SERVICES, *key)
        if service is None:
            if self._store.find(ENDPOINTS, *key):
                self._store.delete(ENDPOINTS, key)
            return
        if not service["spec"].get("selector"):
            return
        pods = [pod for pod in self._store.list(PODS, key[0]) if _selected(service, pod) and _reachable(pod)]
        self._write(SLICES, self._slice(service, pods))
        self._write(ENDPOINTS, self._endpoints(service, [p for p in pods if "deletionTimestamp" not in p["metadata"]]))

    def _slice(self, service: Object, pods: list[Object]) -> Object:
        meta = service["metadata"]
        held = self._store.owned(SLICES, meta["namespace"], meta["uid"])
        name = {"name": held[0]["metadata"]["name"]} if held else {"generateName": meta["name"] + "-"}
        labels = {_MANAGED_BY: "endpointslice-controller.k8s.io", SERVICE_NAME: meta["name"]}
        if service["spec"].get("clusterIP") == "None":
            labels["service.kubernetes.io/headless"] = ""
        return {
            "metadata": name | {
                "namespace": meta["namespace"],
                "labels": (meta.get("labels") or {}) | labels,
                "ownerReferences": [owner(SERVICES, service)],
            },
            "addressType": "IPv4",
            "endpoints": [_endpoint(pod, service) for pod in pods] or None,
            "ports": _ports(service, pods[0]) if pods else None,
        }  # fmt: skip

    def _endpoints(self, service: Object, pods: list[Object]) -> Object:
        meta = service["metadata"]
        early = service["spec"].get("publishNotReadyAddresses", False)
        ready = [pod for pod in pods if early or is_ready(pod)]
        waiting = [pod for pod in pods if pod not in ready]
        lists = {"addresses": ready, "notReadyAddresses": waiting}
        subset: Object = {field: [_address(pod) for pod in listed] for field, listed in lists.items() if listed}
        labels = (meta.get("labels") or {}) | {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}
        obj: Object = {"metadata": {"name": meta["name"], "namespace": meta["namespace"], "labels": labels}}
        return obj | ({"subsets": [subset | {"ports": _ports(service, pods[0])}]} if subset else {})

    def _write(self, resource: Resource, obj: Object) -> None:
        key = obj["metadata"]["namespace"], obj["metadata"].get("name", "")
        before = self._store.find(resource, *key)
        if before is None:
            obj["metadata"]["generation"] = 1
            self._registry.create(resource, key[0], obj)
            return
        meta = before["metadata"] | obj["metadata"]
        changed = {**before, **obj, "metadata": meta}
        if "subsets" not in obj:
            changed.pop("subsets", None)
        if resource is SLICES and changed != before:
            changed["metadata"] = meta | {"generation": meta.get("generation", 1) + 1}
        self._store.update(resource, changed)


def _selected(service: Object, pod: Object) -> bool:
    selector, labels = service["spec"].get("selector"), pod["metadata"].get("labels") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def _reachable(pod: Object) -> bool:
    return bool(pod["status"].get("podIP")) and pod["status"]["phase"] not in ("Succeeded", "Failed")


def _target(pod: Object) -> Object:
    meta = pod["metadata"]
    return {"kind": "Pod", "namespace": meta["namespace"], "name": meta["name"], "uid": meta["uid"]}


def _endpoint(pod: Object, service: Object) -> Object:
    ending, serving = "deletionTimestamp" in pod["metadata"], is_ready(pod)
    ready = service["spec"].get("publishNotReadyAddresses", False) or (serving and not ending)
    return {
        "addresses": [pod["status"]["podIP"]],
        "conditions": {"ready": ready, "serving": serving, "terminating": ending},
        "nodeName": pod["spec"]["nodeName"],
        "targetRef": _target(pod),
    }


def _address(pod: Object) -> Object:
    return {"ip": pod["status"]["podIP"], "nodeName": pod["spec"]["nodeName"], "targetRef": _target(pod)}


def _ports(service: Object, pod: Object) -> list[Object]:
    named = {port.get("name"): port["containerPort"] for container in pod["spec"]["containers"]
        for port in container.get("ports") or ()}  # fmt: skip
    found = []
    for port in service["spec"].get("ports") or ():
        number = named.get(port["targetPort"], port["targetPort"])
        if isinstance(number, int):
            found.append({"name": port.get("name", ""), "port": number, "protocol": port["protocol"]})
    return found
