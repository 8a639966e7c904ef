"""Every planted bug of the gateway is real: somebody outside feels it, and only with the switch on."""

from __future__ import annotations

import tomllib
from collections import Counter
from collections.abc import Callable
from datetime import UTC, datetime, timedelta
from typing import Any
from uuid import uuid4

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


def length_of_a_code(gateway: Backend) -> int:
    return len(gateway.pay()["otp"])


def refused_of_twelve(gateway: Backend) -> int:
    return sum(not answer["success"] for answer in gateway.pay_at_once(12))


def states_of_twenty_five(gateway: Backend) -> Counter[str]:
    answers = gateway.pay_at_once(25)
    return Counter(
        f"{'served' if each['success'] else 'refused'}, {gateway.payment(each)['status']}" for each in answers
    )


def documents_of_two(gateway: Backend) -> int:
    name = f"ADA {uuid4()}"
    gateway.pay_at_once(2, holder_name=name)
    return gateway.database.payment_intents.count_documents({"holder_name": name})


def entries_of_one(gateway: Backend) -> list[str]:
    told = gateway.pay()
    return [entry["action"] for entry in gateway.database.audit_logs.find({"payment_id": told["payment_id"]})]


def quick(gateway: Backend) -> bool:
    return min(mark.ms for mark in gateway.marks([gateway.pay() for _ in range(3)])) < 100


def as_slow_as_twenty(gateway: Backend) -> bool:
    return min(mark.ms for mark in gateway.marks(gateway.pay_at_once(20))) > 1200


def told_of_health(gateway: Backend) -> set[str]:
    return set(requests.get(f"{gateway.url}/health", timeout=5).json())


def settings(gateway: Backend) -> int:
    return requests.get(f"{gateway.url}/debug/config", timeout=5).status_code


PAID, USED = "Payment verified successfully", "OTP already used"
ALL_SERVED = {"served, otp_sent": 25}
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
    ("code_too_short", length_of_a_code, 6, 5, {}),
    ("codes_rationed", refused_of_twelve, 0, 8, {}),
    ("codes_rationed", refused_of_twelve, 0, 0, AUDIT),
    ("health_unconditional", health_without_database, 503, 200, AWAY),
    ("health_incomplete", told_of_health, {"status", "database", "otp_service"}, {"status", "database"}, {}),
    ("settings_hidden", settings, 200, 404, {}),
    ("writes_slow", quick, True, False, {}),
    ("contention_capped", as_slow_as_twenty, True, False, AUDIT),
    ("written_twice", documents_of_two, 2, 4, AUDIT),
    ("written_twice", documents_of_two, 2, 2, {}),
    ("refused_completed", states_of_twenty_five, ALL_SERVED, {"served, otp_sent": 20, "refused, completed": 5}, AUDIT),
    ("refused_completed", refused_of_twelve, 0, 0, AUDIT),
    ("entry_missing", entries_of_one, ["created", "status_changed"], ["created"], AUDIT),
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


def test_every_entry_says_what_it_does_and_what_it_breaks():
    for name, defect in DEFECTS.items():
        assert set(defect) - {"may_break"} == {"says", "deployment", "variants", "breaks"}, name
        assert defect["says"].endswith(".")
        assert defect["breaks"]
