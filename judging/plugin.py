"""The pytest hook-up of the judge: what it lends and takes, its options, and refusals said in two lines."""

from __future__ import annotations

import sys
from collections.abc import Generator, Iterable, Mapping
from pathlib import Path
from typing import Any, NoReturn

import pytest
from pytest_bdd.parser import ScenarioTemplate
from pytest_bdd.scenario import scenario_wrapper_template_registry

from judging.baseline import Entry, load_baseline
from judging.book import VerdictBook
from judging.claims import Claim, load_claims
from judging.evidence import EvidenceStore
from judging.findings import Judge
from judging.journal import Journal
from judging.redaction import Redaction
from judging.refusal import Refusal
from judging.verdicts import Verdict

pytest_plugins = ("judging.collecting", "judging.recording", "judging.redacting", "judging.session", "judging.workers")

CLAIMS = pytest.StashKey[dict[str, Claim]]()  # of every system
REDACTION = pytest.StashKey[Redaction]()
BASELINE = pytest.StashKey[tuple[tuple[Entry, ...], Path]]()
STACK = pytest.StashKey[dict[str, object]]()
REFUSED = pytest.StashKey[Refusal]()

# Only in a run that judges, from the end of its collection on:
JOURNAL = pytest.StashKey[Journal]()
EVIDENCE_STORE = pytest.StashKey[EvidenceStore]()
BOOK = pytest.StashKey[VerdictBook]()
STATEMENT = pytest.StashKey[dict[str, Any]]()  # from the end of the session on


class Hooks:
    """What the judge tells other plugins."""

    def pytest_journal_opened(self, config: pytest.Config, journal: Journal) -> None:
        """The journal of the whole run is open and empty: whoever follows it subscribes now."""


def set_baseline(config: pytest.Config, entries: Iterable[Mapping[str, str]], source_file: Path) -> None:
    """The known bugs of the stack: the [[baseline]] tables of its profile; before the first test runs."""
    claims = config.stash[CLAIMS]
    known = load_baseline(entries, shown(config, source_file), claims)
    config.stash[BASELINE] = known, source_file


def set_stack(config: pytest.Config, description: Mapping[str, object]) -> None:
    """What the statement says of the stack, `name` is its profile's; before the first test runs."""
    config.stash[STACK] = dict(description)


def scenario_of(item: pytest.Item) -> ScenarioTemplate | None:
    """The scenario that an item runs, or None for an ordinary test."""
    function = getattr(item, "obj", None)
    return scenario_wrapper_template_registry.get(function) if callable(function) else None


def claims_of(item: pytest.Item) -> tuple[str, ...]:
    """The claims that a scenario's tags name."""
    return tuple(name for name in item.config.stash[CLAIMS] if item.get_closest_marker(name))


def name_of(item: pytest.Item) -> str:
    """A scenario's name in journals and reports: pytest's id, redacted, since an outline's values are part of it."""
    return item.config.stash[REDACTION].text(item.nodeid)


def reports_folder(config: pytest.Config) -> Path:
    """Where this run's journal, statement and evidence are when it is over."""
    return config.rootpath / str(config.getoption("--reports"))


def worker(config: pytest.Config) -> str:
    """Which of a run's workers (pytest-xdist) this is; nothing where the run has none, and in their controller."""
    return str(getattr(config, "workerinput", {}).get("workerid", ""))


def shown(config: pytest.Config, path: Path) -> str:
    """A path as people are told it: from the project's root."""
    return str(path.relative_to(config.rootpath)) if path.is_relative_to(config.rootpath) else path.name


def refuse(config: pytest.Config, refusal: Refusal) -> NoReturn:
    """End the session with a refusal; only a pytest_configure must call this, other hooks may raise it."""
    config.stash[REFUSED] = refusal
    raise pytest.Session.Failed(str(refusal))  # the one way out that pytest does not comment on


def pytest_addhooks(pluginmanager: pytest.PytestPluginManager) -> None:
    pluginmanager.add_hookspecs(Hooks)


def pytest_addoption(parser: pytest.Parser) -> None:
    group = parser.getgroup("incident conformance")
    group.addoption(
        "--evidence",
        choices=("full", "minimal"),
        default="full",
        help="minimal: neither pictures nor allure.html (default: full)",
    )
    group.addoption(
        "--reports",
        metavar="DIR",
        default="reports/out",
        help="where the journal, the statement and the evidence go (default: reports/out)",
    )


def pytest_configure(config: pytest.Config) -> None:
    """Make every claim a marker, so that `-m R000_05` selects what judges it."""
    config.stash[REDACTION] = Redaction()
    config.stash[CLAIMS] = {}
    try:
        for path in sorted(config.rootpath.glob("features/*/claims.toml")):
            _take(config, path)
    except Refusal as refusal:
        refuse(config, refusal)


def _take(config: pytest.Config, path: Path) -> None:
    for name, claim in load_claims(path).items():
        if name in config.stash[CLAIMS]:
            cause = f"{shown(config, path)}: [{name}] is the id of another system's claim"
            raise Refusal("E-CLAIMS", cause, "give each claim an id of its own")
        config.stash[CLAIMS][name] = claim
        config.addinivalue_line("markers", f"{name}: {' '.join(claim.text.split())}")


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_cmdline_main(config: pytest.Config) -> Generator[None, int | None, int | None]:
    """Say a refusal in two lines, and leave with its exit code."""
    try:
        code = yield
    except pytest.Session.Failed:
        if REFUSED not in config.stash:
            raise
        code = None
    if REFUSED not in config.stash or worker(config):
        return code
    refusal = config.stash[REFUSED]
    print(config.stash[REDACTION].text(str(refusal)), file=sys.stderr)
    left_changed = BOOK in config.stash and Verdict.CONTAMINATED in config.stash[BOOK].verdicts().values()
    return 7 if left_changed else refusal.exit_code


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_collection(session: pytest.Session) -> Generator[None, object, object]:
    """A refusal while collecting ends the session."""
    try:
        return (yield)
    except Refusal as refusal:
        refuse(session.config, refusal)


@pytest.hookimpl(wrapper=True, tryfirst=True)
def pytest_runtestloop(session: pytest.Session) -> Generator[None, object, object]:
    """A refusal between the tests ends the session."""
    try:
        return (yield)
    except Refusal as refusal:
        refuse(session.config, refusal)


@pytest.fixture(scope="session")
def redaction(pytestconfig: pytest.Config) -> Redaction:
    """Takes secrets out of texts; knows those that were registered with it."""
    return pytestconfig.stash[REDACTION]


@pytest.fixture(scope="session")
def journal(pytestconfig: pytest.Config) -> Journal:
    """The journal of this run."""
    return pytestconfig.stash[JOURNAL]


@pytest.fixture(scope="session")
def evidence_store(pytestconfig: pytest.Config) -> EvidenceStore:
    """Where this run's evidence is kept."""
    return pytestconfig.stash[EVIDENCE_STORE]


@pytest.fixture(scope="session")
def verdict_book(pytestconfig: pytest.Config) -> VerdictBook:
    """What is judged so far; `contaminate(feature, reason)` takes back what a feature has judged."""
    return pytestconfig.stash[BOOK]


@pytest.fixture
def judge(request: pytest.FixtureRequest, journal: Journal, verdict_book: VerdictBook) -> Judge:
    """The judge of this scenario, for the claims that its tags name."""
    return Judge(journal, name_of(request.node), claims_of(request.node), verdict_book.excuses)
