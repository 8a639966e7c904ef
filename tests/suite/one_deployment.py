"""A cluster with one Deployment, for faults that change it; and what is noted of them."""

from __future__ import annotations

import copy
import hashlib
import json
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

from fixtures.cluster.rights import NotAllowed
from fixtures.cluster.states import DeploymentState, PodState
from fixtures.faults.fault import Fault, Faults
from judging.refusal import Refusal

REVISION = "deployment.kubernetes.io/revision"
MAIN = {"name": "gateway", "image": "gateway:1", "env": [{"name": "MODE", "value": "plain"}]}


class OneDeployment:
    """It obeys at once, unless it is stuck; *before_patch* is what happens just before a write."""

    def __init__(self, replicas: int = 1, containers: tuple[dict, ...] = (MAIN,), **annotations: str) -> None:
        self.record: dict[str, Any] = {
            "metadata": {"name": "gateway", "annotations": {REVISION: "1", **annotations}, "resourceVersion": "1"},
            "spec": {"replicas": replicas, "template": {"spec": {"containers": copy.deepcopy(list(containers))}}},
        }
        self.left: list[PodState] = []
        self.before_patch: list[Callable[[], None]] = []
        self.namespace, self.permitted = "shop", True
        self.stuck = False  # new pods never become ready, so old ones stay
        self.changes = SimpleNamespace(wait=lambda seconds: None)
        self._ready = self._template

    @property
    def annotations(self) -> dict[str, str]:
        """What is noted on it by anybody but the cluster."""
        return {key: value for key, value in self.record["metadata"]["annotations"].items() if key != REVISION}

    @property
    def containers(self) -> list[dict]:
        return self.record["spec"]["template"]["spec"]["containers"]

    def deployment(self, name: str) -> DeploymentState:
        meta, replicas = self.record["metadata"], self.record["spec"]["replicas"]
        kept, settled = copy.deepcopy(self.record), self._ready == self._template
        return DeploymentState(
            name, replicas, replicas, settled, dict(meta["annotations"]), meta["resourceVersion"], kept
        )

    def patch(self, name: str, change: dict, version: str) -> bool:
        if not self.permitted:
            raise Refusal("E-NOT-OPTED-IN", "it may not be broken", "say that it may", 6)
        return self.put_back(name, change, version)

    def put_back(self, name: str, change: dict, version: str) -> bool:
        if self.before_patch:
            self.before_patch.pop(0)()
        if version != self.record["metadata"]["resourceVersion"]:
            return False
        self.merge(change)
        return True

    def change(self, replicas: int | None = None, **annotations: str | None) -> None:
        """Somebody scales or annotates it."""
        spec = {} if replicas is None else {"replicas": replicas}
        self.merge({"spec": spec, "metadata": {"annotations": annotations}})

    def merge(self, change: dict) -> None:
        """Somebody writes: a merge patch, and what the cluster does about it."""
        before, meta = self._template, self.record["metadata"]
        self.record = merged(self.record, change)
        meta = self.record["metadata"]
        meta["resourceVersion"] = str(int(meta["resourceVersion"]) + 1)
        if self._template != before:
            meta["annotations"][REVISION] = str(int(meta["annotations"][REVISION]) + 1)
        if not self.stuck:
            self._ready = self._template

    def pods(self, name: str) -> list[PodState]:
        templates = sorted({self._ready, self._template}) * self.record["spec"]["replicas"]
        return [*(pod(f"{name}-{template}", template) for template in templates), *self.left]

    def endpoints(self, name: str) -> list[str]:
        return ["127.0.0.1"] * self.record["spec"]["replicas"]

    @property
    def _template(self) -> str:
        return hashlib.sha256(json.dumps(self.record["spec"]["template"]).encode()).hexdigest()[:8]


def pod(name: str, template: str = "") -> PodState:
    return PodState(name, name, True, 0, False, ("gateway",), {"pod-template-hash": template})


def merged(current: dict, change: dict) -> dict:
    """A merge patch (RFC 7386)."""
    result = dict(current)
    for key, value in change.items():
        if value is None:
            result.pop(key, None)
        else:
            result[key] = merged(result.get(key, {}), value) if isinstance(value, dict) else copy.deepcopy(value)
    return result


def caused(fault: Fault) -> tuple[Faults, list[str]]:
    """A fault in force, and the phases that are noted."""
    noted: list[str] = []
    faults = watched(noted)
    faults.cause(fault)
    return faults, noted


def watched(noted: list[str]) -> Faults:
    """Faults whose phases are noted."""

    def record(event: str, phase: str, **_: str) -> dict[str, str]:
        noted.append(phase)
        return {"at": "2026-01-01T00:00:00.000000Z"}

    return Faults(SimpleNamespace(record=record))


def away() -> None:
    raise ConnectionError("the API server does not answer")


def unknown() -> None:
    raise NotAllowed("E-API-UNAUTHORIZED", "the API server does not know who asks", "make a new token")
