"""The API server: objects over HTTPS, read, written and watched as Kubernetes clients do it."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import yaml
from aiohttp import web

from reference.cluster import discovery, errors, patching, tables
from reference.cluster.errors import ApiError
from reference.cluster.events import as_new_event
from reference.cluster.registry import Registry
from reference.cluster.resources import BY_PATH, EVENTS, NEW_EVENTS, Object, Resource
from reference.cluster.selectors import Match, as_text, fields_match, labels_match
from reference.cluster.store import Change, clone
from reference.cluster.streams import Streams

BOOKMARK_SECONDS = 60.0
LONGEST_WATCH_SECONDS = 3600.0
_OPEN_TO_ALL = ("healthz", "livez", "readyz", "version")


@dataclass(frozen=True)
class Target:
    """What a request is about; empty strings where the path says nothing."""

    resource: Resource
    namespace: str
    name: str
    part: str

    @property
    def key(self) -> tuple[str, str]:
        """Where the store keeps the object."""
        return self.namespace, self.name


class ApiServer:
    """Answers every request of a client that knows the token."""

    def __init__(self, registry: Registry, streams: Streams, token: str) -> None:
        self._registry, self._store, self._streams = registry, registry.store, streams
        self._authorization = f"Bearer {token}".encode()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; refusals become Status objects."""
        try:
            path = request.path.strip("/")
            public = path.partition("/")[0] in _OPEN_TO_ALL
            given = request.headers.get("Authorization", "").encode()
            if not public and not hmac.compare_digest(given, self._authorization):
                raise ApiError(401, "Unauthorized", "Unauthorized")
            if path.partition("/")[0] in _OPEN_TO_ALL[:3]:
                return web.Response(text="ok")
            if request.method == "GET" and (found := discovery.document(path)):
                return _json(found)
            if (target := _target(path)) is None:
                return web.Response(status=404, text="404 page not found\n")
            return await self._answer(request, target)
        except ApiError as refusal:
            return _json(refusal.status(), refusal.code)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            logging.getLogger(__name__).exception("%s %s", request.method, request.path)
            return _json(errors.bad_request(f"the object cannot be handled: {error!r}").status(), 400)

    async def _answer(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        if target.part in ("log", "portforward", "exec"):
            return await self._streams.answer(request, target.key, target.part)
        if target.part and target.part not in target.resource.subresources:
            raise ApiError(404, "NotFound", "the server could not find the requested resource", {})
        if target.resource is NEW_EVENTS and request.method != "GET":
            raise errors.method_not_allowed()
        if request.method == "GET":
            watching = request.query.get("watch", "") in ("1", "true", "True")
            if watching:
                return await self._watch(request, target)
            return self._shown(request, target, self._get(target)) if target.name else self._list(request, target)
        if "protobuf" in request.content_type:
            why = "objects are read as JSON or YAML only; instead of `kubectl create KIND`, apply a manifest"
            raise ApiError(415, "UnsupportedMediaType", why)
        body = await request.read()
        dry = "dryRun" in request.query
        match request.method, bool(target.name):
            case "POST", False:
                obj = self._registry.create(target.resource, target.namespace, _parsed(body), dry)
                return self._shown(request, target, obj, 201)
            case "PUT", True:
                return self._shown(request, target, self._put(target, _parsed(body), dry))
            case "PATCH", True:
                return self._patch(request, target, body, dry)
            case "DELETE", True:
                options = _delete_options(request, body)
                return self._deleted(request, target, self._registry.delete(target.resource, target.key, options))
            case "DELETE", False:
                options, chosen = _delete_options(request, body), self._chosen(request, target)
                gone = [self._registry.delete(target.resource, _key(obj), options) for obj in chosen]
                return _json(self._as_list(target.resource, gone))
        raise errors.method_not_allowed()

    def _get(self, target: Target) -> Object:
        stored = EVENTS if target.resource is NEW_EVENTS else target.resource
        obj = self._store.get(stored, *target.key)
        return _scale(obj) if target.part == "scale" else _view(target.resource)(obj)

    def _put(self, target: Target, obj: Object, dry: bool) -> Object:
        if target.part == "scale":
            return _scale(self._scaled(target, obj, dry))
        given = (obj["metadata"].get("namespace") or target.namespace, obj["metadata"]["name"])
        if given != target.key:
            why = f"the name of the object ({given[1]}) does not match the name on the URL ({target.name})"
            raise errors.bad_request(why)
        obj["metadata"]["namespace"] = target.namespace
        if not target.namespace:
            del obj["metadata"]["namespace"]
        return self._registry.replace(target.resource, obj, target.part, dry)

    def _scaled(self, target: Target, scale: Object, dry: bool) -> Object:
        obj = clone(self._store.get(target.resource, *target.key))
        obj["spec"]["replicas"] = (scale.get("spec") or {}).get("replicas") or 0
        obj["metadata"]["resourceVersion"] = scale["metadata"].get("resourceVersion")
        return self._registry.replace(target.resource, obj, dry_run=dry)

    def _patch(self, request: web.BaseRequest, target: Target, body: bytes, dry: bool) -> web.Response:
        kind = request.content_type
        manager = request.query.get("fieldManager", "")
        if kind == patching.APPLY and not manager:
            why = 'PatchOptions.meta.k8s.io "" is invalid: fieldManager: Required value: is required for apply patch'
            raise ApiError(422, "Invalid", why, {})
        if kind == patching.APPLY and self._store.find(target.resource, *target.key) is None:
            obj = _parsed(body)
            patching.managed(obj, manager)
            created = self._registry.create(target.resource, target.namespace, obj, dry)
            return self._shown(request, target, created, 201)
        current = self._get(target)
        changed = patching.patched(current, kind, body)
        if kind == patching.APPLY and changed != current:
            patching.managed(changed, manager)
        return self._shown(request, target, self._put(target, changed, dry))

    def _deleted(self, request: web.BaseRequest, target: Target, obj: Object) -> web.Response:
        if target.resource.kind in ("Pod", "Service", "ServiceAccount", "Namespace"):
            return self._shown(request, target, obj)
        details = {"name": target.name, "kind": target.resource.plural, "uid": obj["metadata"]["uid"]}
        details |= {"group": target.resource.group} if target.resource.group else {}
        done = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return _json(done)

    def _shown(self, request: web.BaseRequest, target: Target, obj: Object, code: int = 200) -> web.Response:
        if _wants_table(request) and request.method == "GET" and not target.part:
            version = obj["metadata"]["resourceVersion"]
            include = request.query.get("includeObject", "Metadata")
            return _json(tables.table(target.resource, [obj], version, include))
        return _json(obj, code)

    def _chosen(self, request: web.BaseRequest, target: Target) -> list[Object]:
        match, view = _matcher(request, target), _view(target.resource)
        stored = EVENTS if target.resource is NEW_EVENTS else target.resource
        if target.namespace and target.resource.namespaced is False:
            return []
        return [view(obj) for obj in self._store.list(stored, target.namespace) if match(obj)]

    def _list(self, request: web.BaseRequest, target: Target) -> web.Response:
        chosen = self._chosen(request, target)
        if _wants_table(request):
            include = request.query.get("includeObject", "Metadata")
            return _json(tables.table(target.resource, chosen, str(self._store.version), include))
        return _json(self._as_list(target.resource, chosen))

    def _as_list(self, resource: Resource, objects: list[Object]) -> Object:
        items = [{key: obj[key] for key in obj if key not in ("kind", "apiVersion")} for obj in objects]
        meta = {"resourceVersion": str(self._store.version)}
        return {"kind": f"{resource.kind}List", "apiVersion": resource.api_version, "metadata": meta, "items": items}

    async def _watch(self, request: web.BaseRequest, target: Target) -> web.StreamResponse:
        """Stream changes of the chosen objects until the client leaves or its time is over."""
        seconds = float(request.query.get("timeoutSeconds") or LONGEST_WATCH_SECONDS)
        match = _matcher(request, target)
        since = request.query.get("resourceVersion", "")
        initial = request.query.get("sendInitialEvents") == "true"
        queue: asyncio.Queue[Change] = asyncio.Queue()
        unlisten = self._store.listen(queue.put_nowait)
        try:
            tell = _Teller(request, target.resource)
            await tell.begin()
            if since in ("", "0") or initial:
                for obj in self._chosen(request, target):
                    await tell.event("ADDED", obj)
                if initial:
                    await tell.bookmark(self._store.version, {"k8s.io/initial-events-end": "true"})
            else:
                try:
                    missed = self._store.changes_since(int(since))
                except ApiError as gone:
                    await tell.refusal(gone)
                    return tell.response
                for change in missed:
                    await tell.change(change, target, match)
            await self._follow(queue, tell, target, match, seconds, "allowWatchBookmarks" in request.query)
            await tell.response.write_eof()
            return tell.response
        finally:
            unlisten()

    async def _follow(
        self, queue: asyncio.Queue[Change], tell: _Teller, target: Target, match: Match, seconds: float, marks: bool
    ) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            try:
                async with asyncio.timeout(min(left, BOOKMARK_SECONDS)):
                    change = await queue.get()
            except TimeoutError:
                if marks:
                    await tell.bookmark(self._store.version, {})
                continue
            await tell.change(change, target, match)


class _Teller:
    """Writes watch events to one client, as objects or as rows of a Table."""

    def __init__(self, request: web.BaseRequest, resource: Resource) -> None:
        self.response = web.StreamResponse(headers={"Content-Type": "application/json"})
        self._request, self._resource, self._view = request, resource, _view(resource)
        self._table, self._include = _wants_table(request), request.query.get("includeObject", "Metadata")

    async def begin(self) -> None:
        await self.response.prepare(self._request)

    async def change(self, change: Change, target: Target, match: Match) -> None:
        """Tell of a change as this watcher sees it: what leaves its selection is deleted for it."""
        stored = EVENTS if target.resource is NEW_EVENTS else target.resource
        if change.resource is not stored or target.namespace not in ("", change.object["metadata"].get("namespace")):
            return
        was = change.before is not None and match(change.before)
        now = change.kind != "DELETED" and match(change.object)
        if was or now:
            kind = "MODIFIED" if was and now else "ADDED" if now else "DELETED"
            await self.event(kind, self._view(change.object))

    async def event(self, kind: str, obj: Object) -> None:
        if self._table:
            version = obj["metadata"]["resourceVersion"]
            obj = tables.table(self._resource, [obj], version, self._include, head=kind != "")
        await self._write(kind, obj)

    async def bookmark(self, version: int, annotations: dict[str, str]) -> None:
        meta: Object = {"resourceVersion": str(version)} | ({"annotations": annotations} if annotations else {})
        obj = {"kind": self._resource.kind, "apiVersion": self._resource.api_version, "metadata": meta}
        await self._write("BOOKMARK", obj)

    async def refusal(self, refusal: ApiError) -> None:
        await self._write("ERROR", refusal.status())

    async def _write(self, kind: str, obj: Object) -> None:
        await self.response.write(json.dumps({"type": kind, "object": obj}).encode() + b"\n")


def _json(obj: Object, code: int = 200) -> web.Response:
    return web.Response(status=code, body=json.dumps(obj).encode(), content_type="application/json")


def _target(path: str) -> Target | None:
    match path.split("/"):
        case ["api", version, *rest]:
            group = ""
        case ["apis", group, version, *rest]:
            pass
        case _:
            return None
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces" and (group, version, rest[2]) in BY_PATH:
        namespace, rest = rest[1], rest[2:]
    if not 1 <= len(rest) <= 3 or (resource := BY_PATH.get((group, version, rest[0]))) is None:
        return None
    if resource.namespaced and len(rest) > 1 and not namespace:
        return None
    _, name, part = [*rest, "", ""][:3]
    return Target(resource, namespace, name, part)


def _key(obj: Object) -> tuple[str, str]:
    return obj["metadata"].get("namespace", ""), obj["metadata"]["name"]


def _matcher(request: web.BaseRequest, target: Target) -> Match:
    labels, fields = request.query.get("labelSelector", ""), request.query.get("fieldSelector", "")
    by_label, by_field = labels_match(labels), fields_match(target.resource, fields)
    return lambda obj: (not target.name or obj["metadata"]["name"] == target.name) and by_label(obj) and by_field(obj)


def _view(resource: Resource) -> Callable[[Object], Object]:
    return as_new_event if resource is NEW_EVENTS else lambda obj: obj


def _wants_table(request: web.BaseRequest) -> bool:
    return "as=Table" in request.headers.get("Accept", "")


def _parsed(body: bytes) -> Object:
    try:
        obj = json.loads(body) if body[:1] == b"{" else yaml.safe_load(body)
    except (ValueError, yaml.YAMLError) as error:
        raise errors.bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(obj, dict):
        raise errors.bad_request("the body of the request is not an object")
    return obj


def _delete_options(request: web.BaseRequest, body: bytes) -> Object:
    options: Object = _parsed(body) if body else {}
    query: dict[str, Any] = {name: request.query[name] for name in ("propagationPolicy", "dryRun") if name in request.query}
    if "gracePeriodSeconds" in request.query:
        query["gracePeriodSeconds"] = int(request.query["gracePeriodSeconds"])
    return options | query


def _scale(obj: Object) -> Object:
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    replicas = obj["spec"]["replicas"]
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: obj["metadata"][field] for field in kept},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {"replicas": (obj.get("status") or {}).get("replicas", 0), "selector": as_text(obj["spec"]["selector"])},
    }
