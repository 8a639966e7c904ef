"""Hooks Allure up: results of scenarios come from the journal, the rest stays allure-pytest's."""

from __future__ import annotations

import shutil
from collections.abc import Generator
from pathlib import Path

import allure_commons
import pytest
from allure_commons.logger import AllureFileLogger

from judging.journal import Journal
from judging.plugin import scenario_of
from reports.labels import labels
from reports.results import Results

RESULTS = pytest.StashKey[Results]()  # only in a run that judges


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Mark scenarios with the labels that `--allure-epics`, `--allure-severities` and the like select by."""
    for item in items:
        if scenario := scenario_of(item):
            feature, rule = scenario.feature, scenario.rule
            facts = {
                "tags": {mark.name for mark in item.iter_markers()},
                "feature": feature.name,
                "rule": rule and rule.name,
                "file": feature.rel_filename,
            }
            for name, value in labels(facts):
                item.add_marker(pytest.mark.allure_label(value, label_type=name))


def pytest_journal_opened(config: pytest.Config, journal: Journal) -> None:
    """Follow the journal; `--alluredir` says where the results go, as always."""
    out, patterns = journal.path.parent, dict(config.option.allure_link_pattern)
    asked = config.option.allure_report_dir
    for stale in (out / "allure-results", out / "allure.html"):
        shutil.rmtree(stale) if stale.is_dir() else stale.unlink(missing_ok=True)
    folder = Path(asked).absolute() if asked else out / "allure-results"
    config.stash[RESULTS] = Results(folder, out, patterns.get("issue"))
    journal.subscribe(config.stash[RESULTS])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Keep allure-pytest from writing about scenarios: it knows no sentences and calls killed ones passed."""
    plugins = allure_commons.plugin_manager
    writers = [each for each in plugins.get_plugins() if isinstance(each, AllureFileLogger)]
    muted = writers if scenario_of(item) else []
    for writer in muted:
        plugins.unregister(writer)
    try:
        return (yield)
    finally:
        for writer in muted:
            plugins.register(writer)


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Leave no scenario looking better than it ended."""
    if results := session.config.stash.get(RESULTS, None):
        results.close()
