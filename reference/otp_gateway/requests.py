"""What the gateway is asked: the bodies of its two calls, and what makes them invalid."""

from __future__ import annotations

import re
from datetime import UTC, datetime

from pydantic import BaseModel, field_validator

from reference.otp_gateway.service import defect


class Payment(BaseModel):
    """A card, and what is to be paid with it; the amount may be anything, as in the real gateway."""

    card_number: str
    expiry: str
    cvv: str
    holder_name: str
    amount: float = 100.0
    currency: str = "USD"
    merchant_id: str = "demo_merchant"

    @field_validator("card_number")
    @classmethod
    def digits(cls, value: str) -> str:
        """Spaces and dashes are left out; no check digit is asked for."""
        number = re.sub("[ -]", "", value)
        demand(re.fullmatch("[0-9]{13,19}", number), "Card number must be 13-19 digits")
        return number

    @field_validator("expiry")
    @classmethod
    def in_the_future(cls, value: str) -> str:
        """A card is good to the end of its month."""
        match = re.fullmatch("([0-9]{2})/([0-9]{2})", value)
        month, year = (int(match[1]), 2000 + int(match[2])) if match else (1, 9999)
        demand(match, "Expiry must be in MM/YY format")
        demand(1 <= month <= 12, "Month must be between 01 and 12")
        now = datetime.now(UTC)
        demand((year, month) >= (now.year, now.month) or defect("expired_cards_accepted"), "Card has expired")
        return value

    @field_validator("cvv")
    @classmethod
    def short(cls, value: str) -> str:
        """Three digits, or four."""
        demand(re.fullmatch("[0-9]{3,4}", value), "CVV must be 3-4 digits")
        return value


class Attempt(BaseModel):
    """A one-time password as the customer typed it."""

    session_id: str
    otp: str


def demand(holds: object, message: str) -> None:
    """Refuse a value with that message."""
    if not (holds or defect("validation_missing")):
        raise ValueError(message)
