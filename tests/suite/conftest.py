"""Lends one running stack to all tests that need a real one."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from fixtures.stack.launch import LaunchedStack
from fixtures.stack.profile_file import load_profile
from tests.suite.runs import ROOT


@pytest.fixture(scope="session")
def standing() -> Iterator[Path]:
    """The kubeconfig of the shop as reported, running; it ends with the tests."""
    launched = LaunchedStack(load_profile(ROOT / "stacks" / "embedded.toml"), ROOT, ["sock_shop"])
    try:
        yield launched.ready()
    finally:
        launched.stop()
