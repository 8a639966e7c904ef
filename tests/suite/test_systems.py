"""A stack may have one system or several: those that are asked for are started and judged, the others are told."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

from fixtures.stack.profile_file import load_profile
from tests.suite.runs import ROOT, Run, run

CONFIGURATION = """
[pytest]
strict = true
testpaths = features
addopts = -p judging.plugin -p fixtures.stack -p no:allure_pytest -p no:timeout
stack = both
"""
CLAIMS = '[{0}_1]\ntext = "it works"\nkind = "required"\nsection = "1"\n'
FEATURE = "Feature: {0}\n" + "".join(
    f"\n  @{{0}}_1\n  Scenario: {number}\n    Given the stack\n    Then {{0}}_1 is seen\n" for number in ("one", "two")
)
MODULE = """
from pytest_bdd import given, parsers, scenarios, then

scenarios(".")


@given("the stack")
def _(stack):
    assert stack.kubeconfig.exists()


@then(parsers.parse("{claim} is seen"))
def _(judge, claim):
    judge.expect("right", "right", True, where="here")
"""
START = """
import sys
from pathlib import Path

kubeconfig, *variants = sys.argv[1:]
with open("started", "a") as started:
    print(*variants, file=started)
Path(kubeconfig).write_text("")
sys.stdin.read()
"""
BOTH = """
namespace = "here"
start = ["{python}", "start.py", "{kubeconfig}", "{variants}"]
[sock_shop]
variant = "a shop"
[otp_gateway]
variant = "a gateway"
"""


class Project:
    """A project with two systems, and a stack that notes how it was started."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("pytest.ini", CONFIGURATION)
        self.write("start.py", START)
        self.write("stacks/both.toml", BOTH)
        self.write("stacks/half.toml", 'extends = "both.toml"\nsock_shop = false')
        for system in ("otp_gateway", "sock_shop"):
            self.write(f"features/{system}/claims.toml", CLAIMS.format(system))
            self.write(f"features/{system}/all.feature", FEATURE.format(system))
            self.write(f"features/{system}/test_{system}.py", MODULE)

    def write(self, name: str, text: str) -> None:
        """Write a file of the project."""
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)

    def run(self, *options: str, folder: str = ".") -> Run:
        """Run the project from one of its folders."""
        env = {"PYTHONPATH": str(ROOT), "PYTHONDONTWRITEBYTECODE": "1"}
        return run(Path("out"), *options, root=self.root / folder, env=env)

    @property
    def started(self) -> list[str]:
        """The variants that each start of the stack was asked for."""
        path = self.root / "started"
        return path.read_text().splitlines() if path.exists() else []

    @property
    def statement(self) -> str:
        """What the run has stated."""
        return (self.root / "out" / "statement.json").read_text()


@pytest.fixture
def project(tmp_path: Path) -> Project:
    return Project(tmp_path)


@pytest.mark.parametrize(
    ("asked", "judged", "started"),
    [
        ([], 4, "a shop a gateway"),
        (["."], 4, "a shop a gateway"),
        (["features/otp_gateway", "features/sock_shop/test_sock_shop.py"], 4, "a shop a gateway"),
        (["features/otp_gateway"], 2, "a gateway"),
        (["features/sock_shop/all.feature"], 2, "a shop"),
        (["features/sock_shop/test_sock_shop.py::test_two"], 1, "a shop"),
        (["features", "-k", "otp_gateway"], 2, "a shop a gateway"),
        (["--stack=half", "features/otp_gateway"], 2, "a gateway"),
    ],
)
def test_the_systems_whose_features_are_asked_for_are_started(
    project: Project, asked: list[str], judged: int, started: str
) -> None:
    ended = project.run(*asked)

    assert (ended.code, project.started) == (0, [started]), ended.out + ended.err
    assert re.search(rf"\b{judged} passed", ended.out)
    assert "not in this stack" not in ended.out + project.statement


