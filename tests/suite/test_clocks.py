"""The bench's clocks: no second is counted twice, and a reaction ends with the event that fulfils the patch."""

from __future__ import annotations

import pytest

from tests.bench.intervals import Interval, clipped, covered, shares
from tests.bench.reactions import (
    ENDPOINTS,
    PODS,
    READY,
    SLICES,
    STOP,
    Patch,
    Sight,
    endpoint_sight,
    pod_sight,
    reactions,
)
from tests.bench.stacks import STACK, Played

GATEWAY = "stripe-mock"
POD = {
    "metadata": {"name": "stripe-mock-6d5-x7", "ownerReferences": [{"kind": "ReplicaSet", "name": "stripe-mock-6d5"}]}
}
STARTING = POD | {"status": {"conditions": [{"type": "Ready", "status": "False"}]}}
RUNNING = POD | {"status": {"conditions": [{"type": "Ready", "status": "True"}]}}


def slices(*ready: bool | None) -> dict[str, object]:
    points = [{"addresses": ["10.0.0.9"], "conditions": {} if each is None else {"ready": each}} for each in ready]
    return {
        "metadata": {"name": "stripe-mock-q2", "labels": {"kubernetes.io/service-name": GATEWAY}},
        "endpoints": points or None,
    }


@pytest.mark.parametrize(
    ("spans", "seconds"),
    [
        ([], 0),
        ([(3, 3)], 0),
        ([(1, 3), (5, 6)], 3),
        ([(1, 3), (2, 6)], 5),
        ([(1, 9), (2, 3), (4, 5)], 8),
        ([(5, 6), (1, 3)], 3),
        ([(1, 3), (3, 4)], 3),
        ([(1, 3), (1, 3)], 2),
    ],
    ids=["none", "of no length", "apart", "overlapping", "within", "in any order", "touching", "twice the same"],
)
def test_what_overlaps_is_counted_once(spans, seconds):
    assert covered(Interval("any", *span) for span in spans) == seconds


def test_only_what_lies_within_the_scenario_counts():
    found = [Interval("before", 0, 2), Interval("into", 1, 4), Interval("around", 0, 9), Interval("after", 7, 8)]

    assert clipped(found, 2, 7) == [Interval("into", 2, 4), Interval("around", 2, 7)]
    assert clipped(found, 4, 4) == []


def test_shares_add_up_to_the_whole_and_the_first_named_goes_first():
    found = [Interval("pods", 0, 4), Interval("pages", 3, 6), Interval("pages", 8, 9), Interval("unnamed", 20, 30)]

    assert shares(found, ("pods", "pages", "none")) == {"pods": 4, "pages": 3, "none": 0}
    assert shares(found, ("pages", "pods", "none")) == {"pages": 4, "pods": 3, "none": 0}
    assert shares([], ("pods",)) == {"pods": 0}


def test_a_second_that_only_the_suite_spends_raises_the_ratio():
    at_work = [Interval(STOP, 100, 102), Interval("asking the API server", 102, 110)]

    assert (Played(100, 103, at_work).stack, Played(100, 103, at_work).ratio) == (2, 1.5)
    assert (Played(100, 104, at_work).stack, Played(100, 104, at_work).ratio) == (2, 2)
    assert sum(Played(101, 104, at_work).parts(STACK).values()) == Played(101, 104, at_work).stack == 1


def test_a_service_stops_and_comes_back_when_the_watches_say_so():
    told = [
        pod_sight(1, "ADDED", RUNNING), endpoint_sight(1, "ADDED", slices(None)),
        endpoint_sight(11, "MODIFIED", slices(False)), pod_sight(12, "MODIFIED", STARTING),
        pod_sight(14, "DELETED", STARTING), pod_sight(21, "ADDED", STARTING),
        pod_sight(23, "MODIFIED", RUNNING), endpoint_sight(24, "MODIFIED", slices(True)),
    ]  # fmt: skip

    assert reactions([Patch(10, GATEWAY, 0), Patch(20, GATEWAY, 1)], told) == (
        [
            Interval(STOP, 10, 14), Interval(ENDPOINTS, 10, 11),
            Interval(READY, 20, 23), Interval(ENDPOINTS, 20, 24),
        ], [],
    )  # fmt: skip


def test_what_no_watch_has_told_is_said_and_another_deployments_events_are_no_answer():
    told = [Sight(9, PODS, "stripe-mock-6d5-x7", GATEWAY, None), Sight(12, SLICES, "payment-1", "payment", 0)]

    seen, unseen = reactions([Patch(10, GATEWAY, 0)], told)

    assert (seen, unseen) == ([], ["pods stop after stripe-mock → 0", "endpoints follow after stripe-mock → 0"])
