"""pytest shows what the judge has judged: outcome, exit code, journal, statement, and no secret."""

from __future__ import annotations

import signal

import pytest

from judging.redacting import redact_exception
from judging.redaction import Redaction
from judging.statement import statement
from tests.judging.project import HEAD, Project, Result

RIGHT = '@R_plain right: Given a shop; Given the fault is witnessed; Then R_plain is seen as "right"'
WRONG = '@R_cure wrong: Given a shop; Then R_cure is seen as "2 orders"; Then nothing is looked at'
HARM = '@R_harm harm: Given a shop; Then R_harm is seen as "1 order"'
CURE = '@R_cure cure: Given a shop; Then R_cure is seen as "right"'
BLIND = "@R_plain blind: Given a shop; Then nothing is looked at"


def raising(error: str, claim: str = "R_bare", text: str = "why") -> str:
    then = f'Then {claim} is seen as "right"'
    return f'@{claim} raises {error}: Given a shop; {then}; When {error} says "{text}"; {then}'


def steps(result: Result) -> list[str]:
    return [each["status"] for each in result.journal if each["event"] == "step_finished"]


@pytest.mark.parametrize(
    ("scenario", "known", "verdict", "outcome", "code"),
    [  # what happens, the baseline's signature for R_cure, the verdict, what JUnit says, the exit code
        (RIGHT, None, "CONFORMS", "passed", 0),
        (WRONG, None, "VIOLATED", "failure", 1),
        (WRONG, "[2-9] orders", "KNOWN", "skipped", 0),
        (WRONG, "[3-9] orders", "VIOLATED", "failure", 1),
        (CURE, "[2-9] orders", "FIXED", "passed", 1),
        (BLIND, None, "UNKNOWN", "failure", 3),
        (raising("Unsupported"), None, "UNSUPPORTED", "skipped", 0),
        (raising("Unsupported", "R_core"), None, "UNKNOWN", "failure", 3),
        (raising("NotSteady"), None, "COMPROMISED", "failure", 3),
        (raising("NotWitnessed"), None, "INVALID", "failure", 3),
        (raising("NotRestored"), None, "CONTAMINATED", "failure", 7),
        (raising("AssertionError"), None, "UNKNOWN", "failure", 3),
        (raising("skip"), None, "UNKNOWN", "failure", 3),
        (raising("xfail"), None, "UNKNOWN", "failure", 3),
        (f"@xfail {WRONG}", None, "VIOLATED", "failure", 1),
        (f"@xfail {raising('KeyError')}", None, "UNKNOWN", "failure", 3),
        (f"@skip {RIGHT}", None, "UNKNOWN", "error", 3),
        (RIGHT.replace("shop;", "shop that breaks at the end;"), None, "UNKNOWN", "error", 3),
        (WRONG.replace("shop;", "shop that breaks at the end;"), "2 orders", "UNKNOWN", "error", 3),
    ],
)
def test_each_verdict(
    project: Project, scenario: str, known: str | None, verdict: str, outcome: str, code: int
) -> None:
    project.feature(scenario)
    if known:
        project.known("R_cure", known, bug="BUG_1")
    result = project.run()
    assert list(result.verdicts.values()) == [verdict]
    assert list(result.outcomes.values()) == [outcome]
    assert result.code == code == result.statement["exit"], result.out
    assert statement(result.journal) == result.statement
    assert "judging/" not in result.out


def test_a_violation_is_told_without_a_traceback(project: Project) -> None:
    project.feature(WRONG)
    result = project.run()
    for told in (
        "VIOLATED R_cure: 2 orders",
        "claim     one basket has one order",
        "promised  as claimed",
        "where     order list",
    ):
        assert told in result.out
    assert "def _" not in result.out
    assert steps(result) == ["passed", "failed", "skipped"]
    assert result.statement["claims"][0]["findings"][0]["evidence"][0]["sha256"]


def test_a_crash_of_the_harness_keeps_its_traceback(project: Project) -> None:
    project.feature(raising("KeyError"))
    result = project.run()
    assert "UNKNOWN R_bare: KeyError" in result.out
    assert "raise kinds[error](text" in result.out
    assert steps(result) == ["passed", "passed", "broken", "skipped"]


def test_a_known_bug_is_named_and_fixed_ones_come_with_their_patch(project: Project) -> None:
    project.feature(CURE, raising("Unsupported", "R_harm"))
    project.known("R_cure", "[2-9] orders", bug="BUG_1")
    result = project.run()
    assert "stack.toml: delete lines 1 to 4" in result.out
    assert '-claim = "R_cure"' in result.out
    project.feature(WRONG)
    assert "known bug BUG_1: 2 orders" in project.run().out


