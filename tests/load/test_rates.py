"""An interval covers the truth as often as it says; a sequential test errs as rarely as it says."""

from __future__ import annotations

import random
from math import comb

import pytest

from fixtures.load.rates import Condition, Rate, SequentialTest

STRICT = SequentialTest(well=0.001, ill=0.196, false_alarm=1e-6, missed=1e-6)


@pytest.mark.parametrize("truth", [0.001, 0.02, 0.1, 0.35, 0.5, 0.804, 0.999])
def test_an_interval_covers_the_truth_at_least_as_often_as_it_says(truth):
    of = 40
    covered = sum(
        comb(of, hits) * truth**hits * (1 - truth) ** (of - hits)
        for hits in range(of + 1)
        if Rate(hits, of).low <= truth <= Rate(hits, of).high
    )

    assert covered >= 0.95


def test_intervals_are_those_of_the_tables():
    few, none = Rate(90, 112), Rate(0, 2181)

    assert (round(few.low, 3), round(few.high, 3)) == (0.718, 0.873)
    assert none.low == 0
    assert none.high == pytest.approx(1 - 0.025 ** (1 / 2181), rel=1e-9)
    assert str(few) == "80.4% (90 of 112; 95% interval 71.8%–87.3%)"


def test_nothing_seen_says_nothing():
    assert (Rate(0, 0).low, Rate(0, 0).high, Rate(0, 0).share) == (0, 1, None)
    assert "says nothing" in str(Rate(0, 0))


@pytest.mark.parametrize("wrong", [(3, 2, 0.95), (-1, 2, 0.95), (1, 2, 1.0)])
def test_what_is_no_rate_is_refused(wrong):
    with pytest.raises(ValueError, match="no rate"):
        Rate(*wrong)


def test_three_failures_convict_and_sixty_four_clean_answers_acquit():
    assert STRICT.decide([True] * 5) == (Condition.ILL, 3)
    assert STRICT.decide([False] * 100) == (Condition.WELL, 64)
    assert STRICT.decide([False] * 20 + [True]) == (Condition.UNDECIDED, 21)
    assert STRICT.decide([]) == (Condition.UNDECIDED, 0)


@pytest.mark.parametrize(("truth", "wrong"), [(0.1, Condition.ILL), (0.3, Condition.WELL)])
def test_its_errors_are_as_rare_as_stated(truth, wrong):
    draw, test, times = random.Random(6), SequentialTest(0.1, 0.3, 0.05, 0.05), 2000
    decided = [test.decide(draw.random() < truth for _ in range(1000))[0] for _ in range(times)]

    assert Condition.UNDECIDED not in decided
    assert Rate(decided.count(wrong), times).low <= 0.05
    assert decided.count(wrong) > 0  # else the test would only be slow


@pytest.mark.parametrize("wrong", [(0.2, 0.1, 0.05, 0.05), (0.0, 0.1, 0.05, 0.05), (0.1, 0.2, 0.0, 0.05)])
def test_a_test_without_stated_errors_cannot_be_made(wrong):
    with pytest.raises(ValueError, match="wanted"):
        SequentialTest(*wrong)
