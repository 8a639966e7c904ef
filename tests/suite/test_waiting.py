"""Waiting keeps its budget, tells what it saw, and forgives nothing it was not told to; no second is really waited."""

from __future__ import annotations

from dataclasses import dataclass

import pytest

from fixtures.waiting import NotSeen, eventually, throughout


@dataclass
class FakeClock:
    """Time that passes only when somebody sleeps."""

    now: float = 0.0

    def monotonic(self) -> float:
        return self.now

    def sleep(self, seconds: float) -> None:
        self.now += seconds


def answers(*values):
    """A look that gives one value after the other; an exception among them is raised."""
    remaining = iter(values)

    def look():
        value = next(remaining)
        if isinstance(value, Exception):
            raise value
        return value

    return look


def test_an_accepted_answer_is_returned_at_once():
    clock = FakeClock()

    assert eventually("there", answers(7), within=5, clock=clock) == 7
    assert clock.now == 0


def test_a_spent_budget_tells_each_distinct_thing_that_was_seen():
    with pytest.raises(NotSeen) as unseen:
        eventually(
            "paid",
            answers("new", "new", "failed", "failed"),
            lambda a: a == "paid",
            within=3,
            every=1,
            clock=FakeClock(),
        )

    assert "paid: not within 3 s" in str(unseen.value)
    assert [value for _, value in unseen.value.seen] == ["new", "failed"]


def test_a_refused_connection_is_forgiven_and_told():
    look = answers(ConnectionRefusedError("nobody there"), "here")

    assert eventually("up", look, within=5, clock=FakeClock()) == "here"


def test_any_other_error_is_not_looked_past():
    with pytest.raises(KeyError):
        eventually("up", answers(KeyError("bug"), True), within=5, clock=FakeClock())


def test_it_waits_for_the_event_and_never_longer_than_the_budget():
    waited = []
    clock = FakeClock()

    def wake(seconds):
        waited.append(seconds)
        clock.now += 1

    assert eventually("up", answers(False, False, True), within=10, wake=wake, clock=clock)
    assert waited == [10, 9]


def test_the_last_look_is_after_the_budget_so_that_no_late_success_is_missed():
    clock = FakeClock()

    assert eventually("up", answers(False, False, True), within=2, every=1, clock=clock)


def test_throughout_ends_at_the_first_answer_that_does_not_hold():
    with pytest.raises(NotSeen, match="no longer true"):
        throughout("well", answers(True, True, False), lasting=10, every=1, clock=FakeClock())


def test_throughout_looks_at_least_twice():
    clock = FakeClock()

    assert throughout("well", answers(1, 2), lasting=0, clock=clock) == 2
