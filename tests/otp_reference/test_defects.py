"""Every planted bug of the gateway is real: somebody outside feels it, and only with the switch on."""

from __future__ import annotations

import tomllib
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
import requests

from tests.otp_reference.conftest import Start
from tests.otp_reference.gateway import LAST_MONTH, ROOT, Backend

DEFECTS: dict[str, Any] = tomllib.loads((ROOT / "reference" / "defects.toml").read_text())["otp_gateway"]
AUDIT = {"DATABASE_MODULE": "audit"}
AWAY = {"MONGO_URI": "mongodb://127.0.0.1:9"}


def writers_at_once(gateway: Backend) -> int:
    return max(mark.at_once for mark in gateway.marks(gateway.pay_at_once(3)))


def served_of_five(gateway: Backend) -> int:
    return sum(answer["success"] for answer in gateway.pay_at_once(5))


def result_of_the_right_code(gateway: Backend) -> str:
    told = gateway.pay()
    return gateway.said(told["session_id"], told["otp"])


def last_months_card(gateway: Backend) -> list[str]:
    return gateway.refused(expiry=LAST_MONTH)


def short_card_and_cvv(gateway: Backend) -> int:
    return len(gateway.refused(card_number="4111", cvv="1", expiry="soon"))


def secrets_stored(gateway: Backend) -> set[str]:
    return {"4111111111111111", "987"} & set(map(str, gateway.payment(gateway.pay()).values()))


def code_in_the_answer(gateway: Backend) -> bool:
    return gateway.pay()["otp"] is not None


def result_after_two_minutes(gateway: Backend) -> str:
    told = gateway.pay()
    past = {"$set": {"expires_at": datetime.now(UTC) - timedelta(seconds=1)}}
    gateway.database.otp_sessions.update_one({"_id": told["session_id"]}, past)
    return gateway.said(told["session_id"], told["otp"])


def result_of_a_second_use(gateway: Backend) -> str:
    told = gateway.pay()
    gateway.verify(told["session_id"], told["otp"])
    return gateway.said(told["session_id"], told["otp"])


def result_after_a_wrong_code(gateway: Backend) -> str:
    told = gateway.pay()
    gateway.verify(told["session_id"], "x")
    return gateway.said(told["session_id"], told["otp"])


def health_without_database(gateway: Backend) -> int:
    return requests.get(f"{gateway.url}/health", timeout=5).status_code


PAID, USED = "Payment verified successfully", "OTP already used"
EFFECTS: list[tuple[str, Callable[[Backend], Any], Any, Any, dict[str, str]]] = [
    ("one_at_a_time", writers_at_once, 3, 1, AUDIT),
    ("deadline_from_arrival", served_of_five, 5, 0, AUDIT),
    ("session_not_stored", result_of_the_right_code, PAID, "Invalid or expired session", {}),
    ("expired_cards_accepted", last_months_card, ["Value error, Card has expired"], [], {}),
    ("validation_missing", short_card_and_cvv, 3, 0, {}),
    ("card_stored", secrets_stored, set(), {"4111111111111111", "987"}, {}),
    ("code_always_shown", code_in_the_answer, False, True, {"DEMO_MODE": "off"}),
    ("code_never_expires", result_after_two_minutes, "OTP has expired", PAID, {}),
    ("code_reusable", result_of_a_second_use, USED, PAID, {}),
    ("wrong_code_forgiven", result_after_a_wrong_code, USED, PAID, {}),
    ("health_unconditional", health_without_database, 503, 200, AWAY),
]


@pytest.mark.parametrize(("name", "effect", "right", "wrong", "settings"), EFFECTS)
def test_the_switch_makes_the_bug(
    backend: Start, name: str, effect: Callable[[Backend], Any], right: Any, wrong: Any, settings: dict[str, str]
):
    assert effect(backend(**settings)) == right
    assert effect(backend(name, **settings)) == wrong


def test_every_switch_of_the_backend_is_tried_here():
    behind = {name for name, defect in DEFECTS.items() if defect["deployment"] == "payment-backend"}
    assert {name for name, *_ in EFFECTS} == behind
