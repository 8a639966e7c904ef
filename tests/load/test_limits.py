"""No load goes to where it was not declared, and none is larger than the limits."""

from __future__ import annotations

import os
import resource

import pytest

from fixtures.load.schedule import MOST_CONNECTIONS, MOST_REQUESTS, Schedule
from fixtures.load.targets import Targets
from judging.refusal import Refusal

OURS = Targets(["http://127.3.0.1:30001", "http://localhost:8000/pay", "http://[::1]:9000"])


@pytest.mark.parametrize(
    ("url", "written"),
    [
        ("http://127.3.0.1:30001/pay?n=1", "http://127.3.0.1:30001/pay?n=1"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000/"),
        ("http://localhost:8000/", "http://127.0.0.1:8000/"),
        ("http://[::1]:9000/x", "http://[::1]:9000/x"),
    ],
)
def test_what_is_declared_is_admitted_and_leaves_no_name_to_look_up(url, written):
    assert OURS.admit(url) == written


@pytest.mark.parametrize(
    ("url", "error_id", "code"),
    [
        ("http://127.3.0.1:30002/", "E-LOAD-ADDRESS", 6),
        ("http://127.9.0.1:30001/", "E-LOAD-ADDRESS", 6),
        ("http://203.0.113.7:8000/", "E-LOAD-ADDRESS", 6),
        ("http://127.0.0.1.example.org:8000/", "E-LOAD-ADDRESS", 6),
        ("http://2130706433:8000/", "E-LOAD-ADDRESS", 6),
        ("http://0.0.0.0:8000/", "E-LOAD-ADDRESS", 6),
        ("http://127.0.0.1:8000@example.org/", "E-LOAD-URL", 4),
        ("https://127.0.0.1:8000/", "E-LOAD-URL", 4),
        ("http://127.0.0.1:port/", "E-LOAD-URL", 4),
        ("/pay", "E-LOAD-URL", 4),
    ],
)
def test_what_is_not_declared_is_refused_in_two_lines(url, error_id, code):
    with pytest.raises(Refusal) as refused:
        OURS.admit(url)

    assert (refused.value.error_id, refused.value.exit_code) == (error_id, code)
    assert len(str(refused.value).splitlines()) == 2


def test_another_machine_cannot_even_be_declared():
    with pytest.raises(Refusal, match="is not this machine") as refused:
        Targets(["http://shop.example.org:80"]).admit("http://shop.example.org:80/")

    assert refused.value.exit_code == 6


def test_where_the_cluster_was_not_asked_its_host_is_any_loopback_address():
    unasked = Targets(["http://{cluster}:30001"])

    assert unasked.admit("http://127.7.0.1:30001/")
    with pytest.raises(Refusal, match="not declared"):
        unasked.admit("http://127.7.0.1:30002/")


BEYOND = {
    "too many": lambda: Schedule.at_rate(10, MOST_REQUESTS + 1),
    "too fast": lambda: Schedule.at_rate(2001, 10),
    "no rate": lambda: Schedule.at_rate(0, 10),
    "rate is no number": lambda: Schedule.at_rate(float("nan"), 10),
    "too long": lambda: Schedule.at_rate(1, 400),
    "too many connections": lambda: Schedule.at_rate(10, 10, connections=MOST_CONNECTIONS + 1),
    "no patience": lambda: Schedule.at_rate(10, 10, patience=0),
    "too many at once": lambda: Schedule.at_once(MOST_CONNECTIONS + 1),
    "nothing at once": lambda: Schedule.at_once(0),
    "too much patience": lambda: Schedule.at_once(10, patience=1000),
    "no connection": lambda: Schedule.backlog(10, 0),
    "without end": lambda: Schedule.backlog(10, 4, lasting=float("inf")),
}


@pytest.mark.parametrize("case", BEYOND)
def test_a_load_beyond_the_limits_is_unusable(case):
    with pytest.raises(Refusal) as refused:
        BEYOND[case]()

    assert (refused.value.error_id, refused.value.exit_code) == ("E-LOAD-LIMIT", 4)


def test_the_largest_load_is_within_the_limits():
    assert len(Schedule.at_rate(2000, MOST_REQUESTS, connections=MOST_CONNECTIONS).due) == MOST_REQUESTS


def test_more_connections_than_files_are_refused_before_anything_is_sent(monkeypatch):
    open_now = len(os.listdir("/proc/self/fd"))
    monkeypatch.setattr(resource, "getrlimit", lambda _: (open_now + 60, open_now + 60))
    Schedule.at_once(20).must_fit()

    with pytest.raises(Refusal, match="100 connections need") as refused:
        Schedule.at_once(100).must_fit()
    assert (refused.value.error_id, refused.value.exit_code) == ("E-LOAD-FILES", 4)
