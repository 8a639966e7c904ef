"""A scenario's life: its steps go to the journal, its end is judged, pytest is told the verdict."""

from __future__ import annotations

import sys
import time
from collections.abc import Generator, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import pytest
from pytest_bdd.parser import Scenario, Step

from judging.book import VerdictBook
from judging.collecting import rendered
from judging.findings import Finding, NotRestored, Unsupported, Violation
from judging.interrupts import obey_again
from judging.journal import Journal
from judging.plugin import BOOK, JOURNAL, REDACTION, claims_of, name_of, refuse, reports_folder, scenario_of, shown
from judging.refusal import Refusal
from judging.scenarios import sentence_claims
from judging.verdicts import Ended, Judged, Verdict, ended_by, worst

TESTS_FAILED = pytest.StashKey[bool]()  # ordinary tests, beside scenarios
GREEN = (Verdict.CONFORMS, Verdict.CURED)


@dataclass
class Running:
    """The scenario that is being run."""

    name: str
    file: str
    line: int
    journal: Journal
    book: VerdictBook
    left: list[Step]
    folder: Path
    began: float = field(default_factory=time.monotonic)
    open: Step | None = None
    known: int = 0  # findings before the open step
    lacking: int = 0  # claims that could not be judged before the open step
    ended: Ended = Ended.INTERRUPTED
    message: str = "interrupted"
    refusal: Refusal | None = None

    def start(self, step: Step) -> None:
        """Record that a step begins."""
        outcome = self.book.outcomes[self.name]
        self.open, self.known, self.lacking = step, len(outcome.findings), len(outcome.unsupported)
        self.left = [each for each in self.left if each is not step]
        self.journal.record(
            "step_started",
            scenario=self.name,
            keyword=step.keyword.strip(),
            text=step.name,
            docstring=step.docstring,
            table=step.datatable.raw() if step.datatable else None,
        )

    def new_findings(self) -> list[Finding]:
        """What the open step has found."""
        return self.book.outcomes[self.name].findings[self.known :]

    def newly_unsupported(self) -> list[str]:
        """What the open step could not judge, since the stack does not show it."""
        return list(self.book.outcomes[self.name].unsupported.values())[self.lacking :]

    def finish(self, status: str, message: str = "") -> None:
        """Record how the step that is open ended, if one is."""
        if self.open is not None:
            self.open = None
            self.journal.record("step_finished", scenario=self.name, status=status, message=message)

    def judge(self, ended: Ended, message: str) -> dict[str, Judged]:
        """Say how the scenario ended, as far as it has got, and what follows for its claims."""
        self.ended, self.message = ended, message
        outcome = self.book.outcomes[self.name]
        outcome.ended, outcome.message = ended, message
        return self.book.judge_scenario(self.name)

    def close(self) -> None:
        """Record the steps that were not run, and the scenario's end."""
        self.finish("broken", self.message)
        for step in self.left[:]:
            self.start(step)
            self.finish("skipped", "not run")
        judged = self.judge(self.ended, self.message)
        verdict = counting(judged)
        reason = next((each.reason for each in judged.values() if each.verdict is verdict), "")
        told = self.ended in (Ended.PASSED, Ended.VIOLATION)
        self.journal.record(
            "scenario_finished",
            scenario=self.name,
            verdict=verdict,
            message=("" if verdict is Verdict.CONFORMS else reason) if told else self.message,
            claims=list(judged),
            verdicts={name: each.verdict for name, each in judged.items()},
            ended=self.ended,
            seconds=round(time.monotonic() - self.began, 6),
        )


RUNNING = pytest.StashKey[Running]()


def counting(judged: Mapping[str, Judged]) -> Verdict:
    """The verdict of a scenario: the worst of its claims'; UNKNOWN where it came to none."""
    return worst(each.verdict for each in judged.values() if each.verdict) or Verdict.UNKNOWN


def leading(error: BaseException) -> BaseException:
    """What counts of several exceptions raised together: a stack not put back, else the first."""
    if not isinstance(error, BaseExceptionGroup):
        return error
    members = [leading(each) for each in error.exceptions]
    return next((each for each in members if isinstance(each, NotRestored)), members[0])


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item) -> Generator[None, object, object]:
    """Record a scenario from its beginning to after its teardown; whatever cuts it short, it never passed."""
    template = scenario_of(item)
    if template is None or JOURNAL not in item.config.stash:
        return (yield)
    scenario = rendered(item, template)
    running = item.stash[RUNNING] = _start(item, scenario)
    try:
        result = yield
    except BaseException:
        running.ended, running.message = Ended.INTERRUPTED, "interrupted"
        raise
    finally:
        running.close()
    if running.refusal:
        refuse(item.config, running.refusal)
    return result


