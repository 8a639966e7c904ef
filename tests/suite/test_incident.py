"""What every incident does, whichever system it is played in: the steady gate, and the way it ends."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import cast

import pytest

from fixtures.enactment.incident import Incident
from fixtures.enactment.world import World
from judging.evidence import Evidence
from judging.findings import NotRestored, NotSteady


class MadeUp(Incident):
    """An incident that notes what it does, in a world of which only what it needs is there."""

    SERVES = "somebody is served"
    SERVES_AGAIN = "it serves again"

    def __init__(self, *served: bool, within: float = 5.0) -> None:
        self.done: list[str] = []
        self._served = iter(served)
        note = lambda *_, **__: None  # noqa: E731
        world = SimpleNamespace(
            system=SimpleNamespace(promise=lambda _: within), recorder=SimpleNamespace(saw=note), journal=None,
            turn=SimpleNamespace(give_back=lambda: self.done.append("turn given back")),
        )  # fmt: skip
        super().__init__(cast(World, world))

    def serves(self) -> bool:
        self.done.append("asked")
        return next(self._served)

    def seen_serving(self) -> tuple[str, list[Evidence]]:
        return "", []

    def look_before(self) -> None: ...

    def look_at_end(self) -> None: ...

    def refusal(self, word: str) -> Callable[[], str]:
        return lambda: ""

    def send_nobody(self) -> None:
        self.done.append("nobody sent")

    def leave(self) -> None:
        self.done.append("everybody gone")


class Stuck:
    """A fault that cannot be taken back."""

    name = "stuck"

    def __init__(self, incident: MadeUp) -> None:
        self.done = incident.done

    def undo(self) -> str:
        self.done.append("taken back")
        raise NotRestored("it is stuck")


def test_one_lucky_customer_is_not_enough_where_more_are_asked_for() -> None:
    incident = MadeUp(True, False, True, True)
    incident.must_be_steady(in_a_row=2)

    assert incident.done == ["asked"] * 4


def test_a_system_that_never_serves_twice_in_a_row_is_not_steady() -> None:
    with pytest.raises(NotSteady, match="somebody is served: not within 0 s"):
        MadeUp(True, False, within=0).must_be_steady(in_a_row=2)


def test_nobody_is_sent_before_a_fault_is_taken_back_and_everybody_leaves_even_where_it_cannot_be() -> None:
    incident = MadeUp()
    incident._faults._journal = SimpleNamespace(record=lambda *_, **__: {"at": "2026-11-07T16:02:43.000000Z"})  # type: ignore[assignment]
    incident._faults._in_force.append(Stuck(incident))  # type: ignore[arg-type]

    with pytest.raises(NotRestored):
        incident.close()
    assert incident.done == ["nobody sent", "taken back", "everybody gone"]
