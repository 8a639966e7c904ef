"""Nothing secret is written: known secrets first, then names of fields, then what a secret looks like."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
from collections.abc import Iterator, Mapping
from functools import cache
from typing import Any
from urllib.parse import quote, quote_plus

# Names are compared in lower case, without separators; a longer name counts by its ending (`DB_PASSWORD`).
KINDS = {
    "card number": ("longnum", "cardnumber", "cardno", "ccnumber"),
    "CVV": ("ccv", "cvv", "cvv2", "cvc", "cvc2", "securitycode"),
    "card expiry": ("expires", "expiry", "expiration"),
    "password": ("password", "passwd", "passphrase", "pwd"),
    "cookie": ("cookie", "setcookie", "mdsid", "loggedin", "sessionid"),
    "token": ("token", "secret", "apikey", "secretkey", "accesskey", "authorization", "clientkeydata", "privatekey"),
}
_KIND_OF = {name: kind for kind, names in KINDS.items() for name in names}
_EXACT = {"expires", "expiry", "expiration", "pwd", "cookie", "setcookie"}
_SUFFIX = re.compile("(" + "|".join(sorted(set(_KIND_OF) - _EXACT, key=len, reverse=True)) + ")$")
_EXPIRY = r"(?:0?[1-9]|1[0-2])\s*(?:\\?/|-|%2F)\s*(?:20)?\d\d"

# A value that is nobody's secret, or was redacted before.
_NOTHING = r"(?!«|null\b|None\b|nil\b|true\b|false\b|undefined\b)"
_NAME_ENDS = r"[\"'\]]*\\*[\"']?\s*(?:=>|[:=]|%3D|%3A)\s*"
_QUOTED = r"(?P<quote>\\*[\"'])" + _NOTHING + r"(?P<quoted>(?:(?!(?P=quote)).)+)(?=(?P=quote))"
_BARE = _NOTHING + r"[^\s,;&\"'<>(){}\[\]\\«]+"
_LINE = _NOTHING + r"[^\s\"'\\{}\[\]«][^\r\n\"'\\]*"
_SCHEME = r"(?:(?:Bearer|Basic|Digest|Token)\s+)?"


def _named(names: str, bare: str) -> re.Pattern[str]:
    return re.compile(rf"(?P<name>(?:{names}){_NAME_ENDS})(?:{_QUOTED}|(?P<bare>{bare}))", re.IGNORECASE)


# What must occur (in lower case) before a pattern is worth trying, the kind, the pattern.
_SHAPES: tuple[tuple[tuple[str, ...], str, re.Pattern[str]], ...] = (
    (("long", "card", "cc"), "card number",
     _named(r"long[_-]?num|card[ _-]?(?:number|no)|cc[_-]?number", r"\d[\d -]{10,21}\d")),
    (("ccv", "cvv", "cvc", "ecurity"), "CVV", _named(r"ccv|cvv2?|cvc2?|security[ _-]?code", r"\d{3,4}(?!\d)")),
    (("expir",), "card expiry", re.compile(
        rf"(?P<name>expir(?:es|y|ation){_NAME_ENDS}(?P<quote>\\*[\"'])?)(?P<bare>{_EXPIRY})(?!\d|[/-])", re.IGNORECASE)),
    (("passw", "passphrase"), "password", _named(r"pass(?:word|wd|phrase)", _BARE)),
    (("cookie",), "cookie", _named(r"\b(?:set-?)?cookie", _LINE)),
    (("md.sid", "logged_in"), "cookie", _named(r"md\.sid|logged_in", _BARE)),
    (("uthori",), "token", _named(r"authorization", _SCHEME + _BARE)),
    (("token", "secret", "key"), "token", _named(
        r"(?:token|secret|(?:api|secret|access|private)[_-]?key|client-key-data)(?<!idempotency-key)", _BARE)),
    (("bearer",), "token", re.compile(r"(?P<name>\bbearer\s+)(?P<bare>[\w.~+/=-]{12,})", re.IGNORECASE)),
    (("sk_", "rk_", "whsec_"), "token",
     re.compile(r"(?P<name>\b(?:[sr]k_(?:live|test)|whsec)_)(?P<bare>[A-Za-z0-9]{6,})")),
    (("eyj",), "token", re.compile(r"(?P<name>)(?P<bare>\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*)")),
    (("://",), "password", re.compile(r"(?P<name>://[^\s/:@\"']{0,64}:)(?P<bare>[^\s/@\"'«]{1,128})(?=@)")),
    (("private key",), "token", re.compile(
        r"(?P<name>-----BEGIN [A-Z ]*PRIVATE KEY-----)(?P<bare>[^-]+)(?=-----END)")),
    ((".fill(", ".type(", "fill(\""), "typed value", re.compile(
        r"(?P<name>\b(?:fill|type|press_sequentially)\((?=[\"']))(?P<quote>[\"'])(?!«)(?P<quoted>[^\"'\r\n]+)(?=(?P=quote)\))")),
)
_CARD = re.compile(
    r"[2-6](?<![\w.-].)(?:\d{13,18}|\d{3}([ -])\d{4}\1\d{4}\1\d{4}|\d{3}([ -])\d{6}\2\d{5})(?![\w-])"
    r"|(?<=\\[nrt])[2-6]\d{13,18}(?!\w)|(?<=%[0-9A-F][0-9A-F])[2-6]\d{13,18}(?!\w)")
_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{24,}")


@cache
def kind_of_field(name: str) -> str | None:
    """The kind of secret that a field of this name holds, or None; separators and case do not matter."""
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if plain in _KIND_OF:
        return _KIND_OF[plain]
    ending = _SUFFIX.search(plain)
    return _KIND_OF[ending[1]] if ending else None


def is_card_number(digits: str) -> bool:
    """Whether the digits have an issuer's range and length (ISO/IEC 7812) and a right Luhn check digit."""
    length, two, four = len(digits), int(digits[:2]), int(digits[:4])
    issued = (
        (digits[0] == "4" and length in (16, 19))
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and length == 16)
        or (two in (34, 37) and length == 15)
        or ((four == 6011 or two == 65 or 3528 <= four <= 3589) and length == 16)
        or ((two in (36, 38) or 300 <= four // 10 <= 305) and length == 14)
    )
    doubled = (int(d) * (1 + place % 2) for place, d in enumerate(reversed(digits)))
    return issued and sum(d - 9 if d > 9 else d for d in doubled) % 10 == 0


def _mark(kind: str, value: str) -> str:
    digits = re.sub(r"\D", "", value)
    return f"«redacted {kind}{f' ending {digits[-4:]}' if kind == 'card number' and len(digits) > 11 else ''}»"


def _base64_cores(value: str) -> Iterator[str]:
    """What base64 writes for the value wherever it starts in a group of three bytes."""
    raw = value.encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode().rstrip("=")
        core = encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield core
        yield core.translate(str.maketrans("+/", "-_"))


def _spellings(value: str) -> set[str]:
    escaped = {json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1], html.escape(value), repr(value)[1:-1]}
    for quoted in (quote(value), quote(value, safe=""), quote_plus(value)):
        escaped |= {quoted, re.sub("%..", lambda hit: hit[0].lower(), quoted), quote(quoted, safe="")}
    return {value, *escaped, *(core for core in _base64_cores(value) if len(core) >= 7)}


