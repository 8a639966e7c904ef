"""Prints the run as a table when pytest ends, and makes allure.html."""

from __future__ import annotations

import pytest

from judging.journal import read_journal
from judging.plugin import JOURNAL
from reports.allure import RESULTS
from reports.table import closing, relative, table


@pytest.hookimpl(tryfirst=True)
def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the table where scenarios were judged."""
    journal = config.stash.get(JOURNAL, None)
    results = config.stash.get(RESULTS, None)
    if not journal or not results:
        return
    events = read_journal(journal.path)
    out = journal.path.parent
    if not any(event["event"] == "scenario_started" for event in events):
        return
    terminalreporter.section("incident conformance", bold=True)
    folder = f"{relative(out)}/"
    for line in (
        *table(events, folder=folder, verbose=config.option.verbose > 0),
        *closing(events, results.folder, out, page=config.getoption("--evidence") == "full"),
    ):
        terminalreporter.write_line(line.text, **({line.markup: True} if line.markup else {}))
