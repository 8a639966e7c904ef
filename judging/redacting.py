"""What pytest says of a scenario is redacted first, so that no secret reaches a terminal or a report file."""

from __future__ import annotations

from collections.abc import Generator

import pytest

from judging.plugin import REDACTION, scenario_of
from judging.redaction import Redaction


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Redact the exception and the report, before any other plugin reads them."""
    if scenario_of(item) is None:
        return (yield)
    redaction = item.config.stash[REDACTION]
    if call.excinfo:
        redact_exception(call.excinfo.value, redaction)
    report = yield
    if report.longrepr and not isinstance(report.longrepr, tuple):
        text = report.longreprtext
        clean = redaction.text(text)
        if clean != text:
            report.longrepr = clean
    report.sections = [(title, redaction.text(text)) for title, text in report.sections]
    return report


def redact_exception(error: BaseException, redaction: Redaction) -> None:
    """Redact the texts that an exception, its causes and its members carry."""
    waiting, seen = [error], set[int]()
    while waiting:
        each = waiting.pop()
        if id(each) in seen:
            continue
        seen.add(id(each))
        each.args = tuple(redaction.text(arg) if isinstance(arg, str) else arg for arg in each.args)
        waiting += [cause for cause in (each.__cause__, each.__context__) if cause is not None]
        waiting += each.exceptions if isinstance(each, BaseExceptionGroup) else ()
