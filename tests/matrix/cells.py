"""Runs the whole suite against the reference stack with one planted defect at a time."""

from __future__ import annotations

import json
import re
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
from fixtures.stack.profile import Profile
from fixtures.stack.profile_file import load_profile
from fixtures.waiting import eventually
from judging.claims import load_claims

ROOT = Path(__file__).parents[2]
FEATURES = ROOT / "features" / "sock_shop"
SUITE_WITHIN, ROLLOUT_WITHIN = 240, 30  # seconds
AT_ONCE = 2  # stacks side by side: as many as cores


@dataclass(frozen=True)
class Defect:
    """A switch of the reference stack, and what must be seen when it is on: claim → regular expression."""

    name: str
    deployment: str
    says: str
    breaks: dict[str, str]


@dataclass(frozen=True)
class Result:
    """What a run of the suite made of a stack."""

    exit: int
    verdicts: dict[str, str]
    seen: dict[str, str]
    said: str

    def differs(self, stated: dict[str, str]) -> list[str]:
        """Where the run does not say what a defect (claim → regular expression) states, in words."""
        said = [f"{claim}: {self.seen[claim]!r}, which is not stated" for claim in sorted(self.red - stated.keys())]
        for claim, reason in stated.items():
            if self.verdicts.get(claim) != "VIOLATED":
                said.append(f"{claim}: {self.verdicts.get(claim, 'not judged')} instead of VIOLATED")
            elif not re.search(reason, self.seen[claim]):
                said.append(f"{claim}: {self.seen[claim]!r} instead of {reason!r}")
        if self.exit != (1 if stated else 0):
            said.append(f"exit code {self.exit}")
        return said

    @property
    def red(self) -> set[str]:
        """The claims that the run accuses the stack of."""
        return {claim for claim, verdict in self.verdicts.items() if verdict not in ("CONFORMS", "CURED")}


def defects() -> dict[str, Defect]:
    """Every planted defect, as the reference stack lists them."""
    listed = tomllib.loads((ROOT / "reference" / "defects.toml").read_text())[FEATURES.name]
    return {name: Defect(name, entry["deployment"], entry["says"], entry["breaks"]) for name, entry in listed.items()}


def one_of_each_group() -> list[str]:
    """The first defect that breaks a claim of each bug of the report, and the first of those beyond the report."""
    claims, first = load_claims(FEATURES / "claims.toml"), dict[str | None, str]()
    for name, defect in defects().items():
        first.setdefault(claims[next(iter(defect.breaks))].bug, name)
    return list(first.values())


def judge_all(names: list[str], folder: Path, stack: str = "fixed", *, narrow: bool = False) -> dict[str, Result]:
    """The result for `fixed` and for each named defect alone, on a stack with none.

    A stack that can be started is, as often as there are cores; narrow: only the features that a defect concerns.
    """
    profile, free = load_profile(ROOT / "stacks" / f"{stack}.toml"), SimpleQueue[Path]()

    def judge(name: str) -> Result:
        kubeconfig, defect = free.get(), defects().get(name)
        features = _concerned(defect) if narrow and defect else [FEATURES]
        try:
            with switched(kubeconfig, profile.namespace, defect):
                return run_suite(stack, kubeconfig, folder / name, features)
        finally:
            free.put(kubeconfig)

    with _stacks(profile) as kubeconfigs, ThreadPoolExecutor(len(kubeconfigs)) as pool:
        for kubeconfig in kubeconfigs:
            free.put(kubeconfig)
        return dict(zip(names, pool.map(judge, names), strict=True))


def _concerned(defect: Defect) -> list[Path]:
    files = sorted(FEATURES.glob("*.feature"))
    return [file for file in files if set(re.findall(r"@(\w+)", file.read_text())) & defect.breaks.keys()]


def run_suite(stack: str, kubeconfig: Path, reports: Path, features: list[Path]) -> Result:
    """One run of features against a stack that runs."""
    where = [f"--stack={stack}", f"--kubeconfig={kubeconfig}", f"--reports={reports}", *map(str, features)]
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
def switched(kubeconfig: Path, namespace: str, defect: Defect | None) -> Iterator[None]:
    """A defect switched on in its Deployment's environment, and off again."""
    if defect is None:
        yield
        return
    variable = f"DEFECT_{defect.name.upper()}"
    _set(kubeconfig, namespace, defect.deployment, {"name": variable, "value": "on"})
    try:
        yield
    finally:
        _set(kubeconfig, namespace, defect.deployment, {"name": variable, "$patch": "delete"})


def _set(kubeconfig: Path, namespace: str, deployment: str, entry: dict[str, str]) -> None:
    apps = client.AppsV1Api(config.new_client_from_config(str(kubeconfig)))
    container = {"name": deployment, "env": [entry]}
    change = {"spec": {"template": {"spec": {"containers": [container]}}}}
    apps.patch_namespaced_deployment(deployment, namespace, change, _request_timeout=10)
    cluster = Cluster(kubeconfig, "", namespace)
    settled: Callable[[], bool] = lambda: cluster.deployment(deployment).settled and len(cluster.pods(deployment)) == 1  # noqa: E731
    eventually(f"{deployment} has taken {entry['name']}", settled, within=ROLLOUT_WITHIN, every=0.05)


@contextmanager
def _stacks(profile: Profile) -> Iterator[list[Path]]:
    if not profile.start:
        yield [Path(profile.kubeconfig)]
        return
    launched = [LaunchedStack(profile, ROOT, [FEATURES.name]) for _ in range(AT_ONCE)]
    try:
        yield [stack.ready() for stack in launched]
    finally:
        for stack in launched:
            stack.stop()
