"""Collecting: features are read before they are bound, one can be named by its path, cures come first."""

from __future__ import annotations

from collections.abc import Generator, Iterable, Iterator, Mapping, Sequence
from inspect import isasyncgenfunction, iscoroutinefunction
from pathlib import Path
from typing import Any

import pytest
from pytest_bdd.parser import Scenario, ScenarioTemplate, Step
from pytest_bdd.scenario import find_fixturedefs_for_step
from pytest_bdd.steps import step_function_context_registry

from judging.claims import Claim
from judging.plugin import CLAIMS, claims_of, scenario_of, shown
from judging.refusal import Refusal
from judging.scenarios import ScenarioText, read_feature

TEXTS = pytest.StashKey[dict[Path, list[ScenarioText]]]()  # the scenarios that a folder's features tell
_VISITED = pytest.StashKey[set[Path]]()  # feature files that collecting has come across
_COLLECTED = pytest.StashKey[list[pytest.Item]]()
_LEFT_OUT = pytest.StashKey[set[str]]()


class FeatureFile(pytest.File):
    """A feature named on the command line: its scenarios, as the test modules beside it bind them."""

    def collect(self) -> Iterator[pytest.Item]:
        """The items; Refusal E-UNBOUND where there is none."""
        read_features(self.config, self.path.parent)
        found = False
        for path in sorted(self.path.parent.glob("test_*.py")):
            module: Any = pytest.Module.from_parent(self.parent, path=path)
            for item in module.collect():
                template = scenario_of(item)
                if template and Path(template.feature.filename) == self.path:
                    found = True
                    yield item
        if not found:
            raise _unbound(self.config, self.path)


@pytest.hookimpl(tryfirst=True)
def pytest_configure(config: pytest.Config) -> None:
    config.stash[TEXTS], config.stash[_VISITED] = {}, set()
    config.stash[_COLLECTED], config.stash[_LEFT_OUT] = [], set()


def pytest_collect_file(file_path: Path, parent: pytest.Collector) -> pytest.Collector | None:
    """Remember the features met on the way; collect one that was named."""
    if file_path.suffix != ".feature":
        return None
    parent.config.stash[_VISITED].add(file_path)
    named = parent.session.isinitpath(file_path)
    return FeatureFile.from_parent(parent, path=file_path) if named else None


def pytest_pycollect_makemodule(module_path: Path, parent: pytest.Collector) -> None:
    """Read the features beside a test module before it binds them: pytest-bdd drops a scenario's twin."""
    read_features(parent.config, module_path.parent)


def read_features(config: pytest.Config, folder: Path) -> None:
    """Read the feature files of a folder, once; the Refusals are those of `read_feature`."""
    if folder in config.stash[TEXTS]:
        return
    claims = config.stash[CLAIMS]
    lines: list[str] = config.getini("markers")
    markers = {line.partition(":")[0].partition("(")[0].strip() for line in lines} - claims.keys()
    told = config.stash[TEXTS][folder] = []
    for path in sorted(folder.glob("*.feature")):
        told += read_feature(path, shown(config, path), claims, markers)


@pytest.hookimpl(wrapper=True)
def pytest_make_collect_report(
    collector: pytest.Collector,
) -> Generator[None, pytest.CollectReport, pytest.CollectReport]:
    """A refusal is the end of collecting, not one module's error."""
    report = yield
    call = getattr(report, "call", None)
    if call and call.excinfo and isinstance(call.excinfo.value, Refusal):
        collector.session.items.clear()
        raise call.excinfo.value
    return report


def pytest_itemcollected(item: pytest.Item) -> None:
    """Remember every scenario, whether it will be selected or not."""
    if scenario_of(item):
        item.config.stash[_COLLECTED].append(item)


def pytest_deselected(items: Sequence[pytest.Item]) -> None:
    """Remember which claims will not be judged in full."""
    for item in items:
        if scenario_of(item):
            left = item.config.stash[_LEFT_OUT]
            left.update(claims_of(item))


@pytest.hookimpl(trylast=True)
def pytest_collection_modifyitems(session: pytest.Session, items: list[pytest.Item]) -> None:
    """Refuse what could not be judged, then let scenarios whose claims are cured come after their cures."""
    try:
        _refuse_unjudgeable(session)
    except Refusal:
        items.clear()  # pytest tells plugins even so that collecting has finished
        raise
    claims = session.config.stash[CLAIMS]
    _put_cures_first(claims, items)


