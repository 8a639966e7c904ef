"""A pytest plugin (-p tests.cluster.one_by_one): pytest-xdist gives out each test by itself, but files of one stack."""

from __future__ import annotations

from typing import Any

import pytest
from xdist.scheduler import LoadScopeScheduling

ON_ONE_STACK = ("test_kubectl.py", "test_the_shop.py")


class OneByOne(LoadScopeScheduling):
    """Gives a test to whoever is free; the tests of those files go to one worker, in their order."""

    def _split_scope(self, nodeid: str) -> str:
        file = nodeid.partition("::")[0]
        return file if file.endswith(ON_ONE_STACK) else nodeid


@pytest.hookimpl(tryfirst=True)
def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> OneByOne:
    return OneByOne(config, log)
