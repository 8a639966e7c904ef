"""The database `payment_db`, and the two ways of writing a payment down: `original`, and with an `audit`."""

from __future__ import annotations

import logging
import os
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from threading import Lock
from typing import Any
from uuid import uuid4

import pymongo
from pymongo import MongoClient
from pymongo.errors import PyMongoError

from reference.otp_gateway.service import defect, setting

Document = dict[str, Any]

MODULE = setting("DATABASE_MODULE", "original", "audit")
DEADLINE_MS, FOUND_WITHIN_MS, PULSE_SECONDS = 5000, 2000, 0.5
CONNECTIONS = 10  # opened beforehand: the first customers after a start do not pay for them
WRITE = 0.015 * 1.15  # seconds: what the original's one simulated pause comes to
# Seconds since a write began; the pauses take in the real writes, so that the whole is 0.25 s + 0.05 s per writer.
FIRST_AUDIT, SECOND_AUDIT, AUDITED, PER_WRITER = 0.115, 0.23, 0.25, 0.05
FEW, SLOW = 10, 0.1  # of planted bugs: who are not yet many, and seconds

db = MongoClient[Document](
    os.environ.get("MONGO_URI", "mongodb://127.0.0.1:27017"),
    tz_aware=True,
    minPoolSize=CONNECTIONS,
    serverSelectionTimeoutMS=FOUND_WITHIN_MS,
    connectTimeoutMS=DEADLINE_MS,
    socketTimeoutMS=DEADLINE_MS,
)["payment_db"]
log = logging.getLogger("uvicorn.error")
_active: set[Writing] = set()
_turn = Lock()


class Writing:
    """A payment that is being written down, and how many were at most during that time."""

    def __init__(self) -> None:
        self.began, self.began_at, self.at_once = time.monotonic(), datetime.now(UTC), 0

    def wait(self, seconds: float, per_writer: float = 0) -> None:
        """Hold the thread until so many seconds after the beginning, and so many more for each writer."""
        while (left := self.began + seconds + per_writer * self.weight - time.monotonic()) > 0:
            time.sleep(left)

    @property
    def weight(self) -> int:
        """How many writers it waits for: for each of them, or by the planted bug for a few at most."""
        return min(self.at_once, FEW) if defect("contention_capped") else self.at_once


def create(payment: Document) -> int:
    """Write a payment down until it awaits its code; tells how many did so at once, the log also when and how long."""
    with _writing() as writing:
        MODULES[MODULE](payment, writing)
        if defect("writes_slow"):
            time.sleep(SLOW)
    taken, began = (time.monotonic() - writing.began) * 1000, writing.began_at.isoformat(timespec="microseconds")
    log.info("payment %s written: began=%s ms=%.1f at_once=%d", payment["_id"], began, taken, writing.at_once)
    return writing.at_once


def original(payment: Document, writing: Writing) -> None:
    """Two writes."""
    writing.wait(WRITE)
    _insert(payment)
    _await_code(payment)


def audit(payment: Document, writing: Writing) -> None:
    """Two writes, each with an entry for the auditors; everybody who writes at the same time is in everybody's way."""
    _insert(payment)
    writing.wait(FIRST_AUDIT)
    _enter(payment, "created")
    _await_code(payment)
    writing.wait(SECOND_AUDIT)
    if not defect("entry_missing"):
        _enter(payment, "status_changed")
    writing.wait(AUDITED, PER_WRITER)
    if defect("written_twice") and writing.at_once > 1:
        _insert(payment | {"_id": str(uuid4())})


MODULES = {"original": original, "audit": audit}


def set_status(payment_id: str, status: str, **more: Any) -> None:
    """Move a payment on."""
    db.payment_intents.update_one({"_id": payment_id}, {"$set": {"status": status, **more}})


def answers() -> bool:
    """Whether the database answers within half a second."""
    try:
        with pymongo.timeout(PULSE_SECONDS):
            db.command("ping")
    except PyMongoError:
        return False
    return True


def _insert(payment: Document) -> None:
    db.payment_intents.insert_one(payment)


def _await_code(payment: Document) -> None:
    set_status(payment["_id"], "awaiting_otp", committed_at=datetime.now(UTC))


def _enter(payment: Document, action: str) -> None:
    entry = {"_id": str(uuid4()), "payment_id": payment["_id"], "action": action, "timestamp": datetime.now(UTC)}
    db.audit_logs.insert_one(entry)


@contextmanager
def _writing() -> Iterator[Writing]:
    mine = Writing()
    with _turn:
        _active.add(mine)
        for each in _active:
            each.at_once = max(each.at_once, len(_active))
    try:
        yield mine
    finally:
        with _turn:
            _active.remove(mine)