def test_part_of_a_claim_is_no_proof_that_it_is_fixed(project: Project) -> None:
    project.feature(CURE, WRONG)
    project.known("R_cure", "[2-9] orders", bug="BUG_1")
    whole = project.run()
    assert (whole.verdicts, whole.code) == ({"R_cure": "KNOWN"}, 0)
    part = project.run("-k", "test_cure")
    assert (part.verdicts, part.code) == ({"R_cure": "CONFORMS"}, 0)
    assert "part of the claims judged" not in part.statement["scope"]


def test_one_row_of_an_outline_is_only_part_of_it(project: Project) -> None:
    rows = "Examples:; | seen |; | right |; | 2 orders |"
    project.feature(f'@R_cure rows: Given a shop; Then R_cure is seen as "<seen>"; {rows}')
    project.known("R_cure", "[2-9] orders")
    assert project.run().verdicts == {"R_cure": "KNOWN"}
    assert project.run("-k", "right").verdicts == {"R_cure": "CONFORMS"}


def test_a_harm_is_judged_after_its_cure(project: Project) -> None:
    project.feature(HARM, RIGHT, CURE)
    result = project.run()
    assert list(result.outcomes) == ["test_right", "test_cure", "test_harm"]
    assert result.verdicts["R_harm"] == "CURED"
    assert result.code == 0
    assert result.statement["headline"] == "incident confirmed; of the report's 1 bug 0 present"
    alone = project.run("-m", "R_harm")
    assert alone.verdicts == {"R_harm": "VIOLATED"}
    assert "not cured" in alone.out
    assert alone.statement["scope"].startswith("part of the claims judged: 1 of 3")


def test_a_cure_in_another_feature_comes_first_too(project: Project) -> None:
    project.feature(CURE, head="@incident_6\nFeature: Z\n")
    (project.root / "features/shop/shop.feature").rename(project.root / "features/shop/cures.feature")
    project.feature(RIGHT, HARM, head="@incident_6\nFeature: A\n")
    module = (project.root / "features/shop/test_shop.py").read_text()
    project.write("features/shop/test_shop.py", module.replace('("shop', '("cures.feature", "shop'))
    result = project.run()
    assert list(result.outcomes.items()) == [
        ("test_cure", "passed"),
        ("test_right", "passed"),
        ("test_harm", "passed"),
    ]
    assert result.verdicts["R_harm"] == "CURED"


def test_x_goes_on_past_a_known_bug_and_stops_at_a_new_one(project: Project) -> None:
    project.feature(WRONG, RIGHT, raising("KeyError"), BLIND)
    project.known("R_cure", "2 orders")
    result = project.run("-x")
    assert result.outcomes == {
        "test_wrong": "skipped",
        "test_right": "passed",
        "test_raises_keyerror": "failure",
    }
    assert result.code == 3
    assert not result.statement["complete"]


