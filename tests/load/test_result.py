"""Every planned request is counted once, and what was never answered makes no stack look fast."""

from __future__ import annotations

import csv
import io
import math
from datetime import UTC, datetime
from xml.etree import ElementTree

import pytest

from fixtures.load.picture import ENDS, picture
from fixtures.load.result import End, MachineTooBusy, Mark, Result, Sample, percentile, shown
from fixtures.load.schedule import Schedule
from fixtures.load.summary import summary
from judging.evidence import EvidenceStore
from judging.redaction import Redaction

SVG = "{http://www.w3.org/2000/svg}"


def answered(number, intended, sent, done, outcome="paid", free=0.0):
    return Sample(number, intended, free, sent, done, End.ANSWERED, outcome)


MIXED = (
    answered(0, 0.0, 0.001, 0.031),
    answered(1, 0.1, 0.101, 0.131, "refused"),
    Sample(2, 0.2, 0.15, 0.2, 1.2, End.TIMEOUT),
    Sample(3, 0.3, 0.15, 0.3, 0.301, End.TRANSPORT, "ServerDisconnectedError"),
    Sample(4, 0.4, 1.2, 1.2, 1.25, End.CUT),
    Sample(5, 0.5),
)


def result(*samples, marks=(), lateness=(0.001,), until=math.inf):
    schedule = Schedule(tuple(sample.intended for sample in samples), 4, 1.0, 2.0)
    return Result(schedule, samples, marks, lateness, datetime(2026, 1, 1, tzinfo=UTC), 1.25, 0.004, until)


def test_sent_and_dropped_are_what_was_planned():
    of = result(*MIXED)

    assert (of.planned, of.sent, of.dropped) == (6, 5, 1)


@pytest.mark.parametrize("lost", [MIXED[1:], MIXED[:3] + MIXED[4:], MIXED[:1] * 6])
def test_a_result_that_lost_a_request_cannot_be_made(lost):
    with pytest.raises(ValueError, match="planned, but"):
        result(*lost)


def test_a_result_that_calls_a_sent_request_dropped_cannot_be_made():
    with pytest.raises(ValueError, match="6 planned, but 6 sent and 1 dropped"):
        result(*MIXED[:5], Sample(5, 0.5, 0.5, 0.5, 0.6, End.DROPPED))


def test_what_was_not_answered_is_told_apart_from_what_was_refused():
    assert result(*MIXED).outcomes() == {
        "paid": 1,
        "refused": 1,
        "client timeout": 1,
        "transport error (ServerDisconnectedError)": 1,
        "cut off": 1,
        "dropped": 1,
    }
    assert result(*MIXED).ended(End.TIMEOUT) == 1
    assert (result(*MIXED).rate("paid").hits, result(*MIXED).rate("paid").of) == (1, 2)


def test_giving_up_does_not_make_a_stack_look_fast():
    of = result(answered(0, 0.0, 0.0, 0.03), answered(1, 0.1, 0.1, 0.13), Sample(2, 0.2, 0.2, 0.2, 1.2, End.TIMEOUT))

    assert of.percentile(0.5) == pytest.approx(0.03)
    assert of.percentile(0.95) == math.inf
    assert of.latencies(outcome="paid") == pytest.approx([0.03, 0.03])


def test_a_request_that_left_late_has_waited_since_it_was_due():
    late = result(answered(0, 1.0, 1.9, 1.93, free=1.9))

    assert late.percentile(0.5) == pytest.approx(0.93)
    assert late.percentile(0.5, "sent") == pytest.approx(0.03)
    assert any("would tell 30 ms instead of 930 ms at 99%" in line for line in summary(late))


def test_waiting_for_a_connection_is_not_the_senders_fault():
    assert result(answered(0, 1.0, 1.9, 1.93, free=1.9)).busy() == ""
    assert result(answered(0, 1.0, 1.9, 1.93, free=1.9)).queued == 1


def test_leaving_late_over_a_free_connection_is():
    late = result(answered(0, 1.0, 1.05, 1.08, free=0.5))

    assert "1 in 100 left 50 ms late" in late.busy()
    with pytest.raises(MachineTooBusy, match="E-LOAD-BUSY"):
        late.trusted()
    assert late.trusted(limit=0.1) is late


