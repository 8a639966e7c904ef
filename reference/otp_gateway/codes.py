"""One-time passwords: issued while the time for it lasts, and good for one attempt within two minutes."""

from __future__ import annotations

import secrets
import time
from collections import deque
from datetime import UTC, datetime, timedelta
from itertools import count
from math import inf
from threading import Lock
from uuid import uuid4

from reference.otp_gateway.database import MODULE, db, set_status
from reference.otp_gateway.service import defect

TIMEOUT, RETRIES, PAUSE, POLL = 0.4, 3, 0.1, 0.05  # seconds, but for the retries
LIFE = timedelta(minutes=2)
_turn = Lock()  # FerretDB's updates are not atomic
CROWD, REFUSED, RATION = 20, 5, 4  # of planted bugs: who is many, one of how many is refused, codes a second
_numbers = count(1)
_issued = deque[float](maxlen=RATION)


def issue(payment_id: str, arrived: float, at_once: int) -> tuple[str, str] | None:
    """Session and password for a payment that awaits one; None when it is not ready in time, said to nobody else."""
    if defect("refused_completed") and at_once > CROWD and next(_numbers) % REFUSED == 0:
        set_status(payment_id, "completed")
        return None
    if defect("codes_rationed") and MODULE == "original" and _used_up():
        return None
    limit = arrived + TIMEOUT if defect("deadline_from_arrival") else inf
    for _ in range(RETRIES):
        if _ready(payment_id, min(time.monotonic() + TIMEOUT, limit)):
            return _open(payment_id)
        if time.monotonic() + PAUSE >= limit:
            return None
        time.sleep(PAUSE)
    return None


def _ready(payment_id: str, deadline: float) -> bool:
    while time.monotonic() < deadline:
        payment = db.payment_intents.find_one({"_id": payment_id})  # by nothing else: FerretDB would read them all
        if payment and payment["status"] == "awaiting_otp":
            return time.monotonic() < deadline
        time.sleep(POLL)
    return False


def _used_up() -> bool:
    """Whether this second's codes have all been given."""
    with _turn:
        now = time.monotonic()
        if len(_issued) == RATION and now - _issued[0] < 1:
            return True
        _issued.append(now)
        return False


def _open(payment_id: str) -> tuple[str, str]:
    digits = 5 if defect("code_too_short") else 6
    session, code, now = str(uuid4()), f"{secrets.randbelow(10**digits):0{digits}}", datetime.now(UTC)
    db.otp_sessions.insert_one(
        {"_id": session, "payment_intent_id": payment_id, "otp": code, "created_at": now, "expires_at": now + LIFE}
        | {"verified": False, "failed": False}
    )
    set_status(payment_id, "otp_sent")
    return secrets.token_hex(8) if defect("session_not_stored") else session, code


def verify(session_id: str, code: str) -> str:
    """Take one attempt, one at a time; what became of it, in the words that customers read."""
    with _turn:
        return _attempt(session_id, code)


def _attempt(session_id: str, code: str) -> str:
    session = db.otp_sessions.find_one({"_id": session_id})
    if session is None:
        return "Invalid or expired session"
    if session["verified"] and not defect("code_reusable"):
        return "OTP already used"
    now = datetime.now(UTC)
    if now > session["expires_at"] and not defect("code_never_expires"):
        return _burn(session_id, "OTP has expired")
    if not secrets.compare_digest(code.encode(), session["otp"].encode()):
        return "Invalid OTP" if defect("wrong_code_forgiven") else _burn(session_id, "Invalid OTP")
    db.otp_sessions.update_one({"_id": session_id}, {"$set": {"verified": True, "verified_at": now}})
    set_status(session["payment_intent_id"], "completed")
    return VERIFIED


VERIFIED = "Payment verified successfully"


def _burn(session_id: str, why: str) -> str:
    db.otp_sessions.update_one({"_id": session_id}, {"$set": {"verified": True, "failed": True}})
    return why
