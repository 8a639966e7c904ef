"""An API server that goes away while something is broken: nobody is accused, and the stack is put back all the same."""

from __future__ import annotations

import shlex
from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.cluster.driver import Cluster
from fixtures.waiting import eventually
from tests.suite.relay import Line, line_to
from tests.suite.runs import FEATURE, Running, profile
from tests.suite.terminal import typed

GATEWAY = "stripe-mock"
ONE = (FEATURE, "-k", "soon")  # scenario
NOTICED_WITHIN, SETTLED_WITHIN = 30, 30  # seconds


@pytest.fixture
def cluster(standing: Path) -> Iterator[Cluster]:
    """The namespace of the running stack; whatever a test does, its gateway is up before and after it."""
    found = Cluster(standing, "", "sock-shop")
    eventually("the gateway is up", lambda: found.deployment(GATEWAY).available, within=SETTLED_WITHIN)
    before = found.deployment(GATEWAY).record["spec"]
    yield found
    eventually("the gateway is up", lambda: found.deployment(GATEWAY).available, within=SETTLED_WITHIN)
    assert found.deployment(GATEWAY).record["spec"] == before
    assert "incident-conformance/fault" not in found.deployment(GATEWAY).annotations


@pytest.fixture
def line(standing: Path, tmp_path: Path) -> Iterator[tuple[Line, Path]]:
    """What can be cut between the suite and the API server."""
    with line_to(standing, tmp_path) as made:
        yield made


def running_without(line: Line, through: Path, cluster: Cluster, folder: Path, *changes: tuple[str, str]) -> Running:
    """A run whose API server goes away while a customer acts in the outage."""
    shop = ("http://{cluster}:30001", f"http://{cluster.host}:30001")
    stack = f"--stack={profile(folder, through, shop, *changes)}"
    running = Running(folder / "out", stack, *ONE, "-p", "tests.suite.sabotage", env={"SABOTAGE": "told"})
    running.until(text="Ben checks out the Colourful socks")
    line.cut()
    running.until(event="closing")
    asked = line.refused
    eventually("the API server is asked again and again", lambda: line.refused > asked + 20, within=NOTICED_WITHIN)
    return running


def test_what_could_not_be_seen_is_unknown_and_the_fault_ends_as_soon_as_the_api_server_is_back(
    tmp_path: Path, cluster: Cluster, line: tuple[Line, Path]
):
    running = running_without(*line, cluster, tmp_path)
    assert cluster.deployment(GATEWAY).replicas == 0
    line[0].mend()
    ended = running.end()

    assert (ended.code, ended.verdicts, ended.shown) == (3, {"UNKNOWN"}, {"broken"}), ended.out
    assert ended.phases == ["planned", "applied", "witnessed", "undone", "undo_witnessed"]


def test_when_it_stays_away_the_run_says_how_to_put_the_stack_back(
    tmp_path: Path, cluster: Cluster, line: tuple[Line, Path], standing: Path
):
    patience = ('"the cluster answers again" = "120 s"', '"the cluster answers again" = "4 s"')
    ended = running_without(*line, cluster, tmp_path, patience).end()
    left = cluster.deployment(GATEWAY).replicas
    [remedy] = {text for text in ended.out.splitlines() if "remedy:" in text}
    command = shlex.split(remedy.partition("put it back with: ")[2])
    typed(standing, command)

    assert left == 0
    assert (ended.code, ended.verdicts, ended.shown) == (7, {"CONTAMINATED"}, {"broken"}), ended.out
    assert ended.phases == ["planned", "applied", "witnessed", "failed"]
    assert "ApiAway" in ended.out, ended.out
