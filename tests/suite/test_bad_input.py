"""Whatever cannot be judged is told soon, in one line of cause and one of remedy, and nothing is touched."""

from __future__ import annotations

import json
import shutil
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

import pytest

from fixtures.cluster.rights import Right
from tests.suite import imitations
from tests.suite.imitations import REVIEWS, TOKEN, Api
from tests.suite.runs import FEATURE, ROOT, Run, profile, run

SOON = 20.0  # seconds on a crowded machine; 3 on an idle one, for those that have to wait for an answer
AT_ONCE = 2
UNSAFE = ("E-NOT-OPTED-IN", "E-PIN", "E-PINNED")
ENVIRONMENTS = {
    "no browser": {"PATH": "/nowhere", "PLAYWRIGHT_BROWSERS_PATH": "/nowhere", "E2E_BROWSER_PATH": ""},
    "clock is wrong": {"SKEW": "5", "PYTEST_ADDOPTS": "-p tests.suite.skewed"},
}


@dataclass(frozen=True)
class Place:
    """A folder for one case, and the servers that it may use: one that answers, one that is silent, and nobody."""

    folder: Path
    api: Api
    narrow: Api
    silent: str
    nobody: str

    def stack(self, *changes: tuple[str, str], server: str = "", token: str = TOKEN) -> str:
        """A profile of the imitated stack, with some words of it replaced."""
        own = imitations.kubeconfig(self.folder, server or self.api.url, token)
        return f"--stack={profile(self.folder, own, ('http://{cluster}:30001', self.api.url), *changes)}"

    def file(self, text: str) -> str:
        """A kubeconfig with that text."""
        path = self.folder / "given.yaml"
        path.write_text(text)
        return f"--kubeconfig={path}"

    def pinned(self, text: str) -> str:
        """A profile whose kubeconfig has a pin beside it."""
        (self.folder / "kubeconfig.pin.json").write_text(text)
        return self.stack()

    def ui(self, address: str) -> str:
        """A profile whose pages are somewhere else."""
        return self.stack((f'ui = "{self.api.url}"', f'ui = "{address}"'))


CASES: dict[str, tuple[Callable[[Place], str], str, str]] = {
    "no such profile": (lambda at: "--stack=embeded", "E-PROFILE-MISSING", "embedded, faithful, fixed"),
    "no such system": (lambda at: "--stack=faithful", "E-SYSTEM", "describes otp_gateway, and not sock_shop"),
    "unknown key": (lambda at: at.stack(("closed =", "closd =")), "E-PROFILE", "mine.toml: unknown key 'closd'"),
    "start ends": (
        lambda at: at.stack((f'kubeconfig = "{at.folder / "kubeconfig"}"', 'start = ["{python}", "-c", "1/0"]')),
        "E-STACK-START",
        "ZeroDivisionError",
    ),
    "no kubeconfig": (lambda at: f"--kubeconfig={at.folder / 'none'}", "E-KUBECONFIG", "no kubeconfig at"),
    "kubeconfig is not YAML": (lambda at: at.file(f"users:\n- token: *{TOKEN}"), "E-KUBECONFIG", "line 2 is not YAML"),
    "unknown context": (
        lambda at: at.stack(("namespace =", 'context = "two"\nnamespace =')),
        "E-KUBECONFIG",
        "Expected object with name two",
    ),
    "API refuses": (lambda at: at.stack(server=f"https://{at.nobody}"), "E-API", "does not answer"),
    "API is silent": (lambda at: at.stack(server=f"https://{at.silent}"), "E-API", "ReadTimeoutError"),
    "token has expired": (lambda at: at.stack(token="expired"), "E-API-UNAUTHORIZED", "may have expired"),
    "Role is too narrow": (
        lambda at: at.stack(server=at.narrow.url),
        "E-API-FORBIDDEN",
        "may not get pods/log in namespace sock-shop\nremedy: add to its Role, as stacks/rbac.yaml has it: {api",
    ),
    "namespace is ending": (lambda at: at.stack(('"sock-shop"', '"ending"')), "E-NAMESPACE-ENDING", "being deleted"),
    "pinned to another": (
        lambda at: at.pinned(
            json.dumps({"namespace": "sock-shop", "namespace_uid": "another", "certificate_sha256": ""})
        ),
        "E-PINNED",
        "is not the pinned one: another namespace uid",
    ),
    "pin is torn": (lambda at: at.pinned('{"namespace": '), "E-PIN", "kubeconfig.pin.json cannot be read"),
    "no namespace": (lambda at: at.stack(('"sock-shop"', '"sock-chop"')), "E-NAMESPACE", "no namespace sock-chop"),
    "not opted in": (lambda at: at.stack(('"sock-shop"', '"production"')), "E-NOT-OPTED-IN", "kubectl label"),
    "no Deployment": (lambda at: at.stack(('= "payment"', '= "gone"')), "E-DEPLOYMENT", "no Deployment gone"),
    "UI refuses": (lambda at: at.ui(f"http://{at.nobody}"), "E-UI", "does not open within 3 s"),
    "UI is silent": (lambda at: at.ui(f"http://{at.silent}"), "E-UI", "ReadTimeout"),
    "UI fails": (lambda at: at.ui(f"{at.api.url}/none"), "E-UI", "404"),
    "another application": (lambda at: at.ui(f"{at.api.url}/other"), "E-UI-OTHER", "is not the Sock Shop"),
    "no browser": (lambda at: at.stack(), "E-BROWSER", "make setup"),
    "clock is wrong": (lambda at: at.stack(), "E-CLOCK", "behind this machine's"),
    "reports in a file": (lambda at: f"--reports={Path(__file__)}", "E-REPORTS", "cannot be written"),
}


