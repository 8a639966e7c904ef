"""The endpoint controllers: which pods answer for a Service, as EndpointSlices and as old Endpoints."""

from __future__ import annotations

from reference.cluster.controllers import Controller, is_ready
from reference.cluster.resources import ENDPOINTS, PODS, SERVICES, SLICES, Object, Resource, owner
from reference.cluster.store import Change, Key, key_of

SERVICE_NAME = "kubernetes.io/service-name"


class EndpointController(Controller):
    """Keeps one EndpointSlice and one Endpoints object for every Service with a selector."""

    def heard(self, change: Change) -> None:
        """Mark the Service that changed, or that selects (or did) a pod that changed."""
        if change.resource is SERVICES:
            self.mark(key_of(change.object))
        elif change.resource is PODS:
            for service in self.store.list(SERVICES, change.object["metadata"]["namespace"]):
                if any(_selected(service, pod) for pod in (change.object, change.before) if pod):
                    self.mark(key_of(service))

    def reconcile(self, key: Key) -> None:
        """Write who answers for one Service now."""
        service = self.store.find(SERVICES, key)
        if service is None:
            if self.store.find(ENDPOINTS, key):
                self.store.delete(ENDPOINTS, key)
        elif service["spec"].get("selector"):
            pods = [pod for pod in self.store.list(PODS, key[0]) if _answers(service, pod)]
            self._write(SLICES, self._slice(service, pods))
            self._write(ENDPOINTS, _endpoints(service, pods))

    def _slice(self, service: Object, pods: list[Object]) -> Object:
        meta = service["metadata"]
        held = self.store.list(SLICES, meta["namespace"], meta["uid"])
        name: Object = {"name": held[0]["metadata"]["name"]} if held else {"generateName": meta["name"] + "-"}
        managed = "endpointslice.kubernetes.io/managed-by"
        labels = {managed: "endpointslice-controller.k8s.io", SERVICE_NAME: meta["name"]}
        if service["spec"].get("clusterIP") == "None":
            labels["service.kubernetes.io/headless"] = ""
        labels = (meta.get("labels") or {}) | labels
        name |= {"namespace": meta["namespace"], "labels": labels}
        found = {"endpoints": [_endpoint(pod) for pod in pods] or None, "ports": _ports(service, pods)}
        name["ownerReferences"] = [owner(SERVICES, service)]
        return {"metadata": name, "addressType": "IPv4"} | found

    def _write(self, resource: Resource, obj: Object) -> None:
        key = obj["metadata"]["namespace"], obj["metadata"].get("name", "")
        if (before := self.store.find(resource, key)) is None:
            obj["metadata"]["generation"] = 1
            self.registry.create(resource, key[0], obj)
            return
        kept = {field: before[field] for field in ("apiVersion", "kind")}
        changed = kept | obj | {"metadata": before["metadata"] | obj["metadata"]}
        if resource is SLICES and changed != before:
            changed["metadata"]["generation"] = before["metadata"].get("generation", 1) + 1
        self.store.update(resource, changed)


def _selected(service: Object, pod: Object) -> bool:
    selector, labels = service["spec"].get("selector"), pod["metadata"].get("labels") or {}
    return bool(selector) and all(labels.get(key) == value for key, value in selector.items())


def _answers(service: Object, pod: Object) -> bool:
    over = pod["status"]["phase"] in ("Succeeded", "Failed")
    return _selected(service, pod) and "podIP" in pod["status"] and not over


def _place(pod: Object) -> Object:
    target = {"kind": "Pod"} | {field: pod["metadata"][field] for field in ("namespace", "name", "uid")}
    return {"nodeName": pod["spec"]["nodeName"], "targetRef": target}


def _endpoint(pod: Object) -> Object:
    ending, serving = "deletionTimestamp" in pod["metadata"], is_ready(pod)
    conditions = {"ready": serving and not ending, "serving": serving, "terminating": ending}
    return {"addresses": [pod["status"]["podIP"]], "conditions": conditions} | _place(pod)


def _endpoints(service: Object, pods: list[Object]) -> Object:
    meta = service["metadata"]
    subset: Object = {}
    for pod in (pod for pod in pods if "deletionTimestamp" not in pod["metadata"]):
        listed = subset.setdefault("addresses" if is_ready(pod) else "notReadyAddresses", [])
        listed.append({"ip": pod["status"]["podIP"]} | _place(pod))
    labels = (meta.get("labels") or {}) | {"endpoints.kubernetes.io/managed-by": "endpoint-controller"}
    obj: Object = {"metadata": {"name": meta["name"], "namespace": meta["namespace"], "labels": labels}}
    return obj | ({"subsets": [subset | {"ports": _ports(service, pods)}]} if subset else {})


def _ports(service: Object, pods: list[Object]) -> list[Object] | None:
    if not pods:
        return None
    named = {port.get("name"): port["containerPort"] for container in pods[0]["spec"]["containers"]
        for port in container.get("ports") or ()}  # fmt: skip
    ports = service["spec"].get("ports") or ()
    numbers = [(port, named.get(port["targetPort"], port["targetPort"])) for port in ports]
    return [{"name": port.get("name", ""), "port": number, "protocol": port["protocol"]}
        for port, number in numbers if isinstance(number, int)]  # fmt: skip
