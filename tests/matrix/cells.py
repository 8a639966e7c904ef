"""Runs the suite against the reference systems, mended or with one planted defect: each such run is a cell.

A cell proves that of the claims that it judges exactly those turn red that its defect states. A claim is judged where a
feature that names it is run: of the mended systems all features, of a defect all of its own system, or, if narrow, only
those that name a claim which it breaks, and briefly one of these. Such a cell says nothing of the claims of others.
"""

from __future__ import annotations

import json
import re
import subprocess
import sys
import tomllib
from collections.abc import Iterable, Iterator, Sequence
from concurrent.futures import CancelledError, ThreadPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from pathlib import Path
from queue import SimpleQueue
from threading import Event

from kubernetes import client, config

from fixtures.cluster.driver import Cluster
from fixtures.stack import Stack
from fixtures.stack.launch import LaunchedStack
from fixtures.stack.profile import Profile
from fixtures.stack.profile_file import load_profile
from fixtures.waiting import eventually
from judging.claims import load_claims

ROOT = Path(__file__).parents[2]
FEATURES = ROOT / "features"
FIXED = "fixed"
SUITE_WITHIN, ROLLOUT_WITHIN = 240, 30  # seconds
AT_ONCE = 2  # stacks side by side: as many as cores


@dataclass(frozen=True)
class Cell:
    """A system, mended or with one defect, and what must turn red and what may: claim → regular expression."""

    name: str
    system: str
    deployment: str = ""  # none is changed in a mended system
    breaks: dict[str, str] = field(default_factory=dict)
    may_break: dict[str, str] = field(default_factory=dict)
    only: Path | None = None  # the one feature that it is judged by, where it is not judged by more

    def features(self, *, narrow: bool) -> list[Path]:
        """What is run: all that the system has, or only what names a claim that this defect breaks."""
        stated = self.breaks | self.may_break
        if self.only:
            return [self.only]
        return _naming(self.system, stated) if narrow and stated else [FEATURES / self.system]

    def briefly(self) -> Cell:
        """The defect as one feature shows it: of those that name the first claim which it breaks, the one with most."""
        shown = _naming(self.system, [next(iter(self.breaks))])
        file = max(shown, key=lambda file: len(named(file) & self.breaks.keys()))
        breaks, may = ({c: seen for c, seen in d.items() if c in named(file)} for d in (self.breaks, self.may_break))
        return replace(self, breaks=breaks, may_break=may, only=file)


@dataclass(frozen=True)
class Result:
    """What a run of the suite made of a stack."""

    exit: int
    verdicts: dict[str, str]
    seen: dict[str, str]
    said: str

    def differs(self, cell: Cell) -> list[str]:
        """Where the run does not say what a cell states, in words."""
        may, said = cell.breaks | cell.may_break, list[str]()
        for claim in sorted(self.red):
            if claim not in may:
                said.append(f"{claim}: {self.seen[claim]!r}, which is not stated")
            elif self.verdicts[claim] != "VIOLATED":
                said.append(f"{claim}: {self.verdicts[claim]} instead of VIOLATED")
            elif not re.search(may[claim], self.seen[claim]):
                said.append(f"{claim}: {self.seen[claim]!r} instead of {may[claim]!r}")
        missing = sorted(cell.breaks.keys() - self.red)
        said += [f"{claim}: {self.verdicts.get(claim, 'not judged')} instead of VIOLATED" for claim in missing]
        if self.exit != (1 if self.red else 0):
            said.append(f"exit code {self.exit}")
        return said

    @property
    def red(self) -> set[str]:
        """The claims that the run accuses the stack of."""
        return {claim for claim, verdict in self.verdicts.items() if verdict not in ("CONFORMS", "CURED")}


def all_cells() -> dict[str, Cell]:
    """The mended systems, and every planted defect of each, as the reference stack lists them."""
    systems = tomllib.loads((ROOT / "reference" / "defects.toml").read_text())
    mended = [Cell(f"{FIXED} {system}", system) for system in systems]
    broken = [
        Cell(name, system, entry["deployment"], entry["breaks"], entry.get("may_break", {}))
        for system, entries in systems.items()
        for name, entry in entries.items()
    ]
    return {cell.name: cell for cell in (*mended, *broken)}


def one_of_each_group() -> list[Cell]:
    """Briefly, the first defect that breaks a claim of each bug of a report, and of each report the first beyond."""
    first = dict[tuple[str, str | None], Cell]()
    for cell in all_cells().values():
        if cell.breaks:
            claims = load_claims(FEATURES / cell.system / "claims.toml")
            first.setdefault((cell.system, claims[next(iter(cell.breaks))].bug), cell.briefly())
    return list(first.values())


