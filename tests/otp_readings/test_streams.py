"""What customers who keep coming amount to: counted when they came, judged only where there is something to judge."""

from __future__ import annotations

from datetime import timedelta

import pytest

from fixtures.enactment.otp_gateway.readings import streams as seen
from fixtures.enactment.readings import NoControl
from fixtures.load.rates import Condition, SequentialTest
from fixtures.load.result import End, MachineTooBusy
from judging.findings import Unsupported
from tests.otp_readings.made_up import BEGAN, REFUSED, coming, dropped, numbered, payment, sample, streaming

TEST = SequentialTest(well=0.02, ill=0.5, false_alarm=0.001, missed=0.001)


def at(seconds):
    return BEGAN + timedelta(seconds=seconds)


def numbers(told_of, since, until, *more):
    return [each.number for each in told_of.coming.between(since, until, *more)]


def test_between_are_those_who_came_then_and_were_answered_by_then(tmp_path):
    told_of = streaming(tmp_path, [
        sample(0, due=0.9, took=0.2), sample(1, due=1.0, took=0.2), sample(2, due=1.5, took=0.5),
        sample(3, due=1.6, took=0.5), sample(4, due=1.9, took=30.0, end=End.TIMEOUT), sample(5, due=2.1),
        dropped(6, 1.5),
    ])  # fmt: skip

    assert numbers(told_of, at(1), at(2)) == [1, 2]
    assert numbers(told_of, at(1), at(2), 0.4) == [1, 2, 3]
    assert numbers(told_of, at(1), at(40)) == [1, 2, 3, 4, 5]
    assert numbers(told_of, None, at(2)) == numbers(told_of, at(1), None) == []


def test_whoever_was_answered_later_was_still_waiting_then(tmp_path):
    told_of = streaming(tmp_path, [sample(0, due=1.0, took=5.0), sample(1, due=1.0, took=5.0, end=End.TRANSPORT)])

    assert [each.end for each in told_of.coming.between(at(0), at(3), 1.0)] == [End.CUT, End.CUT]
    assert [each.end for each in told_of.coming.between(at(0), at(7))] == [End.ANSWERED, End.TRANSPORT]


@pytest.mark.parametrize(
    ("reading", "since", "until"),
    [("all_before", 0, 5), ("in_time_under", 10, 20), ("all_after", 25, 41), ("without_under", 10, 20)],
)
def test_each_stretch_is_judged_by_its_own_customers(tmp_path, reading, since, until):
    good, bad = (REFUSED, "a code") if reading == "without_under" else ("a code", REFUSED)
    elsewhere = [*coming(0, since - 1, bad), *coming(until + 1, 40, bad)]

    def told(*here):
        return getattr(seen, reading)(streaming(tmp_path, numbered(elsewhere, *here)))

    assert told(coming(since, until, good)).holds
    assert not told(coming(since, until, bad)).holds
    assert not told(coming(since, (since + until) / 2, good), coming((since + until) / 2, until, bad)).holds or (
        reading == "without_under"  # it goes on without a code for long enough
    )


@pytest.mark.parametrize("reading", ["all_before", "in_time_under", "all_after", "without_under"])
def test_nobody_and_too_few_say_nothing(tmp_path, reading):
    for few in ([], coming(10.0, 10.5)):
        with pytest.raises(NoControl, match="say nothing yet"):
            getattr(seen, reading)(streaming(tmp_path, numbered(few, [dropped(0, 39.0)])))
    unanswered = streaming(tmp_path, numbered(coming(0, 40)))
    unanswered.stream.crowd = None
    with pytest.raises(NoControl, match="still keep coming"):
        getattr(seen, reading)(unanswered)


def test_a_moment_that_never_was_says_nothing(tmp_path):
    told_of = streaming(tmp_path, numbered(coming(0, 40)))
    told_of.times.in_force = None

    with pytest.raises(NoControl, match="0 customers"):
        seen.in_time_under(told_of)


