"""One shop of plain processes for all tests here; a test that changes a service has it put back."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.reference.processes import Shop, start


@pytest.fixture(scope="session")
def running(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Shop]:
    shop = start(tmp_path_factory.mktemp("shop"))
    yield shop
    for service in list(shop.processes):
        shop.stop(service)


@pytest.fixture
def shop(running: Shop) -> Iterator[Shop]:
    """The corrected shop; a service that was ended or started anew is started as usual afterwards."""
    before = dict(running.processes)
    yield running
    for service, process in before.items():
        if running.processes.get(service) is not process:
            running.again(service)
