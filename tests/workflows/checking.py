"""What is checked of workflows and of the pages beside them: by the tools of the trade, and against this project."""

from __future__ import annotations

import hashlib
import re
import subprocess
import sys
from collections.abc import Iterable, Iterator
from functools import cache
from itertools import product
from pathlib import Path
from typing import Any

import yaml

from reference.golang import Go
from reference.kept import cache as built
from reference.kept import kept
from reference.programs import Failed
from reference.refusal import CannotRun

ROOT = Path(__file__).parents[2]
MODULE = Path(__file__).parent / "actionlint"
SHELLCHECK = Path(sys.executable).parent / "shellcheck"
REMEDY = "install Go 1.25 or later (go on PATH; its module proxy must answer)"
DEADLINE = 120  # seconds for one tool, and for one question to pytest


@cache
def actionlint() -> Path:
    """The linter of GitHub workflows, built once a machine; a machine that can have no Go is told so."""
    locked = b"".join((MODULE / name).read_bytes() for name in ("go.mod", "go.sum"))

    def make(scratch: Path) -> Path:
        try:
            Go(scratch).build(MODULE, ["github.com/rhysd/actionlint/cmd/actionlint"], scratch / "actionlint")
        except Failed as failed:
            raise CannotRun("E-ACTIONLINT", f"actionlint cannot be built: {failed}", REMEDY) from None
        return scratch / "actionlint"

    return kept(built() / f"actionlint-{hashlib.sha256(locked).hexdigest()[:16]}", make)


def of_actionlint(workflow: Path) -> list[str]:
    """What actionlint, and shellcheck through it, find in a GitHub workflow."""
    return _complaints([actionlint(), "-no-color", "-oneline", "-shellcheck", SHELLCHECK, "-pyflakes", "", workflow])


def of_schema(file: Path, schema: str) -> list[str]:
    """What does not fit one of check-jsonschema's own schemas."""
    return _complaints([sys.executable, "-m", "check_jsonschema", "--builtin-schema", schema, file])


def of_shellcheck(script: str) -> list[str]:
    """What shellcheck finds in a shell's lines."""
    return _complaints([SHELLCHECK, "--shell=bash", "--format=gcc", "-"], script)


def _complaints(command: Iterable[object], text: str = "") -> list[str]:
    words = list(map(str, command))
    ended = subprocess.run(words, input=text, capture_output=True, text=True, timeout=DEADLINE, check=False)
    told = (ended.stdout + ended.stderr).strip().splitlines()
    return told or [f"exit {ended.returncode}"] if ended.returncode else []


def of_uses(workflow: Path) -> Iterator[str]:
    """Actions that are not GitHub's own, or are not pinned."""
    for step in _steps(workflow):
        if "uses" in step and not re.fullmatch(r"actions/[\w/-]+@(v\d+|[0-9a-f]{40})", step["uses"]):
            yield f"{step['uses']} is not GitHub's own, or not pinned"


def of_rights(workflow: Path) -> Iterator[str]:
    """Rights beyond reading, a token left for later steps, and runs that nothing keeps from meeting."""
    told = yaml.safe_load(workflow.read_text())
    if told.get("permissions") != {"contents": "read"}:
        yield "permissions are more than to read the contents"
    if any("permissions" in job for job in told["jobs"].values()):
        yield "a job takes permissions of its own"
    if "concurrency" not in told:
        yield "nothing says what happens to two runs at once"
    for step in _steps(workflow):
        if (
            str(step.get("uses")).startswith("actions/checkout@")
            and step["with"].get("persist-credentials") is not False
        ):
            yield "a checkout leaves its token behind"


def _steps(workflow: Path) -> list[dict[str, Any]]:
    return [step for job in _jobs(workflow).values() for step in job["steps"]]


def scripts(file: Path) -> Iterator[str]:
    """The shell lines of each step, for each cell of its job's matrix; of a GitLab file, of each part of a job."""
    for job in _jobs(file).values():
        for part in ("before_script", "script", "after_script"):
            yield "\n".join(["set -eo pipefail", *job[part]]) if part in job else ""
        for step in job.get("steps", ()):
            for cell in _cells(job.get("strategy", {}).get("matrix", {})):
                yield re.sub(r"\$\{\{ *matrix\.(\w+) *\}\}", lambda hit, cell=cell: cell[hit[1]], step.get("run", ""))


def _jobs(file: Path) -> dict[str, dict[str, Any]]:
    told = yaml.safe_load(file.read_text())
    return told.get("jobs") or {name: job for name, job in told.items() if "script" in job}


def _cells(matrix: dict[str, Any]) -> list[dict[str, str]]:
    axes = {name: values for name, values in matrix.items() if name != "include"}
    crossed = [dict(zip(axes, values, strict=True)) for values in product(*axes.values())] if axes else []
    return [*crossed, *matrix.get("include", [])] or [{}]


def of_commands(text: str) -> Iterator[str]:
    """Targets and variables of `make`, options of pytest and of `python -m …` that are not known."""
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z][\w-]*):", makefile, re.MULTILINE))
    spoken = r"[A-Z]+=(?:'[^']*'|\S*)|[a-z][\w-]*"
    for words in re.findall(rf"\bmake((?: +(?:-C \w+|{spoken}))+)", text):
        for word in re.findall(spoken, re.sub(r"-C \w+", "", words)):
            name, is_variable, _ = word.partition("=")
            if is_variable and f"$({name})" not in makefile:
                yield f"make {word}: the Makefile has no such variable"
            elif not is_variable and name not in targets:
                yield f"make {word}: the Makefile has no such target"
    for module, words in re.findall(r"(?:\bpython3? -m )?\b([\w.]+)((?: +[^\s`;&|>]+)*)", text):
        for option in re.findall(r"(?<=\s)--[a-z][\w-]*", words) if module in ("pytest", "reports") else ():
            if not knows(module, option):
                yield f"{module} {option}: no option of it"


def knows(module: str, option: str) -> bool:
    """Whether a program of this project takes an option: its help tells of it, or it runs with it."""
    told = re.findall(r"(?<![\w-])--[a-z][\w-]*", _asked(module, "--help").stdout)
    return option in told or (module == "pytest" and _asked(module, f"{option}=x", "--markers").returncode == 0)


@cache
def _asked(module: str, *words: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", module, *words]
    return subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=DEADLINE, check=False)
