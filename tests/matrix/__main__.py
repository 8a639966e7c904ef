"""Prints, for the mended shop and for each planted defect alone, which claims turn red and what was seen."""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.matrix.cells import defects, judge_all


def main() -> None:
    """Judge the cells named on the command line, or all; exit 1 where one differs from what its defect states."""
    listed = defects()
    wanted = sys.argv[1:] or ["fixed", *listed]
    with tempfile.TemporaryDirectory() as folder:
        results = judge_all(wanted, Path(folder))
    wrong = []
    for name, result in results.items():
        stated = set(listed[name].breaks) if name in listed else set()
        wrong += [name] if result.red != stated else []
        print(f"{name:26} exit {result.exit}  {'as stated' if result.red == stated else 'NOT AS STATED'}")
        for claim in sorted(result.red | stated):
            print(f"    {claim:9} {result.verdicts.get(claim, 'not judged'):10} {result.seen.get(claim, '')[:100]}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
