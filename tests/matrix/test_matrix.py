"""The suite proven in both directions: each defect alone turns exactly its claims red, for the stated reason."""

from __future__ import annotations

from pathlib import Path

import pytest

from judging.claims import load_claims
from tests.matrix.cells import FEATURES, Result, all_cells, judge_all

CELLS = all_cells()
pytestmark = [pytest.mark.matrix, pytest.mark.timeout(1800)]


@pytest.fixture(scope="session")
def results(tmp_path_factory: pytest.TempPathFactory, request: pytest.FixtureRequest) -> dict[str, Result]:
    """A run of the suite for each cell that was selected."""
    here = [item for item in request.session.items if item.path == Path(__file__) and hasattr(item, "callspec")]
    chosen = {item.callspec.params["cell"] for item in here}
    cells = [cell for name, cell in CELLS.items() if name in chosen]
    judged = judge_all(cells, tmp_path_factory.mktemp("matrix"), narrow=True)
    return {cell.name: result for cell, result in judged}


@pytest.mark.parametrize("cell", CELLS)
def test_a_defect_turns_exactly_its_claims_red(cell: str, results: dict[str, Result]):
    assert not results[cell].differs(CELLS[cell]), results[cell].said


@pytest.mark.parametrize("cell", [name for name, cell in CELLS.items() if not cell.deployment])
def test_every_required_claim_that_is_judged_has_a_defect_that_breaks_it(cell: str, results: dict[str, Result]):
    claims = load_claims(FEATURES / CELLS[cell].system / "claims.toml")
    required = {name for name in results[cell].verdicts if claims[name].kind == "required"}

    assert required
    assert required <= {claim for each in CELLS.values() for claim in each.breaks}