def test_a_clock_that_ticks_late_is_a_busy_machine_too():
    assert "250 ms late" in result(*MIXED, lateness=(0.0, 0.25)).busy()


def test_percentiles_are_values_that_were_seen():
    assert [percentile([4, 1, 3, 2], share) for share in (0.25, 0.5, 0.51, 0.99, 1)] == [1, 2, 3, 4, 4]
    with pytest.raises(ValueError, match="0 values"):
        percentile([], 0.5)
    assert [shown(seconds) for seconds in (0.0312, 1.239, math.inf)] == ["31 ms", "1.24 s", "never"]


def test_the_table_holds_every_planned_request_with_nothing_made_up():
    rows = list(csv.DictReader(io.StringIO(result(*MIXED).csv())))

    assert [row["number"] for row in rows] == [str(number) for number in range(6)]
    assert rows[1] == {
        "number": "1", "intended": "0.100000", "sent": "0.101000", "done": "0.131000",
        "end": "answered", "outcome": "refused",
    }  # fmt: skip
    assert rows[5] == {"number": "5", "intended": "0.500000", "sent": "", "done": "", "end": "dropped", "outcome": ""}


def test_the_picture_shows_every_request_in_its_outcomes_colour_and_what_happened_meanwhile():
    drawn = ElementTree.fromstring(picture(result(*MIXED, marks=(Mark("audit <on>", 0.4),)), "Paying & failing"))
    texts = [each.text for each in drawn.iter(f"{SVG}text")]
    dots = {each.get("stroke"): each.get("d").count("M") for each in drawn.iter(f"{SVG}path") if "h0" in each.get("d")}

    assert texts[0] == "Paying & failing"
    assert {"paid (1)", "refused (1)", "client timeout (1)", "dropped (1)", "audit <on>"} <= set(texts)
    assert set(dots.values()) == {1}  # the last path of a colour is its sign in the legend
    big = {each.get("stroke"): each.get("d") for each in drawn.iter(f"{SVG}path") if each.get("stroke-width") == "5"}
    assert len({dot for path in big.values() for dot in path.split("M")[1:]}) == 6
    assert set(big) > set(ENDS.values())


@pytest.mark.parametrize(
    "times",
    [(0.2, 0.21, 0.6, 0.62), (0.0, 0.001, 0.49, 0.5), (0.5, 0.5, 0.5), (0.1, 0.15, 0.2, 0.25, 0.3, 0.4), (-0.5, 2.0)],
)
def test_labels_of_marks_touch_neither_each_other_nor_another_mark(times):
    marks = tuple(Mark(f"audit logging, moment {number}", at) for number, at in enumerate(times))
    drawn = ElementTree.fromstring(picture(result(*MIXED, marks=marks), "Many marks"))
    labels = [each for each in drawn.iter(f"{SVG}text") if each.text.startswith("audit")]
    lines = [each.get("d")[1:] for each in drawn.iter(f"{SVG}path") if each.get("stroke-dasharray")]
    ways = [(float(line.split()[0]), float(line.split()[1].split("V")[0])) for line in lines]
    boxes = [box(each) for each in labels]

    assert len(boxes) == len(ways) == len(times)
    for number, (begin, end, foot) in enumerate(boxes):
        assert begin >= 0
        assert end <= 960
        for other, (their_begin, their_end, their_foot) in enumerate(boxes):
            assert other == number or end < their_begin or their_end < begin or abs(foot - their_foot) > 12
        for other, (at, top) in enumerate(ways):
            assert other == number or not begin < at < end or top >= foot or abs(at - ways[number][0]) < 0.1
    dots = [each.get("d") for each in drawn.iter(f"{SVG}path") if each.get("stroke-width") == "5"]
    highest = min(float(dot.split()[1].removesuffix("h0")) for path in dots for dot in path.split("M")[1:])
    assert highest > max(foot for _, _, foot in boxes)


def test_labels_that_have_room_beside_each_other_share_a_row():
    marks = (Mark("deployed", 0.0), Mark("in force", 0.01), Mark("called back", 0.3), Mark("gone", 0.31))
    drawn = ElementTree.fromstring(picture(result(*MIXED, marks=marks), "Two pairs"))
    rows = [each.get("y") for each in drawn.iter(f"{SVG}text") if each.text in {mark.what for mark in marks}]

    assert sorted(map(rows.count, rows)) == [2, 2, 2, 2]


