"""Findings: what was seen, whether it is as claimed, and what kept it from being seen."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field, replace

from judging.evidence import Evidence
from judging.journal import Event, Journal


@dataclass(frozen=True)
class Observation:
    """What was seen: its value, the source that showed it, the seconds it took where that matters."""

    what: str
    value: str
    source: str
    seconds: float | None = None
    evidence: tuple[Evidence, ...] = ()


@dataclass(frozen=True)
class Finding:
    """An observation that decides claims; the only thing that can accuse a stack."""

    claims: tuple[str, ...]
    expected: str
    seen: str
    where: str
    holds: bool
    evidence: tuple[Evidence, ...] = field(default=())


class Violation(Exception):
    """The stack is not as claimed; raised only by Judge."""

    def __init__(self, finding: Finding) -> None:
        super().__init__(finding)
        self.finding = finding

    def __str__(self) -> str:
        return f"expected {self.finding.expected}; seen {self.finding.seen}; where {self.finding.where}"


class Unsupported(Exception):
    """This stack lacks a capability; `probe` says how that was found out. Makes claims UNSUPPORTED."""

    def __init__(self, capability: str, probe: str = "") -> None:
        super().__init__(capability, probe)
        self.capability = capability
        self.probe = probe

    def __str__(self) -> str:
        return f"{self.capability}: {self.probe}" if self.probe else self.capability


class NotWitnessed(Exception):
    """Nothing but its author says that the fault was in force. Makes claims INVALID."""


class NotSteady(Exception):
    """The stack did not keep its promises before the incident began. Makes claims COMPROMISED."""


class NotRestored(Exception):
    """The stack is not as it was, or something else changed it meanwhile. Makes claims CONTAMINATED."""


class Judge:
    """Judges one scenario: records what is seen and accuses the stack where it is not as claimed.

    `excuses` says of a finding whether all that it violates is known or cured: then the story goes on.
    """

    def __init__(
        self,
        journal: Journal,
        scenario: str,
        claims: Sequence[str],
        excuses: Callable[[Finding], bool] = lambda finding: False,
    ) -> None:
        self.scenario = scenario
        self.claims = tuple(claims)
        self._journal, self._excuses = journal, excuses
        self._sentence = self.claims

    def turn_to(self, claims: Sequence[str]) -> None:
        """The next sentence judges these claims, with none named all of the scenario's; ValueError for others."""
        if strangers := set(claims) - set(self.claims):
            raise ValueError(f"{', '.join(sorted(strangers))} not named by the scenario's tags")
        self._sentence = tuple(claims) or self.claims

    def expect(
        self,
        expected: str,
        seen: str,
        holds: bool,
        where: str,
        evidence: Sequence[Evidence] = (),
    ) -> None:
        """Record a finding for the claims of this sentence; Violation when it neither holds nor is excused."""
        finding = Finding(self._sentence, expected, seen, where, bool(holds), tuple(evidence))
        written = finding_from(self._journal.record("finding", scenario=self.scenario, **vars(finding)))
        if not written.holds and not self._excuses(written):
            raise Violation(written)

    @contextmanager
    def where_shown(self) -> Iterator[None]:
        """What the stack does not show costs the claims that this sentence names as its own: the story goes on."""
        try:
            yield
        except Unsupported as lacking:
            if self._sentence == self.claims:
                raise
            self._journal.record("unsupported", scenario=self.scenario, claims=self._sentence, message=str(lacking))

    def observe(
        self,
        what: str,
        value: str,
        *,
        source: str,
        seconds: float | None = None,
        evidence: Sequence[Evidence] = (),
    ) -> Observation:
        """Record what was seen, without judging it."""
        return self._record(Observation(what, value, source, seconds, tuple(evidence)), replayed=False)

    def repeat(self, observation: Observation) -> Observation:
        """Record for this scenario too what its incident has shown before; marked as replayed."""
        return self._record(observation, replayed=True)

    def _record(self, observation: Observation, *, replayed: bool) -> Observation:
        seen = {key: value for key, value in vars(observation).items() if value is not None}
        written = self._journal.record("observation", scenario=self.scenario, **seen, replayed=replayed)
        return replace(observation, what=written["what"], value=written["value"], source=written["source"])


def finding_from(record: Event) -> Finding:
    """The finding that a journal's event holds."""
    evidence = tuple(Evidence(**each) for each in record["evidence"])
    return Finding(
        claims=tuple(record["claims"]),
        expected=record["expected"],
        seen=record["seen"],
        where=record["where"],
        holds=record["holds"],
        evidence=evidence,
    )
