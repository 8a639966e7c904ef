"""No spelling of a secret passes, and what is no secret stays as it is."""

from __future__ import annotations

import base64
import html
import json
import re
from urllib.parse import quote, quote_plus

import pytest

from judging.redaction import Redaction, is_card_number, kind_of_field
from tests.redaction.benign import lines

CARD = "4242424242424242"
PASSWORD = 'p4ß "q"&/+ \\x'


def spelled(value: str) -> list[str]:
    """The value in the spellings that tools write, each once."""
    raw = value.encode()
    spellings = (
        value,
        quote(value, safe=""),
        re.sub("%..", lambda hit: hit[0].lower(), quote(value, safe="")),
        quote_plus(value),
        quote(quote(value, safe=""), safe=""),
        html.escape(value),
        json.dumps({"x": value}),
        json.dumps({"x": value}, ensure_ascii=False),
        repr(value),
        *(base64.b64encode(b"x" * shift + raw + b"tail").decode() for shift in range(3)),
        *(base64.urlsafe_b64encode(b"?" * shift + raw).decode() for shift in range(3)),
    )
    return list(dict.fromkeys(spellings))


def core(value: str, text: str) -> bool:
    """Whether a reader of the text could get the value back by undoing one common encoding."""
    raw = value.encode()
    cores = [
        base64.b64encode(b"\0" * shift + raw).decode()[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        for shift in range(3)
    ]
    return value in text or any(each in text.translate(str.maketrans("-_", "+/")) for each in cores)


@pytest.mark.parametrize("text", spelled(PASSWORD))
def test_a_known_password_is_found_in_any_spelling(text: str) -> None:
    redaction = Redaction()
    redaction.secret(PASSWORD, "password")

    clean = redaction.text(f"before {text} after")

    assert "«redacted password»" in clean
    assert not core(PASSWORD, clean)
    assert clean.startswith("before ")
    assert clean.endswith(" after")


@pytest.mark.parametrize(
    "text",
    [
        *spelled(CARD),
        "4242 4242 4242 4242",
        "4242-4242-4242-4242",
        "42 42 42 42 42 42 42 42",
        "4242%204242%204242%204242",
        "4242+4242+4242+4242",
        "id4242424242424242x",
    ],
)
def test_a_known_card_number_is_found_in_any_grouping(text: str) -> None:
    redaction = Redaction()
    redaction.secret("4242 4242 4242 4242", "card number")

    clean = redaction.text(f"before {text} after")

    assert "«redacted card number ending 4242»" in clean
    assert not core(CARD, clean)


@pytest.mark.parametrize(
    ("text", "clean"),
    [
        (
            "Card{id='57a9', longNum='5544154011345918', expires='08/19', ccv='958'}",
            "Card{id='57a9', longNum='«redacted card number ending 5918»', "
            "expires='«redacted card expiry»', ccv='«redacted CVV»'}",
        ),
        (
            "card=Card{longNum=5544154011345918, expires=08/19, ccv=958}, amount=22.99",
            "card=Card{longNum=«redacted card number ending 5918», expires=«redacted card expiry», "
            "ccv=«redacted CVV»}, amount=22.99",
        ),
        (
            "{LongNum:5544154011345918 Expires:08/19 CCV:958}",
            "{LongNum:«redacted card number ending 5918» Expires:«redacted card expiry» CCV:«redacted CVV»}",
        ),
        ('{"ccv":"123","total":1}', '{"ccv":"«redacted CVV»","total":1}'),
        ('{"ccv": 123}', '{"ccv": «redacted CVV»}'),
        (r'"{\"ccv\":\"123\"}"', r'"{\"ccv\":\"«redacted CVV»\"}"'),
        ("username=ada&password=hunter2&ok=1", "username=ada&password=«redacted password»&ok=1"),
        ("DB_PASSWORD: hunter2", "DB_PASSWORD: «redacted password»"),
        ('{"password":"two words, a comma"}', '{"password":"«redacted password»"}'),
        ("Authorization: Basic dXNlcjpw\nHost: shop", "Authorization: «redacted token»\nHost: shop"),
        ("{'Authorization': 'Bearer abc.d'}", "{'Authorization': '«redacted token»'}"),
        ("sent Bearer abcdefghijkl0123 twice", "sent Bearer «redacted token» twice"),
        ("Cookie: md.sid=s%3Aab.c; logged_in=x\r\nHost: shop", "Cookie: «redacted cookie»\r\nHost: shop"),
        ("set-cookie: md.sid=s; Path=/; HttpOnly", "set-cookie: «redacted cookie»"),
        ("curl -H 'Cookie: md.sid=1' url", "curl -H 'Cookie: «redacted cookie»' url"),
        ("jar md.sid=s%3Aab.c; x", "jar md.sid=«redacted session»; x"),
        (
            "STRIPE sk_test_4eC39HqLyjW sk_live_4eC39HqLyjW",
            "STRIPE sk_test_«redacted token» sk_live_«redacted token»",
        ),
        ("whsec_abcdef123456", "whsec_«redacted token»"),
        ("jwt eyJhbGciOiJI.eyJzdWIi.c2ln x", "jwt «redacted token» x"),
        (
            "mongodb://ada:hunter2@orders-db:27017/data",
            "mongodb://ada:«redacted password»@orders-db:27017/data",
        ),
        ('Locator.fill("958"): Timeout', 'Locator.fill("«redacted typed value»"): Timeout'),
        ("paid with 5555 5555 5555 4444.", "paid with «redacted card number ending 4444»."),
        ("paid with 3782-822463-10005", "paid with «redacted card number ending 0005»"),
        ("card%3D4242424242424242", "card%3D«redacted card number ending 4242»"),
        (r"line\n4242424242424242", r"line\n«redacted card number ending 4242»"),
        (
            '{"otp":"482913","session_id":"1f0c-77","payment_id":"5a-1","otp_timeout_ms":400}',
            '{"otp":"«redacted one-time password»","session_id":"«redacted session»","payment_id":"5a-1",'
            '"otp_timeout_ms":400}',
        ),
        ("issued otp=482913 for 5a-1 in 31 ms", "issued otp=«redacted one-time password» for 5a-1 in 31 ms"),
        ("{'otp': 482913, 'verified': False}", "{'otp': «redacted one-time password», 'verified': False}"),
        ("One-time password: 482913.", "One-time password: «redacted one-time password»."),
        ("Your OTP Code (Demo Only) 482913", "Your OTP Code (Demo Only) «redacted one-time password»"),
        (
            "generated OTP 482913, session_id=1f0c-77",
            "generated OTP «redacted one-time password», session_id=«redacted session»",
        ),
        ("?session_id=1f0c-77&otp=482913&x=1", "?session_id=«redacted session»&otp=«redacted one-time password»&x=1"),
        (
            '{"card_number":"5544154011345918","expiry":"12/27","cvv":"987","card_last_four":"5918"}',
            '{"card_number":"«redacted card number ending 5918»","expiry":"«redacted card expiry»",'
            '"cvv":"«redacted CVV»","card_last_four":"5918"}',
        ),
    ],
)
def test_unknown_secrets_are_found_where_stacks_write_them(text: str, clean: str) -> None:
    assert Redaction().text(text) == clean
    assert Redaction().text(clean) == clean, "redacting twice changes nothing"


def test_a_text_hidden_in_base64_is_looked_into() -> None:
    hidden = base64.b64encode(b'{"user":"ada","ccv":"123","longNum":"4242424242424242"}').decode()

    clean = Redaction().text(f"payload {hidden} sent")

    inside = base64.b64decode(clean.split()[1]).decode()
    assert inside == '{"user":"ada","ccv":"«redacted CVV»","longNum":"«redacted card number ending 4242»"}'


def test_data_is_judged_by_the_names_of_its_fields() -> None:
    order = {
        "id": "57a98d98e4b00679b4a830b2",
        "card": {"longNum": "5544154011345918", "ccv": 958, "expires": "08/19"},
        "headers": [{"name": "Cookie", "value": "md.sid=1"}, {"name": "Accept", "value": "text/html"}],
        "expires": "2026-12-31",
        "paid": 4242424242424242,
        "at": 1762500000000,
        "automountServiceAccountToken": False,
        "set-cookie": ["a=b", "c=d"],
        "password": None,
    }

    assert Redaction().data(order) == {
        "id": "57a98d98e4b00679b4a830b2",
        "card": {
            "longNum": "«redacted card number ending 5918»",
            "ccv": "«redacted CVV»",
            "expires": "«redacted card expiry»",
        },
        "headers": [
            {"name": "Cookie", "value": "«redacted cookie»"},
            {"name": "Accept", "value": "text/html"},
        ],
        "expires": "2026-12-31",
        "paid": "«redacted card number ending 4242»",
        "at": 1762500000000,
        "automountServiceAccountToken": False,
        "set-cookie": ["«redacted cookie»", "«redacted cookie»"],
        "password": None,
    }


def test_a_short_secret_does_not_eat_ordinary_numbers() -> None:
    redaction = Redaction()
    redaction.secret("958", "CVV")

    assert redaction.text("took 958 ms, 1958 orders, code=9581") == "took 958 ms, 1958 orders, code=9581"
    assert redaction.text('typed "958" x=958') == 'typed "«redacted CVV»" x=«redacted CVV»'


def test_what_a_form_was_refused_for_is_known_by_its_place() -> None:
    refused = {"loc": ["body", "cvv"], "msg": "Value error, CVV must be 3-4 digits", "input": "98765"}
    other = {"loc": ["body", "amount"], "msg": "Input should be a valid number", "input": "much"}

    assert Redaction().data({"detail": [refused, other]}) == {"detail": [refused | {"input": "«redacted CVV»"}, other]}
    assert Redaction().data({"loc": [], "input": "98765"}) == {"loc": [], "input": "98765"}


@pytest.mark.parametrize(
    "text", ["482913", '"482913"', "code=482913", "typed 482913.", "a,482913,b", "<b>482913</b>", '"x":482913}',
             "x%3D482913", "(482913)", r"line\n482913", base64.b64encode(b"code 482913 of Ada").decode()],
)  # fmt: skip
def test_a_known_code_is_found_wherever_it_stands_alone(text: str) -> None:
    redaction = Redaction()
    redaction.secret("482913", "one-time password")

    clean = redaction.text(f"before {text} after")

    assert not core("482913", clean)
    assert "«redacted one-time password»" in clean


@pytest.mark.parametrize(
    "text", ["at 12:01:22.482913", "began=2026-01-07T12:01:22.482913+00:00", "paid 482913.00", "paid $482913",
             "0.482913 s", "1482913 bytes", "482913ms", "id-482913", "482913-7f1c", "x482913"],
)  # fmt: skip
def test_a_stamp_an_amount_or_an_identifier_with_a_code_s_digits_survives(text: str) -> None:
    redaction = Redaction()
    redaction.secret("482913", "one-time password")

    assert redaction.text(text) == text


def test_benign_lines_survive() -> None:
    redaction = Redaction()
    redaction.secret("p4ssword-of-ada", "password")
    redaction.secret(CARD, "card number")
    redaction.secret("958", "CVV")
    redaction.secret("482913", "one-time password")

    altered = [line for line in lines(20_000) if redaction.text(line) != line]

    assert len(altered) <= 20, altered[:5]


def test_stamps_and_ids_survive() -> None:
    for benign in ("1762500000000", "1762500000000123", "1762500000000123456", "57a98d98e4b00679b4a830b2"):
        assert Redaction().text(f"at {benign}") == f"at {benign}"


@pytest.mark.parametrize(("digits", "card"), [(CARD, True), ("4242424242424241", False), ("1762500000000000", False)])
def test_a_card_number_has_an_issuer_a_length_and_a_check_digit(digits: str, card: bool) -> None:
    assert is_card_number(digits) is card


@pytest.mark.parametrize(
    ("name", "kind"),
    [("longNum", "card number"), ("CCV", "CVV"), ("DB_PASSWORD", "password"), ("Set-Cookie", "cookie"),
     ("x-api-key", "token"), ("otp", "one-time password"), ("one_time_password", "one-time password"),
     ("session_id", "session"), ("otp_timeout_ms", None), ("otp_service", None), ("card_last_four", None),
     ("expires_at", None), ("Idempotency-Key", None), ("total", None), ("expiresSoon", None),
     ("features/test_x.py::test_the_password", None)],
)  # fmt: skip
def test_a_field_is_known_by_its_name(name: str, kind: str | None) -> None:
    assert kind_of_field(name) == kind


def test_a_text_that_was_clean_is_looked_at_again_when_a_secret_becomes_known() -> None:
    redaction = Redaction()
    told = "the word is hummingbird-42"
    assert redaction.text(told) == told

    redaction.secret("hummingbird-42", "password")
    assert redaction.text(told) == "the word is «redacted password»"
