"""What many at once amount to: each reading holds for what it claims, and for nothing that only looks like it."""

from __future__ import annotations

import json
from types import SimpleNamespace

import pytest

from fixtures.enactment.otp_gateway.crowd import CODE, Mark, marks_in, told
from fixtures.enactment.otp_gateway.readings import crowds as seen
from fixtures.enactment.readings import NoControl
from fixtures.load.result import End, MachineTooBusy
from judging.findings import Unsupported
from tests.otp_readings.made_up import (
    REFUSED,
    Book,
    alike,
    crowd,
    entries,
    incident,
    payment,
    sample,
    written,
)

PATTERN = r"payment (?P<payment>\S+) written: began=(?P<began>\S+) ms=(?P<ms>[\d.]+) at_once=(?P<at_once>\d+)"
GOOD = {"success": True, "message": "sent", "session_id": "s", "otp": "123456", "payment_id": "p"}
NONE = {"success": False, "message": "try again", "session_id": None, "otp": None, "payment_id": "p"}


@pytest.mark.parametrize(
    ("status", "answer", "outcome"),
    [
        (200, GOOD, CODE),
        (200, GOOD | {"otp": None}, CODE),  # outside the demo mode
        (200, NONE, "no code: try again"),
        (200, NONE | {"payment_id": None}, "no code: try again"),
        (200, GOOD | {"payment_id": None}, "an answer that contradicts itself"),
        (200, GOOD | {"session_id": None}, "an answer that contradicts itself"),
        (200, GOOD | {"success": "true"}, "an answer that contradicts itself"),
        (200, NONE | {"otp": "123456"}, "an answer that contradicts itself"),
        (200, NONE | {"session_id": "s"}, "an answer that contradicts itself"),
        (422, {"detail": []}, "422"),
        (500, GOOD, "500"),
        (503, NONE, "503"),
    ],
)
def test_an_answer_is_told_for_what_it_is(status, answer, outcome):
    assert told(status, json.dumps(answer).encode()) == outcome


@pytest.mark.parametrize("body", [b"", b"no JSON at all", b"[]", b"null", b'{"success": true}', b'{"success": false}'])
def test_an_answer_without_form_is_neither_a_code_nor_a_polite_refusal(body):
    with pytest.raises((ValueError, LookupError, TypeError)):  # which a load counts as unreadable
        told(200, body)


def test_marks_are_read_out_of_any_log_that_has_them():
    lines = [
        "INFO:     payment p1 written: began=2026-01-01T10:00:00.000001+00:00 ms=301.5 at_once=1",
        'INFO:     127.0.0.1:4 - "POST /payment/initiate HTTP/1.1" 200 OK',
        "payment p2 written: began=2026-01-01T10:00:00 ms= at_once=3",
        "2026 [backend] payment p3 written: began=x ms=750 at_once=10 (audit)",
    ]

    assert marks_in(lines, PATTERN) == {"p1": Mark(0.3015, 1), "p3": Mark(0.75, 10)}
    assert marks_in([], PATTERN) == {}


def test_at_once_are_those_of_this_crowd_alone():
    mine = crowd([sample(0), sample(1)], marks={payment(0).id: Mark(0.3, 2), "somebody else's": Mark(0.3, 9)})

    assert mine.at_once == 2
    assert crowd([sample(0)]).at_once == 0


MARKED = "payment {} written: began=x ms={} at_once={}"


def test_a_payment_alone_is_told_from_one_in_a_crowd_and_from_one_that_was_logged(tmp_path):
    log = [MARKED.format(*each) for each in (("a", 31, 1), ("b", 15, 2), ("c", 305, 1), ("d", 280, 3))]
    told_of = incident(tmp_path, log=log, book=Book(entries=entries("c", "created", "status_changed")))

    assert seen.alone_takes(told_of, 30, logged=False)[1:3] == ("31 ms, the fastest of 1", True)
    assert seen.alone_takes(told_of, 300, logged=True)[1:3] == ("305 ms, the fastest of 1", True)
    assert not seen.alone_takes(told_of, 200, logged=True).holds
    assert not seen.alone_takes(told_of, 300, logged=False).holds
    for log in ([], [MARKED.format("b", 31, 2)]):
        with pytest.raises(NoControl, match="alone"):
            seen.alone_takes(incident(tmp_path, log=log), 30, logged=False)


