"""A run on several workers (pytest-xdist): a feature stays on one of them; one journal is made of all of theirs."""

from __future__ import annotations

import json
import os
import shutil
import signal
import time
from collections.abc import Generator, Mapping
from contextlib import suppress
from datetime import datetime
from queue import Empty, Queue
from typing import Any

import pytest

from judging.claims import Claim
from judging.collecting import cures, feature_of, named_by_feature
from judging.interrupts import end_on_signals
from judging.journal import Event, read_journal
from judging.plugin import BOOK, CLAIMS, REFUSED, reports_folder, scenario_of, worker
from judging.recording import TESTS_FAILED
from judging.refusal import Refusal
from judging.session import WORKERS, conclude, open_journal

AT_WORK = pytest.StashKey[set[str]]()  # the controller's: the workers that have not ended
TOGETHER = "together.json"
PHASES = ("setup", "call", "teardown")  # where nothing else is said, the worker has crashed
PUT_BACK_WITHIN = 60.0  # seconds that a worker which is told to end has to put back what it broke


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.stash[AT_WORK] = set()
    if config.getoption("dist", "no") == "each":
        raise pytest.UsageError("--dist=each would enact every incident once per worker; leave --dist out")


@pytest.hookimpl(optionalhook=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> object:
    """Scenarios that share an incident stay together, however the rest is distributed."""
    from judging.scheduling import FeatureScheduling

    by_test = config.getoption("dist") in ("load", "worksteal")
    return FeatureScheduling(config, log, lambda: _together(config)) if by_test else None


def pytest_sessionstart(session: pytest.Session) -> None:
    """In the controller: obey signals as a run does by itself, and forget what workers of a killed run have left."""
    config = session.config
    if config.getoption("dist", "no") != "no" and not worker(config):
        config.add_cleanup(end_on_signals(insists_after=0))  # it only waits for its workers
        shutil.rmtree(reports_folder(config) / WORKERS, ignore_errors=True)


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """In a worker: tell the controller which scenarios belong together."""
    config = session.config
    scenarios = [item for item in session.items if scenario_of(item)]
    if worker(config) and scenarios:
        folder = reports_folder(config) / WORKERS / worker(config)
        folder.mkdir(parents=True, exist_ok=True)
        claims = config.stash[CLAIMS]
        groups = _groups(scenarios, claims)
        told = {item.nodeid: groups[feature_of(item)] for item in scenarios}
        (folder / TOGETHER).write_text(json.dumps(told), encoding="utf-8")


def _groups(scenarios: list[pytest.Item], claims: Mapping[str, Claim]) -> dict[object, str]:
    """Each feature by itself, but where one's harm is cured in another, both together."""
    named = named_by_feature(scenarios)
    group = {feature: str(feature) for feature in named}
    for feature, names in named.items():
        missing = cures(claims, names) - names
        joined = {group[feature], *(group[other] for other, theirs in named.items() if theirs & missing)}
        for other, its in group.items():
            if its in joined:
                group[other] = min(joined)
    return group


def _together(config: pytest.Config) -> dict[str, str]:
    """What any worker has told: node id → group."""
    told = sorted((reports_folder(config) / WORKERS).glob(f"*/{TOGETHER}"))
    return dict(json.loads(told[0].read_text(encoding="utf-8"))) if told else {}


@pytest.hookimpl(optionalhook=True)
def pytest_testnodeready(node: Any) -> None:
    node.config.stash[AT_WORK].add(node.gateway.id)


@pytest.hookimpl(optionalhook=True)
def pytest_testnodedown(node: Any) -> None:
    """A worker has ended; what it refused is refused by the run."""
    node.config.stash[AT_WORK].discard(node.gateway.id)
    if refused := getattr(node, "workeroutput", {}).get("refused"):
        raise Refusal(*refused)


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_logreport(report: pytest.TestReport) -> None:
    """In the controller: notice ordinary tests that fail."""
    node = getattr(report, "node", None)  # the worker that the report is from
    if node and report.failed and report.when in PHASES and "verdict" not in vars(report):
        node.config.stash[TESTS_FAILED] = True


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """In a worker, tell the controller; in the controller, judge what all workers have recorded."""
    config = session.config
    if worker(config):
        if REFUSED in config.stash:
            refusal = config.stash[REFUSED]
            told = [refusal.error_id, refusal.cause, refusal.remedy, refusal.exit_code]
            vars(config)["workeroutput"]["refused"] = told
        return (yield)
    _end_workers(config)
    result = yield
    if journals := sorted(_journals(config).values(), key=lambda events: str(events[0]["at"])):
        _judge_together(session, journals)
    return result


def _journals(config: pytest.Config) -> dict[str, list[Event]]:
    """What each worker has recorded so far."""
    parts = (reports_folder(config) / WORKERS).glob("*/journal.jsonl")
    return {path.parent.name: events for path in parts if (events := read_journal(path))}


def _end_workers(config: pytest.Config) -> None:
    """Have workers that are still at work put back what they broke, and wait until they have."""
    at_work = config.stash[AT_WORK]
    for name, events in _journals(config).items():
        if name in at_work:
            with suppress(ProcessLookupError):
                os.kill(events[0]["process"], signal.SIGTERM)
    # pytest-xdist has no public way to wait for its workers.
    told = config.pluginmanager.getplugin("dsession").queue if at_work else Queue[Any]()
    deadline = time.monotonic() + PUT_BACK_WITHIN
    while at_work and (left := deadline - time.monotonic()) > 0:
        with suppress(Empty):
            what, about = told.get(timeout=left)
            if what in ("workerfinished", "errordown"):
                at_work.discard(about["node"].gateway.id)


def _judge_together(session: pytest.Session, journals: list[list[Event]]) -> None:
    config, folder = session.config, reports_folder(session.config)
    journal = open_journal(config, folder, datetime.fromisoformat(journals[0][0]["at"]))
    for kept in sorted((folder / WORKERS).glob("*/evidence/*")):
        (folder / "evidence").mkdir(exist_ok=True)
        kept.replace(folder / "evidence" / kept.name)
    for number, events in enumerate(journals):
        for event in events[min(number, 1) :]:  # each begins with the same description of the run
            journal.adopt(event)
    session.exitstatus = conclude(session, config.stash[BOOK])
    shutil.rmtree(folder / WORKERS)
