"""What happens in a cluster, told in lines that do not depend on when it was looked at."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import yaml
from kubernetes import client, watch

from tests.cluster.embedding import HERE
from tests.cluster.normalising import Names
from tests.cluster.watching import everything_gone, is_rolled_out, seen

NAME = "stripe-mock"
CHANCE = ("FailedMount",)  # a real kubelet is sometimes faster than its own caches
JSON = "application/json"
Json = dict[str, Any]
Scene = tuple[str, list[str]]


class Stage:
    """A namespace in which one Deployment with a Service lives, and what happened there since the last look."""

    def __init__(self, api: client.ApiClient, namespace: str, names: Names) -> None:
        self._core, self._apps = client.CoreV1Api(api), client.AppsV1Api(api)
        self._slices = client.DiscoveryV1Api(api).list_namespaced_endpoint_slice
        self._namespace, self._names = namespace, names
        self._version = self._now()
        self._told: set[str] = set()

    def life(self) -> Iterator[Scene]:
        """Let the Deployment be created, go away, come back, be rolled over and be deleted, and tell each of it."""
        deployment, service = yaml.safe_load_all((HERE / "echo.yaml").read_text())
        container = deployment["spec"]["template"]["spec"]["containers"][0]
        container["env"] += [{"name": "START_AFTER", "value": "2"}, {"name": "END_AFTER", "value": "1"}]
        self._core.create_namespaced_service(self._namespace, service)
        self._apps.create_namespaced_deployment(self._namespace, deployment)
        self._settled()
        yield from self._tell("created")
        self._scale(0)
        yield from self._tell("scaled to 0")
        self._scale(1)
        yield from self._tell("scaled to 1")
        env = {"env": [{"name": "GREETING", "value": "ciao"}]}
        template = {"spec": {"containers": [{"name": "web"} | env]}}
        self._apps.patch_namespaced_deployment(NAME, self._namespace, {"spec": {"template": template}})
        self._settled()
        yield from self._tell("rolled over")
        self._apps.delete_namespaced_deployment(NAME, self._namespace)
        everything_gone(self._core, self._namespace, f"name={NAME}")
        self._answered_by(0)
        yield from self._tell("deleted")

    def _scale(self, replicas: int) -> None:
        self._apps.patch_namespaced_deployment_scale(NAME, self._namespace, {"spec": {"replicas": replicas}})
        self._settled()

    def _settled(self) -> None:
        """Wait until the Deployment is where it should be, old pods are gone, and the endpoints tell of it."""
        found = seen(self._apps.list_namespaced_deployment, self._namespace, NAME, is_rolled_out)
        pods = self._core.list_namespaced_pod(self._namespace, label_selector=f"name={NAME}").items
        for pod in (pod for pod in pods if pod.metadata.deletion_timestamp or not found.spec.replicas):
            template = pod.metadata.labels["pod-template-hash"]
            everything_gone(self._core, self._namespace, f"pod-template-hash={template}")
        self._answered_by(found.spec.replicas)

    def _answered_by(self, number: int) -> None:
        def answered(found: Any) -> bool:
            ready = [endpoint.conditions.ready for endpoint in found.endpoints or ()]
            return ready == [True] * number

        slices = self._slices(self._namespace, label_selector=f"kubernetes.io/service-name={NAME}").items
        seen(self._slices, self._namespace, slices[0].metadata.name, answered)

    def _now(self) -> str:
        return str(self._core.list_namespaced_pod(self._namespace).metadata.resource_version)

    def _tell(self, step: str) -> Iterator[Scene]:
        """Tell what watchers were told since the last step, and the events that were written."""
        since, self._version = self._version, self._now()
        kinds: dict[str, tuple[Callable[..., Any], Callable[[Json], str]]] = {
            "deployment": (self._apps.list_namespaced_deployment, _deployment),
            "replicasets": (self._apps.list_namespaced_replica_set, _replica_set),
            "pods": (self._core.list_namespaced_pod, _pod),
            "endpointslice": (self._slices, _slice),
            "endpoints": (self._core.list_namespaced_endpoints, _endpoints),
        }
        with ThreadPoolExecutor(len(kinds)) as pool:
            seen_of = pool.map(lambda each: self._watched(each[0], since), kinds.values())
        for (kind, (_, told)), changes in zip(kinds.items(), seen_of, strict=True):
            lines: list[str] = []
            for change in changes:
                name = change["raw_object"]["metadata"]["name"]
                if name.startswith(NAME):
                    line = f"{self._names.normal(name)} {change['type']}: {told(change['raw_object'])}"
                    lines += [line] if line not in lines[-1:] else []
            yield f"watch {kind}: {step}", sorted(lines, key=lambda line: line.split()[0])
        yield f"events: {step}", sorted(self._events(), key=lambda line: line.split()[:2])

    def _watched(self, listing: Callable[..., Any], since: str) -> list[Json]:
        """What a watcher of the namespace is told, from a version on until a second has passed."""
        return list(watch.Watch().stream(listing, self._namespace, resource_version=since, timeout_seconds=1))

    def _events(self) -> Iterator[str]:
        listed = self._core.list_namespaced_event(self._namespace, _preload_content=False)
        items = json.loads(listed.data)["items"]
        for event in sorted(items, key=lambda event: int(event["metadata"]["resourceVersion"])):
            about = event["involvedObject"]
            new = event["metadata"]["uid"] not in self._told and event["reason"] not in CHANCE
            if new and about["name"].startswith(NAME):
                self._told.add(event["metadata"]["uid"])
                part = f" {about['fieldPath']}" if "fieldPath" in about else ""
                source = event["source"].get("component") or event["reportingComponent"]
                said = f"{event['type']} {event['reason']} {source}{part}: {event['message']}"
                yield self._names.normal(f"{about['kind']} {about['name']} {said}")


def _conditions(status: Json) -> str:
    listed = status.get("conditions") or ()
    reasons = [f"({each['reason']})" if each.get("reason") else "" for each in listed]
    told = (f"{each['type']}={each['status']}{why}" for each, why in zip(listed, reasons, strict=True))
    return " ".join(sorted(told))


def _counts(status: Json, *names: str) -> str:
    return " ".join(f"{name}={status[name]}" for name in names if name in status)


def _deployment(obj: Json) -> str:
    status = obj["status"]
    counts = _counts(status, "replicas", "updatedReplicas", "readyReplicas", "availableReplicas", "unavailableReplicas")
    current = "current" if status.get("observedGeneration", 0) == obj["metadata"]["generation"] else "behind"
    return f"{obj['spec']['replicas']} wanted, {current}, {counts}, {_conditions(status)}"


def _replica_set(obj: Json) -> str:
    counts = _counts(obj["status"], "replicas", "fullyLabeledReplicas", "readyReplicas", "availableReplicas")
    return f"{obj['spec']['replicas']} wanted, {counts}"


def _pod(obj: Json) -> str:
    status = obj["status"]
    states = [state for each in status.get("containerStatuses") or () for state in each["state"].items()]
    told = " ".join(f"{name} {state.get('reason', '')}".strip() for name, state in states)
    ending = ", ending" if "deletionTimestamp" in obj["metadata"] else ""
    return f"{status['phase']}, {told}, {_conditions(status)}{ending}"


def _slice(obj: Json) -> str:
    conditions = [endpoint["conditions"].items() for endpoint in obj.get("endpoints") or ()]
    told = (" ".join(name for name, value in each if value) or "not ready" for each in conditions)
    return " | ".join(sorted(told))


def _endpoints(obj: Json) -> str:
    subsets = obj.get("subsets") or ()
    names = ("addresses", "notReadyAddresses")
    return " | ".join(f"{name} {len(subset[name])}" for subset in subsets for name in names if subset.get(name))


def refusals(api: client.ApiClient, namespace: str, names: Names) -> Iterator[Scene]:
    """Ask for what a cluster refuses, and tell the code, the words and the details of each refusal."""
    places = {"HERE": f"/api/v1/namespaces/{namespace}", "APPS": f"/apis/apps/v1/namespaces/{namespace}"}
    deployment, _ = yaml.safe_load_all((HERE / "echo.yaml").read_text())
    deployment["spec"]["replicas"] = 0
    pod = {"metadata": {"name": "alone"}, "spec": deployment["spec"]["template"]["spec"]}
    _ask(api, "POST", f"{places['HERE']}/configmaps", {"metadata": {"name": "note"}, "data": {"a": "1"}})
    _ask(api, "POST", f"{places['HERE']}/pods", pod)
    _ask(api, "POST", f"{places['APPS']}/deployments", deployment)
    for wanted in yaml.safe_load((HERE / "refusals.yaml").read_text()):
        path, _, kind = wanted["ask"].partition(" as ")
        for name, place in places.items():
            path = path.replace(name, place)
        code, answer = _ask(api, *path.split(" ", 1), wanted.get("body"), f"application/{kind or 'json'}")
        for cause in answer.get("details", {}).get("causes", ()):
            cause["message"] = cause["message"].splitlines()[0]
        details = [f"details: {json.dumps(answer['details'], sort_keys=True)}"] if answer.get("details") else []
        told = [f"{code} {answer.get('reason', '')}", *str(answer.get("message", "")).splitlines()[:1], *details]
        body = f" {json.dumps(wanted['body'])}" if "body" in wanted else ""
        yield wanted["ask"] + body, [names.normal(line) for line in told]


def _ask(api: client.ApiClient, method: str, path: str, body: Json | None, kind: str = JSON) -> tuple[int, Json]:
    headers = {"Content-Type": kind, "Accept": JSON}
    asked = api.param_serialize(method, path, header_params=headers, body=body, auth_settings=["BearerToken"])
    answer = api.call_api(*asked, _request_timeout=10)
    text = answer.read()
    try:
        return answer.status, json.loads(text)
    except ValueError:
        return answer.status, {"message": text.decode()}
