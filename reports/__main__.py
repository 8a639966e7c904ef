"""Renders a run again from its journal: `python -m reports [OUT_DIR]`, also after the run was killed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from judging.journal import read_journal
from reports.results import Results
from reports.table import closing, table


def main() -> int:
    """Write allure-results and allure.html beside the journal, print the table; 4 if there is no journal."""
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("reports/out"), help="the folder a run left")
    parser.add_argument("-v", "--verbose", action="store_true", help="list the claims that conform, too")
    asked = parser.parse_args()
    journal = asked.out / "journal.jsonl"
    if not journal.is_file():
        print(f"E-JOURNAL: no journal.jsonl in {asked.out}; name the folder that a run left", file=sys.stderr)
        return 4
    events = read_journal(journal)
    results = Results(asked.out / "allure-results", asked.out)
    for event in events:
        results(event)
    results.close()
    for line in (*table(events, verbose=asked.verbose), *closing(events, results.folder, asked.out)):
        print(line.text)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
