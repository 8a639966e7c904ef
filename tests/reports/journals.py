"""A run that never happened: writes its journal and evidence, with secrets planted where stacks leak them."""

from __future__ import annotations

import base64
import json
import re
import struct
import zlib
from collections.abc import Iterator
from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from functools import cache
from pathlib import Path
from typing import Any

from judging.evidence import EvidenceStore
from judging.redaction import Redaction

CARD, CVV, PASSWORD = "4242424242424242", "958", "p4ssword-of-ada"
TOKEN, COOKIE = "sk_test_4eC39HqLyjWDarjtT1zdp7dc", "s%3A1Tj0_k9.secretsessionvalue"
SECRETS = (CARD, "4242 4242 4242 4242", "4242-4242-4242-4242", f'"{CVV}"', f"={CVV}", PASSWORD, TOKEN, COOKIE)
LEAKY = (
    f"PaymentRequest{{card=Card{{longNum={CARD}, expires=08/19, ccv={CVV}}}, amount=22.99}} "
    f"card 4242 4242 4242 4242 or 4242-4242-4242-4242, password={PASSWORD}, key {TOKEN}, md.sid={COOKIE}"
)
CLAIMS = [
    {"id": "R000_12", "kind": "required", "section": "Bug 1", "bug": "BUG_1",
     "text": "One basket has at most one open order."},
    {"id": "R000_22", "kind": "reported", "section": "Validation 2",
     "text": "The payment pods stay healthy during the outage."},
    {"id": "R000_09", "kind": "reported", "section": "Phase 2", "disputes": True,
     "document": "once right, once wrong", "text": "A failed attempt is kept as PAYMENT_FAILED."},
    {"id": "R000_38", "kind": "required", "section": "Beyond", "text": "Cents are not truncated."},
    {"id": "R000_17", "kind": "required", "section": "Bug 2", "bug": "BUG_2",
     "text": "The page of a failed order does not say shipped."},
    {"id": "R000_16", "kind": "reported", "section": "Bug 2", "cured_by": ["R000_19"],
     "text": "The list says shipped for a failed order."},
    {"id": "R000_19", "kind": "required", "section": "Bug 3", "bug": "BUG_3",
     "text": "The basket is emptied."},
    {"id": "R000_50", "kind": "reported", "section": "Later", "text": "This was not asked for."},
    {"id": "R000_51", "kind": "reported", "section": "Later", "text": "Nobody looks at this yet."},
]  # fmt: skip

BASELINE = [
    {
        "claim": "R000_12",
        "signature": "2 open orders",
        "bug": "BUG_1",
        "since": "2026-01-01",
        "expires": "2027-01-01",
    },
    {"claim": "R000_19", "signature": "kept", "bug": "beyond the report", "ticket": "SHOP-7"},
]


