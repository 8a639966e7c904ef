"""Intervals of time, and how much of a while they cover when none of it is counted twice."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass


@dataclass(frozen=True)
class Interval:
    """A while in which something of one kind went on; seconds since the epoch."""

    kind: str
    began: float
    ended: float


def clipped(intervals: Iterable[Interval], began: float, ended: float) -> list[Interval]:
    """What of the intervals lies between two moments; those that lie outside are left out."""
    inside = (Interval(each.kind, max(each.began, began), min(each.ended, ended)) for each in intervals)
    return [each for each in inside if each.ended > each.began]


def covered(intervals: Iterable[Interval]) -> float:
    """The seconds in which at least one interval went on."""
    seconds, until = 0.0, float("-inf")
    for each in sorted(intervals, key=lambda each: each.began):
        seconds += max(0.0, each.ended - max(each.began, until))
        until = max(until, each.ended)
    return seconds


def shares(intervals: Iterable[Interval], kinds: Sequence[str]) -> dict[str, float]:
    """What each kind adds to the seconds that the kinds before it cover; together they are what all cover."""
    found, shared, before = list(intervals), dict[str, float](), 0.0
    for place, kind in enumerate(kinds, 1):
        so_far = covered(each for each in found if each.kind in kinds[:place])
        shared[kind], before = so_far - before, so_far
    return shared
