"""What a stack does not show costs the claims that need it, and no other."""

from __future__ import annotations

import tomllib
from pathlib import Path

from tests.suite.runs import ROOT, profile, run

CLAIMS = tomllib.loads((ROOT / "features" / "sock_shop" / "claims.toml").read_text())
MAY_LACK = sorted({name for claim in CLAIMS.values() for name in claim.get("needs", ())})
JUDGED_WITHIN = 170  # seconds


def test_a_stack_that_shows_no_more_than_it_must_is_judged_all_the_same(standing: Path, tmp_path: Path):
    profile(tmp_path, standing)
    lean = tmp_path / "lean.toml"
    left_out = "\n".join(["ui = false", *(f"capabilities.{name} = false" for name in MAY_LACK)])
    lean.write_text(f'extends = "mine.toml"\n[sock_shop]\n{left_out}\n')

    done = run(tmp_path / "out", f"--stack={lean}", "--evidence=minimal", "features/sock_shop", patience=JUDGED_WITHIN)

    done.leaves_unjudged({name for name, claim in CLAIMS.items() if claim.get("needs")})
