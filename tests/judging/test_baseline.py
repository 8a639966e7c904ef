"""The baseline says which findings are known, until when, and how to take out what is fixed."""

from __future__ import annotations

import tomllib
from datetime import date

import pytest

from judging.baseline import load_baseline, removal
from judging.claims import Claim
from judging.refusal import Refusal

CLAIMS = {
    "R1": Claim("R1", "one order", "required", "Bug 1", bug="BUG_1"),
    "R2": Claim("R2", "x", "required", "y"),
}
GOOD = {"claim": "R1", "signature": "[2-9] orders", "bug": "BUG_1", "expires": "2026-12-31"}
PROFILE = """title = "tiny"

[[baseline]]
claim = "R1"
signature = "[2-9] orders"
bug = "BUG_1"

# counted twice
[[baseline]]
claim = "R1"
signature = 'no order at all'
bug = "beyond the report"

[shop]
ui = "x"
"""


def test_a_signature_is_matched_in_full() -> None:
    (entry,) = load_baseline([GOOD], "stack.toml", CLAIMS)
    assert entry.matches("2 orders")
    assert not entry.matches("12 orders")
    assert not entry.matches("2 orders and no shipment")


def test_an_entry_holds_up_to_its_last_day() -> None:
    (entry,) = load_baseline([GOOD], "stack.toml", CLAIMS)
    assert not entry.expired(date(2026, 12, 31))
    assert entry.expired(date(2027, 1, 1))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"claim": "R11"}, "R11 names no known claim"),
        ({"signature": "["}, "signature"),
        ({"signature": ""}, "has no signature"),
        ({"bug": "BUG_2"}, "bug = 'BUG_2'"),
        ({"expires": "soon"}, "expires = 'soon'"),
        ({"ticket_id": "7"}, "unknown key 'ticket_id'"),
    ],
)
def test_a_wrong_entry_is_refused(change: dict[str, str], said: str) -> None:
    with pytest.raises(Refusal) as refused:
        load_baseline([GOOD | change], "stack.toml", CLAIMS)
    assert refused.value.error_id == "E-BASELINE"
    assert said in refused.value.cause
    assert "stack.toml" in refused.value.cause


def test_the_patch_takes_out_exactly_the_entry() -> None:
    first, second = load_baseline(tomllib.loads(PROFILE)["baseline"], "stack.toml", CLAIMS)
    lines = PROFILE.splitlines()
    assert removal(first, "stack.toml", PROFILE).splitlines()[0] == "stack.toml: delete lines 3 to 6"
    told, *deleted = removal(second, "stack.toml", PROFILE).splitlines()
    assert told == "stack.toml: delete lines 9 to 12"
    assert [line.removeprefix("-") for line in deleted] == lines[8:12]


def test_an_inherited_entry_is_told_without_lines() -> None:
    (entry,) = load_baseline([GOOD], "stack.toml", CLAIMS)
    assert "or what it extends" in removal(entry, "stack.toml", "")
    assert "-claim = 'R1'" in removal(entry, "stack.toml", "")
