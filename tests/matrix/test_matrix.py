"""The suite proven in both directions: each defect alone turns exactly its claims red, for the stated reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from judging.claims import load_claims
from tests.matrix.cells import FEATURES, Result, defects, judge_all

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
    result = results[cell]

    assert not result.differs(DEFECTS[cell].breaks if cell in DEFECTS else {}), result.said


def test_every_required_claim_that_is_judged_has_a_defect_that_breaks_it(results: dict[str, Result]):
    claims = load_claims(FEATURES / "claims.toml")
    judged = next(iter(results.values())).verdicts
    broken = {claim for defect in DEFECTS.values() for claim in defect.breaks}

    assert {name for name, claim in claims.items() if claim.kind == "required" and name in judged} <= broken
