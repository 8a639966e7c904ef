"""The suite proven in both directions: each defect alone turns exactly its claims red, for the stated reason.

That the mended systems are entirely green is what `make demo VARIANT=fixed` is for.
"""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.matrix.cells import Result, all_cells, judge_all

CELLS = {name: cell for name, cell in all_cells().items() if cell.breaks}
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