class Redaction:
    """Takes secrets out of texts and data; what it returns may be written anywhere."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        self._patterns: list[tuple[str, re.Pattern[str], str]] = []

    def secret(self, value: str, kind: str) -> None:
        """Register a secret that the run uses (kind: 'card number', 'CVV', 'password', 'token', 'cookie').

        It is then found in any common spelling: url-encoded, JSON- and HTML-escaped, in base64, a card number also
        in groups. A value too short or too plain to be told from ordinary words is found only in quotes or after `=`.
        """
        value = value.strip()
        if not value:
            return
        mark = _mark(kind, value)
        digits = re.sub(r"[ -]", "", value)
        if len(value) < 6 or (value.isalpha() and len(value) < 12):
            plain = re.escape(value)
            self._patterns.append((value, re.compile(rf"(?<=[\"'=]){plain}(?=\\*[\"'&;,\s]|$)|(?<=%3D){plain}\b"), mark))
            return
        if digits.isdigit() and len(digits) >= 12:
            grouped = r"(?:[ .+-]|%20|%2D|&nbsp;|\xa0)?".join(digits)
            self._patterns.append((digits[:2], re.compile(rf"(?<!\d){grouped}(?!\d)"), mark))
        for spelling in _spellings(value) | _spellings(digits if digits.isdigit() else value):
            self._marks.setdefault(spelling, mark)
        self._marks = dict(sorted(self._marks.items(), key=lambda item: -len(item[0])))

    def text(self, text: str) -> str:
        """The text without secrets; a text that holds none comes back as it is."""
        for spelling, mark in self._marks.items():
            if spelling in text:
                text = text.replace(spelling, mark)
        for trigger, pattern, mark in self._patterns:
            if trigger in text:
                text = pattern.sub(mark, text)
        lowered = text.lower()
        for triggers, kind, shape in _SHAPES:
            if any(trigger in lowered for trigger in triggers):
                text = shape.sub(lambda hit, kind=kind: _replaced(hit, kind), text)  # type: ignore[misc]
        return _BASE64.sub(self._decoded, _CARD.sub(_card, text))

    def data(self, data: Any) -> Any:
        """A copy of JSON-like data without secrets, judged by the names of its fields first, then as text."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, Mapping):
            # A cookie, a header or an environment variable comes as {"name": …, "value": …}.
            kind = kind_of_field(data["name"]) if isinstance(data.get("name"), str) else None
            held = {name: kind if name == "value" else kind_of_field(name) for name in data if isinstance(name, str)}
            return {name: self._field(held.get(name), value) for name, value in data.items()}
        if isinstance(data, (list, tuple)):
            return [self.data(each) for each in data]
        if isinstance(data, int) and abs(data) >= 10**12 and self.text(str(data)) != str(data):
            return _mark("card number", str(data))
        return data

    def _field(self, kind: str | None, value: Any) -> Any:
        if kind is None or value is None or isinstance(value, (bool, Mapping)) or value == "":
            return self.data(value)
        if isinstance(value, (list, tuple)):
            return [self._field(kind, each) for each in value]
        if kind == "card expiry" and not re.fullmatch(_EXPIRY, str(value).strip()):
            return self.data(value)
        return value if str(value).startswith("«redacted") else _mark(kind, str(value))

    def _decoded(self, hit: re.Match[str]) -> str:
        """Look into base64 that holds a text, and write it back without its secrets."""
        token = hit[0].translate(str.maketrans("-_", "+/"))
        try:
            inside = base64.b64decode(token[: len(token) // 4 * 4]).decode()
        except (binascii.Error, UnicodeDecodeError):
            return hit[0]
        clean = self.text(inside) if inside.isprintable() or "\n" in inside else inside
        return hit[0] if clean == inside else base64.b64encode(clean.encode()).decode()


def _replaced(hit: re.Match[str], kind: str) -> str:
    parts = hit.groupdict()
    value = parts.get("quoted") or parts["bare"]
    return hit["name"] + (parts.get("quote") or "" if parts.get("quoted") else "") + _mark(kind, value)


def _card(hit: re.Match[str]) -> str:
    digits = re.sub(r"[ -]", "", hit[0])
    return _mark("card number", digits) if is_card_number(digits) else hit[0]