def box(label):
    """Where a label begins and ends, and its foot, with letters as wide as the widest browsers draw on average."""
    x, y, width = float(label.get("x")), float(label.get("y")), 7 * len(label.text)
    return (x - width, x, y) if label.get("text-anchor") == "end" else (x, x + width, y)


def test_what_was_not_due_when_it_was_stopped_has_nobody_waiting():
    stopped = result(answered(0, 0.0, 0.001, 0.031), Sample(1, 0.5), Sample(2, 1.0), until=0.2)
    drawn = ElementTree.fromstring(picture(stopped, "Stopped"))
    dots = [each.get("d") for each in drawn.iter(f"{SVG}path") if each.get("stroke-width") == "5"]

    assert (stopped.sent, stopped.dropped) == (1, 2)
    assert stopped.percentile(1.0) == pytest.approx(0.031)
    assert result(answered(0, 0.0, 0.001, 0.031), Sample(1, 0.1), until=0.2).percentile(1.0) == math.inf
    assert [path.count("M") for path in dots] == [1]


def test_a_load_of_which_nothing_was_due_tells_nothing():
    none = result(Sample(0, 0.0), Sample(1, 0.5), until=-0.01)

    assert none.percentile(0.5) == math.inf
    assert any("2 planned = 0 sent + 2 dropped" in line for line in summary(none))
    assert "2 dropped" in picture(none, "Nothing")


def test_an_answer_keeps_its_colour_when_others_become_more():
    few = result(*(answered(n, n / 10, n / 10, n / 10 + 0.1, "paid" if n < 3 else "refused") for n in range(4)))
    many = result(*(answered(n, n / 10, n / 10, n / 10 + 0.1, "paid" if n < 1 else "refused") for n in range(4)))

    assert colours(few) == colours(many)


def colours(of):
    """The colour of each outcome, by the legend."""
    drawn = list(ElementTree.fromstring(picture(of, "Colours")))
    beside = [(drawn[place + 1].text, each) for place, each in enumerate(drawn) if each.get("stroke-width") == "9.0"]
    return {text.split(" (")[0]: sign.get("stroke") for text, sign in beside}


@pytest.mark.parametrize("schedule", [Schedule.at_once(3), Schedule.backlog(3, 1)])
def test_what_is_due_at_the_same_time_is_drawn_side_by_side(schedule):
    samples = tuple(answered(number, 0.0, number * 0.03, (number + 1) * 0.03) for number in range(3))
    of = Result(schedule, samples, (), (), datetime(2026, 1, 1, tzinfo=UTC), 0.09, 0.001)
    drawn = ElementTree.fromstring(picture(of, "Three"))
    path = next(each.get("d") for each in drawn.iter(f"{SVG}path") if each.get("stroke-width") == "5")

    assert len({dot.split()[0] for dot in path.split("M")[1:]}) == 3


def test_nothing_in_a_table_or_picture_is_taken_for_a_secret(tmp_path):
    dues = [number / 97 for number in range(800)]
    many = tuple(
        answered(n, due, due + 0.00041, due + (n % 13) / 77 + 0.01, f"success: {n % 3 > 0}")
        for n, due in enumerate(dues)
    )
    store = EvidenceStore(tmp_path, Redaction())

    for body, media in ((result(*many).csv(), "text/csv"), (picture(result(*many), "Many"), "image/svg+xml")):
        kept = store.keep("load", body, media)
        assert (tmp_path / kept.file.split("/")[1]).read_bytes() == body.encode()


def test_the_legend_takes_as_many_rows_as_it_needs():
    labels = [f"answer {number} that takes many words to be told" for number in range(6)]
    samples = [answered(n, n / 10, n / 10, n / 10 + 0.02, label) for n, label in enumerate(labels)]
    drawn = ElementTree.fromstring(picture(result(*samples), "many outcomes"))
    entries = [each for each in drawn.iter(f"{SVG}text") if (each.text or "").startswith("answer ")]
    places = [(float(each.attrib["x"]), float(each.attrib["y"])) for each in entries]

    assert len(places) == len(set(places)) == len(labels)
    assert all(x + 6 * len(labels[0]) < 960 for x, _ in places)
    assert len({y for _, y in places}) > 1