def _start(item: pytest.Item, scenario: Scenario) -> Running:
    stash, file = item.config.stash, shown(item.config, Path(scenario.feature.filename))
    inherited = scenario.feature.tags | (scenario.rule.tags if scenario.rule else set())
    stash[JOURNAL].record(
        "scenario_started",
        scenario=name_of(item),
        title=scenario.name,
        feature=scenario.feature.name,
        rule=scenario.rule.name if scenario.rule else None,
        description=(scenario.description or scenario.feature.description).strip(),
        tags=sorted({*scenario.tags, *inherited, *claims_of(item)}),
        claims=claims_of(item),
        file=file,
        line=scenario.line_number,
    )
    steps, folder = list(scenario.steps), reports_folder(item.config)
    return Running(name_of(item), file, scenario.line_number, stash[JOURNAL], stash[BOOK], steps, folder)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Judge a scenario when its call ends or anything is raised, and show the verdict in pytest's words."""
    running = item.stash.get(RUNNING, None)
    if running is None or (call.excinfo is None and call.when != "call"):
        report = yield
        if running is None and report.failed and JOURNAL in item.config.stash:
            item.config.stash[TESTS_FAILED] = True
        return report
    error = leading(call.excinfo.value) if call.excinfo else None
    judged = _judge(running, error, item.config)
    report = yield
    traceback = report.longreprtext if running.ended is Ended.BROKEN and not running.refusal else ""
    _show(report, running, judged, traceback)
    return report


def _judge(running: Running, error: BaseException | None, config: pytest.Config) -> dict[str, Judged]:
    ended = ended_by(error)
    if isinstance(error, Refusal):
        running.refusal = error
    if ended is Ended.NOT_RESTORED:
        running.book.contaminate(running.file, str(error))
    text = str(error) if error is not None else ""
    if ended is Ended.BROKEN:
        text = f"{type(error).__name__}: {text.splitlines()[0] if text else ''}"
    return running.judge(ended, config.stash[REDACTION].text(text))


def _show(report: pytest.TestReport, running: Running, judged: Mapping[str, Judged], traceback: str) -> None:
    verdict = counting(judged)
    named = {name: each for name, each in judged.items() if (each.verdict or Verdict.UNKNOWN) is verdict}
    reason = next(iter(named.values())).reason
    vars(report)["verdict"] = str(verdict)
    vars(report).pop("wasxfail", None)  # no mark may turn a verdict into an expected failure
    if verdict in GREEN:
        report.outcome, report.longrepr = "passed", None
    elif verdict is Verdict.KNOWN:
        report.outcome, report.longrepr = "skipped", reason
        report.wasxfail = reason
    elif verdict is Verdict.UNSUPPORTED:
        report.outcome, report.longrepr = "skipped", (running.file, running.line, f"UNSUPPORTED: {reason}")
    elif running.refusal:
        report.outcome, report.longrepr = "failed", str(running.refusal)
        vars(report)["refused"] = True
    else:
        accused = _accusation(running, named) if verdict is Verdict.VIOLATED else []
        lines = [f"{verdict} {', '.join(named)}: {reason}", *accused, *filter(None, [traceback])]
        report.outcome, report.longrepr = "failed", "\n".join(lines)


def _accusation(running: Running, named: Mapping[str, Judged]) -> list[str]:
    """What was promised, what was seen instead, where, and the evidence."""
    findings = [
        finding
        for finding in running.book.outcomes[running.name].findings
        if not finding.holds and named.keys() & set(finding.claims)
    ]
    lines = [f"  claim     {running.book.claims[name].text}" for name in named]
    for finding in findings:
        lines += [
            f"  promised  {finding.expected}",
            f"  seen      {finding.seen}",
            f"  where     {finding.where}",
            *(f"  evidence  {running.folder / each.file} ({each.name})" for each in finding.evidence),
        ]
    return lines


@pytest.hookimpl(tryfirst=True)
def pytest_report_teststatus(report: pytest.TestReport) -> tuple[str, str, str] | None:
    """A refusal is said once, at the end, not as a failure as well."""
    return ("refused", "R", "REFUSED") if vars(report).get("refused") else None


def pytest_bdd_before_scenario(request: pytest.FixtureRequest, scenario: Scenario) -> None:
    if running := request.node.stash.get(RUNNING, None):
        running.left = list(scenario.steps)


def pytest_bdd_before_step(request: pytest.FixtureRequest, step: Step) -> None:
    obey_again()
    if running := request.node.stash.get(RUNNING, None):
        running.start(step)
        request.getfixturevalue("judge").turn_to(sentence_claims(step, claims_of(request.node)))


def pytest_bdd_after_step(request: pytest.FixtureRequest) -> None:
    if running := request.node.stash.get(RUNNING, None):
        excused = [each.seen for each in running.new_findings() if not each.holds]
        lacking = running.newly_unsupported()
        running.finish("failed" if excused else "skipped" if lacking else "passed", "; ".join(excused or lacking))


def pytest_bdd_step_func_lookup_error(request: pytest.FixtureRequest, step: Step, exception: Exception) -> None:
    if running := request.node.stash.get(RUNNING, None):
        running.start(step)
        running.finish("broken", str(exception))


def pytest_bdd_after_scenario(request: pytest.FixtureRequest) -> None:
    """Close the step that raised; pytest.skip and Ctrl-C come only by here."""
    running, error = request.node.stash.get(RUNNING, None), sys.exc_info()[1]
    if running and error is not None:
        status = {Violation: "failed", Unsupported: "skipped"}.get(type(error), "broken")
        running.finish(status, f"{type(error).__name__}: {error}" if status == "broken" else str(error))
