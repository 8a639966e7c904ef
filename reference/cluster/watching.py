"""What a request asks for, and the stream of changes for a client that watches."""

from __future__ import annotations

import asyncio
import functools
import json
from dataclasses import dataclass

from aiohttp import web

from reference.cluster import tables
from reference.cluster.errors import ApiError
from reference.cluster.events import as_new_event
from reference.cluster.resources import BY_PATH, EVENTS, NEW_EVENTS, Object, Resource
from reference.cluster.selectors import Match, fields_match, labels_match
from reference.cluster.store import Change, Key, Store

BOOKMARK_SECONDS = 60.0
LONGEST_WATCH_SECONDS = 3600.0


@dataclass(frozen=True)
class Asked:
    """A request about objects; empty strings where its path says nothing."""

    request: web.BaseRequest
    resource: Resource
    namespace: str
    name: str
    part: str  # the subresource

    @classmethod
    def of(cls, request: web.BaseRequest) -> Asked | None:
        """Read a request's path; None when it leads to no resource."""
        match request.path.strip("/").split("/"):
            case ["api", version, *rest]:
                group = ""
            case ["apis", group, version, *rest]:
                pass
            case _:
                return None
        namespace = ""
        if len(rest) > 2 and rest[0] == "namespaces" and (group, version, rest[2]) in BY_PATH:
            namespace, rest = rest[1], rest[2:]
        resource = BY_PATH.get((group, version, rest[0])) if 1 <= len(rest) <= 3 else None
        if resource is None or (resource.namespaced != bool(namespace) and len(rest) > 1):
            return None
        _, name, part = [*rest, "", ""][:3]
        return cls(request, resource, namespace, name, part)

    @property
    def key(self) -> Key:
        """Where the store keeps the object."""
        return self.namespace, self.name

    @property
    def stored(self) -> Resource:
        """The resource under which the store keeps it: events have two names."""
        return EVENTS if self.resource is NEW_EVENTS else self.resource

    @functools.cached_property
    def match(self) -> Match:
        """Whether an object is among those asked for; raises ApiError 400."""
        by_label = labels_match(self.request.query.get("labelSelector", ""))
        by_field = fields_match(self.resource, self.request.query.get("fieldSelector", ""))
        return lambda obj: self.name in ("", obj["metadata"]["name"]) and by_label(obj) and by_field(obj)

    def yes(self, option: str) -> bool:
        """Whether an option of the query is on."""
        return self.request.query.get(option, "").lower() in ("1", "true")

    def chosen(self, store: Store) -> list[Object]:
        """Return the objects asked for; raises ApiError 400."""
        match = self.match
        return [self.shown(obj) for obj in store.list(self.stored, self.namespace) if match(obj)]

    def shown(self, obj: Object) -> Object:
        """Return an object in the version asked for."""
        return as_new_event(obj) if self.resource is NEW_EVENTS else obj

    def as_list(self, objects: list[Object], version: str) -> Object:
        """Return objects as the list of their kind."""
        items = [{key: obj[key] for key in obj if key not in ("kind", "apiVersion")} for obj in objects]
        head = {"kind": f"{self.resource.kind}List", "apiVersion": self.resource.api_version}
        return head | {"metadata": {"resourceVersion": version}, "items": items}

    def as_table(self, objects: list[Object], version: str) -> Object | None:
        """Return objects as a Table, None when no Table was asked for."""
        if self.part or "as=Table" not in self.request.headers.get("Accept", ""):
            return None
        return tables.table(self.resource.kind, objects, version, self.request.query.get("includeObject", ""))


class Watch:
    """Tells one client of changes to what it asked for, until it leaves or its time is over."""

    def __init__(self, store: Store, asked: Asked) -> None:
        self._store, self._asked = store, asked
        self._changes: asyncio.Queue[Change] = asyncio.Queue()
        self._response = web.StreamResponse(headers={"Content-Type": "application/json"})

    async def run(self) -> web.StreamResponse:
        """Answer the request; as in Kubernetes, a forgotten version ends the stream with an ERROR event."""
        asked, store, query = self._asked, self._store, self._asked.request.query
        match, since = asked.match, query.get("resourceVersion", "")
        await self._response.prepare(asked.request)
        unlisten = store.listen(self._changes.put_nowait)
        try:
            if since in ("", "0") or asked.yes("sendInitialEvents"):
                for obj in asked.chosen(store):
                    await self._write("ADDED", obj)
                if asked.yes("sendInitialEvents"):
                    await self._bookmark({"annotations": {"k8s.io/initial-events-end": "true"}})
            else:
                for change in store.changes_since(int(since)):
                    await self._tell(change, match)
            await self._follow(match, float(query.get("timeoutSeconds") or LONGEST_WATCH_SECONDS))
        except ApiError as gone:
            await self._write("ERROR", gone.status())
        finally:
            unlisten()
        await self._response.write_eof()
        return self._response

    async def _follow(self, match: Match, seconds: float) -> None:
        loop = asyncio.get_running_loop()
        end = loop.time() + seconds
        while (left := end - loop.time()) > 0:
            try:
                async with asyncio.timeout(min(left, BOOKMARK_SECONDS)):
                    change = await self._changes.get()
            except TimeoutError:
                if self._asked.yes("allowWatchBookmarks"):
                    await self._bookmark({})
                continue
            await self._tell(change, match)

    async def _tell(self, change: Change, match: Match) -> None:
        """Tell of a change as this watcher sees it: what leaves its selection is deleted for it."""
        namespace = change.object["metadata"].get("namespace")
        if change.resource is not self._asked.stored or self._asked.namespace not in ("", namespace):
            return
        was = change.before is not None and match(change.before)
        now = change.kind != "DELETED" and match(change.object)
        if was or now:
            kind = "MODIFIED" if was and now else "ADDED" if now else "DELETED"
            await self._write(kind, self._asked.shown(change.object))

    async def _bookmark(self, more: Object) -> None:
        resource, meta = self._asked.resource, {"resourceVersion": str(self._store.version)} | more
        mark = {"kind": resource.kind, "apiVersion": resource.api_version, "metadata": meta}
        await self._write("BOOKMARK", mark)

    async def _write(self, kind: str, obj: Object) -> None:
        if kind in ("ADDED", "MODIFIED", "DELETED"):
            obj = self._asked.as_table([obj], obj["metadata"]["resourceVersion"]) or obj
        await self._response.write(json.dumps({"type": kind, "object": obj}).encode() + b"\n")
