"""What a stack does not show costs the claims that need it, and no other."""

from __future__ import annotations

import json
from pathlib import Path

from tests.suite.runs import FEATURE, profile, run

LEDGER = """[sock_shop.capabilities.gateway_ledger]    # what the gateway has charged
service = "stripe-mock"
path = "/admin/ledger"
"""


def test_without_a_ledger_only_claims_about_charges_are_not_judged(standing: Path, tmp_path: Path) -> None:
    lean = profile(tmp_path, standing, (LEDGER, ""))
    done = run(tmp_path / "out", f"--stack={lean}", "--evidence=minimal", FEATURE)
    claims = json.loads((done.reports / "statement.json").read_text())["claims"]

    assert {claim["id"]: claim["verdict"] for claim in claims if claim["verdict"]} == {
        "R000_28": "CONFORMS",
        "R000_29": "CONFORMS",
        "R000_30": "UNKNOWN",  # a core claim may not be unsupported
        "R000_31": "CONFORMS",
        "R000_36": "UNSUPPORTED",
    }
