"""Load keeps its schedule, tells what really became of each request, and ends on every way out."""

from __future__ import annotations

import json
import threading
from types import SimpleNamespace

import pytest

from fixtures.load.result import End, MachineTooBusy
from fixtures.load.schedule import Schedule
from fixtures.load.sending import Call, by_field
from fixtures.stack import Stack
from fixtures.stack.profile import Profile, System
from fixtures.waiting import eventually
from judging.refusal import Refusal
from tests.suite.imitations import nobody

PAID, REFUSED = "success: true", "success: false"


@pytest.fixture
def aimed(service, request):
    """Makes a call that the service answers as the words say; `run` tells this test's requests from others'."""

    def call(words="", run=request.node.name, **more):
        return Call(f"{service.address}/pay?run={run.translate({ord(c): '_' for c in '[]'})}&{words}", **more)

    return call


def seen(service, call):
    return service.seen(call.url.split("run=")[1].split("&")[0])


def test_requests_leave_when_they_are_due(service, declared, aimed):
    call = aimed()
    result = declared.send(call, Schedule.at_rate(50, 25))

    assert result.outcomes() == {"200": 25}
    assert result.spread > 0.9 * 24 / 50
    assert all(sample.sent >= sample.intended for sample in result.samples)
    assert seen(service, call)["seen"] == result.sent == 25


def test_a_stall_that_a_closed_loop_hides_is_told(declared, aimed):
    """0.8 s of stall: a client that waits for its answers sends little meanwhile, and so sees little of it."""
    stalled = "ms=2&at=0.4&stall=0.8"
    closed = declared.send(aimed(stalled, "closed"), Schedule.backlog(1000, 4))
    ours = declared.send(aimed(stalled, "ours"), Schedule.at_rate(100, 200))
    narrow = declared.send(aimed(stalled, "narrow"), Schedule.at_rate(100, 200, connections=4))
    truth = (
        0.6  # seconds: of 200 arrivals, the 20 that came first in the stall waited longer; a busy machine adds to it
    )

    assert closed.percentile(0.95, "sent") < truth / 2
    assert ours.percentile(0.9) > truth * 0.95
    assert narrow.percentile(0.9) > truth * 0.95
    assert narrow.percentile(0.9, "sent") < truth / 2  # what a client would tell that only times what it sends
    assert narrow.queued > 50


def test_all_are_released_together(service, declared, aimed):
    call = aimed("ms=1000")
    result = declared.send(call, Schedule.at_once(25))

    assert seen(service, call)["most"] == 25
    assert result.spread < 1


def test_no_more_are_open_than_allowed(service, declared, aimed):
    call = aimed("ms=10")
    result = declared.send(call, Schedule.backlog(40, 7))

    assert seen(service, call)["most"] == 7
    assert result.outcomes() == {"200": 40}


def test_each_request_has_its_own_body_and_answers_are_told_apart(service, declared, aimed):
    call = aimed("every=4", method="POST", body=lambda number: {"card": number}, told=by_field("success"))
    result = declared.send(call, Schedule.at_rate(200, 20))

    assert result.outcomes() == {PAID: 15, REFUSED: 5}
    assert sorted(json.loads(body)["card"] for body in seen(service, call)["bodies"]) == list(range(20))


def test_giving_up_and_lost_connections_are_no_answers(declared, aimed):
    hung = declared.send(aimed("end=hang", "hung", told=by_field("success")), Schedule.at_once(3, patience=0.2))
    lost = declared.send(aimed("end=close", "lost", told=by_field("success")), Schedule.at_once(3))

    assert hung.outcomes() == {"client timeout": 3}
    assert lost.outcomes() == {"transport error (ServerDisconnectedError)": 3}
    assert hung.rate(PAID).of == lost.rate(PAID).of == 0


def test_nobody_there_is_a_transport_error(aimed):
    from fixtures.load.sending import Load
    from fixtures.load.targets import Targets

    with nobody() as place:
        result = Load(Targets([f"http://{place}"])).send(Call(f"http://{place}/"), Schedule.at_rate(100, 5))

    assert result.outcomes() == {"transport error (ClientConnectorError)": 5}


def test_a_lost_request_is_not_sent_again_untold(service, declared, aimed):
    """Over a connection that has served before, an HTTP client may silently repeat a GET."""
    call = aimed("end=close&after=1")
    result = declared.send(call, Schedule.backlog(2, 1))

    assert result.outcomes() == {"200": 1, "transport error (ServerDisconnectedError)": 1}
    assert seen(service, call)["seen"] == 2


def test_a_redirect_leads_nowhere(declared, aimed):
    assert declared.send(aimed("status=302"), Schedule.at_once(2)).outcomes() == {"302": 2}


def test_an_answer_that_cannot_be_read_is_an_answer(declared, aimed):
    result = declared.send(aimed("end=text", told=by_field("success")), Schedule.at_once(2))

    assert result.outcomes() == {"unreadable: JSONDecodeError": 2}
    assert result.ended(End.ANSWERED) == 2


def test_when_time_is_up_the_rest_is_dropped_and_counted(service, declared, aimed):
    call = aimed("end=hang")
    result = declared.send(call, Schedule.backlog(10, 2, patience=0.2, lasting=0.3))

    assert result.dropped >= 6
    assert result.sent + result.dropped == result.planned == 10
    assert seen(service, call)["seen"] == result.sent
    assert result.seconds < 5


