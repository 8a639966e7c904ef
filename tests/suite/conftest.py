"""Lends one running stack of each system to all tests that need a real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.cluster.driver import Cluster
from fixtures.stack.launch import LaunchedStack
from fixtures.stack.profile_file import load_profile
from fixtures.waiting import eventually
from tests.suite.runs import ROOT

UP_WITHIN = 60  # seconds


@pytest.fixture(scope="session")
def standing() -> Iterator[Path]:
    """The kubeconfig of the shop as reported, running; it ends with the tests."""
    yield from _running("sock_shop")


@pytest.fixture(scope="session")
def standing_gateway() -> Iterator[Path]:
    """The same of the payment gateway as its document tells of it, up."""
    for kubeconfig in _running("otp_gateway"):
        cluster = Cluster(kubeconfig, "", "sock-shop")
        eventually("it is up", cluster.deployments, lambda all_: all(each.available for each in all_), within=UP_WITHIN)
        yield kubeconfig


def _running(system: str) -> Iterator[Path]:
    launched = LaunchedStack(load_profile(ROOT / "stacks" / "embedded.toml"), ROOT, [system])
    try:
        yield launched.ready()
    finally:
        launched.stop()