def test_the_fastest_of_each_crowd_must_fit_the_formula_and_all_must_have_written_at_once(tmp_path):
    def took(*crowds):
        return seen.writing_took(incident(tmp_path, *crowds), 250, 50)

    one, five, ten = written(1, 0.301), written(5, 0.502), written(10, 0.755)
    unmarked = crowd([sample(number) for number in range(10)], marks={payment(0).id: Mark(0.75, 10)})

    assert took(one, five, ten).holds
    assert not took(one, five, written(10, 0.9)).holds
    assert not took(one, five, written(10, 0.70)).holds
    assert not took(one, five, written(10, 0.755, at_once=9)).holds
    for crowds, named in ((unmarked, 1), (alike(10), 0)):
        with pytest.raises(NoControl, match=f"name {named} of 10"):
            took(one, five, crowds)
    with pytest.raises(KeyError):
        took(one, five)


@pytest.mark.parametrize(("alone", "logged", "holds"), [(305, True, True), (390, True, False), (305, False, False)])
def test_who_was_held_up_alone_accuses_nobody_where_another_alone_was_not(tmp_path, alone, logged, holds):
    book = Book(entries=entries("c", "created", "status_changed") if logged else ())
    crowds = (written(1, 0.389), written(5, 0.502), written(10, 0.755))
    told_of = incident(tmp_path, *crowds, log=[MARKED.format("c", alone, 1)], book=book)

    assert seen.writing_took(told_of, 250, 50).holds is holds


def test_everybody_means_everybody_and_in_time(tmp_path):
    def in_time(*crowds):
        return seen.everybody_in_time(incident(tmp_path, alike(1), alike(5), *crowds))

    assert in_time(alike(10, took=1.9)).holds
    assert not in_time(alike(10, took=2.1)).holds
    assert not in_time(crowd([*(sample(n) for n in range(9)), sample(9, REFUSED)])).holds
    assert not in_time(crowd([*(sample(n) for n in range(9)), sample(9, end=End.TIMEOUT)])).holds
    with pytest.raises(MachineTooBusy, match="E-LOAD-BUSY"):
        in_time(alike(10, late=0.6))


def test_nobody_means_that_everybody_was_answered_without_a_code(tmp_path):
    def nobody(*crowds):
        return seen.nobody_got_code(incident(tmp_path, alike(5, REFUSED), alike(10, REFUSED), *crowds))

    assert nobody(alike(40, REFUSED)).holds
    assert not nobody(alike(40)).holds
    assert not nobody(crowd([sample(0), *(sample(n, REFUSED) for n in range(1, 40))])).holds
    assert not nobody(crowd([sample(n, end=End.TIMEOUT) for n in range(40)])).holds


@pytest.mark.parametrize("reading", ["nobody_got_code", "everybody_in_time", "in_proportion", "writing_took"])
def test_whoever_lost_the_connection_accuses_nobody(tmp_path, reading):
    lost = crowd([*(sample(n, REFUSED) for n in range(9)), sample(9, end=End.TRANSPORT)])
    more = (250, 50) if reading == "writing_took" else ()

    with pytest.raises(NoControl, match="1 of 10 connections were lost"):
        getattr(seen, reading)(incident(tmp_path, written(1, 0.3), written(5, 0.5), lost, alike(40)), *more)


@pytest.mark.parametrize(
    ("with_code", "size", "holds"),
    [(0, 40, True), (40, 40, True), (32, 40, False), (36, 40, False), (20, 40, False), (1, 40, False), (5, 5, False)],
)
def test_four_in_five_or_some_are_neither_all_nor_none(tmp_path, with_code, size, holds):
    mixed = crowd([sample(n, CODE if n < with_code else REFUSED) for n in range(size)])

    assert seen.not_four_in_five(incident(tmp_path, mixed), size).holds is holds


def test_a_share_of_nobody_says_nothing(tmp_path):
    gave_up = crowd([sample(n, end=End.TIMEOUT) for n in range(40)])
    one_answered = crowd([sample(0, REFUSED), *(sample(n, end=End.TIMEOUT) for n in range(1, 40))])

    assert not seen.not_four_in_five(incident(tmp_path, gave_up), 40).holds
    assert not seen.not_four_in_five(incident(tmp_path, one_answered), 40).holds