def _put_cures_first(claims: Mapping[str, Claim], items: list[pytest.Item]) -> None:
    """Features whose cures are judged in another feature come last; in a feature, scenarios with cured claims."""
    place, named = dict[object, int](), named_by_feature(items)
    for number, item in enumerate(items):
        place.setdefault(feature_of(item), number)

    def turn(item: pytest.Item) -> tuple[bool, int, bool]:
        feature = feature_of(item)
        waits = not cures(claims, named[feature]) <= named[feature]
        return waits, place[feature], bool(cures(claims, claims_of(item)))

    items.sort(key=turn)


def named_by_feature(items: Iterable[pytest.Item]) -> dict[object, set[str]]:
    """The claims that the scenarios of each feature name; an item that is no scenario is by itself."""
    named = dict[object, set[str]]()
    for item in items:
        named.setdefault(feature_of(item), set()).update(claims_of(item))
    return named


def cures(claims: Mapping[str, Claim], names: Iterable[str]) -> set[str]:
    """The required claims that cure any of the claims named."""
    return {cure for name in names for cure in claims[name].cured_by}


def _refuse_unjudgeable(session: pytest.Session) -> None:
    config = session.config
    collected = config.stash[_COLLECTED]
    bound = {Path(template.feature.filename) for item in collected if (template := scenario_of(item))}
    for path in sorted(config.stash[_VISITED] - bound):
        if any(map(session.isinitpath, path.parents)):  # its folder was asked for, not one module
            raise _unbound(config, path)
    for folder in {path.parent for path in bound}:
        read_features(config, folder)
    _refuse_steps(config, collected)


def feature_of(item: pytest.Item) -> object:
    """The file of the feature that an item belongs to; the item itself where it is no scenario."""
    template = scenario_of(item)
    return template.feature.filename if template else item


def _refuse_steps(config: pytest.Config, items: Sequence[pytest.Item]) -> None:
    """Refuse steps that nobody defines, and `async` ones: their bodies would never run."""
    seen = set[tuple[object, str, str]]()
    for item in items:
        for step in steps_of(item):
            if (key := (item.parent, step.type, step.name)) not in seen:
                seen.add(key)
                _refuse_step(config, item, step)


def _refuse_step(config: pytest.Config, item: pytest.Item, step: Step) -> None:
    template = scenario_of(item)
    assert template is not None
    where = f"{shown(config, Path(template.feature.filename))}:{step.line_number}: {step.keyword.strip()}"
    # pytest has no public way to the fixtures, and pytest-bdd none to the steps.
    defined = find_fixturedefs_for_step(step, item.session._fixturemanager, item)
    functions = [step_function_context_registry[each.func].step_func for each in defined]
    if not functions:
        remedy = f"define it as a {step.type} step in steps/, or use one that is known"
        raise Refusal("E-STEP", f"{where} {step.name!r} is no known step", remedy)
    for function in functions:
        if iscoroutinefunction(function) or isasyncgenfunction(function):
            cause = f"{where} {step.name!r} is async ({function.__module__}.{function.__name__})"
            raise Refusal("E-ASYNC", cause, "write it as a plain def: nothing would await it")


def rendered(item: pytest.Item, template: ScenarioTemplate) -> Scenario:
    """The scenario with the values of its row of examples."""
    parameters = getattr(getattr(item, "callspec", None), "params", {})
    return template.render(parameters.get("_pytest_bdd_example", {}))


def steps_of(item: pytest.Item) -> list[Step]:
    """The steps that an item runs, those of its backgrounds first."""
    template = scenario_of(item)
    return rendered(item, template).steps if template else []


def named_claims(config: pytest.Config) -> list[str]:
    """The claims that any scenario of the collected folders names."""
    named = {tag for told in config.stash[TEXTS].values() for each in told for tag in each.tags}
    return [name for name in config.stash[CLAIMS] if name in named]


def left_out(session: pytest.Session) -> list[str]:
    """The claims of which at least one scenario is not part of this run."""
    templates = filter(None, map(scenario_of, session.items))
    part = {(Path(template.feature.filename), template.name) for template in templates}
    left = session.config.stash[_LEFT_OUT].copy()
    for told in session.config.stash[TEXTS].values():
        for each in told:
            if (each.file, each.name) not in part:
                left |= each.tags
    return [name for name in session.config.stash[CLAIMS] if name in left]


def _unbound(config: pytest.Config, path: Path) -> Refusal:
    cause = f"{shown(config, path)} is bound by no test module, so nothing of it runs"
    return Refusal("E-UNBOUND", cause, f'write scenarios("{path.name}") in the test module beside it')
