"""A machine that a test makes up: what is on PATH, and what `docker` and `kind` answer there."""

from __future__ import annotations

import json
import subprocess
import sys
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).parents[2]
PRETENDING = Path(__file__).with_name("pretending.py")
# The command line as it is, but for the port: a shop may be running on the real one.
PROGRAM = "import reference.__main__ as it, reference.kind.cluster as made;made.node_ports = lambda: [{port}];it.main()"


@dataclass
class Machine:
    """A folder that holds PATH, cache and state; the environment of every command run on it."""

    folder: Path
    answers: list[tuple[str, dict[str, object]]] = field(default_factory=list)
    port: int = 0  # of the shop's pages; 0 is never taken

    def __post_init__(self) -> None:
        self.state = self.folder / "state"
        (self.folder / "bin").mkdir()
        (self.folder / "calls").touch()

    @property
    def environment(self) -> dict[str, str]:
        """Nothing of the real machine's Docker, Go or package index."""
        return {
            "PATH": str(self.folder / "bin"),
            "HOME": str(self.folder),
            "XDG_CACHE_HOME": str(self.folder / "cache"),
            "DOCKER_HOST": "unix:///nowhere",  # who names an engine wants that one: none is started
            "PRETENDING": str(self.folder),
            "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(self.folder),
        }

    @property
    def calls(self) -> list[str]:
        """How docker and kind were called."""
        return (self.folder / "calls").read_text().splitlines()

    def has(self, *programs: str) -> None:
        """Put pretending programs onto PATH."""
        for program in programs:
            script = self.folder / "bin" / program
            script.write_text(f"#!{sys.executable}\n{PRETENDING.read_text()}")
            script.chmod(0o755)

    def answer(self, pattern: str, says: str = "", ends: int = 0, hangs: bool = False, times: int = 999) -> None:
        """What the first so many calls that match are answered; the first that matches counts."""
        self.answers.append((pattern, {"says": says, "ends": ends, "hangs": hangs, "times": times}))
        (self.folder / "answers.json").write_text(json.dumps(self.answers))

    def start(self, *words: str) -> subprocess.Popen[str]:
        """Begin a command of the reference stack there."""
        if not self.answers:
            self.answer("^$")
        program = PROGRAM.format(port=self.port)
        command = [sys.executable, "-c", program, words[0], "--state", str(self.state), *words[1:]]
        pipe = subprocess.PIPE
        return subprocess.Popen(command, cwd=ROOT, env=self.environment, stdout=pipe, stderr=pipe, text=True)

    def run(self, *words: str) -> subprocess.CompletedProcess[str]:
        """Run a command of the reference stack there."""
        with self.start(*words) as process:
            said, complained = process.communicate(timeout=60)
        return subprocess.CompletedProcess(words, process.returncode, said, complained)


def left(machine: Machine) -> list[str]:
    """What lies in the state folder, logs and lock aside."""
    return [path.name for path in sorted(machine.state.iterdir()) if path.name not in ("logs", "lock")]


def refused(ended: subprocess.CompletedProcess[str]) -> str:
    """The id of a refusal, which is one line of cause and one of remedy, and ends with 4."""
    assert ended.returncode == 4, ended.stdout + ended.stderr
    cause, remedy = ended.stderr.splitlines()
    assert remedy.startswith("remedy: ")
    assert len(remedy) > len("remedy: ")
    return cause.split()[0]
