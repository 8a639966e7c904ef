"""Nothing secret is written: known secrets first, then names of fields, then what a secret looks like."""

from __future__ import annotations

import base64
import binascii
import html
import json
import re
import string
from bisect import bisect_right
from collections.abc import Callable, Iterable, Iterator, Mapping
from functools import cache, partial
from itertools import accumulate
from typing import Any
from urllib.parse import quote, quote_plus

# A space stands for any separator or none: "long num" is longNum, long_num and LONG-NUM.
NAMES = {
    "one-time password": ("otp code", "otp", "one time password", "one time code"),
    "card number": ("long num", "card number", "card no", "cc number"),
    "CVV": ("ccv", "cvv2", "cvv", "cvc2", "cvc", "security code"),
    "card expiry": ("expires", "expiry", "expiration"),
    "password": ("password", "passwd", "pass phrase", "pwd"),
    "cookie": ("set-cookie", "cookie"),
    "session": ("md.sid", "logged_in", "session id"),
    "token": (
        "authorization", "token", "secret", "api key", "secret key", "access key", "private key",
        "client key data",
    ),
}  # fmt: skip
_KIND_OF = {re.sub("[^a-z0-9]", "", name): kind for kind, names in NAMES.items() for name in names}
# A longer name counts by its ending (DB_PASSWORD), unless the ending is an ordinary word.
_ENDINGS = sorted(
    (name for name, kind in _KIND_OF.items() if kind not in ("card expiry", "cookie")), key=len, reverse=True
)

_Shape = tuple[tuple[bytes, ...], re.Pattern[str], Callable[[re.Match[str]], str]]

# null and the like are nobody's secret; « opens what was redacted before.
_NOTHING = r"(?!«|(?:null|None|nil|true|false|undefined)\b)"
_ASSIGNED = r"[\"'\]]*\\*[\"']?\s*(?:=>|[:=]|%3D|%3A)\s*"
_BARE = r"[^\s,;&\"'<>(){}\[\]\\«]+"
_ALONE = r"(?![\w-]|[.:]\d)"  # not the beginning of a stamp, an amount or an identifier
_BEFORE_NUMBER = r"(?:(?<![\w.$€£+-])|(?<=%3D)|(?<=%22)|(?<=\\[nrt]))"
_EXPIRY = r"(?:0?[1-9]|1[0-2])\s*(?:\\?/|-|%2F)\s*(?:20)?\d\d(?![\d/-])"
_UNQUOTED = {
    "one-time password": r"\d{4,8}" + _ALONE,
    "card number": r"\d[\d -]{10,21}\d",
    "CVV": r"\d{3,4}(?!\d)",
    "card expiry": _EXPIRY,
    "cookie": r"[^\s\"'\\{}\[\]«][^\r\n\"'\\]*",
    "token": r"(?:(?:Bearer|Basic|Digest|Token)\s+)?" + _BARE,
}


def _named(kind: str) -> tuple[tuple[str, ...], str, str]:
    # Without the set of first letters in front, a search that ignores case is five times slower.
    first = "".join(sorted({name[0] + name[0].upper() for name in NAMES[kind]}))
    names = "|".join(f"(?<={name[0]}){re.escape(name[1:])}".replace(r"\ ", "[ _-]?") for name in NAMES[kind])
    quoted = rf"{_EXPIRY}\s*" if kind == "card expiry" else r"(?:(?!(?P=quote)).)+"
    pattern = (
        rf"(?P<before>[{first}](?i:{names}){_ASSIGNED})"
        rf"(?:(?P<quote>\\*[\"']){_NOTHING}{quoted}(?=(?P=quote))|{_NOTHING}{_UNQUOTED.get(kind, _BARE)})"
    )
    return tuple(re.sub(r"\d", "0", name) for name in _KIND_OF if _KIND_OF[name] == kind), kind, pattern


_BASE64 = re.compile(r"[A-Za-z0-9+/_-]{40,}={0,2}")
_CODED = bytes.maketrans(string.ascii_letters.encode() + b"0123456789+/_-", b"a" * 66)
_PEM = re.compile(r"(?P<before>-----BEGIN [A-Z ]*PRIVATE KEY-----)[^-]+(?=-----END)")
SHORT = 1000  # characters of a text that is worth remembering
_ZEROS = bytes.maketrans(b"123456789", b"0" * 9)


@cache
def kind_of_field(name: str) -> str | None:
    """The kind of secret that a field of this name holds, or None; separators and case do not matter."""
    if not re.fullmatch(r"[\w .\[\]-]{1,60}", name):
        return None  # no field's name: a test's id, a sentence
    plain = re.sub(r"[^a-z0-9]", "", name.lower())
    if plain in _KIND_OF:
        return _KIND_OF[plain]
    return next((_KIND_OF[ending] for ending in _ENDINGS if plain.endswith(ending)), None)


