"""A browser that dies at its start is started again, and no more than a few times."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import sync_playwright

from fixtures.browser.driver import STARTS, chromium, executable
from judging.refusal import Refusal

DEADLINE = 5.0  # seconds
DIES = """#!/bin/sh
echo started >>{folder}/starts
[ $(wc -l <{folder}/starts) -gt {times} ] || kill -SEGV $$
exec {browser} "$@"
"""


@pytest.fixture
def starts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, request: pytest.FixtureRequest) -> Path:
    """A browser that dies so many times before it starts; each start is a line of this file."""
    with sync_playwright() as playwright:
        browser = executable(playwright) or playwright.chromium.executable_path
    program = tmp_path / "browser"
    program.write_text(DIES.format(folder=tmp_path, times=request.param, browser=browser))
    program.chmod(0o755)
    monkeypatch.setenv("E2E_BROWSER_PATH", str(program))
    return tmp_path / "starts"


@pytest.mark.parametrize("starts", [STARTS - 1], indirect=True)
def test_a_browser_that_dies_at_its_start_is_started_again(starts: Path) -> None:
    with chromium((), DEADLINE) as browser:
        assert browser.version
    assert len(starts.read_text().splitlines()) == STARTS


@pytest.mark.parametrize("starts", [STARTS], indirect=True)
def test_one_that_always_dies_is_told_with_how_it_died(starts: Path) -> None:
    told = r"no browser can be started: .*; process did exit: .*signal=SIGSEGV"
    with pytest.raises(Refusal, match=told) as refused, chromium((), DEADLINE):
        pass
    assert refused.value.error_id == "E-BROWSER"
    assert len(starts.read_text().splitlines()) == STARTS
