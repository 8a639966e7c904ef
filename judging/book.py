"""The verdict book: listens to a journal and judges; a stored journal gives the same verdicts again."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import UTC, date, datetime
from pathlib import PurePath

from judging.baseline import Entry
from judging.claims import Claim, claim_from
from judging.findings import Finding, finding_from
from judging.journal import Event, Journal
from judging.verdicts import Ended, Judged, Verdict, accuse, judge_claim, worst


@dataclass
class Outcome:
    """What one scenario has left behind; until it has finished, it counts as interrupted."""

    scenario: str
    title: str
    feature: str
    file: str
    line: int
    claims: tuple[str, ...]
    ended: Ended = Ended.INTERRUPTED
    message: str = "interrupted"
    seconds: float = 0.0
    finished: bool = False
    findings: list[Finding] = field(default_factory=list)
    unsupported: dict[str, str] = field(default_factory=dict)  # claims whose sentence could not be judged, and why


class VerdictBook:
    """What a journal tells of a run, and the verdicts that follow from it."""

    def __init__(self, journal: Journal | None = None) -> None:
        self.started: Event = {}
        self.finished: Event = {}
        self.claims: dict[str, Claim] = {}
        self.baseline: tuple[Entry, ...] = ()
        self.outcomes: dict[str, Outcome] = {}
        self._naming: dict[str, dict[str, Outcome]] = {}  # the same, by the claims that they name
        self.spoiled: dict[str, Judged] = {}
        self.witnessed = set[str]()  # the systems of which a fault was witnessed
        self._system = ""  # of the scenario that began last
        self._journal = journal
        if journal is not None:
            journal.subscribe(self.note)

    @classmethod
    def of(cls, events: Iterable[Event]) -> VerdictBook:
        """The book of a stored journal."""
        book = cls()
        for event in events:
            book.note(event)
        return book

    def contaminate(self, feature: str, reason: str) -> None:
        """Everything judged in this feature (its name or file) was judged on a stack not put back."""
        if self._journal is None:
            raise RuntimeError("a stored run cannot be changed")
        self._journal.record("spoiled", feature=feature, verdict=Verdict.CONTAMINATED, reason=reason)

    def note(self, event: Event) -> None:
        """Take in one event of the journal."""
        match event["event"]:
            case "run_started":
                self.started = event
                self.claims = {each["id"]: claim_from(each) for each in event["claims"]}
                self.baseline = tuple(Entry(**each) for each in event["baseline"])
            case "scenario_started":
                known = {key: event[key] for key in ("scenario", "title", "feature", "file", "line")}
                outcome = Outcome(**known, claims=tuple(event["claims"]))
                self.outcomes[outcome.scenario] = outcome
                for claim in outcome.claims:
                    self._naming.setdefault(claim, {})[outcome.scenario] = outcome
                self._system = PurePath(event["file"]).parent.name
            case "finding" if event["scenario"] in self.outcomes:
                self.outcomes[event["scenario"]].findings.append(finding_from(event))
            case "unsupported" if event["scenario"] in self.outcomes:
                self.outcomes[event["scenario"]].unsupported |= dict.fromkeys(event["claims"], event["message"])
            case "fault" if event["phase"] == "witnessed":
                self.witnessed.add(self._system)
            case "spoiled":
                verdict = Verdict(event["verdict"])
                before = self.spoiled.get(event["feature"])
                if before is None or worst([verdict, before.verdict or verdict]) is not before.verdict:
                    self.spoiled[event["feature"]] = Judged(verdict, event["reason"])
            case "scenario_finished":
                outcome = self.outcomes[event["scenario"]]
                outcome.ended, outcome.message = Ended(event["ended"]), event["message"]
                outcome.seconds, outcome.finished = event["seconds"], True
            case "run_finished":
                self.finished = event

    def judge_scenario(self, scenario: str) -> dict[str, Judged]:
        """What one scenario says of each claim that it names, as far as it has got."""
        outcome = self.outcomes[scenario]
        return {name: self._judge(self.claims[name], outcome) for name in outcome.claims}

    def conclude_scenario(self, scenario: str) -> dict[str, Judged]:
        """The same, once the run is over: also that a claim's known bugs are gone."""
        judged = self.judge_scenario(scenario)
        whole = {name: self.judge(name) for name in judged} if self.finished else {}
        return judged | {name: each for name, each in whole.items() if each.verdict is Verdict.FIXED}

    def excuses(self, finding: Finding) -> bool:
        """Whether everything that a finding violates is a known bug or a cured harm."""
        said = [self._accuse(self.claims[name], finding) for name in finding.claims]
        return all(verdict in (Verdict.KNOWN, Verdict.CURED) for verdict in said)

    def judge(self, claim: str) -> Judged:
        """A claim's verdict over all scenarios of the run; no verdict: no scenario that names it was run."""
        judged = [self._judge(self.claims[claim], each) for each in self.naming(claim)]
        counts = worst(each.verdict for each in judged if each.verdict)
        if counts is None:
            if judged:
                return Judged(Verdict.UNKNOWN, f"no data: {judged[0].reason}")
            return Judged(None, "not judged in this run" if self._covered(claim) else "no scenario names it")
        if counts is Verdict.CONFORMS and self._all_run(claim) and self.known_bugs(claim):
            return Judged(Verdict.FIXED, "the baseline says violated, and every observation conforms")
        return next(each for each in judged if each.verdict is counts)

    def verdicts(self) -> dict[str, Verdict]:
        """The verdict of every claim that was judged."""
        judged = {name: self.judge(name).verdict for name in self.claims}
        return {name: verdict for name, verdict in judged.items() if verdict is not None}

    def naming(self, claim: str) -> list[Outcome]:
        """The scenarios of the run that name a claim."""
        return [*self._naming.get(claim, {}).values()]

    def known_bugs(self, claim: str) -> tuple[Entry, ...]:
        """The baseline's entries for a claim."""
        return tuple(entry for entry in self.baseline if entry.claim == claim)

    def known_as(self, claim: str) -> tuple[Entry, ...]:
        """The baseline's entries that what was seen of a claim fits."""
        findings = [finding for outcome in self.naming(claim) for finding in outcome.findings]
        seen = [finding.seen for finding in findings if claim in finding.claims and not finding.holds]
        entries = [entry for entry in self.known_bugs(claim) if not entry.expired(self.today())]
        return tuple(entry for entry in entries if any(map(entry.matches, seen)))

    def fixed(self) -> list[Entry]:
        """The baseline's entries that must go."""
        fixed = {name for name, verdict in self.verdicts().items() if verdict is Verdict.FIXED}
        return [entry for entry in self.baseline if entry.claim in fixed]

    def today(self) -> date:
        """The day (UTC) on which the run began."""
        return datetime.fromisoformat(self.started["at"]).astimezone(UTC).date()

    def _judge(self, claim: Claim, outcome: Outcome) -> Judged:
        spoiled = [self.spoiled[name] for name in (outcome.feature, outcome.file) if name in self.spoiled]
        if spoiled:
            counts = worst(each.verdict for each in spoiled if each.verdict)
            return next(each for each in spoiled if each.verdict is counts)
        findings = [finding for finding in outcome.findings if claim.id in finding.claims]
        known, cures = self.known_bugs(claim.id), self._cures(claim)
        ended, message = outcome.ended, outcome.message
        if ended is Ended.PASSED and claim.id in outcome.unsupported:
            ended, message = Ended.UNSUPPORTED, outcome.unsupported[claim.id]
        return judge_claim(claim, ended, message, findings, known, self.today(), cures)

    def _accuse(self, claim: Claim, finding: Finding) -> Verdict:
        return accuse(claim, finding, self.known_bugs(claim.id), self.today(), self._cures(claim))[0]

    def _cures(self, claim: Claim) -> dict[str, Verdict | None]:
        # A cure is a required claim, which has no cures itself: this ends.
        return {cure: self.judge(cure).verdict for cure in claim.cured_by}

    def _covered(self, claim: str) -> bool:
        return claim in self.started.get("covered", ())

    def _all_run(self, claim: str) -> bool:
        selected = [name for name, claims in self.started.get("selected", {}).items() if claim in claims]
        run = {each.scenario for each in self.naming(claim) if each.finished}
        return claim not in self.started.get("left_out", ()) and run.issuperset(selected)