@pytest.mark.parametrize("reading", ["all_before", "in_time_under", "all_after", "without_under"])
def test_a_gateway_that_cannot_be_reached_is_not_accused(tmp_path, reading):
    lost = numbered(coming(0, 40, REFUSED), coming(3, 4, end=End.TRANSPORT), coming(12, 13, end=End.TRANSPORT),
                    coming(30, 31, end=End.TRANSPORT))  # fmt: skip

    with pytest.raises(NoControl, match=r"10 of \d+ connections were lost"):
        getattr(seen, reading)(streaming(tmp_path, lost))


@pytest.mark.parametrize("reading", ["all_before", "in_time_under", "all_after", "without_under"])
def test_a_machine_that_is_too_busy_accuses_nobody(tmp_path, reading):
    with pytest.raises(MachineTooBusy, match="E-LOAD-BUSY"):
        getattr(seen, reading)(streaming(tmp_path, numbered(coming(0, 40, REFUSED)), late=0.6))


def test_a_code_after_its_time_is_no_code_in_time(tmp_path):
    late = seen.in_time_under(streaming(tmp_path, numbered(coming(10, 16, took=2.5))))

    assert (late.holds, late.seen.split()[-1]) == (False, "ill")
    assert seen.in_time_under(streaming(tmp_path, numbered(coming(10, 16, took=1.5)))).holds


@pytest.mark.parametrize("end", [End.ANSWERED, End.TIMEOUT, End.TRANSPORT])
def test_whoever_hangs_beyond_the_end_of_the_change_is_not_left_out(tmp_path, end):
    """Every second customer is answered at once; those who hang would have been answered too late to be counted."""
    quick, hanging = coming(10, 16), coming(10, 16, took=15, end=end)
    told_of = streaming(tmp_path, numbered([each for pair in zip(quick, hanging, strict=True) for each in pair]))

    assert not seen.in_time_under(told_of).holds


def test_what_goes_ill_late_is_found():
    def throughout(*failed):
        return TEST.throughout(bool(each) for each in failed)

    well, ill = [0] * 60, [1] * 60
    assert throughout(*well) is Condition.WELL
    assert throughout(*ill) is Condition.ILL
    assert throughout(*well, *ill[:3]) is Condition.ILL
    assert throughout(*well[:21], *ill[:4]) is Condition.ILL  # in the middle of a stretch that began well
    assert throughout(*well, *ill[:5], *well) is Condition.ILL
    assert throughout(*ill[:5], *well) is Condition.ILL
    assert throughout(*well, 1, *well) is Condition.WELL
    assert throughout(*well, 1) is Condition.WELL
    assert throughout() is throughout(*well[:10]) is throughout(1, 1) is Condition.UNDECIDED
    assert throughout(*[0, 1] * 30) is Condition.ILL
    assert throughout(*([0] * 9 + [1]) * 6) is not Condition.ILL  # between the two rates either may be said


def test_nobody_is_lost_only_if_the_books_agree(tmp_path):
    came = numbered(coming(0, 2), coming(2, 3, REFUSED), coming(3, 4, end=End.TRANSPORT))
    fine = seen.nobody_lost(streaming(tmp_path, came))
    assert (fine.holds, fine.seen) == (True, "so for all 30 answered; 0 gave up, 10 lost their connection")

    for books in ([], [payment(number) for number in range(20)]):
        told_of = streaming(tmp_path, came)
        told_of.stream.crowd.payments.clear()
        told_of.stream.crowd.payments.update({int(each.holder[-4:]): (each,) for each in books})
        assert not seen.nobody_lost(told_of).holds


def test_without_books_nobody_can_be_missed(tmp_path):
    with pytest.raises(Unsupported, match="payment_records"):
        seen.nobody_lost(streaming(tmp_path, numbered(coming(0, 2)), lacking=["payment_records"]))
