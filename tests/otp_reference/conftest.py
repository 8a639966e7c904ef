"""One database, and backends and pages in every variant, each started once."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from reference.mongodb import build
from tests.loopback import own_network
from tests.otp_reference.gateway import Backend, Process, start

Start = Callable[..., Backend]
StartPage = Callable[..., Process]


@pytest.fixture(scope="session")
def hosts() -> Iterator[str]:
    """The addresses of a network that nobody else uses."""
    network = own_network()
    return (f"127.{network}.8.{number}" for number in range(1, 250))


@pytest.fixture(scope="session")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("gateway")


@pytest.fixture(scope="session")
def mongodb(hosts: Iterator[str], folder: Path) -> Iterator[str]:
    """The address of a database."""
    build.ferretdb()
    host = next(hosts)
    process = start("reference.mongodb", folder / "mongodb.log", 27017, host)
    yield f"mongodb://{host}:27017"
    process.terminate()
    process.wait(10)


@pytest.fixture(scope="session")
def backend(mongodb: str, hosts: Iterator[str], folder: Path) -> Iterator[Start]:
    """Start a backend with those defects and settings, once for each combination."""
    running: dict[tuple[object, ...], Backend] = {}

    def begin(*defects: str, **settings: str) -> Backend:
        key = (defects, *sorted(settings.items()))
        if key not in running:
            host, log = next(hosts), folder / f"backend-{len(running)}.log"
            variables = {"MONGO_URI": mongodb} | {f"DEFECT_{name.upper()}": "on" for name in defects} | settings
            process = start("reference.otp_gateway.backend", log, 8000, host, **variables)
            running[key] = Backend(f"http://{host}:8000", log, process, variables["MONGO_URI"])
        return running[key]

    yield begin
    for each in running.values():
        each.stop()


@pytest.fixture(scope="session")
def page(hosts: Iterator[str], folder: Path) -> Iterator[StartPage]:
    """Start the page of a backend, with those defects."""
    running: list[Process] = []

    def begin(api: str, *defects: str) -> Process:
        host, log = next(hosts), folder / f"page-{len(running)}.log"
        switches = {f"DEFECT_{name.upper()}": "on" for name in defects}
        process = start("reference.otp_gateway.frontend", log, 8080, host, API_URL=api, **switches)
        running.append(Process(f"http://{host}:8080", log, process))
        return running[-1]

    yield begin
    for each in running:
        each.stop()
