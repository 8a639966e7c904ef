"""Allure results from the journal: one per scenario, every sentence a step, what it saw inside it."""

from __future__ import annotations

import hashlib
import json
import os
import re
import shutil
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from pathlib import Path
from uuid import NAMESPACE_URL, uuid5

from allure_commons.model2 import Attachment, Label, Link, Status, StatusDetails, TestResult, TestStepResult
from attr import asdict

from judging.book import VerdictBook
from judging.journal import Event
from judging.verdicts import Ended, Verdict, worst
from reports.labels import description, identity, labels, links, selector

STATUS = {
    Verdict.CONFORMS: Status.PASSED,
    Verdict.CURED: Status.PASSED,
    Verdict.UNSUPPORTED: Status.SKIPPED,
    Verdict.KNOWN: Status.FAILED,
    Verdict.VIOLATED: Status.FAILED,
    Verdict.FIXED: Status.FAILED,
}  # every other verdict is about the harness: broken
INTERRUPTED = "interrupted: the run ended before this did"
BESIDE = "Between the steps"
LONGEST = 200  # characters of a value in a step's name; a longer value is attached whole


class Results:
    """Listens to a journal and keeps one Allure result per scenario up to date in a folder.

    A scenario is written as broken when it starts and again when it finishes: none looks passed when killed.
    """

    def __init__(self, folder: Path, out: Path, link_pattern: str | None = None) -> None:
        self.folder = folder
        self._out = out
        self._link_pattern = link_pattern
        self._book = VerdictBook()
        self._scenarios: dict[str, list[Event]] = {}
        self._said: dict[str, tuple[str, StatusDetails | None]] = {}
        self._current: str | None = None
        self._rendered = self._shown = 0  # the scenario that is being rendered, its attachments so far
        folder.mkdir(parents=True, exist_ok=True)

    def __call__(self, event: Event) -> None:
        """Take one event of the journal; write the result that it begins or ends."""
        self._book.note(event)
        match event["event"]:
            case "run_started":
                self._write("environment.properties", _environment(event))
            case "scenario_started":
                self._current = event["scenario"]
                self._scenarios[event["scenario"]] = [event]
                self._render(event["scenario"])
            case "run_finished":
                self.close()
            case kind if scenario := event.get("scenario") or self._current:
                self._scenarios.get(scenario, []).append(event)
                if kind == "scenario_finished":
                    self._render(scenario)

    def close(self) -> None:
        """Write those results again that the end of the run has changed, and the unfinished ones."""
        for scenario, said in self._said.items():
            if self._verdict(scenario) != said or not self._book.outcomes[scenario].finished:
                self._render(scenario)

    def _render(self, scenario: str) -> None:
        result = self._result(scenario, self._scenarios[scenario])
        kept = asdict(result, filter=lambda _, value: bool(value) or value is False)
        self._write(f"{result.uuid}-result.json", _no_paths(json.dumps(kept, ensure_ascii=False)))

    def _result(self, scenario: str, events: Sequence[Event]) -> TestResult:
        started = events[0]
        self._rendered, self._shown = started["n"], 0
        known = {claim["id"]: claim for claim in self._book.started.get("claims") or ()}
        claims = [known[each] for each in started["claims"] if each in known]
        status, details = self._said[scenario] = self._verdict(scenario)
        return TestResult(
            uuid=str(uuid5(NAMESPACE_URL, f"{self._book.started.get('run')}/{scenario}/{started['n']}")),
            historyId=identity(scenario),
            testCaseId=identity(scenario),
            fullName=selector(scenario),
            name=started["title"],
            status=status,
            statusDetails=details,
            description=description(started, claims),
            labels=[Label(name=name, value=value) for name, value in labels(started, claims)],
            links=[Link("issue", url, name) for name, url in links(started, claims, self._link_pattern)],
            steps=self._steps(events),
            start=_milliseconds(started),
            stop=_milliseconds(events[-1]),
        )

    def _verdict(self, scenario: str) -> tuple[str, StatusDetails | None]:
        """The status: the worst of what the scenario says of its claims, or that the baseline is outdated."""
        outcome = self._book.outcomes[scenario]
        if not outcome.finished:
            return Status.BROKEN, StatusDetails(message=f"{Verdict.UNKNOWN}: {INTERRUPTED}")
        judged = self._book.conclude_scenario(scenario)
        verdict = worst(each.verdict for each in judged.values() if each.verdict)
        verdict = verdict or (Verdict.CONFORMS if outcome.ended is Ended.PASSED else Verdict.UNKNOWN)
        if verdict is Verdict.CONFORMS:
            return Status.PASSED, None
        reasons = dict.fromkeys(each.reason for each in judged.values() if each.verdict is verdict)
        message = f"{verdict}: {'; '.join(reasons) or outcome.message}"
        details = StatusDetails(known=verdict is Verdict.KNOWN or None, message=message)
        return STATUS.get(verdict, Status.BROKEN), details

    def _steps(self, events: Sequence[Event]) -> list[TestStepResult]:
        steps: list[TestStepResult] = []
        running = False
        for event in events[1:]:
            now = _milliseconds(event)
            if event["event"] == "step_started":
                steps.append(self._sentence(event, now))
                running = True
            elif event["event"] == "step_finished" and running:
                steps[-1].status, steps[-1].stop, running = event["status"], now, False
                if event.get("message"):
                    steps[-1].statusDetails = StatusDetails(message=event["message"])
            elif line := self._line(event, now):
                if not running and not (steps and steps[-1].name == BESIDE):
                    steps.append(TestStepResult(name=BESIDE, status=Status.PASSED, start=now))
                steps[-1].steps.append(line)
                steps[-1].stop = now
        if running:
            steps[-1].status, steps[-1].stop = Status.BROKEN, _milliseconds(events[-1])
            steps[-1].statusDetails = StatusDetails(message=INTERRUPTED)
        return steps

    def _sentence(self, event: Event, now: int) -> TestStepResult:
        step = TestStepResult(name=f"{event['keyword'].strip()} {event['text']}", start=now)
        if event.get("docstring"):
            step.attachments.append(self._text("doc string", event["docstring"]))
        if event.get("table") and not self._names_claims(event["table"]):
            rows = (",".join(json.dumps(cell, ensure_ascii=False) for cell in row) for row in event["table"])
            step.attachments.append(self._text("table", "\n".join(rows), "csv"))
        return step

    def _names_claims(self, table: Sequence[Sequence[str]]) -> bool:
        """Whether a sentence's table only says which claims it judges; its findings say so too."""
        known = {claim["id"] for claim in self._book.started.get("claims") or ()}
        return all(cell in known for row in table for cell in row)

    def _line(self, event: Event, now: int) -> TestStepResult | None:
        """What was seen, found or done inside a step, as a line of its own."""
        began = now - int(1000 * (event.get("seconds") or 0))
        line = TestStepResult(status=Status.PASSED, start=began, stop=now)
        line.attachments = self._attachments(event.get("evidence") or ())
        if event["event"] == "observation":
            value = str(event["value"])
            line.name = f"{event['what']}: {_short(value)}"
            line.name += f" ({event['seconds']:.2f} s)" if event.get("seconds") is not None else ""
            line.name += f" · {event['source']}"
            line.name += " · seen in the enactment" if event.get("replayed") else ""
            if _short(value) != value.strip():
                line.attachments.append(self._text(event["what"], value))
        elif event["event"] == "finding":
            expected, seen = event["expected"], event["seen"]
            line.name = f"{', '.join(event['claims'])}: expected {_short(expected)}"
            line.name += f" / seen {_short(seen)} · {event['where']}"
            line.status = Status.PASSED if event["holds"] else Status.FAILED
            if (expected, seen) != (_short(expected), _short(seen)):
                line.statusDetails = StatusDetails(message=f"expected {expected}\nseen {seen}")
        elif event["event"] == "fault":
            line.name = f"fault {event['phase'].replace('_', '-')}: {event['fault']}"
            line.name += f" · {_short(str(event['detail']))}" if event.get("detail") else ""
            line.status = Status.BROKEN if event["phase"] == "failed" else Status.PASSED
        return line if line.name else None

    def _attachments(self, evidence: Iterable[Mapping[str, str]]) -> list[Attachment]:
        return [
            Attachment(name=each["name"], source=self._linked(self._out / each["file"]), type=each["media"])
            for each in evidence
            if (self._out / each["file"]).is_file()
        ]

    def _linked(self, file: Path) -> str:
        """One more name for the bytes of an evidence file: Allure 3 shows each name only once."""
        target = self._attachment(file.stem, file.suffix)
        if not target.exists():
            try:
                os.link(file, target)
            except OSError:  # another file system
                shutil.copyfile(file, target)
        return target.name

    def _text(self, name: str, text: str, ending: str = "txt") -> Attachment:
        target = self._attachment(hashlib.sha256(text.encode()).hexdigest()[:16], f".{ending}")
        self._write(target.name, text)
        return Attachment(name=name, source=target.name, type="text/csv" if ending == "csv" else "text/plain")

    def _attachment(self, stem: str, suffix: str) -> Path:
        self._shown += 1
        return self.folder / f"{stem}-{self._rendered}-{self._shown}-attachment{suffix}"

    def _write(self, name: str, text: str) -> None:
        part = self.folder / f".{name}.{os.getpid()}"
        part.write_text(text, encoding="utf-8")
        part.replace(self.folder / name)


def _environment(run: Event) -> str:
    """What was judged, with what; a name ends at its first blank, so that none has one."""
    stack = run.get("stack")
    told = dict(stack) if isinstance(stack, Mapping) else {"name": stack}
    facts = {"stack": told.pop("title", None) or told.get("name")}
    facts |= {key: value for key, value in told.items() if key != "name" and isinstance(value, (str, int, float))}
    facts |= {key: run.get(key) for key in ("profile", "suite", "python", "run")} | (run.get("versions") or {})
    lines = (f"{key}={_no_paths(str(value))}" for key, value in facts.items() if value)
    return "".join(f"{' '.join(line.split())}\n" for line in lines)


def _no_paths(text: str) -> str:
    """Paths of this machine become relative to the project or to the installed packages."""
    return re.sub(r"(?:/[\w.@+-]+)+/site-packages/", "", text.replace(f"{Path.cwd()}/", ""))


def _short(value: str) -> str:
    first = value.strip().partition("\n")[0]
    return first if len(first) <= LONGEST else first[: LONGEST - 1] + "…"


def _milliseconds(event: Event) -> int:
    return int(datetime.fromisoformat(event["at"]).timestamp() * 1000)