@cache
def picture(shade: int) -> bytes:
    """A valid PNG of one colour, 320 by 180."""

    def chunk(kind: bytes, body: bytes) -> bytes:
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    rows = zlib.compress((b"\0" + bytes((shade, 120, 160)) * 320) * 180)
    head = struct.pack(">IIBBBBB", 320, 180, 8, 2, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


class Run:
    """Builds the events of one run, one second apart; `events` is the journal."""

    def __init__(self, out: Path) -> None:
        self.redaction = Redaction()
        for secret, kind in ((CARD, "card number"), (CVV, "CVV"), (PASSWORD, "password"), (COOKIE, "cookie")):
            self.redaction.secret(secret, kind)
        self.out = out
        self.store = EvidenceStore(out / "evidence", self.redaction)
        self.events: list[dict[str, Any]] = []
        self._clock = datetime(2026, 1, 7, 9, 0, tzinfo=UTC)
        about = {"run": "r1", "suite": "0.1.0", "python": "3.11", "stack": {"name": "embedded"}}
        scope = {"covered": ["R000_50"], "selected": {}, "left_out": []}
        self.note("run_started", **about, profile="embedded", claims=CLAIMS, baseline=BASELINE, **scope)

    @classmethod
    def again(cls, run: Run, out: Path) -> Run:
        """The same events in a report folder of their own."""
        twin = cls(out)
        twin.events = run.events
        return twin

    def note(self, event: str, **fields: Any) -> dict[str, Any]:
        self._clock += timedelta(seconds=0.25)
        noted = {
            "n": len(self.events),
            "at": self._clock.isoformat(),
            "t": len(self.events) / 4,
            "event": event,
        }
        self.events.append(self.redaction.data(noted | fields))
        return self.events[-1]

    def begin(self, scenario: str, *claims: str, tags: tuple[str, ...] = ("incident_6",), rule: str = "") -> None:
        self.note(
            "scenario_started", scenario=nodeid(scenario), title=scenario, rule=rule,
            feature="The gateway is down", description="Orders taken during the outage are promises.",
            tags=[*tags, *claims],
            claims=claims, file="features/sock_shop/outage.feature", line=3,
        )  # fmt: skip

    def step(self, scenario: str, text: str, keyword: str = "Then") -> None:
        self.note("step_started", scenario=nodeid(scenario), keyword=keyword, text=text, docstring=None, table=None)

    def saw(self, scenario: str | None, what: str, value: str, source: str, *, replayed: bool = False) -> None:
        evidence = [
            asdict(self.store.keep("page", picture(200), "image/png")),
            asdict(self.store.keep("order", json.dumps({"card": {"longNum": CARD, "ccv": CVV}}), "application/json")),
            asdict(self.store.keep("payment log", LEAKY, "text/plain")),
        ]
        self.note("observation", scenario=scenario and nodeid(scenario), what=what, value=value,
                  source=source, seconds=0.11, evidence=evidence, replayed=replayed)  # fmt: skip

    def found(self, scenario: str, claim: str, expected: str, seen: str, *, holds: bool) -> None:
        self.note("finding", scenario=nodeid(scenario), claims=[claim], expected=expected, seen=seen,
                  where="orders database", holds=holds, evidence=[])  # fmt: skip

    def end_step(self, scenario: str, status: str = "passed", message: str = "") -> None:
        self.note("step_finished", scenario=nodeid(scenario), status=status, message=message)

    def end(self, scenario: str, ended: str, *claims: str, message: str = "") -> None:
        self.note("scenario_finished", scenario=nodeid(scenario), ended=ended, verdict="", message=message,
                  claims=claims, seconds=1.5)  # fmt: skip

    def scenario(self, title: str, claim: str, expected: str, seen: str, ended: str = "", **about: Any) -> None:
        """A whole scenario with one finding, which holds where what is seen is what was expected."""
        holds = expected == seen
        self.begin(title, claim, **about)
        self.step(title, "the payment gateway is down", "Given ")
        self.note("fault", scenario=nodeid(title), fault="outage of stripe-mock", phase="witnessed",
                  detail="no pod, no endpoint, refused")  # fmt: skip
        self.saw(title, "shown to the customer", "Payment declined. Connection refused", "browser", replayed=True)
        self.end_step(title)
        self.step(title, "it is as the report says")
        self.found(title, claim, expected, seen, holds=holds)
        message = "" if holds else f"expected {expected}; seen {seen}"
        self.end_step(title, "passed" if holds else "failed", message)
        self.end(title, ended or ("passed" if holds else "violation"), claim, message=message)

    def written(self) -> Path:
        """Write the journal; give its path."""
        self.out.mkdir(parents=True, exist_ok=True)
        path = self.out / "journal.jsonl"
        path.write_text("".join(json.dumps(event, ensure_ascii=False) + "\n" for event in self.events), "utf-8")
        return path


def nodeid(title: str) -> str:
    return f"features/sock_shop/test_sock_shop.py::test_{title.lower().replace(' ', '_')}"


def whole_run(out: Path) -> Run:
    """One scenario for every kind of verdict, and one that was killed in its second step."""
    run = Run(out)
    bug = {"tags": ("incident_6", "bug_1"), "rule": "A basket is paid once"}
    run.scenario("One basket one order", "R000_12", "1 open order", "2 open orders", **bug)
    run.scenario("Payment stays healthy", "R000_22", "ready, no restart", "ready, no restart")
    run.scenario("A failed order is kept", "R000_09", "PAYMENT_FAILED", "PAYMENT_FAILED")
    run.scenario("Cents are right", "R000_38", "1899 cents", f"1898 cents, {LEAKY}")
    run.scenario("Not shipped", "R000_17", "not shipped", "shipped", "not witnessed")
    run.scenario("Shipped on the list", "R000_16", "shipped", "payment failed")
    run.scenario("Basket emptied", "R000_19", "empty", "empty")
    run.begin("Killed in the middle", "R000_22")
    run.step("Killed in the middle", "the payment gateway is down", "Given")
    run.end_step("Killed in the middle")
    run.step("Killed in the middle", "the customer pays", "When")
    run.saw("Killed in the middle", "answer", "406", "browser")
    return run


def finish(run: Run) -> Run:
    run.note("run_finished", verdicts={}, exit=1)
    return run


def leaks(text: str) -> Iterator[str]:
    """The planted secrets that a text still shows."""
    return (secret for secret in SECRETS if secret in text)


def embedded(html: str) -> Iterator[str]:
    """What an Allure page holds in base64, decoded byte by byte."""
    for body in re.findall(r'd\("[^"]+","([A-Za-z0-9+/=]*)"\)', html):
        yield base64.b64decode(body).decode("latin-1")