def is_card_number(digits: str) -> bool:
    """Whether the digits have an issuer's range and length (ISO/IEC 7812) and a right check digit (Luhn)."""
    length, two, four = len(digits), int(digits[:2]), int(digits[:4])
    issued = (
        (digits[0] == "4" and length in (16, 19))
        or ((51 <= two <= 55 or 2221 <= four <= 2720) and length == 16)
        or (two in (34, 37) and length == 15)
        or ((four == 6011 or two == 65 or 3528 <= four <= 3589) and length == 16)
        or ((two in (36, 38) or 3000 <= four <= 3059) and length == 14)
    )
    doubled = (int(digit) * (1 + place % 2) for place, digit in enumerate(reversed(digits)))
    return issued and sum(each - 9 if each > 9 else each for each in doubled) % 10 == 0


def _mark(kind: str, value: str) -> str:
    digits = re.sub(r"\D", "", value)
    ending = f" ending {digits[-4:]}" if kind == "card number" and len(digits) >= 12 else ""
    return f"«redacted {kind}{ending}»"


def _replaced(kind: str, hit: re.Match[str]) -> str:
    found = hit.groupdict()
    secret = hit[0].removeprefix(found["before"])
    if found.get("looks") and not is_card_number(re.sub(r"\D", "", secret)):
        return hit[0]
    return found["before"] + (found.get("quote") or "") + _mark(kind, secret)


def _plain(text: str) -> bytes:
    """The text in lower case, without separators, every digit a 0: quick to search for triggers."""
    return text.lower().encode("latin-1", "replace").translate(_ZEROS, b" _-.")


# What must occur in _plain(text) for the pattern to be worth trying; the kind; the pattern.
_SHAPES: list[_Shape] = [
    (tuple(trigger.encode() for trigger in triggers), re.compile(pattern), partial(_replaced, kind))
    for triggers, kind, pattern in (
        *map(_named, NAMES),
        (("otp",), "one-time password",
         r"(?P<before>\b(?i:otp)(?i: code)?(?: \([\w ]{1,20}\))?(?: is)?:?\s+)\d{6}" + _ALONE),
        (("bearer",), "token", r"(?P<before>\b[Bb]earer\s+)[\w.~+/=-]{12,}"),
        (("sklive", "sktest", "rklive", "rktest", "whsec"), "token",
         r"(?P<before>\b(?:[sr]k_(?:live|test)|whsec)_)[A-Za-z0-9]{6,}"),
        (("eyj",), "token", r"(?P<before>)\beyJ[\w-]{8,}\.[\w-]+\.[\w-]*"),
        (("://",), "password", r"(?P<before>://[^\s/:@\"']{0,64}:)[^\s/@\"'«]{1,128}(?=@)"),
        # Playwright's messages quote what was typed.
        (("fill(", "type(", "sequentially("), "typed value",
         r"(?P<before>\b(?:fill|type|press_sequentially)\()(?P<quote>[\"'])(?!«)[^\"'\r\n]+(?=(?P=quote))"),
        (("0" * 14,), "card number",
         r"(?P<before>)(?P<looks>[2-6](?<![\w.-].)(?:\d{13,18}"
         r"|\d{3}([ -])(?:\d{4}\3\d{4}\3\d{4}|\d{6}\3\d{5})))(?![\w-])"),
        (("n" + "0" * 14, "r" + "0" * 14, "t" + "0" * 14, "0" * 16), "card number",
         r"(?P<before>(?<=\\)[nrt]|(?<=%)[0-9A-F]{2})(?P<looks>[2-6]\d{13,18})(?!\w)"),
    )
]  # fmt: skip


def _without_shapes(text: str) -> str:
    """Try each pattern only on the lines that hold one of its triggers: most texts hold none at all."""
    plain = _plain(text)
    lines, ends = text.split("\n"), list(accumulate(len(line) + 1 for line in plain.split(b"\n")))
    for triggers, pattern, replaced in _SHAPES:
        for trigger in triggers:
            found = plain.find(trigger)
            while found >= 0:
                line = bisect_right(ends, found)
                lines[line] = pattern.sub(replaced, lines[line])
                found = plain.find(trigger, ends[line])
    return "\n".join(lines)


