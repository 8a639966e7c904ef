"""A pytest plugin (-p tests.bench.clocks) that writes down when the stack worked for a run, as JSON, to $CLOCKS.

A patch of a Deployment's replicas is followed to the events that answer it, by watches of its own; exchanges over HTTP
are timed by the browser's clock and around the HTTP client. A page loads from its first packet to the end of its load
event (Navigation Timing): what is then at work are the shop's own scripts and styles. What the suite asks the API and
the database, and the pictures it takes, are noted too: they are no work that the incident needs of the stack.
"""

from __future__ import annotations

import functools
import json
import os
import threading
import time
from collections.abc import Callable, Generator
from contextlib import suppress
from dataclasses import asdict
from pathlib import Path
from typing import Any

import pytest
import requests
from kubernetes import client, config, watch
from kubernetes.client.rest import RESTClientObject
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Request
from pymongo import monitoring

from tests.bench.intervals import Interval
from tests.bench.reactions import Patch, Sight, endpoint_sight, pod_sight, reactions

CHECKOUTS, PAGES, CALLS = "checkouts", "the shop's pages", "the suite's other calls to the shop"
LOADS = "the pages' own loading"
TOLD = "clocks: "
TELL_LOADING = f"""addEventListener('load', () => setTimeout(() => {{
  const [page] = performance.getEntriesByType('navigation'), times = [page.responseStart, page.loadEventEnd]
  console.debug('{TOLD}' + JSON.stringify(times.map(time => (performance.timeOrigin + time) / 1000))) }}))"""
API, BOOKS, PICTURES = "asking the API server", "reading the database", "taking pictures"
PATH = "CLOCKS"

_noted: list[Interval] = []
_patches: list[Patch] = []
_sights: list[Sight] = []


def pytest_configure() -> None:
    """Begin to listen to everything that the suite will use."""
    from fixtures.browser.driver import Window  # after the suite's own plug-ins

    _around(requests.Session, "send", lambda _, request, **__: _kind(request.method, request.url, CALLS))
    _around(RESTClientObject, "request", lambda *_, **__: API)
    _around(Window, "picture", lambda *_: PICTURES)
    monitoring.register(_Commands())
    _listen_to_windows()
    _listen_to_patches()


@pytest.hookimpl(wrapper=True)
def pytest_fixture_setup(fixturedef: pytest.FixtureDef[Any]) -> Generator[None, object, object]:
    """Watch the cluster as soon as it is known."""
    lent = yield
    if fixturedef.argname == "stack":
        stack = fixturedef.cached_result[0]
        api = config.new_client_from_config(str(stack.kubeconfig), context=stack.profile.context or None)
        core, discovery = client.CoreV1Api(api), client.DiscoveryV1Api(api)
        _watch(core.list_namespaced_pod, stack.profile.namespace, pod_sight)
        _watch(discovery.list_namespaced_endpoint_slice, stack.profile.namespace, endpoint_sight)
    return lent


def pytest_unconfigure() -> None:
    """Write everything down."""
    seen, unseen = reactions(_patches, sorted(_sights, key=lambda sight: sight.at))
    told = {"intervals": [asdict(each) for each in [*_noted, *seen]], "unseen": unseen}
    Path(os.environ[PATH]).write_text(json.dumps(told))


class _Commands(monitoring.CommandListener):
    def started(self, event: monitoring.CommandStartedEvent) -> None:
        pass

    def succeeded(self, event: monitoring.CommandSucceededEvent) -> None:
        _noted.append(Interval(BOOKS, time.time() - event.duration_micros / 1e6, time.time()))

    def failed(self, event: monitoring.CommandFailedEvent) -> None:
        pass


def _around(owner: type, name: str, kind: Callable[..., str]) -> None:
    """Time every call of a method."""
    method = getattr(owner, name)

    @functools.wraps(method)
    def timed(*arguments: Any, **options: Any) -> Any:
        began = time.time()
        try:
            return method(*arguments, **options)
        finally:
            _noted.append(Interval(kind(*arguments, **options), began, time.time()))

    setattr(owner, name, timed)


def _listen_to_windows() -> None:
    opened = Browser.new_context

    @functools.wraps(opened)
    def new_context(self: Browser, **options: Any) -> BrowserContext:
        context = opened(self, **options)
        context.on("requestfinished", _note_exchange)
        context.on("console", _note_loading)
        context.add_init_script(TELL_LOADING)
        return context

    Browser.new_context = new_context  # type: ignore[method-assign]


def _note_exchange(request: Request) -> None:
    """From the first packet to the last, without the time that the browser kept a request to itself."""
    timing = request.timing
    first = timing["connectStart"] if timing["connectStart"] >= 0 else timing["requestStart"]
    if min(first, timing["responseEnd"]) >= 0:
        began, ended = ((timing["startTime"] + moment) / 1000 for moment in (first, timing["responseEnd"]))
        _noted.append(Interval(_kind(request.method, request.url, PAGES), began, ended))


def _note_loading(message: ConsoleMessage) -> None:
    if message.text.startswith(TOLD):
        _noted.append(Interval(LOADS, *json.loads(message.text.removeprefix(TOLD))))


def _listen_to_patches() -> None:
    sent = client.AppsV1Api.patch_namespaced_deployment

    @functools.wraps(sent)
    def patch(self: client.AppsV1Api, name: str, namespace: str, body: dict[str, Any], **options: Any) -> Any:
        at, replicas = time.time(), body.get("spec", {}).get("replicas")
        answer = sent(self, name, namespace, body, **options)
        if replicas is not None:
            _patches.append(Patch(at, name, replicas))
        return answer

    client.AppsV1Api.patch_namespaced_deployment = patch


def _watch(listing: Callable[..., Any], namespace: str, sight: Callable[[float, str, dict[str, Any]], Sight]) -> None:
    def listen() -> None:
        with suppress(Exception):  # the stack ends before the run does; an event that is missed is told as unseen
            for event in watch.Watch().stream(listing, namespace, _request_timeout=(3, 600)):
                _sights.append(sight(time.time(), event["type"], event["raw_object"]))

    threading.Thread(target=listen, daemon=True, name="clocks").start()


def _kind(method: str | None, url: str | None, otherwise: str) -> str:
    return CHECKOUTS if method == "POST" and (url or "").endswith("/orders") else otherwise
