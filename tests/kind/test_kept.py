"""The cache folder: made once also when two want it, whole or not at all, and never littered by what was killed."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Event

import pytest

from fixtures.waiting import eventually
from reference.kept import SCRATCH, kept
from reference.refusal import CannotRun
from tests.kind.machine import ROOT

MAKER = """
import signal, sys
from pathlib import Path
from threading import Event
from reference.kept import kept

def make(scratch):
    (scratch / "half").touch()
    print("making", flush=True)
    signal.pause()

kept(Path(sys.argv[1]), make)
"""


def test_two_that_want_it_at_once_have_it_made_once(tmp_path: Path):
    made: list[Path] = []

    def make(scratch: Path) -> Path:
        made.append(scratch)
        Event().wait(0.2)  # so that the others come while it is being made
        (scratch / "it").write_text("whole")
        return scratch / "it"

    with ThreadPoolExecutor(4) as several:
        got = list(several.map(lambda _: kept(tmp_path / "cache" / "it", make), range(4)))
    assert [path.read_text() for path in got] == ["whole"] * 4
    assert len(made) == 1
    assert sorted(path.name for path in (tmp_path / "cache").iterdir()) == ["it", "lock"]


def test_what_fails_leaves_nothing(tmp_path: Path):
    def make(scratch: Path) -> Path:
        (scratch / "half").touch()
        raise CannotRun("E-TEST", "on purpose", "none")

    with pytest.raises(CannotRun, match="on purpose"):
        kept(tmp_path / "it", make)
    assert [path.name for path in tmp_path.iterdir()] == ["lock"]


def test_what_a_killed_one_left_is_removed_by_the_next(tmp_path: Path):
    command = [sys.executable, "-c", MAKER, str(tmp_path / "it")]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE) as killed:
        eventually("it is at work", lambda: list(tmp_path.glob(f"{SCRATCH}*/half")), within=20)
        os.kill(killed.pid, signal.SIGKILL)
    assert list(tmp_path.glob(f"{SCRATCH}*"))

    def make(scratch: Path) -> Path:
        (scratch / "it").touch()
        return scratch / "it"

    assert kept(tmp_path / "it", make).exists()
    assert not list(tmp_path.glob(f"{SCRATCH}*"))


def test_a_folder_that_was_deleted_is_made_anew(tmp_path: Path):
    def make(scratch: Path) -> Path:
        (scratch / "it").touch()
        return scratch / "it"

    for _ in range(2):
        target = kept(tmp_path / "cache" / "kind" / "it", make)
        assert target.exists()
        for path in target.parent.iterdir():
            path.unlink()
        target.parent.rmdir()


def test_a_folder_that_cannot_be_written_is_told():
    with pytest.raises(CannotRun) as refused:
        kept(Path("/proc/none/it"), lambda scratch: scratch)
    assert refused.value.error_id == "E-CACHE"
