"""A change of pods that is rolled out in a made-up cluster, and what somebody else writes meanwhile."""

from __future__ import annotations

import shlex
from collections.abc import Callable

from fixtures.faults.rollout import Rollout
from fixtures.stack.profile import Capability
from tests.suite.one_deployment import MAIN, OneDeployment

AUDIT = Capability("audit_logging", "gateway", variable="MODE", value="audit")
RELEASE = Capability("audit_logging", "gateway", image="gateway:2")
SIDECAR = {"name": "proxy", "image": "proxy:1", "env": [{"name": "MODE", "value": "theirs"}]}
SECRET = {"name": "MODE", "valueFrom": {"secretKeyRef": {"name": "modes", "key": "mode"}}}
OTHER = {"name": "LEVEL", "value": "info"}


def with_env(*entries: dict) -> dict:
    kept = {key: value for key, value in MAIN.items() if key != "env"}
    return {**kept, "env": list(entries)} if entries else kept


def rollout(
    cluster: OneDeployment, place: Capability = AUDIT, seen: Callable[[], str] = lambda: "an entry is written",
    gone: Callable[[], str] = lambda: "none is written",
) -> Rollout:  # fmt: skip
    return Rollout(cluster, "audit logging", place, "run-1", seen, gone, rolled_out=0.05, answering=0.05)


def now_with(cluster: OneDeployment, **more: object) -> dict:
    """A write of somebody who changes the container and nothing else."""
    return {"spec": {"template": {"spec": {"containers": [{**cluster.containers[0], **more}]}}}}


def the_command(told: str) -> list[str]:
    return shlex.split(told.splitlines()[-1].partition("put it back with: ")[2])


def by_name(change: dict) -> dict[str, str]:
    [container] = change["spec"]["template"]["spec"]["containers"]
    return {entry["name"]: entry["value"] for entry in container["env"]}


def strategic(cluster: OneDeployment, change: dict) -> dict:
    """What a strategic merge patch of the only variable comes to, as a merge patch."""
    entries = [{"name": name, "value": value} for name, value in by_name(change).items()]
    return {**change, **now_with(cluster, env=entries)}
