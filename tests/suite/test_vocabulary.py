"""The rules that a machine can keep: words are used, features stay in the reader's world, nothing grows too long."""

from __future__ import annotations

import ast
import re
import subprocess
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
FEATURES = sorted((ROOT / "features").rglob("*.feature"))
STEPS = sorted((ROOT / "steps").glob("*.py"))
TRACKED = [
    ROOT / name
    for name in subprocess.run(
        ["git", "ls-files", "*.py"], cwd=ROOT, capture_output=True, text=True, check=True
    ).stdout.split()
]
WIRE = re.compile(
    r"\b(GET|POST|PUT|DELETE|HTTP|JSON|SQL|API|URL|status code|pods?|namespace|selector|replicas?|kubectl)\b"
    r"|\b(wait(s|ing)?|sleep|seconds?) (for|until|\d)|#[a-z]"
)
SUITE = [path for path in TRACKED if path.relative_to(ROOT).parts[0] != "reference"]


def sentences() -> list[str]:
    """Every step of every feature, without its keyword."""
    lines = (line.strip() for path in FEATURES for line in path.read_text().splitlines())
    return [line.split(" ", 1)[1] for line in lines if line.split(" ", 1)[0] in ("Given", "When", "Then", "And", "But")]


def words() -> list[tuple[str, str]]:
    """Every step definition as (name, pattern as a regular expression)."""
    found = []
    for path in STEPS:
        for node in ast.parse(path.read_text()).body:
            for decorator in getattr(node, "decorator_list", []):
                argument = decorator.args[0]
                text = ast.literal_eval(argument if isinstance(argument, ast.Constant) else argument.args[0])
                literal = isinstance(argument, ast.Constant)
                regular = not literal and argument.func.attr == "re"
                found.append((node.name, text if regular else re.sub(r"\\\{.*?\\\}", ".+", re.escape(text))))
    return found


@pytest.mark.parametrize(("name", "pattern"), words(), ids=lambda value: value if " " not in value else "")
def test_every_word_is_used(name, pattern):
    assert any(re.fullmatch(pattern, sentence) for sentence in sentences()), f"nobody ever says what {name} listens to"


@pytest.mark.parametrize("feature", FEATURES, ids=lambda path: path.stem)
def test_features_stay_in_the_readers_world(feature):
    steps = [line for line in feature.read_text().splitlines() if not line.lstrip().startswith(("#", "|"))]

    assert not [line for line in steps if WIRE.search(line)]


@pytest.mark.parametrize("module", STEPS, ids=lambda path: path.stem)
def test_a_step_body_has_at_most_five_lines(module):
    functions = [node for node in ast.parse(module.read_text()).body if isinstance(node, ast.FunctionDef)]

    assert {f.name: n for f in functions if (n := f.body[-1].end_lineno - f.body[0].lineno + 1) > 5} == {}


def test_no_module_is_longer_than_300_lines():
    assert {str(path.relative_to(ROOT)): n for path in TRACKED if (n := len(path.read_text().splitlines())) > 300} == {}


def test_the_root_conftest_is_a_list_of_plugins():
    assert len((ROOT / "conftest.py").read_text().splitlines()) <= 30


def test_only_waiting_lets_time_pass():
    sleeping = [path for path in SUITE if re.search(r"\btime\.sleep\(|wait_for_timeout\(", path.read_text())]

    assert [path.name for path in sleeping if path.name not in ("waiting.py", "test_vocabulary.py")] == []


def test_no_name_says_nothing():
    empty = {"utils", "helpers", "common", "base", "manager", "misc"}

    assert [
        str(path)
        for path in TRACKED
        if empty & {part.removesuffix(".py") for part in path.relative_to(ROOT).parts if part != "base"}
    ] == []


def test_a_bound_folder_binds_every_feature_beside_it():
    for feature in FEATURES:
        modules = list(feature.parent.glob("test_*.py"))
        assert len(modules) == 1
        assert "scenarios(" in modules[0].read_text()