def test_from_a_folder_of_a_system_only_that_is_started(project: Project) -> None:
    ended = project.run(folder="features/sock_shop")

    assert (ended.code, project.started) == (0, ["a shop"]), ended.out + ended.err


def test_what_the_stack_has_not_is_left_out_and_told(project: Project) -> None:
    ended = project.run("--stack=half")

    assert (ended.code, project.started) == (0, ["a gateway"]), ended.out + ended.err
    assert "2 passed, 2 deselected" in ended.out
    assert "\nnot in this stack: sock_shop, 2 scenarios\n" in ended.out
    assert '"scope": "all 1 claims that scenarios name were judged; not in this stack: sock_shop, 2 scenarios"' in (
        project.statement
    )
    assert '"not_judged": []' in project.statement
    assert '"uncovered": []' in project.statement
    assert "sock_shop_1" not in project.statement, "nothing of it is judged, and nothing of it was forgotten"


def test_workers_leave_out_the_same(project: Project) -> None:
    ended = project.run("--stack=half", "-n", "2")

    assert (ended.code, {*project.started}) == (0, {"a gateway"}), ended.out + ended.err
    assert "2 passed" in ended.out
    assert "not in this stack: sock_shop, 2 scenarios" in project.statement


def test_workers_start_only_what_is_asked_for(project: Project) -> None:
    ended = project.run("features/sock_shop", "-n", "2")

    assert (ended.code, {*project.started}) == (0, {"a shop"}), ended.out + ended.err


@pytest.mark.parametrize("more", [[], ["-n", "2"], ["--collect-only"]])
@pytest.mark.parametrize("asked", ["features/sock_shop", "features/sock_shop/all.feature"])
def test_a_system_that_the_stack_has_not_is_refused(project: Project, asked: str, more: list[str]) -> None:
    ended = project.run("--stack=half", asked, *more)

    assert (ended.code, project.started) == (4, [])
    assert ended.err.splitlines() == [
        "E-SYSTEM half.toml describes otp_gateway, and not sock_shop",
        "remedy: name a stack that has it: pytest --stack=NAME, or judge what this one has",
    ]
    assert not (project.root / "out").exists()


def test_collecting_says_it_too_and_starts_nothing(project: Project) -> None:
    ended = project.run("--stack=half", "--collect-only")

    assert (ended.code, project.started) == (0, [])
    assert "\nnot in this stack: sock_shop, 2 scenarios\n" in ended.out
    assert "2/4 tests collected (2 deselected)" in ended.out


@pytest.mark.parametrize(
    ("asked", "here", "on_kind"),
    [
        ([], "", "kind"),
        (["VARIANT=fixed"], "--stack=fixed", "kind-fixed"),
        (["VARIANT=faithful"], "--stack=faithful", "kind-faithful"),
    ],
)
def test_what_make_brings_up_is_what_it_judges(asked: list[str], here: str, on_kind: str) -> None:
    def recipe(target: str) -> str:
        command = ["make", "--dry-run", "--no-print-directory", target, *asked]
        return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20, check=True).stdout

    def variants(name: str) -> set[str]:
        return {system.variant for system in load_profile(ROOT / "stacks" / f"{name}.toml").systems.values()}

    [named] = {*re.findall(r"-m fixtures\.stack ([\w-]+)", recipe("kind") + recipe("up"))}
    assert f"--stack={on_kind} " in recipe("kind")
    assert variants(named) == variants(on_kind)
    assert re.findall("--stack=.*", recipe("demo")) == ([f"{here} "] if here else [])


def test_the_variants_of_a_profile_are_told() -> None:
    def told(*words: str) -> tuple[int, str]:
        command = [sys.executable, "-m", "fixtures.stack", *words]
        done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=20)
        return done.returncode, done.stdout + done.stderr

    assert told("fixed") == (0, "fixed otp-fixed\n")
    assert told("faithful") == (0, "otp-faithful\n")
    code, words = told("fixd")
    assert (code, words.split()[0], len(words.splitlines())) == (4, "E-PROFILE-MISSING", 2)
