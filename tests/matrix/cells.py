"""Runs the whole suite against the reference stack with one planted defect at a time."""

from __future__ import annotations

import json
import subprocess
import sys
import tomllib
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from queue import SimpleQueue

from kubernetes import client, config

from fixtures.cluster.driver import Cluster
from fixtures.stack.launch import LaunchedStack
from fixtures.stack.profile import Profile, load_profile
from fixtures.waiting import eventually

ROOT = Path(__file__).parents[2]
NAMESPACE = "sock-shop"
SUITE_WITHIN, ROLLOUT_WITHIN = 240, 30  # seconds
AT_ONCE = 2  # stacks side by side: as many as cores


@dataclass(frozen=True)
class Defect:
    """A switch of the reference stack, and what must be seen when it is on: claim → regular expression."""

    name: str
    deployment: str
    says: str
    breaks: dict[str, str]
    as_reported: bool


@dataclass(frozen=True)
class Result:
    """What a run of the suite made of a stack."""

    exit: int
    verdicts: dict[str, str]
    seen: dict[str, str]
    said: str

    @property
    def red(self) -> set[str]:
        """The claims that the run accuses the stack of."""
        return {claim for claim, verdict in self.verdicts.items() if verdict not in ("CONFORMS", "CURED")}


def defects() -> dict[str, Defect]:
    """Every planted defect, as the reference stack lists them."""
    listed = tomllib.loads((ROOT / "reference" / "defects.toml").read_text())
    return {
        name: Defect(name, entry["deployment"], entry["says"], entry["breaks"], entry.get("as_reported", False))
        for name, entry in listed.items()
    }


def judge_all(names: list[str], folder: Path) -> dict[str, Result]:
    """The result for `fixed` and for each named defect alone, on as many stacks as there are cores."""
    profile = load_profile(ROOT / "stacks" / "fixed.toml")
    free: SimpleQueue[Path] = SimpleQueue()

    def judge(name: str) -> Result:
        kubeconfig = free.get()
        try:
            with switched(kubeconfig, defects().get(name)):
                return run_suite(kubeconfig, folder / name)
        finally:
            free.put(kubeconfig)

    with _stacks(profile) as kubeconfigs, ThreadPoolExecutor(AT_ONCE) as pool:
        for kubeconfig in kubeconfigs:
            free.put(kubeconfig)
        return dict(zip(names, pool.map(judge, names), strict=True))


def run_suite(kubeconfig: Path, reports: Path) -> Result:
    """One run of the suite against a running `fixed` stack."""
    where = ["--stack=fixed", f"--kubeconfig={kubeconfig}", f"--reports={reports}"]
    command = [sys.executable, "-m", "pytest", "-q", "-m", "not story", "--evidence=minimal", *where]
    ended = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=SUITE_WITHIN, check=False)
    statement = json.loads((reports / "statement.json").read_text())
    claims = {claim["id"]: claim for claim in statement["claims"] if claim["verdict"]}
    seen = {
        name: " | ".join(finding["seen"] for finding in claim["findings"] if not finding["holds"])
        for name, claim in claims.items()
    }
    verdicts = {name: claim["verdict"] for name, claim in claims.items()}
    return Result(ended.returncode, verdicts, seen, ended.stdout[-4000:] + ended.stderr[-2000:])


@contextmanager
def switched(kubeconfig: Path, defect: Defect | None) -> Iterator[None]:
    """A defect switched on in its Deployment's environment, and off again."""
    if defect is None:
        yield
        return
    variable = f"DEFECT_{defect.name.upper()}"
    _set(kubeconfig, defect.deployment, {"name": variable, "value": "on"})
    try:
        yield
    finally:
        _set(kubeconfig, defect.deployment, {"name": variable, "$patch": "delete"})


def _set(kubeconfig: Path, deployment: str, entry: dict[str, str]) -> None:
    apps = client.AppsV1Api(config.new_client_from_config(str(kubeconfig)))
    container = {"name": deployment, "env": [entry]}
    change = {"spec": {"template": {"spec": {"containers": [container]}}}}
    apps.patch_namespaced_deployment(deployment, NAMESPACE, change, _request_timeout=10)
    cluster = Cluster(kubeconfig, "", NAMESPACE)
    settled: Callable[[], bool] = lambda: cluster.deployment(deployment).settled and len(cluster.pods(deployment)) == 1  # noqa: E731
    eventually(f"{deployment} has taken {entry['name']}", settled, within=ROLLOUT_WITHIN, every=0.05)


@contextmanager
def _stacks(profile: Profile) -> Iterator[list[Path]]:
    launched = [LaunchedStack(profile, ROOT) for _ in range(AT_ONCE)]
    try:
        yield [stack.ready() for stack in launched]
    finally:
        for stack in launched:
            stack.stop()
