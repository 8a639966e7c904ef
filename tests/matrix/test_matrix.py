"""The suite proven in both directions: each defect alone turns exactly its claims red, for the stated reason."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from judging.claims import load_claims
from tests.matrix.cells import ROOT, Result, defects, judge_all

DEFECTS = defects()
pytestmark = [pytest.mark.matrix, pytest.mark.timeout(1800)]


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, Result]:
    """A run of the whole suite for each cell that was selected."""
    here = [item for item in request.session.items if item.path == Path(__file__) and hasattr(item, "callspec")]
    cells = {item.callspec.params["cell"] for item in here}
    return judge_all([cell for cell in ("fixed", *DEFECTS) if cell in cells], tmp_path_factory.mktemp("matrix"))


@pytest.mark.parametrize("cell", ["fixed", *DEFECTS])
def test_a_defect_turns_exactly_its_claims_red(cell: str, results: dict[str, Result]):
    result, wanted = results[cell], DEFECTS[cell].breaks if cell in DEFECTS else {}

    assert result.red == set(wanted), f"{ {name: result.seen[name] for name in result.red} }\n{result.said}"
    assert result.exit == (1 if wanted else 0), result.said
    for claim, reason in wanted.items():
        assert result.verdicts[claim] == "VIOLATED"
        assert re.search(reason, result.seen[claim]), f"{claim}: {result.seen[claim]!r}"


def test_every_required_claim_that_is_judged_has_a_defect_that_breaks_it(results: dict[str, Result]):
    claims = load_claims(ROOT / "features" / "sock_shop" / "claims.toml")
    judged = next(iter(results.values())).verdicts
    broken = {claim for defect in DEFECTS.values() for claim in defect.breaks}

    assert {name for name, claim in claims.items() if claim.kind == "required" and name in judged} <= broken