@pytest.fixture(scope="session")
def servers() -> Iterator[tuple[Api, Api, str, str]]:
    """One that answers, one that forbids something, one that is silent, and an address where nobody is."""
    narrow = imitations.api_server([Right("get", "pods/log")])
    all_of_them = (imitations.api_server(), narrow, imitations.silence(), imitations.nobody())
    with ExitStack() as held:
        yield tuple(map(held.enter_context, all_of_them))


@pytest.fixture(scope="session")
def refused(
    request: pytest.FixtureRequest, servers: tuple[Api, Api, str, str], tmp_path_factory: pytest.TempPathFactory
) -> Iterator[dict[str, Future[Run]]]:
    """The runs of all cases that were selected; some wait for an answer, so they are not run one after the other."""
    using = (item for item in request.session.items if item.path == Path(__file__))
    asked = [item.callspec.params["case"] for item in using if hasattr(item, "callspec")]
    folder = tmp_path_factory.mktemp("bad-input")

    def refuse(case: str) -> Run:
        place = Place(folder / case.replace(" ", "-"), *servers)
        place.folder.mkdir()
        return run(place.folder / "out", CASES[case][0](place), FEATURE, env=ENVIRONMENTS.get(case))

    with ThreadPoolExecutor(AT_ONCE) as pool:
        yield {case: pool.submit(refuse, case) for case in asked}


@pytest.mark.parametrize("case", CASES)
def test_what_cannot_be_judged_is_told_in_two_lines(
    case: str, refused: dict[str, Future[Run]], servers: tuple[Api, Api, str, str]
):
    _, error_id, word = CASES[case]
    ended = refused[case].result()

    cause, remedy, *more = ended.err.splitlines()
    assert not more
    assert cause.startswith(f"{error_id} "), cause
    assert remedy.startswith("remedy: ")
    assert word in ended.err
    assert ended.code == (6 if error_id in UNSAFE else 4)
    assert ended.waited < SOON
    for trouble in ("Traceback", "FAILURES", "ERRORS", "INTERNALERROR", TOKEN):
        assert trouble not in ended.out + ended.err, ended.out
    assert not ended.phases
    assert {*servers[0].asked, *servers[1].asked} <= {"GET", REVIEWS}


def test_without_the_reference_stack_another_must_be_named(tmp_path: Path):
    root = tmp_path / "suite"
    for part in ("features", "fixtures", "judging", "reports", "stacks", "steps"):
        shutil.copytree(ROOT / part, root / part, ignore=shutil.ignore_patterns("out", "__pycache__"))
    for file in ("conftest.py", "pyproject.toml"):
        shutil.copy(ROOT / file, root)

    ended = run(tmp_path / "out", root=root)

    assert ended.err.splitlines() == [
        "E-NO-STACK there is no reference/ here, so there is no default stack",
        "remedy: name yours: pytest --stack=NAME (see stacks/README.md)",
    ]
    assert ended.code == 4
