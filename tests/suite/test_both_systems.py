"""Both systems at once say what each says by itself, and one by itself does without the other."""

from __future__ import annotations

import re
import tomllib
from pathlib import Path

import pytest

from tests.suite.runs import ROOT, run

PRIVATE = "features/otp_gateway/codes_stay_private.feature"
INCIDENTS = ("features/sock_shop/order_status.feature", "features/otp_gateway/audit_logging.feature")
JUDGED_WITHIN = 240  # seconds; two stacks, two browsers and a load share the machine


@pytest.mark.timeout(JUDGED_WITHIN + 30)
def test_two_workers_find_what_is_known_of_both_systems_and_nothing_else(tmp_path: Path):
    profile = tomllib.loads((ROOT / "stacks" / "embedded.toml").read_text())
    named = {name for path in INCIDENTS for name in re.findall(r"@(R\w+)", (ROOT / path).read_text())}
    done = run(tmp_path / "out", "-n", "2", "--evidence=minimal", *INCIDENTS, patience=JUDGED_WITHIN)

    assert done.code == 0, done.out
    assert done.claims.keys() == named
    known = named & {entry["claim"] for entry in profile["baseline"]}
    assert done.claims == {name: "KNOWN" if name in known else "CONFORMS" for name in named}
    assert {name.partition("_")[0] for name in known} == {"R000", "R002"}


def test_the_gateway_by_itself_starts_no_shop(tmp_path: Path):
    done = run(tmp_path / "out", "--evidence=minimal", PRIVATE)
    [seen] = [each for each in done.journal if each.get("what") == "the cluster, before" and not each["replayed"]]
    lines = (done.reports / seen["evidence"][0]["file"]).read_text().splitlines()

    assert done.code == 0, done.out
    assert {line.split()[0] for line in lines} == {"payment-backend", "payment-frontend", "payment-mongodb"}
