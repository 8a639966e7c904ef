"""allure.html is one file, opens without any request to elsewhere, and holds no secret in any encoding."""

from __future__ import annotations

from pathlib import Path

import pytest
from playwright.sync_api import Page

from reports import html
from reports.html import NoPage, each_file_once, make_page, without_analytics
from reports.results import Results
from tests.reports.journals import embedded, finish, leaks, whole_run


@pytest.fixture(scope="module")
def page_file(tmp_path_factory: pytest.TempPathFactory, allure: None) -> Path:
    """allure.html of a run with every kind of verdict."""
    out = tmp_path_factory.mktemp("out")
    results = Results(out / "allure-results", out)
    for event in finish(whole_run(out)).events:
        results(event)
    return make_page(results.folder, out / "allure.html")


def test_the_page_opens_and_asks_nobody(page_file: Path, page: Page) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))

    page.goto(page_file.as_uri())
    page.get_by_text("INCIDENT-6", exact=True).first.wait_for(timeout=10_000)
    page.get_by_text("Cents are right", exact=True).first.click()
    page.get_by_text("Then it is as the report says").first.wait_for(timeout=10_000)
    for closed in ("Given the payment gateway is down", "shown to the customer: "):
        page.get_by_text(closed).first.click()
    page.get_by_text("payment log", exact=True).first.click()
    page.get_by_text("PaymentRequest{card=Card{").last.wait_for(timeout=10_000)

    assert page.get_by_text("missed", exact=True).count() == 0, "every attachment is in the page"
    assert {url.partition(":")[0] for url in asked} <= {"file", "data", "blob"}


def test_the_known_bug_is_shown_as_accepted(page_file: Path, page: Page) -> None:
    page.goto(page_file.as_uri())
    page.get_by_text("One basket one order", exact=True).first.click()
    page.get_by_text("Resolutions").first.click()

    page.get_by_text("Accepted from result (known)").first.wait_for(timeout=10_000)


def test_no_secret_is_in_the_page_nor_in_what_it_embeds(page_file: Path) -> None:
    text = page_file.read_text("utf-8")

    assert any("PaymentRequest" in body for body in embedded(text)), "the payloads were found"
    for body in (text, *embedded(text)):
        assert not list(leaks(body))
    pictures = [body for body in embedded(text) if body.startswith("\x89PNG")]
    assert len(pictures) == 1, "one picture in eight scenarios is embedded once"


def test_the_analytics_block_is_cut_out() -> None:
    block = (
        '<script async src="https://www.googletagmanager.com/gtag/js?id=G-1"></script>\n'
        "<script>\n  window.dataLayer = window.dataLayer || [];\n  gtag('js');\n</script>"
    )

    assert without_analytics(f"<head>{block}</head><script>kept()</script>") == ("<head></head><script>kept()</script>")
    with pytest.raises(NoPage, match="analytics"):
        without_analytics('<img src="https://www.googletagmanager.com/x.gif">')


def test_the_same_file_is_embedded_once() -> None:
    calls = 'd("data/attachments/a.png","AAAA"),d("data/attachments/b.png","AAAA"),d("data/x.json","AAAA")'

    assert each_file_once(calls) == (
        'd("data/attachments/a.png","AAAA"),'
        'd("data/attachments/b.png",window.allureReportData["data/attachments/a.png"]),'
        'd("data/x.json","AAAA")'
    )


def test_without_allure_one_line_says_how_to_get_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(html, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NoPage, match="npm ci") as told:
        make_page(tmp_path, tmp_path / "allure.html")
    assert "\n" not in str(told.value)


def test_an_old_node_is_told(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "node_modules" / "allure").mkdir(parents=True)
    (tmp_path / "node_modules" / "allure" / "cli.js").touch()
    node = tmp_path / "node"
    node.write_text("#!/bin/sh\necho v18.1.0\n")
    node.chmod(0o755)
    monkeypatch.setattr(html, "ROOT", tmp_path)
    monkeypatch.setenv("PATH", f"{tmp_path}")
    monkeypatch.setattr(html, "_nodes", lambda: [str(node)])

    with pytest.raises(NoPage, match="no Node 20"):
        make_page(tmp_path, tmp_path / "allure.html")
