"""A tiny project of its own to run pytest in: one system, one test module, steps that do as they are told."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

from fixtures.waiting import eventually
from judging.journal import read_journal

ROOT = Path(__file__).parents[2]

CONFIGURATION = """
[pytest]
strict = true
testpaths = features
addopts = -ra -p judging.plugin -p no:allure_pytest -p no:xdist -p no:timeout -p no:cacheprovider
markers =
    incident_6: an outage
    bug_1: a bug
"""
PATIENCE = 20.0  # seconds for one run
CLAIMS = """
[R_harm]
text = "two clicks make two orders"
kind = "reported"
section = "Bug 1"
cured_by = ["R_cure"]

[R_cure]
text = "one basket has one order"
kind = "required"
section = "Bug 1"
bug = "BUG_1"

[R_plain]
text = "a payment fails"
kind = "reported"
section = "Phase 2"

[R_core]
text = "a payment succeeds"
kind = "required"
section = "Phase 1"
core = true

[R_bare]
text = "nobody asks"
kind = "required"
section = "Phase 3"
"""
STACK = """
pytest_plugins = []
import tomllib

import pytest
from judging.plugin import set_baseline, set_stack

def pytest_journal_opened(config):
    path = config.rootpath / "stack.toml"
    set_baseline(config, tomllib.loads(path.read_text()).get("baseline", []), path)
    set_stack(config, {"name": "tiny"})

@pytest.hookimpl(trylast=True)
def pytest_collection_finish(session):
    if session.items:
        pytest_journal_opened(session.config)  # a worker opens no journal of the run
        session.config.rootpath.joinpath("stack started").touch()
