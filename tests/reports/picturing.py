"""Takes the README's picture of a report: `python -m tests.reports.picturing [allure.html] [report.png]`."""

from __future__ import annotations

import sys
from pathlib import Path

from playwright.sync_api import sync_playwright

from fixtures.browser.driver import executable

SCENARIO = "The list of orders does not call a failed order shipped"
OPENED = ("Ben's orders from every side", "Ben's list of orders")
WIDTH, HEIGHT, MARGIN = 1100, 3000, 16


def picture(report: Path, target: Path) -> None:
    """A known bug: its sentences, the truth table and what the customer saw (PNG)."""
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=executable(playwright), args=["--no-sandbox"])
        page = browser.new_page(viewport={"width": WIDTH, "height": HEIGHT})
        page.goto(report.absolute().as_uri())
        page.get_by_text(SCENARIO, exact=True).first.click()
        for name in OPENED:
            page.get_by_text(name, exact=True).first.click()
        shown = page.locator("img[src^='blob:'], img[src^='data:']").last
        shown.wait_for()
        page.wait_for_function("[...document.images].every(image => image.complete && image.naturalHeight)")
        top = page.get_by_text("Test body").first.bounding_box()
        end = shown.bounding_box()
        assert top, "the sentences are there"
        assert end, "the picture is there"
        page.mouse.move(0, 0)
        above = top["y"] - MARGIN
        clip = {"x": 0, "y": above, "width": WIDTH, "height": end["y"] + end["height"] - above}
        page.screenshot(path=target, clip=clip)  # type: ignore[arg-type]
        browser.close()


if __name__ == "__main__":
    named = [Path(each) for each in sys.argv[1:]]
    report, target = [*named, *[Path("reports/out/allure.html"), Path("docs/report.png")][len(named) :]]
    picture(report, target)
    print(f"{target}: {target.stat().st_size // 1000} kB")
