"""How well load is sent: against a service whose every delay is known, beside other clients on the same work."""

from __future__ import annotations

import json
import subprocess
import sys
import tempfile
import venv
from pathlib import Path
from statistics import median

from fixtures.load.result import Result, percentile
from fixtures.load.schedule import Schedule
from fixtures.load.sending import Call, Load
from fixtures.load.targets import Targets
from tests.load.known_service import KnownService, known_service

ROOT = Path(__file__).parents[2]
WITHIN, INSTALLED_WITHIN = 60, 180  # seconds
TURNS = 3  # each figure is the best of so many, taken in turns: drift hits all alike
PAYMENTS, WORKERS, SERVICE = 2181, 40, 0.030
QUIET = 0.002  # seconds: what leaves later says more of the machine than of the client
RATE, LASTING, STALL_AT, STALL, QUICK = 100, 6, 2.5, 1.0, 0.005


def main() -> None:
    """Print the figures."""
    with known_service() as service, tempfile.TemporaryDirectory() as folder:
        _beside_others(service, Path(folder))
        _against_a_stall(service)
        _counted(service)


def _beside_others(service: KnownService, folder: Path) -> None:
    floor = PAYMENTS * SERVICE / WORKERS
    clients = {
        "ours": [sys.executable, "-m", "tests.bench.clients"],
        "requests": [sys.executable, "-m", "tests.bench.clients"],
    }
    python, why = _locust(folder)
    if python:
        clients["locust"] = [str(python), str(ROOT / "tests" / "bench" / "clients.py")]
    runs = {name: [] for name in clients}
    for turn in range(TURNS):
        for name, command in clients.items():
            url = f"{service.address}/pay?run={name}{turn}&ms={SERVICE * 1000:g}"
            words = [*command, name, url, str(PAYMENTS), str(WORKERS)]
            done = subprocess.run(words, cwd=ROOT, capture_output=True, text=True, timeout=WITHIN, check=True)
            runs[name].append(json.loads(done.stdout.splitlines()[-1]))
    print(f"{PAYMENTS} payments, {WORKERS} at once, {SERVICE * 1000:g} ms each: {floor:.3f} s at least")
    print(
        f"{'':24}{'seconds':>8}{'× floor':>9}{'ms of processor each':>22}   best of {TURNS}; ours: at most 1.10 × floor"
    )
    for name, took in runs.items():
        seconds, cpu = min(run["seconds"] for run in took), min(run["cpu"] for run in took)
        print(f"{name:24}{seconds:8.3f}{seconds / floor:9.2f}{cpu / PAYMENTS * 1000:22.2f}")
    if why:
        print(f"{'locust':24}not run: {why}")


def _locust(folder: Path) -> tuple[Path | None, str]:
    """The Python of a throw-away environment with locust, or why there is none."""
    python = folder / "bin" / "python"
    venv.create(folder, with_pip=True)
    install = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "locust"]
    try:
        subprocess.run(install, capture_output=True, text=True, timeout=INSTALLED_WITHIN, check=True)
    except subprocess.TimeoutExpired:
        return None, f"it could not be installed within {INSTALLED_WITHIN} s"
    except subprocess.CalledProcessError as error:
        return None, error.stderr.strip().splitlines()[-1]
    return python, ""


def _against_a_stall(service: KnownService) -> None:
    """A closed form says what every request has to wait: until the stall is over, if it comes during the stall."""
    dues = [number / RATE for number in range(RATE * LASTING)]
    truth = [QUICK + (STALL_AT + STALL - due if STALL_AT <= due < STALL_AT + STALL else 0) for due in dues]
    words = f"ms={QUICK * 1000:g}&at={STALL_AT}&stall={STALL}"
    runs = [_stalled(service, f"run=stall{turn}&{words}", 400) for turn in range(TURNS)]
    few = _stalled(service, f"run=few&{words}", 4)
    print(f"\n{STALL:g} s of stall in {LASTING} s, {RATE} a second")
    print(f"{'':24}{'p95':>8}{'p99':>8}{'error':>8}{'error':>8}   median of {TURNS}; at most 2 %")
    known = [percentile(truth, share) for share in (0.95, 0.99)]
    seen = [median(run.percentile(share) for run in runs) for share in (0.95, 0.99)]
    errors = [(ours - true) / true for ours, true in zip(seen, known, strict=True)]
    print(f"{'truth':24}{known[0] * 1000:8.0f}{known[1] * 1000:8.0f}   ms")
    print(f"{'ours, since it was due':24}{seen[0] * 1000:8.0f}{seen[1] * 1000:8.0f}{errors[0]:8.1%}{errors[1]:8.1%}")
    closed = [few.percentile(share, "sent") for share in (0.95, 0.99)]
    lies = [(told - true) / true for told, true in zip(closed, known, strict=True)]
    print(f"{'a client of 4, timing':24}{closed[0] * 1000:8.0f}{closed[1] * 1000:8.0f}{lies[0]:8.1%}{lies[1]:8.1%}")
    print("  only what it sends")
    lag, spread = min(run.lag for run in runs), median(run.spread for run in runs)
    print(f"{'1 in 100 left late by':24}{lag * 1000:8.1f} ms, best of {TURNS}; at most {QUIET * 1000:g}")
    print(f"{'rate, error':24}{(len(dues) - 1) / spread / RATE - 1:8.2%}    at most 0.1 %")
    if lag > QUIET:
        print("inconclusive: this machine was too busy; end what else it does, and run it again")


def _stalled(service: KnownService, words: str, connections: int) -> Result:
    call = Call(f"{service.address}/pay?{words}")
    return _load(service).send(call, Schedule.at_rate(RATE, RATE * LASTING, connections=connections))


def _counted(service: KnownService) -> None:
    """Where the service answers nobody, time is up before everything is sent."""
    hung = _load(service).send(
        Call(f"{service.address}/pay?run=hung&end=hang"), Schedule.backlog(1000, WORKERS, patience=0.5, lasting=2)
    )
    seen = service.seen("hung")["seen"]
    told = f"{hung.sent} sent (the service counts {seen}) + {hung.dropped} dropped = {hung.planned} planned"
    print(f"\n{'a service that hangs':24}{told}: {hung.sent + hung.dropped == hung.planned and seen == hung.sent}")


def _load(service: KnownService) -> Load:
    return Load(Targets([service.address]))


if __name__ == "__main__":
    main()
