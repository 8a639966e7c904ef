"""Words about many customers who pay at the same time, or keep coming."""

from __future__ import annotations

from pytest_bdd import parsers, step, then

from fixtures.enactment.otp_gateway.incident import PaymentIncident
from fixtures.enactment.otp_gateway.readings import crowds as seen
from fixtures.enactment.otp_gateway.readings import streams
from judging.findings import Judge


@step(parsers.re(r"(?P<size>\d+) customers? pays? at once"), converters={"size": int})
def pay_at_once(incident: PaymentIncident, size: int) -> None:
    incident.act(lambda: incident.pay_at_once(size))


@step(parsers.parse("{rate:d} customers a second keep coming"))
def keep_coming(incident: PaymentIncident, rate: int) -> None:
    incident.act(lambda: incident.keep_coming(rate))


@step(parsers.parse("{more:d} more have come"))
def more_have_come(incident: PaymentIncident, more: int) -> None:
    incident.act(lambda: incident.wait_for_more(more))


@step("the last of them has been answered")
def last_answered(incident: PaymentIncident) -> None:
    incident.act(incident.answer_the_last)


@then(parsers.parse("a payment alone was written down in about {ms:d} ms without audit logging"))
def alone_without(judge: Judge, incident: PaymentIncident, ms: int) -> None:
    judge.expect(*seen.alone_takes(incident, ms, logged=False))


@then(parsers.parse("a payment alone was written down in about {ms:d} ms with audit logging"))
def alone_with(judge: Judge, incident: PaymentIncident, ms: int) -> None:
    judge.expect(*seen.alone_takes(incident, ms, logged=True))


@then("every payment has its two entries for the auditors")
def two_entries(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.two_entries(incident))


@then("the entries for the auditors stand before and after the change")
def before_and_after(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.before_and_after(incident))


@then(parsers.parse("writing took {floor:d} ms, and {each:d} ms more for each who paid at once"))
def writing_took(judge: Judge, incident: PaymentIncident, floor: int, each: int) -> None:
    judge.expect(*seen.writing_took(incident, floor, each))


@then("waiting grew in proportion to those who paid at once")
def in_proportion(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.in_proportion(incident))


@then("everybody got a code in time, 1, 5 and 10 at once")
def everybody_in_time(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.everybody_in_time(incident))


@then("nobody got a code when 5, 10 and 40 paid at once")
def nobody_got_code(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.nobody_got_code(incident))


@then(parsers.parse("of {size:d} at once not four in five got a code"))
def not_four_in_five(judge: Judge, incident: PaymentIncident, size: int) -> None:
    judge.expect(*seen.not_four_in_five(incident, size))


@then(parsers.parse("everybody got a code when {size:d} paid at once after it"))
def everybody_again(judge: Judge, incident: PaymentIncident, size: int) -> None:
    judge.expect(*seen.everybody_again(incident, size))


@then("whoever paid at once is in the books once")
def in_books_once(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.in_books_once(incident))


@then("no payment that was refused was completed")
def none_completed(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.none_completed(incident))


@then("whoever got no code was answered politely")
def answered_politely(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*seen.answered_politely(incident))


@then(parsers.parse("whoever got no code was told within {ms:d} ms more"))
def told_soon(judge: Judge, incident: PaymentIncident, ms: int) -> None:
    judge.expect(*seen.told_soon(incident, ms))


@then(parsers.parse("{name} fared like the others"))
def fared_alike(judge: Judge, incident: PaymentIncident, name: str) -> None:
    judge.expect(*seen.fared_alike(incident, name))


@then("everybody who came before audit logging got a code")
def all_before(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*streams.all_before(incident))


@then("those who came under audit logging got a code in time")
def in_time_under(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*streams.in_time_under(incident))


@then("everybody who came after audit logging got a code")
def all_after(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*streams.all_after(incident))


@then("those who came under audit logging stayed without a code")
def without_under(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*streams.without_under(incident))


@then("everybody who came is accounted for, here and in the books")
def nobody_lost(judge: Judge, incident: PaymentIncident) -> None:
    judge.expect(*streams.nobody_lost(incident))
