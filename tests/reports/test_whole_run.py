"""Real runs of pytest over a small project: what every sink holds, and what an interrupted run leaves."""

from __future__ import annotations

import json
import signal
import subprocess
import sys
from base64 import b64encode
from pathlib import Path
from typing import Any

import pytest

from reports import html
from tests.reports.journals import CARD, LEAKY, PASSWORD, embedded, leaks

ROOT = Path(__file__).parents[2]
FILES = {
    "conftest.py": 'pytest_plugins = ["judging.plugin", "reports.allure", "reports.summary", "words"]',
    "features/shop/claims.toml": (
        '[R9_01]\ntext = "A card number stays secret."\nkind = "required"\nsection = "One"\n'
        '[R9_02]\ntext = "Nobody waits for ever."\nkind = "reported"\nsection = "Two"\n'
    ),
    "features/shop/shop.feature": """
Feature: A shop
  Rule: Secrets stay secret
    @R9_01
    Scenario: Paying says too much
      Given a leaky shop
      Then it shows no card
    @R9_02
    Scenario: Paying breaks
      Given a leaky shop
      Then it breaks
    @R9_02
    Scenario: Paying takes long
      Given a leaky shop
      Then it waits
""",
    "features/shop/test_shop.py": 'from pytest_bdd import scenarios\n\nscenarios(".")\n',
    "tests/test_ordinary.py": "def test_ordinary():\n    assert True\n",
    "words.py": f"""
import logging, sys, threading
import pytest
from judging.findings import Judge
from judging.plugin import EVIDENCE_STORE, JOURNAL, REDACTION, claims_of
from pytest_bdd import given, then

LEAKY = {LEAKY!r}

@pytest.fixture
def judge(request):
    return Judge(request.config.stash[JOURNAL], request.node.nodeid, claims_of(request.node))

@given("a leaky shop", target_fixture="page")
def leaky(request, judge):
    request.config.stash[REDACTION].secret({PASSWORD!r}, "password")
    print("stdout", LEAKY)
    print("stderr", LEAKY, file=sys.stderr)
    logging.getLogger("shop").error(LEAKY)
    page = request.config.stash[EVIDENCE_STORE].keep("page", LEAKY, "text/plain")
    judge.observe("shown", LEAKY, source="browser", evidence=[page])
    return page

@then("it shows no card")
def shows_no_card(judge, page):
    judge.expect("no card", LEAKY, False, where="browser", evidence=[page])

@then("it breaks")
def breaks():
    raise RuntimeError(LEAKY)

@then("it waits")
def waits():
    print("waiting", flush=True)
    threading.Event().wait(20)
""",
}


@pytest.fixture
def project(tmp_path: Path) -> Path:
    """A project of its own with two scenarios that leak, one that waits, and an ordinary test."""
    for name, text in FILES.items():
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
    return tmp_path


def command(project: Path, *options: str) -> list[str]:
    fixed = ["-p", "no:cacheprovider", "-c", "/dev/null", f"--rootdir={project}", "--import-mode=importlib"]
    return [sys.executable, "-m", "pytest", *fixed, "-o", f"pythonpath={ROOT} {project}", *options]


def run(project: Path, *options: str) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        command(project, *options), cwd=project, capture_output=True, text=True, timeout=60, check=False
    )


def results(folder: Path) -> dict[str, dict[str, Any]]:
    """The results by name; a name that comes twice would be lost, so their number is checked."""
    found = [json.loads(file.read_text("utf-8")) for file in folder.glob("*-result.json")]
    named = {result["name"]: result for result in found}
    assert len(named) == len(found)
    return named


def test_no_sink_holds_a_secret(project: Path) -> None:
    ended = run(project, "features", "-k", "much or breaks", "--junitxml=junit.xml", "-rA", "-v", "--showlocals")

    out = project / "reports" / "out"
    assert ended.returncode == 1, ended.stdout + ended.stderr
    assert results(out / "allure-results").keys() == {"Paying says too much", "Paying breaks"}
    assert {"journal.jsonl", "statement.json", "evidence"} <= {file.name for file in out.iterdir()}
    if (html.ROOT / "node_modules").exists():
        assert (out / "allure.html").exists(), ended.stdout
    sinks = {"terminal": ended.stdout + ended.stderr}
    for file in (project / "junit.xml", *filter(Path.is_file, out.rglob("*"))):
        sinks[file.name] = file.read_text("utf-8", errors="replace")
    for name, told in sinks.items():
        assert not [leak for text in (told, *embedded(told)) for leak in leaks(text)], name
        assert b64encode(CARD.encode()).decode()[:-3] not in told, name
    assert "«redacted card number ending 4242»" in ended.stdout


def test_alluredir_is_obeyed_and_an_ordinary_test_is_told_by_allure_pytest(project: Path) -> None:
    ended = run(project, "features", "tests", "-k", "breaks or ordinary", "--alluredir=elsewhere")

    assert results(project / "elsewhere").keys() == {"Paying breaks", "test_ordinary"}, ended.stdout
    assert not (project / "reports" / "out" / "allure-results").exists()


def test_ordinary_tests_alone_leave_nothing(project: Path) -> None:
    ended = run(project, "tests")

    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert not (project / "reports").exists()
    assert "incident conformance" not in ended.stdout


def test_allures_own_options_select_scenarios(project: Path) -> None:
    chosen = run(project, "features", "--collect-only", "-q", "--allure-features=A shop")
    none = run(project, "features", "--collect-only", "-q", "--allure-severities=blocker")

    assert "test_paying_breaks" in chosen.stdout, chosen.stdout + chosen.stderr
    assert "test_paying_breaks" not in none.stdout


@pytest.mark.parametrize("sent", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
def test_an_interrupted_scenario_is_never_passed_nor_missing(project: Path, sent: signal.Signals) -> None:
    pytest_run = subprocess.Popen(
        command(project, "features", "-k", "long", "-s"), cwd=project, stdout=subprocess.PIPE, text=True
    )
    assert pytest_run.stdout
    assert any("waiting" in line for line in pytest_run.stdout), "the scenario came to its second step"
    pytest_run.send_signal(sent)
    pytest_run.communicate(timeout=30)

    folder = project / "reports" / "out" / "allure-results"
    assert results(folder)["Paying takes long"]["status"] == "broken"
    if sent is signal.SIGKILL:
        again = subprocess.run(
            [sys.executable, "-m", "reports", str(folder.parent)],
            cwd=ROOT, capture_output=True, text=True, timeout=60, check=False,
        )  # fmt: skip
        assert again.returncode == 0, again.stderr
        assert "R9_02    UNKNOWN" in again.stdout
    killed = results(folder)["Paying takes long"]
    assert killed["status"] == "broken"
    assert killed["steps"][0]["status"] == "passed"
    assert killed["steps"][1]["status"] == "broken"
