"""Made-up crowds, streams, books and logs of the payment gateway, for readings that are told what to see."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from types import SimpleNamespace
from typing import Any

from fixtures.cluster.states import LogLine
from fixtures.enactment.otp_gateway.crowd import CODE, NO_CODE, TRY_AGAIN, Crowd, Mark
from fixtures.enactment.otp_gateway.incident import PaymentIncident
from fixtures.enactment.otp_gateway.stream import Stream
from fixtures.enactment.otp_gateway.world import PaymentWorld
from fixtures.evidence.recorder import Recorder
from fixtures.load.result import End, Result, Sample
from fixtures.load.schedule import Schedule
from fixtures.payment_records import AuditEntry, Payment
from fixtures.stack.profile_file import load_profile
from judging.evidence import EvidenceStore
from judging.redaction import Redaction

ROOT = Path(__file__).parents[2]
BEGAN = datetime(2026, 1, 1, 10, tzinfo=UTC)
REFUSED = f"{NO_CODE}: {TRY_AGAIN}"
LOGGING = "payment-backend-2"  # the pod that logs for the auditors


def sample(number: int, outcome: str = CODE, took: float = 0.3, due: float = 0.0, end: End = End.ANSWERED) -> Sample:
    """One request, sent when it was due."""
    return Sample(number, due, 0.0, due, due + took, end, outcome if end is End.ANSWERED else "")


def dropped(number: int, due: float = 0.0) -> Sample:
    """One that was never sent."""
    return Sample(number, due)


def result(samples: Sequence[Sample], late: float = 0.001) -> Result:
    """A load that is over; its sender's clock was so late."""
    schedule = Schedule(tuple(each.intended for each in samples), 100, 30.0, 60.0)
    return Result(schedule, tuple(samples), (), (late,), BEGAN, 60.0, 0.01)


def payment(number: int, status: str = "otp_sent", mark: str = "", committed: datetime | None = BEGAN) -> Payment:
    """One payment as the books hold it."""
    identifier = f"p{mark}{number:04}"
    return Payment(identifier, status, "4242", f"CROWD X {number:04}", BEGAN, committed, {"_id": identifier})


def crowd(
    samples: Sequence[Sample], payments: Iterable[Payment] | None = None, marks: Mapping[str, Mark] | None = None,
    late: float = 0.001,
) -> Crowd:  # fmt: skip
    """A crowd; whoever is not said otherwise is in the books as told, and has no mark."""
    if payments is None:
        states = ((each, "otp_sent" if each.label == CODE else "awaiting_otp") for each in samples)
        payments = [payment(each.number, status) for each, status in states if each.end is End.ANSWERED]
    kept: dict[int, tuple[Payment, ...]] = {}
    for each in payments:
        number = int(each.holder[-4:])
        kept[number] = (*kept.get(number, ()), each)
    return Crowd(len(samples), result(samples, late), kept, dict(marks or {}), ())


def alike(size: int, outcome: str = CODE, took: float = 0.3, **more: Any) -> Crowd:
    """A crowd in which everybody fared the same."""
    return crowd([sample(number, outcome, took) for number in range(size)], **more)


def written(size: int, seconds: float, at_once: int | None = None, outcome: str = CODE, took: float = 0.9) -> Crowd:
    """A crowd whose payments were all written down within so many seconds, so many at once."""
    marks = {payment(number).id: Mark(seconds, at_once or size) for number in range(size)}
    return alike(size, outcome, took, marks=marks)


class Book:
    """What the gateway has written down."""

    def __init__(self, *payments: Payment, entries: Iterable[AuditEntry] = ()) -> None:
        self._payments, self._entries = {each.id: each for each in payments}, list(entries)

    def payment(self, identifier: str) -> Payment | None:
        return self._payments.get(identifier)

    def audit(self, ids: Sequence[str]) -> list[AuditEntry]:
        return [entry for entry in self._entries if entry.payment in ids]


def entries(identifier: str, *actions: str, first: float = -0.1) -> list[AuditEntry]:
    """Entries of one payment, a fifth of a second apart; the first so many seconds from the beginning."""
    times = (BEGAN + timedelta(seconds=first + 0.2 * place) for place in range(len(actions)))
    return [AuditEntry(identifier, action, at) for action, at in zip(actions, times, strict=True)]


def incident(
    folder: Path, *crowds: Crowd, book: Book | None = None, log: Iterable[str] = (), pod: str = LOGGING,
    lacking: Sequence[str] = (),
) -> PaymentIncident:  # fmt: skip
    """An incident in which these crowds paid under audit logging; *log* is what the payments service wrote."""
    system = load_profile(ROOT / "stacks" / "embedded.toml").systems["otp_gateway"]
    capabilities = {name: place for name, place in system.capabilities.items() if name not in lacking}
    lines = [LogLine(BEGAN, pod, text) for text in log]
    world = PaymentWorld(
        run="run1", system=replace(system, capabilities=capabilities), url="", api="", redaction=Redaction(),
        beside=frozenset(),
        cluster=SimpleNamespace(logs=lambda deployment, since: lines), turn=None, browser=None, journal=None,
        open_app=None, load=None, recorder=Recorder(EvidenceStore(folder, Redaction())),
        records=book if book or "payment_records" in lacking else Book(),
    )  # type: ignore[arg-type]  # fmt: skip
    made = PaymentIncident(world)
    made.crowds = {(True, each.size): each for each in crowds}
    made.logging_pods = {LOGGING}
    return made


def streaming(folder: Path, samples: Sequence[Sample], late: float = 0.001, **more: Any) -> PaymentIncident:
    """An incident in which these kept coming; the change was in force from the 10th second to the 20th."""
    made = incident(folder, **more)
    stream = Stream.__new__(Stream)
    stream.crowd, stream.rate = crowd(samples, late=late), 12
    made.stream, made.began = stream, BEGAN
    made.times.asked, made.times.in_force, made.times.taken_back, made.times.serving = (
        BEGAN + timedelta(seconds=at) for at in (5, 10, 20, 25)
    )
    return made


def coming(since: float, until: float, outcome: str = CODE, took: float = 0.3, end: End = End.ANSWERED) -> list[Sample]:
    """Ten customers a second between two moments, to be numbered by `numbered`."""
    dues = [since + place / 10 for place in range(round((until - since) * 10))]
    return [sample(0, outcome, took, due, end) for due in dues]


def numbered(*parts: Sequence[Sample]) -> list[Sample]:
    """All of them, one after the other."""
    return [replace(each, number=number) for number, each in enumerate(each for part in parts for each in part)]
