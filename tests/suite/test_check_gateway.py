"""`--check` of a stack with a payment gateway, and of one with both systems."""

from __future__ import annotations

import re
from pathlib import Path

from judging.claims import Claim
from tests.suite.imitations import api_server, kubeconfig
from tests.suite.looking import SHOP, looked
from tests.suite.runs import profile

OPTIONAL = ("audit_logging", "demo_mode", "payment_records", "planting", "write_marks")
GATEWAY = {"otp_gateway": {f"P_{name}": Claim(f"P_{name}", "…", "required", "1", needs=(name,)) for name in OPTIONAL}}


def test_a_gateway_that_has_everything_is_found_to(standing_gateway: Path, tmp_path: Path):
    good, rows = looked(profile(tmp_path, standing_gateway), GATEWAY)

    assert good, rows
    assert {state for state, _ in rows.values()} == {"found"}
    assert {"Deployment payment-mongodb", "Service payment-backend"} < rows.keys()
    assert rows["promises"][1] == "10 of 10"
    assert re.fullmatch(r"http://[\d.]+:30002", rows["pages"][1])
    assert re.fullmatch(r"http://[\d.]+:30003, GET /health → 200", rows["app"][1])
    assert re.fullmatch(r"payment-mongodb: \d+ payments in payment_db", rows["capability payment_records"][1])
    assert rows["capability audit_logging"][1].startswith("payment-backend: DATABASE_MODULE=audit is rolled out")


def test_what_a_gateway_lacks_is_told(standing_gateway: Path, tmp_path: Path):
    mistakes = (
        ('"a code is there" = "2 s"', ""),
        ('"payments service" = "payment-backend"', ""),
        (":30002", ":30003"),
        ("30003\"             #", "30002\"             #"),
        ("port = 27017\ndatabase", "port = 3306\ndatabase"),
        ('value = "audit"', 'value = "original"'),
        ('[otp_gateway.capabilities.write_marks]     # how', "[otp_gateway.capabilities.write_marks] #"),
        ('service = "payment-backend"\npattern', 'service = "payment-blackened"\npattern'),
        ('[otp_gateway.capabilities.planting]        # a code may be added to the records for a while, marked as the'
         ' run\'s\nservice = "payment-mongodb"', ""),
    )  # fmt: skip
    good, rows = looked(profile(tmp_path, standing_gateway, *mistakes), GATEWAY)
    lacking = {what: row for what, row in rows.items() if row[0] != "found"}

    assert not good
    assert {what: state for what, (state, _) in lacking.items()} == {
        'promise "a code is there"': "missing",
        'service "payments service"': "missing",
        "pages": "missing",
        "app": "missing",
        "capability payment_records": "missing",
        "capability audit_logging": "missing",
        "capability write_marks": "missing",
        "capability planting": "left out",
    }
    assert all(" → " in told for _, told in lacking.values()), "each says how to add it"
    assert "has DATABASE_MODULE=original already → take it back" in lacking["capability audit_logging"][1]
    assert "what answers at" in lacking["pages"][1]
    assert "GET http" in lacking["app"][1]
    assert "UNSUPPORTED without it: P_planting" in lacking["capability planting"][1]
    assert "add it to [otp_gateway.promises]" in lacking['promise "a code is there"'][1]


def test_of_several_systems_the_rows_say_whose_they_are(tmp_path: Path):
    with api_server() as api:
        own = profile(tmp_path, kubeconfig(tmp_path, api.url), ('"a code is there" = "2 s"', ""))
        _, rows = looked(own, SHOP | GATEWAY)

    common = {what for what in rows if ": " not in what}
    assert {"browser", "API server", "its clock", "may be broken", "pin", "may use pods"} < common
    assert not [what for what in common if what.startswith(("Dep", "Ser", "cap", "pages", "promise"))]
    assert rows["sock_shop: Deployment orders"][0] == rows["otp_gateway: Deployment payment-backend"][0] == "found"
    assert rows['otp_gateway: promise "a code is there"'][0] == "missing"
    assert 'sock_shop: promise "a code is there"' not in rows
    assert rows["otp_gateway: promises"][1] == "9 of 10"
