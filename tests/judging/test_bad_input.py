"""Bad input ends the session at once: one line of cause, one of remedy, a stable id, an exit code."""

from __future__ import annotations

import time
from pathlib import Path

import pytest

from judging.claims import load_claims
from judging.refusal import Refusal
from judging.scenarios import read_feature
from tests.judging.project import Project

GOOD = '@R_plain good: Given a shop; Then R_plain is seen as "right"'
CASES = {
    "unknown tag": (
        ['@R_plain @R_pain good: Given a shop; Then R_plain is seen as "right"'],
        "E-TAG",
        ["shop.feature:3", "@R_pain", "@R_plain"],
    ),
    "no claim": (['@bug_1 bare: Given a shop; Then R_plain is seen as "right"'], "E-NO-CLAIM", ["'bare'"]),
    "twins": ([GOOD, GOOD], "E-TWIN", ["'good'", "shop.feature:8", "line 4"]),
    "no then": (["@R_plain good: Given a shop; When it takes for ever"], "E-NO-THEN", ["'good'"]),
    "no steps": (["@R_plain good: "], "E-NO-STEPS", ["'good'"]),
    "no scenario": ([], "E-NO-SCENARIO", ["shop.feature"]),
    "unknown step": (
        ['@R_plain good: Given a shap; Then R_plain is seen as "right"'],
        "E-STEP",
        ["'a shap'", "shop.feature:5"],
    ),
    "not gherkin": (["@R_plain good: Given a shop; Than what"], "E-GHERKIN", ["shop.feature:6"]),
    "outline without rows": (
        ['@R_plain good: Given a shop; Then R_plain is seen as "<x>"; Examples:; | x |'],
        "E-NO-EXAMPLES",
        ["'good'"],
    ),
}


def assert_refused(project: Project, error_id: str, said: list[str], *arguments: str, code: int = 4) -> None:
    started = time.monotonic()
    result = project.run(*arguments)
    assert time.monotonic() - started < 10  # promised: 3 s on an idle machine
    lines = result.err.splitlines()
    assert len(lines) == 2, result.err + result.out
    assert lines[0].startswith(f"{error_id} ")
    assert lines[1].startswith("remedy: ")
    for word in said:
        assert word in result.err
    assert result.code == code
    assert "Traceback" not in result.out
    assert "FAILURES" not in result.out
    assert "ERRORS" not in result.out
    assert str(project.root) not in result.err


@pytest.mark.parametrize("case", CASES)
def test_a_feature_that_cannot_be_judged(project: Project, case: str) -> None:
    scenarios, error_id, said = CASES[case]
    project.feature(*scenarios)
    assert_refused(project, error_id, said)
    assert not (project.root / "reports").exists()
    assert not (project.root / "stack started").exists()


def test_a_feature_without_any_line(tmp_path: Path) -> None:
    empty = tmp_path / "shop.feature"
    empty.write_text("", encoding="utf-8")
    with pytest.raises(Refusal, match="E-NO-SCENARIO"):
        read_feature(empty, "shop.feature", [], [])


def test_an_async_step(project: Project) -> None:
    project.feature(GOOD)
    steps = (project.root / "features/shop/test_shop.py").read_text()
    project.write("features/shop/test_shop.py", steps.replace("def _(stack):", "async def buying(stack):", 1))
    assert_refused(project, "E-ASYNC", ["'a shop'", "buying", "shop.feature:5"])


@pytest.mark.parametrize("arguments", [(), ("features/shop",), ("features/shop/other.feature",)])
def test_a_feature_that_no_module_binds(project: Project, arguments: tuple[str, ...]) -> None:
    project.feature(GOOD)
    text = (project.root / "features/shop/shop.feature").read_text()
    project.write("features/shop/other.feature", text)
    assert_refused(project, "E-UNBOUND", ["features/shop/other.feature"], *arguments)


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("[R_1]\ntext = 'x'\nkind = 'wish'\nsection = 'y'", "kind = 'wish'"),
        ("[R_1]\ntext = 'x'\nkind = 'required'", "has no section"),
        ("[R_1]\ntext = 'x'\nkind = 'required'\nsection = 'y'\nbugs = 'z'", "unknown key 'bugs'"),
        ("[R_1]\ntext = 'x'\nkind = 'reported'\nsection = 'y'\ncured_by = ['R_2']", "cured_by names 'R_2'"),
        ("[R_1]\ntext = 'x'\nkind = 'required'\nsection = 'y'\ncore = true\nneeds = ['z']", "is core and needs z"),
        ("[R_1]\ntext = 7\nkind = 'required'\nsection = 'y'", "text = 7"),
        ("[R-1]\ntext = 'x'\nkind = 'required'\nsection = 'y'", "cannot be a tag"),
        ("[R_1", "cannot be read"),
    ],
)
def test_claims_that_cannot_be_read(tmp_path: Path, text: str, said: str) -> None:
    path = tmp_path / "claims.toml"
    path.write_text(text, encoding="utf-8")
    with pytest.raises(Refusal) as refused:
        load_claims(path)
    assert refused.value.error_id == "E-CLAIMS"
    assert said in refused.value.cause


def test_one_claim_id_in_two_systems(project: Project) -> None:
    project.feature(GOOD)
    project.write("features/bank/claims.toml", "[R_plain]\ntext = 'x'\nkind = 'required'\nsection = 'y'")
    assert_refused(project, "E-CLAIMS", ["R_plain", "another system"])


def test_a_report_folder_that_cannot_be_written(project: Project) -> None:
    project.feature(GOOD)
    project.write("taken", "")
    assert_refused(project, "E-REPORTS", ["taken"], "--reports=taken/out")


def test_a_baseline_that_names_no_claim(project: Project) -> None:
    project.feature(GOOD)
    project.known("R_plane", ".*")
    assert_refused(project, "E-BASELINE", ["R_plane", "R_plain"])


def test_an_unsafe_target_found_in_a_step_ends_the_run_with_6(project: Project) -> None:
    project.feature('@R_plain bad: Given an unsafe target; Then R_plain is seen as "right"', GOOD.replace("good", "b"))
    assert_refused(project, "E-TARGET", ["no label"], code=6)
    statement = project.root / "reports/out/statement.json"
    assert '"exit": 6' in statement.read_text()
    assert "UNKNOWN" in statement.read_text()


def test_a_stack_left_changed_outweighs_a_refusal(project: Project) -> None:
    project.feature(
        GOOD.replace("a shop", "a shop that stays broken"),
        '@R_plain bad: Given an unsafe target; Then R_plain is seen as "right"',
    )
    assert_refused(project, "E-TARGET", ["no label"], code=7)