"""
STEPS = '''
import os
import signal
import sys
import threading
import time
import types
from contextlib import suppress
from pathlib import Path

import pytest
from pytest_bdd import given, parsers, scenarios, step, then, when

from judging.findings import NotRestored, NotSteady, NotWitnessed, Unsupported
from judging.refusal import Refusal

scenarios("shop.feature")

@pytest.fixture(scope="module")
def stack():
    yield "stack"
    Path("given back").touch()

@pytest.fixture(scope="module")
def stuck_stack():
    yield "stack"
    raise NotRestored("0 replicas left")

@given("a shop")
def _(stack):
    """There is one."""

@given("a shop that stays broken")
def _(stuck_stack):
    """There is one."""

@pytest.fixture
def brittle_stack():
    yield "stack"
    raise RuntimeError("the browser is gone")

@given("a shop that breaks at the end")
def _(brittle_stack):
    """There is one."""

@given("an unsafe target")
def _():
    raise Refusal("E-TARGET", "the namespace has no label", "label it", 6)

@step(parsers.parse("the fault is {phase}"))
def _(journal, phase):
    journal.record("fault", fault="outage", phase=phase, detail="")

@when(parsers.parse('{error} says "{text}"'))
def _(error, text, redaction):
    secret = "hunter2hunter2"
    redaction.secret(secret, "password")
    print("typed", secret)
    kinds = {each.__name__: each for each in (NotRestored, NotSteady, NotWitnessed, Unsupported, KeyError)}
    kinds |= {"skip": pytest.skip.Exception, "xfail": pytest.xfail.Exception}
    kinds |= {"AssertionError": AssertionError}
    raise kinds[error](text.replace("SECRET", secret))

@when("it takes for ever")
def _(stack):
    Path("waiting").touch()
    threading.Event().wait(20)

@when("Ctrl-C is pressed")
def _(stack):
    raise KeyboardInterrupt

@when("Ctrl-C is pressed where no line is")
def _(stack):
    def entered():
        held = lambda: held
        return sys._getframe()
    raise KeyboardInterrupt().with_traceback(types.TracebackType(None, entered(), 0, -1))

@step("SIGTERM comes while a library is at work")
def _(stack):
    os.kill(os.getpid(), signal.SIGTERM)
    for _ in range(1000):
        pass
    Path("whole").touch()

@step("SIGTERM is lost in a library")
def _(stack):
    began = time.monotonic()
    with suppress(BaseException):
        os.kill(os.getpid(), signal.SIGTERM)
        while time.monotonic() < began + 5:
            pass

@when("the next thing is looked at")
def _(stack):
    Path("next").touch()

@then("nothing is looked at")
def _():
    """A vacuous step."""

@step(parsers.re(r'(?P<claims>R_[\\w, ]+) (is|are) seen as "(?P<seen>.*)"'))
def _(judge, evidence_store, claims, seen):
    kept = evidence_store.keep("order", seen, "text/plain")
    for claim in claims.split(", "):
        judge.turn_to([claim])
        judge.expect("as claimed", seen, seen == "right", where="order list", evidence=[kept])
'''
HEAD = "@incident_6\nFeature: Shop\n"


@dataclass
class Result:
    """What a run has left behind."""

    root: Path
    code: int
    out: str
    err: str

    @property
    def journal(self) -> list[dict[str, Any]]:
        return read_journal(self.root / "reports/out/journal.jsonl")

    @property
    def statement(self) -> dict[str, Any]:
        told: dict[str, Any] = json.loads((self.root / "reports/out/statement.json").read_text("utf-8"))
        return told

    @property
    def verdicts(self) -> dict[str, str]:
        return {each["id"]: each["verdict"] for each in self.statement["claims"]}

    @property
    def outcomes(self) -> dict[str, str]:
        """What JUnit says of each test: passed, failed, error or skipped."""
        cases = ElementTree.parse(self.root / "junit.xml").iter("testcase")
        kinds = ("failure", "error", "skipped")
        return {
            case.attrib["name"]: next((kind for kind in kinds if case.find(kind) is not None), "passed")
            for case in cases
        }


class Project:
    """A project that judges one little shop."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.write("pytest.ini", CONFIGURATION)
        self.write("conftest.py", STACK)
        self.write("stack.toml", "")
        self.write("features/shop/claims.toml", CLAIMS)
        self.write("features/shop/test_shop.py", STEPS)

    def write(self, name: str, text: str) -> None:
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def feature(self, *scenarios: str, head: str = HEAD) -> None:
        """Write shop.feature: each scenario is `@tags name: step; step`."""
        told = []
        for scenario in scenarios:
            tags, _, rest = scenario.rpartition("@")
            last, _, rest = rest.partition(" ")
            name, _, steps = rest.partition(": ")
            told += [
                f"  {tags}@{last}",
                f"  Scenario: {name}",
                *(f"    {each}" for each in steps.split("; ")),
            ]
        self.write("features/shop/shop.feature", head + "\n".join(told) + "\n")

    def known(self, claim: str, signature: str, **more: str) -> None:
        """Add an entry to the baseline."""
        entry = {"claim": claim, "signature": signature, "bug": "beyond the report"} | more
        lines = "".join(f"{key} = {json.dumps(value)}\n" for key, value in entry.items())
        self.write("stack.toml", (self.root / "stack.toml").read_text() + f"[[baseline]]\n{lines}\n")

    def start(self, *arguments: str) -> subprocess.Popen[str]:
        return subprocess.Popen(
            [sys.executable, "-m", "pytest", "--junitxml=junit.xml", *arguments],
            cwd=self.root,
            env={
                "PYTHONPATH": str(ROOT),
                "PATH": "/usr/bin:/bin",
                "PYTHONPYCACHEPREFIX": str(self.root.parent / "cache"),
            },
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def start_until_it_waits(self, *arguments: str) -> subprocess.Popen[str]:
        """A run that has come to the step which takes for ever."""
        process = self.start(*arguments)

        def waits() -> bool:
            assert process.poll() is None
            return (self.root / "waiting").exists()

        eventually("it waits", waits, within=PATIENCE, every=0.02)
        return process

    def run(self, *arguments: str) -> Result:
        return self.end(self.start(*arguments))

    def end(self, process: subprocess.Popen[str]) -> Result:
        try:
            out, err = process.communicate(timeout=PATIENCE)
        finally:
            process.kill()
        return Result(self.root, process.returncode, out, err)