@pytest.mark.parametrize(
    ("one", "ten", "many", "holds"),
    [
        (0.3, 0.75, 2.25, True),
        (0.35, 3.5, 14.0, True),  # one after the other
        (0.3, 0.75, 4.5, False),  # faster than in proportion
        (0.3, 0.75, 0.8, False),  # it hardly grew any more
        (0.3, 3.0, 30.0, False),
        (0.3, 0.305, 0.32, False),  # noise
        (0.3, 0.3, 0.3, False),
        (0.3 * 2, 0.3 * 2**10, 0.3 * 2**40, False),  # doubling with everybody
    ],
)
def test_in_proportion_is_neither_faster_nor_not_at_all(tmp_path, one, ten, many, holds):
    crowds = (alike(size, took=took) for size, took in ((1, one), (10, ten), (40, many)))

    assert seen.in_proportion(incident(tmp_path, *crowds)).holds is holds


def test_waiting_without_end_is_in_no_proportion(tmp_path):
    endless = [crowd([sample(n, end=End.TIMEOUT) for n in range(size)]) for size in (10, 40)]

    assert not seen.in_proportion(incident(tmp_path, alike(1), *endless)).holds


def test_a_busy_machine_foretells_nothing(tmp_path):
    with pytest.raises(MachineTooBusy, match="E-LOAD-BUSY"):
        seen.in_proportion(incident(tmp_path, alike(1), alike(10, took=0.75), alike(40, took=2.25, late=0.6)))


def test_a_refusal_must_be_polite_and_there_must_be_one(tmp_path):
    def politely(*crowds):
        return seen.answered_politely(incident(tmp_path, *crowds, alike(40, crowds[0].result.samples[0].outcome)))

    assert politely(alike(5, REFUSED), alike(10, REFUSED)).holds
    assert politely(alike(5), alike(10)).seen == "nobody was refused"
    for outcome in ("500", "422", "no code: Payment creation failed", "an answer that contradicts itself"):
        assert not politely(alike(5, REFUSED), alike(10, outcome)).holds


def test_how_long_it_took_to_be_told_counts_from_being_written_down(tmp_path):
    def soon(*crowds):
        return seen.told_soon(incident(tmp_path, *crowds, alike(10), alike(40)), 1400)

    assert soon(written(5, 0.5, outcome=REFUSED, took=1.8)).holds
    assert not soon(written(5, 0.5, outcome=REFUSED, took=2.0)).holds
    assert soon(written(5, 0.5)).seen == "nobody was refused"
    for marks in ({}, {payment(0).id: Mark(0.5, 5)}):
        with pytest.raises(NoControl, match=f"name {len(marks)} of 5"):
            soon(alike(5, REFUSED, marks=marks))


def test_what_a_stack_does_not_show_is_no_reading(tmp_path):
    for lacking, asked in (
        ("write_marks", lambda it: seen.told_soon(it, 1400)),
        ("write_marks", lambda it: seen.writing_took(it, 250, 50)),
        ("payment_records", lambda it: seen.told_soon(it, 1400)),
        ("payment_records", lambda it: seen.writing_took(it, 250, 50)),
        ("payment_records", lambda it: seen.alone_takes(it, 30, logged=False)),
        ("payment_records", seen.in_books_once),
        ("payment_records", seen.none_completed),
        ("payment_records", seen.two_entries),
        ("payment_records", seen.before_and_after),
    ):
        with pytest.raises(Unsupported, match=lacking):
            asked(incident(tmp_path, alike(1), alike(5), alike(10, REFUSED), lacking=[lacking]))


@pytest.mark.parametrize(
    ("got_code", "with_code", "holds"),
    [(True, 30, True), (False, 0, True), (True, 0, False), (False, 30, False), (True, 28, True), (False, 2, True)],
)
def test_faring_alike_is_to_fare_as_all_the_others(tmp_path, got_code, with_code, holds):
    told_of = beside(tmp_path, got_code, with_code)

    assert seen.fared_alike(told_of, "Dora").holds is holds


def test_others_who_fared_differently_are_no_measure(tmp_path):
    with pytest.raises(NoControl, match="not fare alike"):
        seen.fared_alike(beside(tmp_path, True, 15), "Dora")


def beside(folder, got_code, with_code):
    """Dora paid while thirty others did, some of whom got a code."""
    told_of = incident(folder)
    told_of.beside["Dora"] = crowd([sample(n, CODE if n < with_code else REFUSED) for n in range(30)])
    told_of.payers["Dora"] = SimpleNamespace(asked=[SimpleNamespace(got_code=got_code, seconds=0.5, evidence=())])
    return told_of
