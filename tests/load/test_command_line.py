"""Exploring without pytest: what came of it in a few lines, bad input in two."""

from __future__ import annotations

import csv
import signal
import subprocess
import sys

import pytest

from fixtures.load.__main__ import main
from fixtures.waiting import eventually, throughout
from tests.load.known_service import ROOT

WITHIN = 30  # seconds


@pytest.fixture(scope="session")
def stack(service, tmp_path_factory):
    """The option that names a profile which declares the service."""
    path = tmp_path_factory.mktemp("stack") / "mine.toml"
    path.write_text(f'namespace = "mine"\nkubeconfig = "none"\n[sock_shop]\nui = "{service.address}"\n')
    return f"--stack={path}"


def start(*words):
    return subprocess.Popen(
        [sys.executable, "-m", "fixtures.load", *words], cwd=ROOT, text=True,
        stdout=subprocess.PIPE, stderr=subprocess.PIPE,
    )  # fmt: skip


def test_a_load_is_sent_told_kept_and_drawn(service, stack, tmp_path):
    address = f"{service.address}/pay?run=told&every=5"
    files = ["--csv", str(tmp_path / "raw.csv"), "--picture", str(tmp_path / "load.svg")]
    words = [stack, "--rate", "50", "--count", "20", "--json", '{"amount": 1}', "--field", "success", *files]
    ended = start(address, *words)
    out, err = ended.communicate(timeout=WITHIN)

    assert ended.returncode in (0, 3), err  # 3: the machine was too busy, which is told
    assert (ended.returncode == 3) == ("too busy" in out)
    assert out.startswith("20 planned = 20 sent + 0 dropped: 16 success: true, 4 success: false\n")
    assert "20.0% (4 of 20; 95% interval 5.7%–43.7%)" in out
    assert err == ""  # no progress where nobody looks
    assert len(list(csv.DictReader((tmp_path / "raw.csv").open()))) == 20
    assert "success: false (4)" in (tmp_path / "load.svg").read_text()
    assert service.seen("told")["bodies"] == ['{"amount": 1}'] * 20


def test_ctrl_c_ends_it_and_what_was_seen_is_kept(service, stack, tmp_path):
    address, raw = f"{service.address}/pay?run=interrupted&ms=100", tmp_path / "raw.csv"
    with start(address, stack, "--rate", "20", "--count", "2000", "--csv", str(raw), "--progress") as running:
        eventually("some were sent", lambda: service.seen("interrupted")["seen"] > 3, within=WITHIN)
        running.send_signal(signal.SIGINT)
        out, err = running.communicate(timeout=WITHIN)
    after = service.seen("interrupted")["seen"]
    rows = list(csv.DictReader(raw.open()))

    assert running.returncode == 2
    assert "dropped" in out.splitlines()[0]
    assert "/2000 sent ·" in err
    assert "Traceback" not in err
    assert len(rows) == 2000
    assert sum(row["sent"] != "" for row in rows) in range(after, after + 5)  # the last may never have arrived
    throughout("nothing is sent any more", lambda: service.seen("interrupted")["seen"] == after, lasting=0.3)


@pytest.mark.parametrize(
    ("words", "error_id", "code"),
    [
        (["--rate", "5"], "E-LOAD-USAGE", 4),
        (["{url}"], "E-LOAD-USAGE", 4),
        (["{url}", "--rate", "fast"], "E-LOAD-USAGE", 4),
        (["{url}", "--rate", "5", "--at-once", "3"], "E-LOAD-USAGE", 4),
        (["{url}", "--at-once", "3", "--json", "{"], "E-LOAD-USAGE", 4),
        (["{url}", "--at-once", "3000"], "E-LOAD-LIMIT", 4),
        (["{url}", "--at-once", "3", "--csv", "/proc/none/raw.csv"], "E-LOAD-FILE", 4),
        (["{url}", "--at-once", "3", "--stack=nowhere"], "E-PROFILE-MISSING", 4),
        (["http://127.0.0.1:1/", "--at-once", "3"], "E-LOAD-ADDRESS", 6),
        (["http://shop.example.org/", "--at-once", "3"], "E-LOAD-ADDRESS", 6),
    ],
)
def test_bad_input_is_told_in_two_lines_and_nothing_is_sent(
    words, error_id, code, service, stack, monkeypatch, capsys, tmp_path
):
    kept, url = tmp_path / "load.svg", f"{service.address}/pay?run=bad"
    monkeypatch.setattr(
        sys, "argv", ["load", stack, f"--picture={kept}", *(word.replace("{url}", url) for word in words)]
    )

    assert main() == code
    cause, remedy = capsys.readouterr().err.splitlines()
    assert cause.startswith(f"{error_id} ")
    assert remedy.startswith("remedy: ")
    assert not kept.exists()
    assert service.seen("bad")["seen"] == 0


def test_help_says_how(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["load", "--help"])
    with pytest.raises(SystemExit) as ended:
        main()

    assert ended.value.code == 0
    assert "--at-once" in capsys.readouterr().out