@pytest.mark.parametrize("stop", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_an_interrupted_scenario_has_not_passed(project: Project, stop: signal.Signals) -> None:
    last = '@R_bare last: Given a shop; Then R_bare is seen as "right"'
    project.feature(
        RIGHT,
        '@R_core cut: Given a shop; Then R_core is seen as "right"; When it takes for ever; Then nothing is looked at',
        last,
    )
    process = project.start_until_it_waits()
    process.send_signal(stop)
    result = project.end(process)
    assert result.code == 2
    assert (project.root / "given back").exists()
    assert result.verdicts == {"R_plain": "CONFORMS", "R_core": "UNKNOWN"}
    assert [each["ended"] for each in result.statement["scenarios"]] == ["passed", "interrupted"]
    assert steps(result)[-2:] == ["broken", "skipped"]
    assert not result.statement["complete"]
    assert result.journal[-1]["event"] == "run_finished"


def test_a_killed_run_is_judged_from_what_it_has_written(project: Project) -> None:
    project.feature('@R_core cut: Given a shop; When it takes for ever; Then R_core is seen as "right"')
    process = project.start_until_it_waits()
    process.kill()
    told = statement(project.end(process).journal)
    assert told["claims"][0]["verdict"] == "UNKNOWN"
    assert not told["complete"]
    assert told["exit"] is None


@pytest.mark.parametrize("interrupted", [False, True])
def test_a_stack_left_changed_takes_back_every_verdict(project: Project, interrupted: bool) -> None:
    scenarios = [each.replace("a shop", "a shop that stays broken") for each in (RIGHT, CURE)]
    cut = '@R_core cut: When Ctrl-C is pressed; Then R_core is seen as "right"'
    project.feature(*scenarios, *([cut] if interrupted else []))
    result = project.run()
    assert set(result.verdicts.values()) == {"CONTAMINATED"}
    assert result.code == 7
    assert "0 replicas left" in result.statement["spoiled"][0]["reason"]
    assert statement(result.journal) == result.statement


def test_no_secret_in_what_pytest_tells(project: Project) -> None:
    project.feature(raising("AssertionError", text="logged in with SECRET"))
    result = project.run("--showlocals")
    places = [path.read_text() for path in (project.root / "reports/out").glob("*.json*")]
    assert len(places) == 2
    for place in (result.out, (project.root / "junit.xml").read_text(), *places):
        assert "redacted password" in place
        assert "hunter2hunter2" not in place


def test_no_secret_in_an_exception_that_other_plugins_read() -> None:
    redaction = Redaction()
    redaction.secret("hunter2hunter2", "password")
    cause = ValueError("hunter2hunter2", 7)
    group = ExceptionGroup("several", [KeyError("hunter2hunter2")])
    group.__cause__ = cause
    cause.__context__ = group
    redact_exception(group, redaction)
    assert "hunter2hunter2" not in f"{group.exceptions[0]} {cause}"
    assert cause.args[1] == 7


def test_ordinary_tests_are_none_of_its_business(project: Project) -> None:
    project.feature(RIGHT)
    project.write(
        "tests/test_plain.py", "def test_plain():\n    assert 'hunter2' == 1\n\ndef test_other():\n    pass\n"
    )
    result = project.run("tests")
    assert result.code == 1
    assert "assert 'hunter2' == 1" in result.out
    assert not (project.root / "reports").exists()
    both = project.run("tests", "features")
    assert both.code == 1
    assert both.verdicts == {"R_plain": "CONFORMS"}


@pytest.mark.parametrize("asked", ["--collect-only", "--help", "--markers"])
def test_asking_writes_nothing(project: Project, asked: str) -> None:
    project.feature(RIGHT)
    result = project.run(asked)
    assert result.code == 0
    assert not (project.root / "reports").exists()
    if asked == "--markers":
        assert "@pytest.mark.R_plain: a payment fails" in result.out


def test_a_feature_can_be_named_by_its_path(project: Project) -> None:
    project.feature(RIGHT)
    text = (project.root / "features/shop/shop.feature").read_text()
    project.write("features/shop/other.feature", text.replace("right:", "x:").replace("Shop", "Other"))
    module = (project.root / "features/shop/test_shop.py").read_text()
    project.write("features/shop/test_shop.py", module.replace('("shop', '("other.feature", "shop'))
    result = project.run("features/shop/shop.feature")
    assert [each["feature"] for each in result.statement["scenarios"]] == ["Shop"]
    assert result.code == 0
    assert len(project.run().statement["scenarios"]) == 2


def test_nothing_selected_keeps_pytests_own_code(project: Project) -> None:
    project.feature(RIGHT)
    assert project.run("-k", "nothing_like_it").code == 5
    assert project.run("-m", "incident_6").code == 0


def test_a_new_run_deletes_only_what_a_run_has_written(project: Project) -> None:
    project.feature(WRONG)
    project.run()
    project.write("reports/out/mine.txt", "")
    (evidence,) = (project.root / "reports/out/evidence").iterdir()
    project.feature(BLIND)
    result = project.run()
    assert (project.root / "reports/out/mine.txt").exists()
    assert not evidence.exists()
    assert result.journal[0]["n"] == 1
    project.write("elsewhere/evidence/mine.txt", "")
    project.run("--reports=elsewhere")
    assert (project.root / "elsewhere/evidence/mine.txt").exists()


def test_a_secret_among_an_outlines_values_is_in_no_name(project: Project) -> None:
    outline = (
        '  @R_plain\n  Scenario Outline: paid\n    Then R_plain is seen as "<seen>"\n    Examples:\n      | seen |\n'
    )
    project.write("features/shop/shop.feature", f"{HEAD}{outline}      | 4242424242424242 |\n      | right |\n")
    result = project.run()
    assert [each["verdict"] for each in result.statement["scenarios"]] == ["VIOLATED", "CONFORMS"]
    assert result.statement["complete"]
    for path in (project.root / "reports/out").glob("*.json*"):
        assert "4242424242424242" not in path.read_text()
