"""Prints, for the mended systems and for each planted defect alone, which claims turn red and what was seen."""

from __future__ import annotations

import argparse
import signal
import sys
import tempfile
from pathlib import Path

from tests.matrix.cells import FIXED, Cell, Result, all_cells, judge_all, one_of_each_group

LAST = 30  # lines


def main() -> None:
    """Judge cells; exit 1 where one differs from what its defect states."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("cells", nargs="*", help=f"`{FIXED}` or a defect of reference/defects.toml; all when left out")
    parser.add_argument("--stack", default=FIXED, help=f"the profile of a stack with no defect (default: {FIXED})")
    parser.add_argument("--brief", action="store_true", help="only features that name a claim which a defect breaks; "
                        "where no cells are named, one defect of each group, by one feature")  # fmt: skip
    asked = parser.parse_args()
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    known = all_cells()
    unknown = [word for word in asked.cells if word not in (FIXED, *known)]
    if unknown:
        parser.error(f"unknown: {', '.join(unknown)}; known: {FIXED}, {', '.join(name for name in known)}")
    named = [cell for name, cell in known.items() if name in asked.cells or name.split()[0] in asked.cells]
    cells = named or (one_of_each_group() if asked.brief else list(known.values()))
    with tempfile.TemporaryDirectory() as folder:
        judged = judge_all(cells, Path(folder), asked.stack, narrow=asked.brief)
        differing = [cell for cell, result in judged if tell(cell, result)]
    sys.exit(1 if differing else 0)


def tell(cell: Cell, result: Result) -> list[str]:
    """Print what a cell came to; where it differs from what is stated, and then what the run said last."""
    differing = result.differs(cell)
    print(f"{cell.name:26} exit {result.exit}  {'NOT AS STATED' if differing else 'as stated'}")
    for claim in sorted(result.red | cell.breaks.keys()):
        print(f"    {claim:9} {result.verdicts.get(claim, 'not judged'):10} {result.seen.get(claim, '')[:100]}")
    for line in differing:
        print(f"    ! {line}")
    for line in result.said.strip().splitlines()[-LAST:] if differing else ():
        print(f"    | {line}")
    sys.stdout.flush()
    return differing


if __name__ == "__main__":
    main()
