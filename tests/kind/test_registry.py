"""Published images where a registry answers, else what is built from packages, and that is said."""

from __future__ import annotations

from pathlib import Path

import pytest

from reference.kind import registry
from reference.refusal import CannotRun
from tests.kind.machine import Machine

PUBLISHED, BUILT = "python:3-slim", "incident-conformance/python:1"
PULLED = "3-slim: Pulling from library/python\nStatus: Downloaded newer image\n"


@pytest.fixture(autouse=True)
def on_the_machine(machine: Machine, monkeypatch: pytest.MonkeyPatch) -> None:
    """These tests call the module itself, with the machine's PATH."""
    for name, value in machine.environment.items():
        monkeypatch.setenv(name, value)
    registry._out_of_reach().clear()
    machine.has("docker")


def chosen(machine: Machine) -> str:
    def archive(log: Path) -> Path:
        (machine.folder / "image.tar").touch()
        return machine.folder / "image.tar"

    return registry.chosen(PUBLISHED, BUILT, archive, machine.folder / "log")


def test_what_the_engine_has_is_used_without_asking_anybody(machine: Machine):
    machine.answer("^docker image inspect .*python:3-slim")
    assert chosen(machine) == PUBLISHED
    assert not [call for call in machine.calls if "pull" in call]


def test_what_was_built_before_is_used_without_asking_anybody(machine: Machine):
    machine.answer("^docker image inspect .*python:3-slim", ends=1)
    assert chosen(machine) == BUILT
    assert not [call for call in machine.calls if "pull" in call]


def test_a_registry_that_answers_gives_the_published_image(machine: Machine):
    machine.answer("^docker image inspect", ends=1)
    machine.answer("^docker pull", PULLED)
    assert chosen(machine) == PUBLISHED


@pytest.mark.parametrize(
    "pull",
    [
        {"says": "Error response from daemon: dial tcp: lookup: no such host\n", "ends": 1},
        {"says": "", "hangs": True},
        {"says": f"{PULLED}unexpected EOF\n", "ends": 1},
    ],
    ids=["refuses", "hangs", "breaks off"],
)
def test_no_registry_in_reach_is_said_and_the_built_image_is_loaded(
    machine: Machine, pull: dict[str, object], monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr(registry, "PROBE_SECONDS", 1)
    machine.answer("^docker image inspect", ends=1)
    machine.answer("^docker pull", **pull)
    assert chosen(machine) == BUILT
    assert chosen(machine) == BUILT
    assert "no container registry in reach" in capsys.readouterr().out
    assert len([call for call in machine.calls if "pull" in call]) == 1  # asked once in a run
    assert f"docker load --input {machine.folder / 'image.tar'}" in machine.calls


def test_an_archive_that_the_engine_does_not_take_is_named(machine: Machine):
    machine.answer("^docker (image inspect|pull)", ends=1)
    machine.answer("^docker load", "unexpected EOF\n", ends=1)
    with pytest.raises(CannotRun) as refused:
        chosen(machine)
    assert refused.value.error_id == "E-IMAGE-LOAD"
    assert "unexpected EOF" in refused.value.cause
