"""The payment gateway's services as plain processes on loopback addresses of their own: no cluster."""

from __future__ import annotations

import os
import re
import socket
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from pathlib import Path
from threading import Barrier
from typing import Any

import requests
from pymongo import MongoClient
from pymongo.database import Database

from fixtures.waiting import eventually

ROOT = Path(__file__).parents[2]
DEADLINE = 30  # seconds
CARD = {"card_number": "4111 1111-1111 1111", "expiry": "12/45", "cvv": "987", "holder_name": "ADA FERN"}
LAST_MONTH = f"{datetime.now(UTC).replace(day=1) - timedelta(days=1):%m/%y}"
THIS_MONTH = f"{datetime.now(UTC):%m/%y}"
REFUSED = "Unable to generate OTP. Please try again."
MARK = re.compile(r"payment (\S+) written: began=(\S+) ms=(\S+) at_once=(\d+)")
KEPT = ("PATH", "HOME", "LANG", "XDG_CACHE_HOME")


@dataclass(frozen=True)
class Mark:
    """What the backend says of one payment that it has written down."""

    began: datetime
    ms: float
    at_once: int

    @property
    def ended(self) -> datetime:
        """When it had been written down."""
        return self.began + timedelta(milliseconds=self.ms)


@dataclass(frozen=True)
class Process:
    """A running service, its log, and how to end it."""

    url: str
    log: Path
    running: subprocess.Popen[bytes]

    def stop(self) -> int:
        """End it by SIGTERM; its exit code."""
        self.running.terminate()
        return self.running.wait(DEADLINE)


@dataclass(frozen=True)
class Backend(Process):
    """A backend and the database behind it."""

    mongodb: str

    def pay(self, **changes: object) -> dict[str, Any]:
        """Initiate a payment; what the backend answers."""
        answer = requests.post(f"{self.url}/payment/initiate", json=CARD | changes, timeout=DEADLINE)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def pay_at_once(self, customers: int, **changes: object) -> list[dict[str, Any]]:
        """So many customers initiate a payment together."""
        barrier = Barrier(customers)

        def one(_: int) -> dict[str, Any]:
            barrier.wait(DEADLINE)
            return self.pay(**changes)

        with ThreadPoolExecutor(customers) as pool:
            return list(pool.map(one, range(customers)))

    def verify(self, session_id: str | None, code: str) -> dict[str, Any]:
        """Try a one-time password; what the backend answers."""
        attempt = {"session_id": session_id, "otp": code}
        answer = requests.post(f"{self.url}/payment/verify-otp", json=attempt, timeout=DEADLINE)
        assert answer.status_code == 200, answer.text
        told: dict[str, Any] = answer.json()
        return told

    def said(self, session_id: str | None, code: str) -> str:
        """The message alone."""
        return str(self.verify(session_id, code)["message"])

    def refused(self, **changes: object) -> list[str]:
        """Why the backend does not take a card; nothing when it takes it."""
        answer = requests.post(f"{self.url}/payment/initiate", json=CARD | changes, timeout=DEADLINE)
        return [each["msg"] for each in answer.json()["detail"]] if answer.status_code == 422 else []

    @property
    def database(self) -> Database[dict[str, Any]]:
        """The database as the suite reads it."""
        return MongoClient[dict[str, Any]](self.mongodb, tz_aware=True, serverSelectionTimeoutMS=5000)["payment_db"]

    def payment(self, told: dict[str, Any]) -> dict[str, Any]:
        """A payment as the database keeps it."""
        found = self.database.payment_intents.find_one({"_id": told["payment_id"]})
        assert found
        return found

    def session(self, told: dict[str, Any]) -> dict[str, Any]:
        """The one-time password of a payment as the database keeps it."""
        [found] = self.database.otp_sessions.find({"payment_intent_id": told["payment_id"]})
        return found

    def marks(self, answers: list[dict[str, Any]]) -> list[Mark]:
        """The backend's own marks of these payments."""
        marks = {
            name: Mark(datetime.fromisoformat(began), float(ms), int(at_once))
            for name, began, ms, at_once in MARK.findall(self.log.read_text())
        }
        return [marks[answer["payment_id"]] for answer in answers]


def start(module: str, log: Path, port: int, host: str, **variables: str) -> subprocess.Popen[bytes]:
    """Start a service of the reference stack and wait until it takes connections."""
    environment = {key: value for key, value in os.environ.items() if key in KEPT}
    environment |= {"POD_IP": host, "TMPDIR": str(log.parent), **variables}
    with log.open("ab") as out:
        running = subprocess.Popen([sys.executable, "-m", module], cwd=ROOT, env=environment, stdout=out, stderr=out)

    def connected() -> bool:
        assert running.poll() is None, log.read_text()
        socket.create_connection((host, port), timeout=1).close()
        return True

    eventually(f"{module} takes connections", connected, within=DEADLINE, every=0.02, forgive=(OSError,))
    return running