class Redaction:
    """Takes secrets out of texts and data; what it returns may be written anywhere."""

    def __init__(self) -> None:
        self._marks: dict[str, str] = {}
        self._patterns: list[tuple[str, re.Pattern[str], str]] = []
        self._clean: set[str] = set()  # texts without any secret known so far: a journal repeats itself

    def secret(self, value: str, kind: str) -> None:
        """Register a secret that the run uses (kind: 'card number', 'CVV', 'password', 'token', 'cookie').

        It is then found url-encoded, JSON- or HTML-escaped and in base64, a card number also in groups. One
        that is too short or too plain to be told from ordinary words is found only in quotes or after `=`, and
        a short number only where it stands alone: a stamp or an amount may hold the same digits.
        """
        self._clean.clear()
        value = value.strip()
        mark = _mark(kind, value)
        digits = re.sub(r"[ -]", "", value)
        if value.isdigit() and 6 <= len(value) < 12:
            self._patterns.append((value, re.compile(rf"{_BEFORE_NUMBER}{value}{_ALONE}"), mark))
            self._remember(_base64_cores(value), mark)
            return
        if len(value) < 6 or (value.isalpha() and len(value) < 12):
            after = rf"(?:(?<=[\"'=])|(?<=%3D)){re.escape(value)}(?=\\*[\"'&;,\s]|$)"
            self._patterns += [(value, re.compile(after), mark)] if value else []
            return
        if digits.isdigit() and len(digits) >= 12:
            grouped = r"(?:[ .+-]|%20|%2D|&nbsp;|\xa0)?".join(digits)
            self._patterns.append((digits[:2], re.compile(rf"(?<!\d){grouped}(?!\d)"), mark))
        self._remember((*_spellings(value), *_spellings(digits or value)), mark)

    def _remember(self, spellings: Iterable[str], mark: str) -> None:
        self._marks |= dict.fromkeys(spellings, mark)
        self._marks = dict(sorted(self._marks.items(), key=lambda item: -len(item[0])))

    def text(self, text: str) -> str:
        """The text without secrets; a text that holds none comes back as it is."""
        if text in self._clean:
            return text
        clean = self._without_secrets(text)
        if clean == text and len(text) < SHORT:
            self._clean.add(text)
        return clean

    def _without_secrets(self, text: str) -> str:
        for spelling, mark in self._marks.items():
            if spelling in text:
                text = text.replace(spelling, mark)
        for trigger, known, mark in self._patterns:
            if trigger in text:
                text = known.sub(mark, text)
        if _PEM.search(text):
            text = _PEM.sub(partial(_replaced, "token"), text)
        if b"a" * 40 in text.encode("latin-1", "replace").translate(_CODED):
            text = _BASE64.sub(self._decoded, text)
        return _without_shapes(text)

    def data(self, data: Any) -> Any:
        """A copy of JSON-like data without secrets, judged by the names of its fields first, then as text."""
        if isinstance(data, str):
            return self.text(data)
        if isinstance(data, Mapping):
            # A cookie, a header or an environment variable comes as {"name": …, "value": …}.
            kind = kind_of_field(data["name"]) if isinstance(data.get("name"), str) else None
            place = data.get("loc")  # a refused field comes as {"loc": ["body", name], "input": …}
            refused = kind_of_field(str(place[-1])) if isinstance(place, (list, tuple)) and place else None
            kinds = {"value": kind, "input": refused}
            return {
                name: self._field(kinds[name] if name in kinds else kind_of_field(str(name)), value)
                for name, value in data.items()
            }
        if isinstance(data, (list, tuple)):
            return [self.data(each) for each in data]
        if isinstance(data, int) and abs(data) >= 10**12:
            clean = self.text(str(data))
            return data if clean == str(data) else clean
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
        token = hit[0].rstrip("=").translate(str.maketrans("-_", "+/"))
        if token in (token.lower(), token.upper()):
            return hit[0]  # a hash
        try:
            inside = base64.b64decode(token + "=" * (-len(token) % 4)).decode()
        except (binascii.Error, UnicodeDecodeError):
            return hit[0]
        clean = self.text(inside)
        return hit[0] if clean == inside else base64.b64encode(clean.encode()).decode()


def _base64_cores(value: str) -> Iterator[str]:
    """What base64 writes for the value, wherever it starts in a group of three bytes."""
    raw = value.encode()
    for shift in range(3):
        encoded = base64.b64encode(b"\0" * shift + raw).decode()
        core = encoded[-(-shift * 8 // 6) : (shift + len(raw)) * 8 // 6]
        yield from (core, core.translate(str.maketrans("+/", "-_")))


def _spellings(value: str) -> set[str]:
    spellings = {value, json.dumps(value)[1:-1], json.dumps(value, ensure_ascii=False)[1:-1]}
    spellings |= {html.escape(value), repr(value)[1:-1]}
    for encoded in (quote(value), quote(value, safe=""), quote_plus(value)):
        lowered = re.sub("%..", lambda hit: hit[0].lower(), encoded)
        spellings |= {encoded, lowered, quote(encoded, safe=""), quote(lowered, safe="")}
    return spellings | {core for core in _base64_cores(value) if len(core) >= 7}
