"""Prints, for the mended shop and for each planted defect alone, which claims turn red and what was seen."""

from __future__ import annotations

import argparse
import sys
import tempfile
from pathlib import Path

from tests.matrix.cells import defects, judge_all, one_of_each_group


def main() -> None:
    """Judge cells; exit 1 where one differs from what its defect states."""
    parser = argparse.ArgumentParser(prog="python -m tests.matrix", description=__doc__)
    parser.add_argument("cells", nargs="*", help="`fixed` or a defect of reference/defects.toml; all when left out")
    parser.add_argument("--stack", default="fixed", help="the profile of a stack with no defect (default: fixed)")
    parser.add_argument("--brief", action="store_true", help="one defect of each group, with the features it concerns")
    asked = parser.parse_args()
    listed = defects()
    wanted = asked.cells or (one_of_each_group() if asked.brief else ["fixed", *listed])
    with tempfile.TemporaryDirectory() as folder:
        results = judge_all(wanted, Path(folder), asked.stack, narrow=asked.brief)
    wrong = False
    for name, result in results.items():
        stated = listed[name].breaks if name in listed else {}
        differing = result.differs(stated)
        wrong = wrong or bool(differing)
        print(f"{name:26} exit {result.exit}  {'NOT AS STATED' if differing else 'as stated'}")
        for claim in sorted(result.red | stated.keys()):
            print(f"    {claim:9} {result.verdicts.get(claim, 'not judged'):10} {result.seen.get(claim, '')[:100]}")
        for line in differing:
            print(f"    ! {line}")
    sys.exit(1 if wrong else 0)


if __name__ == "__main__":
    main()