def judge_all(
    cells: Sequence[Cell], folder: Path, stack: str = FIXED, *, narrow: bool = False
) -> Iterator[tuple[Cell, Result]]:
    """Each cell with its result as soon as there is one, judged on stacks with no other defect, side by side."""
    profile, stopped = load_profile(ROOT / "stacks" / f"{stack}.toml"), Event()

    def judge(cell: Cell, free: SimpleQueue[Place]) -> Result:
        place = free.get()
        try:
            if stopped.is_set():
                raise CancelledError
            place.have(cell)
            return run_suite(stack, place.kubeconfig, folder / cell.name, cell.features(narrow=narrow))
        finally:
            free.put(place)

    with _places(profile, cells) as places, ThreadPoolExecutor(len(cells)) as pool:
        cell_of = {pool.submit(judge, cell, places[cell.system]): cell for cell in cells}
        try:
            yield from ((cell_of[judged], judged.result()) for judged in as_completed(cell_of))
        finally:
            stopped.set()  # the cells that have begun end, and their defects are switched off


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


class Place:
    """A stack that is judged again and again, with the defect of one cell at a time."""

    def __init__(self, profile: Profile, kubeconfig: Path) -> None:
        self.kubeconfig, self._stack = kubeconfig, Stack(profile, kubeconfig)
        self._on = set[tuple[str, str]]()  # Deployments, and what is switched on in their environment

    def have(self, cell: Cell) -> None:
        """Switch off what was on and this cell's defect on, a Deployment at once, and wait until the system has it."""
        wanted = {(cell.deployment, f"DEFECT_{cell.name.upper()}")} if cell.deployment else set[tuple[str, str]]()
        switches = [(name, {"name": variable, "$patch": "delete"}) for name, variable in self._on - wanted]
        switches += [(name, {"name": variable, "value": "on"}) for name, variable in wanted - self._on]
        self._on |= wanted
        for deployment in {name for name, _ in switches}:
            self._set(deployment, [entry for name, entry in switches if name == deployment])
        self._on = wanted
        settle(self._stack, cell.system)

    def mend(self, system: str) -> None:
        """Have no defect at all."""
        self.have(Cell(FIXED, system))

    def _set(self, deployment: str, entries: list[dict[str, str]]) -> None:
        apps = client.AppsV1Api(config.new_client_from_config(str(self.kubeconfig)))
        change = {"spec": {"template": {"spec": {"containers": [{"name": deployment, "env": entries}]}}}}
        apps.patch_namespaced_deployment(deployment, self._stack.profile.namespace, change, _request_timeout=10)


def settle(stack: Stack, system: str) -> None:
    """Wait until every Deployment of a system has taken its settings, and of none an older pod is left."""
    cluster, beside = Cluster(stack.kubeconfig, "", stack.profile.namespace), stack.beside(stack.system(system))

    def settled() -> bool:
        deployed, pods = [each for each in cluster.deployments() if each.name not in beside], cluster.all_pods()
        return all(each.settled and sum(map(each.selects, pods)) == each.replicas for each in deployed)

    eventually(f"{system} has taken its settings", settled, within=ROLLOUT_WITHIN, every=0.1)


@contextmanager
def _places(profile: Profile, cells: Sequence[Cell]) -> Iterator[dict[str, SimpleQueue[Place]]]:
    """For each system the stacks that are free: a place in the one that stands, else as many of one's own as cores."""
    judged = {cell.system for cell in cells}
    systems = [name for name in profile.systems if name in judged]
    if not profile.start:
        standing = {name: Place(profile, Path(profile.kubeconfig)) for name in systems}
        try:
            yield {name: _queue([place]) for name, place in standing.items()}
        finally:
            for name, place in standing.items():
                place.mend(name)
        return
    launched = [LaunchedStack(profile, ROOT, systems) for _ in range(min(AT_ONCE, len(cells)))]
    try:
        yield dict.fromkeys(systems, _queue([Place(profile, stack.ready()) for stack in launched]))
    finally:
        for stack in launched:
            stack.stop()


def _naming(system: str, claims: Iterable[str]) -> list[Path]:
    """The features that name one of those claims."""
    return [file for file in sorted((FEATURES / system).glob("*.feature")) if named(file) & set(claims)]


def named(feature: Path) -> set[str]:
    """The claims that a feature's scenarios name."""
    return set(re.findall(r"@(\w+)", feature.read_text()))


def _queue(places: Iterable[Place]) -> SimpleQueue[Place]:
    free = SimpleQueue[Place]()
    for place in places:
        free.put(place)
    return free
