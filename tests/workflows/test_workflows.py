"""Workflows and the examples for other people's CI are sound, and each check is red on what it is for."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable
from functools import partial
from pathlib import Path

import pytest

from judging.verdicts import MEANING
from reference.refusal import CannotRun
from tests.workflows.checking import (
    ROOT,
    actionlint,
    of_actionlint,
    of_commands,
    of_rights,
    of_schema,
    of_shellcheck,
    of_uses,
    scripts,
)

OURS = sorted((ROOT / ".github" / "workflows").glob("*.yml"))
GITHUB, GITLAB = ROOT / "docs/ci/github-actions.yml", ROOT / "docs/ci/gitlab-ci.yml"
ON_CHANGES = ROOT / ".github/workflows/conformance.yml"
PAGES = [
    ROOT / "README.md",
    ROOT / "CONTRIBUTING.md",
    *(ROOT / name / "README.md" for name in ("docs/ci", "reports", "stacks")),
]
Check = Callable[[Path], Iterable[str]]


def commands(file: Path) -> list[str]:
    return [each for script in scripts(file) for each in of_commands(script)]


def shell(file: Path) -> list[str]:
    return [each for script in scripts(file) for each in of_shellcheck(script)]


CHECKS: dict[str, Check] = {
    "actionlint": of_actionlint,
    "schema": partial(of_schema, schema="vendor.github-workflows"),
    "deadline": partial(of_schema, schema="custom.github-workflows-require-timeout"),
    "uses": of_uses,
    "rights": of_rights,
    "commands": commands,
}
GITLAB_CHECKS: dict[str, Check] = {
    "schema": partial(of_schema, schema="vendor.gitlab-ci"),
    "shell": shell,
    "commands": commands,
}


@pytest.mark.parametrize("check", CHECKS.values(), ids=CHECKS)
@pytest.mark.parametrize("workflow", [*OURS, GITHUB], ids=lambda path: path.stem)
def test_a_github_workflow_is_sound(workflow: Path, check: Check) -> None:
    assert list(check(workflow)) == []


@pytest.mark.parametrize("check", GITLAB_CHECKS.values(), ids=GITLAB_CHECKS)
def test_the_gitlab_example_is_sound(check: Check) -> None:
    assert list(check(GITLAB)) == []


@pytest.mark.parametrize(
    ("check", "file", "right", "wrong", "said"),
    [
        (CHECKS["actionlint"], ON_CHANGES, "matrix.target", "matrix.traget", "traget"),
        (CHECKS["actionlint"], ON_CHANGES, "steps.report.outputs", "steps.repotr.outputs", "repotr"),
        (CHECKS["actionlint"], GITHUB, '"$CONTENT" >', "$CONTENT >", "SC2086"),
        (CHECKS["actionlint"], GITHUB, "node-version", "nodeversion", "nodeversion"),
        (CHECKS["schema"], ON_CHANGES, "runs-on:", "runs_on:", "runs_on"),
        (CHECKS["schema"], GITHUB, "cancel-in-progress: false", "cancel-in-progress: []", "cancel-in-progress"),
        (CHECKS["deadline"], ON_CHANGES, "    timeout-minutes: 90\n", "", "timeout-minutes"),
        (CHECKS["uses"], ON_CHANGES, "actions/cache@v5", "actions/cache@main", "actions/cache@main"),
        (CHECKS["uses"], GITHUB, "actions/setup-node@v6", "somebody/setup-node@v6", "somebody"),
        (CHECKS["rights"], ON_CHANGES, "contents: read", "contents: write", "permissions"),
        (CHECKS["rights"], GITHUB, "          persist-credentials: false\n", "          fetch-depth: 1\n", "token"),
        (CHECKS["rights"], GITHUB, "concurrency:", "env:", "two runs"),
        (CHECKS["commands"], ON_CHANGES, "target: demo test", "target: demo tset", "make tset"),
        (CHECKS["commands"], ON_CHANGES, "--history history", "--hsitory history", "--hsitory"),
        (CHECKS["commands"], GITHUB, "--check", "--chekc", "--chekc"),
        (GITLAB_CHECKS["schema"], GITLAB, "when: always\n    expire", "when: allways\n    expire", "allways"),
        (GITLAB_CHECKS["schema"], GITLAB, "junit: report/junit.xml", "junit: {report: 1}", "junit"),
        (GITLAB_CHECKS["shell"], GITLAB, '"$SUITE" suite', "$SUITE suite", "SC2086"),
        (GITLAB_CHECKS["commands"], GITLAB, "make setup", "make steup", "make steup"),
    ],
)  # fmt: skip
def test_a_broken_one_is_told(tmp_path: Path, check: Check, file: Path, right: str, wrong: str, said: str) -> None:
    text = file.read_text()
    assert right in text
    broken = tmp_path / file.name
    broken.write_text(text.replace(right, wrong))

    assert said in "\n".join(check(broken))


@pytest.mark.parametrize("page", PAGES, ids=lambda path: str(path.relative_to(ROOT)))
def test_a_page_names_only_commands_that_there_are(page: Path) -> None:
    text = page.read_text()
    code = re.findall(r"`([^`\n]+)`|^ {4}(\S.*)$", text, re.MULTILINE)

    assert code
    assert [each for span in code for each in of_commands("".join(span))] == []


@pytest.mark.parametrize("page", ["README.md", "docs/ci/README.md"])
def test_a_page_tells_exit_codes_as_the_runs_do(page: str) -> None:
    text = " ".join((ROOT / page).read_text().split())

    for code, meaning in MEANING.items():
        if page != "README.md" or code not in (2, 5):
            assert f"{code} {meaning}" in text or f"| {code} | {meaning} |" in text, code


def test_a_machine_that_can_have_no_go_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    for name, value in {"PATH": str(tmp_path), "XDG_CACHE_HOME": str(tmp_path), "PIP_NO_INDEX": "1"}.items():
        monkeypatch.setenv(name, value)

    with pytest.raises(CannotRun, match=r"E-ACTIONLINT actionlint cannot be built: .*\nremedy: install Go"):
        actionlint.__wrapped__()


def test_each_push_and_each_night_leave_what_they_saw() -> None:
    for workflow, kept in ((ON_CHANGES, "reports/out/"), (ROOT / ".github/workflows/nightly.yml", "matrix.txt")):
        text = workflow.read_text()
        upload = text[text.index("- name: Keep the ") :].partition("\n      - ")[0]
        assert "if: always()" in upload
        assert f"path: {kept}" in upload
        assert {"embedded", "kind"} <= set(re.findall(r"\w+", text))