def test_a_cancelled_load_leaves_nothing_running(service, declared, aimed):
    call = aimed("ms=200")
    with declared.start(call, Schedule.at_rate(50, 2000)) as sending:
        eventually("some were sent", lambda: seen(service, call)["seen"] > 5, within=10)
        result = sending.cancel()

    assert 0 < result.ended(End.CUT) < 300
    assert result.dropped > 1000
    assert result.sent + result.dropped == 2000
    assert not [thread for thread in threading.enumerate() if thread.name == "load"]
    assert seen(service, call)["seen"] <= result.sent


def test_a_stopped_load_sends_nothing_more_and_waits_for_what_is_on_its_way(service, declared, aimed):
    call = aimed("ms=500")
    with declared.start(call, Schedule.at_rate(50, 2000)) as sending:
        eventually("some were sent", lambda: seen(service, call)["seen"] > 5, within=10)
        sending.mark("stopped")
        result = sending.stop()
    last = max(sample.sent for sample in result.samples if sample.sent is not None)
    stopped = result.marks[0].at

    assert result.outcomes() == {"dropped": result.dropped, "200": result.sent}
    assert result.sent + result.dropped == 2000
    assert result.dropped > 1000
    assert seen(service, call)["seen"] == result.sent
    assert last < stopped + 1  # of the forty seconds that it would have taken
    assert result.seconds > last + 0.5
    assert result.seconds < stopped + 5  # those who slept until much later were woken


def test_a_stopped_backlog_starts_nothing_new(service, declared, aimed):
    call = aimed("end=hang")
    with declared.start(call, Schedule.backlog(100, 4, patience=2)) as sending:
        eventually("some were sent", lambda: seen(service, call)["seen"] == 4, within=10)
        result = sending.stop()

    assert result.outcomes() == {"dropped": 96, "client timeout": 4}
    assert seen(service, call)["seen"] == 4


def test_a_load_that_is_stopped_before_it_began_sends_nothing(service, declared, aimed):
    call = aimed()
    with declared.start(call, Schedule.at_rate(50, 2000)) as sending:
        result = sending.stop()

    assert result.outcomes() == {"dropped": 2000}
    assert result.seconds < 5
    assert seen(service, call)["seen"] == 0


def test_a_load_that_is_over_can_still_be_stopped(declared, aimed):
    with declared.start(aimed(), Schedule.at_rate(100, 5)) as sending:
        result = sending.result()

        assert sending.stop() is result
    assert result.outcomes() == {"200": 5}


def test_what_a_stopped_load_waits_for_can_be_cut_off(service, declared, aimed):
    call = aimed("end=hang")
    with declared.start(call, Schedule.backlog(100, 4)) as sending:
        eventually("some were sent", lambda: seen(service, call)["seen"] == 4, within=10)
        threading.Timer(0.2, sending.cancel).start()
        result = sending.stop()

    assert result.outcomes() == {"dropped": 96, "cut off": 4}


def test_whatever_goes_wrong_beside_it_ends_the_load(service, declared, aimed):
    call = aimed("ms=200")
    with pytest.raises(KeyboardInterrupt), declared.start(call, Schedule.at_rate(50, 2000)):  # noqa: PT012
        eventually("some were sent", lambda: seen(service, call)["seen"] > 5, within=10)
        raise KeyboardInterrupt

    assert not [thread for thread in threading.enumerate() if thread.name == "load"]


def test_a_fault_of_the_suite_is_not_taken_for_the_stacks(declared, aimed):
    def told(status, body):
        raise AssertionError("a bug")

    with pytest.raises(BaseExceptionGroup) as raised:
        declared.send(aimed(told=told), Schedule.at_once(2))
    assert raised.group_contains(AssertionError, match="a bug")


def test_what_happens_meanwhile_is_marked(declared, aimed):
    with declared.start(aimed(), Schedule.at_rate(50, 20)) as sending:
        sending.mark("audit logging deployed")
        result = sending.result()

    assert [mark.what for mark in result.marks] == ["audit logging deployed"]
    assert result.marks[0].at < result.seconds


def test_a_machine_that_cannot_keep_the_schedule_accuses_nobody(declared, aimed):
    """Whoever reads an answer for so long sends the next ones late."""

    def ponder(status, body):
        return str(sum(range(1_000_000)) and status)

    result = declared.send(aimed(told=ponder), Schedule.at_rate(100, 20))

    assert result.sent == 20
    with pytest.raises(MachineTooBusy, match="too busy"):
        result.trusted()


def test_an_address_that_was_not_declared_is_refused_before_anything_is_sent(declared):
    with nobody() as place, pytest.raises(Refusal, match="has not declared") as refused:
        declared.start(Call(f"http://{place}/"), Schedule.at_once(1))
    assert refused.value.exit_code == 6


@pytest.fixture(scope="session")
def stack(service):
    """A stack whose profile declares the service as its pages, on whatever host its cluster is."""
    pages = service.address.replace("127.0.0.1", "{cluster}")
    return Stack(Profile("mine", None, "Mine", "mine", systems={"shop": System("shop", ui=pages)}), None)


@pytest.fixture(scope="session")
def cluster():
    """A cluster of which only the host is asked."""
    return SimpleNamespace(host="127.0.0.1")


def test_a_run_is_lent_load_on_what_its_profile_declares(load, service, aimed):
    assert load.send(aimed(), Schedule.at_once(2)).outcomes() == {"200": 2}
    with pytest.raises(Refusal, match=f"declares: {service.address}"):
        load.send(Call("http://127.0.0.2:80/"), Schedule.at_once(2))
