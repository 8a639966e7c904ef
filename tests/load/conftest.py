"""Lends a service that behaves as it is asked to, and load that may be aimed at it."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from fixtures.load.sending import Load
from fixtures.load.targets import Targets
from tests.load.known_service import KnownService, known_service


@pytest.fixture(scope="session")
def service() -> Iterator[KnownService]:
    """The service, running."""
    with known_service() as lent:
        yield lent


@pytest.fixture(scope="session")
def declared(service: KnownService) -> Load:
    """Load on the service, and on nothing else."""
    return Load(Targets([service.address]))
