"""Renders a run again from its journal: `python -m reports [OUT_DIR]`, also after the run was killed."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from judging.journal import read_journal
from judging.refusal import Refusal
from reports.markdown import markdown
from reports.results import Results
from reports.table import closing, table


def main() -> int:
    """Write allure-results and allure.html beside the journal, print the table; 4 if there is no journal."""
    parser = argparse.ArgumentParser(prog="python -m reports", description=__doc__)
    parser.add_argument("out", nargs="?", type=Path, default=Path("reports/out"), help="the folder a run left")
    parser.add_argument("-v", "--verbose", action="store_true", help="list the claims that conform, too")
    parser.add_argument("--history", type=Path, metavar="FILE", help="earlier runs, for the trend; this one is added")
    parser.add_argument("--markdown", action="store_true", help="only print the run as Markdown: a CI job's summary")
    parser.add_argument("--link", default="", metavar="URL", help="where the summary's readers find the run's files")
    asked = parser.parse_args()
    try:
        _render(asked)
    except Refusal as refusal:
        print(refusal, file=sys.stderr)
        return refusal.exit_code
    return 0


def _render(asked: argparse.Namespace) -> None:
    journal = asked.out / "journal.jsonl"
    if not journal.is_file():
        raise Refusal("E-JOURNAL", f"no journal.jsonl in {asked.out}", "name the folder that a run left")
    events = read_journal(journal)
    if asked.markdown:
        print(markdown(events, asked.out, asked.link), end="")
        return
    results = Results(asked.out / "allure-results", asked.out)
    for event in events:
        results(event)
    results.close()
    for line in (*table(events, verbose=asked.verbose), *closing(events, results.folder, asked.out, asked.history)):
        print(line.text)


if __name__ == "__main__":
    raise SystemExit(main())
