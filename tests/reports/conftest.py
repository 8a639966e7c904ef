"""Lends a browser page, and makes sure of the report generator."""

from __future__ import annotations

import shutil
from collections.abc import Iterator

import pytest
from playwright.sync_api import Page, sync_playwright

from fixtures.browser.driver import executable
from reports import html


@pytest.fixture(scope="session")
def allure() -> None:
    """Only where the report generator is installed."""
    if not (html.ROOT / "node_modules" / "allure").exists() and not shutil.which("allure"):
        pytest.skip("the npm package allure is not installed: npm ci")


@pytest.fixture
def page() -> Iterator[Page]:
    """A page of the browser that the suite itself uses."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(playwright), args=["--no-sandbox"])
        yield browser.new_page()
        browser.close()
