"""The run as a whole: opens the journal, ends in order on signals, judges, writes the statement."""

from __future__ import annotations

import json
import os
import platform
import secrets
import shutil
import signal
import tomllib
from collections.abc import Generator
from datetime import UTC, datetime
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from types import FrameType

import pytest

from judging.baseline import removal
from judging.book import VerdictBook
from judging.collecting import left_out, named_claims
from judging.evidence import EvidenceStore
from judging.findings import NotRestored
from judging.interrupts import HEARD, end_on_signals, obey_again
from judging.journal import Journal, read_journal
from judging.plugin import (
    BASELINE,
    BOOK,
    CLAIMS,
    EVIDENCE_STORE,
    JOURNAL,
    REDACTION,
    REFUSED,
    STACK,
    STATEMENT,
    claims_of,
    name_of,
    reports_folder,
    scenario_of,
    shown,
    worker,
)
from judging.recording import TESTS_FAILED, leading
from judging.refusal import Refusal
from judging.statement import statement
from judging.verdicts import exit_code

WORKERS = ".workers"  # in the report folder: what each of several workers has recorded so far


@pytest.hookimpl(tryfirst=True)
def pytest_collection_finish(session: pytest.Session) -> None:
    """Where scenarios are going to be judged, clear what the last run wrote and open the journal."""
    config = session.config
    if config.option.collectonly or not any(map(scenario_of, session.items)):
        return
    folder = reports_folder(config)
    open_journal(config, folder / WORKERS / worker(config) if worker(config) else folder)
    config.add_cleanup(end_on_signals())


def open_journal(config: pytest.Config, folder: Path, began: datetime | None = None) -> Journal:
    """Clear what an earlier run left in the folder, and open the journal, the evidence and the book of this one."""
    try:
        clear(folder)
    except OSError as error:
        cause = f"the report folder {shown(config, folder)} cannot be written: {error.strerror}"
        raise Refusal("E-REPORTS", cause, "name a folder that can be: pytest --reports=DIR") from None
    journal = config.stash[JOURNAL] = Journal(folder / "journal.jsonl", config.stash[REDACTION], began)
    config.stash[EVIDENCE_STORE] = EvidenceStore(folder / "evidence", config.stash[REDACTION])
    config.stash[BOOK] = VerdictBook(journal)
    config.add_cleanup(journal.close)
    if not worker(config):
        config.hook.pytest_journal_opened(config=config, journal=journal)
    return journal


def clear(folder: Path) -> None:
    """Make the folder ready, deleting only what a run writes; OSError where it cannot be written."""
    folder.mkdir(parents=True, exist_ok=True)
    journal = folder / "journal.jsonl"
    if journal.exists():  # so the evidence beside it is a run's
        shutil.rmtree(folder / "evidence", ignore_errors=True)
    (folder / "statement.json").unlink(missing_ok=True)
    journal.write_text("", encoding="utf-8")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """Write the run's first line, with everything that its verdicts depend on; an interrupt ends the run, as told."""
    if JOURNAL in session.config.stash:
        _record_start(session)
    try:
        result = yield
        obey_again()
        return result
    except KeyboardInterrupt as stopped:  # it may have come where Python knows of no line, and pytest needs one
        raise stopped.with_traceback(None) from None


def _record_start(session: pytest.Session) -> None:
    config = session.config
    selected = {name_of(item): claims_of(item) for item in session.items if scenario_of(item)}
    claims = config.stash[CLAIMS]
    systems = {claims[name].system for named in selected.values() for name in named}
    baseline, _ = config.stash.get(BASELINE, ((), None))
    stack = config.stash.get(STACK, {})
    config.stash[JOURNAL].record(
        "run_started",
        run=f"{datetime.now(UTC):%Y%m%dT%H%M%SZ}-{secrets.token_hex(3)}",
        suite=_suite_version(config.rootpath),
        process=os.getpid(),
        python=platform.python_version(),
        versions={name: _version(name) for name in ("pytest", "pytest-bdd")},
        stack=stack,
        profile=stack.get("name"),
        claims=[claim for claim in claims.values() if claim.system in systems],
        baseline=[entry for entry in baseline if claims[entry.claim].system in systems],
        selected=selected,
        covered=named_claims(config),
        left_out=left_out(session),
    )


def _suite_version(root: Path) -> str:
    """The suite runs from its tree, so its version is what the tree says."""
    project = root / "pyproject.toml"
    return str(tomllib.loads(project.read_text())["project"]["version"]) if project.is_file() else "unknown"


def _version(package: str) -> str:
    try:
        return version(package)
    except PackageNotFoundError:
        return "not installed"


@pytest.hookimpl(wrapper=True, trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> Generator[None, object, object]:
    """When the last fixture is torn down: judge, write the statement, set the exit code."""
    book = session.config.stash.get(BOOK, None)
    if book is None or not book.started:
        return (yield)
    _end_undisturbed(session)
    try:
        return (yield)
    except BaseException as error:
        cause = leading(error)
        if not isinstance(cause, NotRestored) or not book.outcomes:
            raise
        book.contaminate(list(book.outcomes.values())[-1].file, str(cause))
        return None
    finally:
        if not worker(session.config):  # their controller concludes, from all their journals
            session.exitstatus = conclude(session, book)


def _end_undisturbed(session: pytest.Session) -> None:
    """From now on a signal only sets the exit code: what is being put back must not be interrupted."""

    def too_late(number: int, _: FrameType | None) -> None:
        session.exitstatus = pytest.ExitCode.INTERRUPTED

    for each in HEARD:
        if signal.getsignal(each) is not signal.SIG_IGN:
            signal.signal(each, too_late)


def conclude(session: pytest.Session, book: VerdictBook) -> int:
    """Judge the whole run, write its statement, and say the exit code."""
    stash, verdicts = session.config.stash, book.verdicts()
    code = exit_code(verdicts.values(), tests_failed=stash.get(TESTS_FAILED, False))
    if code != 7 and REFUSED in stash:
        code = stash[REFUSED].exit_code
    elif code != 7 and session.exitstatus not in (pytest.ExitCode.OK, pytest.ExitCode.TESTS_FAILED):
        code = int(session.exitstatus)
    journal = stash[JOURNAL]
    journal.record("run_finished", verdicts=verdicts, exit=code)
    stash[STATEMENT] = statement(read_journal(journal.path))
    part = journal.path.with_name(".statement.json")
    part.write_text(json.dumps(stash[STATEMENT], indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    part.replace(journal.path.with_name("statement.json"))
    return code


def pytest_terminal_summary(terminalreporter: pytest.TerminalReporter, config: pytest.Config) -> None:
    """Print the patch for known bugs that are gone."""
    fixed = config.stash[BOOK].fixed() if STATEMENT in config.stash else []
    if fixed:
        terminalreporter.section("fixed: take these known bugs out of the baseline", red=True)
        source = config.stash[BASELINE][1]
        text = source.read_text(encoding="utf-8") if source.is_file() else ""
        for entry in fixed:
            terminalreporter.write_line(removal(entry, shown(config, source), text))
