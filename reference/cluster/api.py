"""The API server: kinds and objects over HTTPS, read and written as Kubernetes clients do it."""

from __future__ import annotations

import asyncio
import hmac
import json
import logging

from aiohttp import web

from reference.cluster import objects, streams
from reference.cluster.answers import ROOTS, Asked, pairs
from reference.cluster.kubelet import VERSION, Kubelet
from reference.cluster.objects import ApiError, Change, Object, Store, bad_request, clone, conflict, key_of
from reference.cluster.registry import Registry, patched

LONGEST_WATCH_SECONDS = 3600.0
_RETURNED = ("Pod", "Service", "ServiceAccount", "Namespace")  # deleting these answers with the object
_OLD_ENDPOINTS = '299 - "v1 Endpoints is deprecated in v1.33+; use discovery.k8s.io/v1 EndpointSlice"'
_IN_ALL = ("Pod", "Service", "Deployment", "ReplicaSet")  # listed by `kubectl get all`
_VERBS = ["create", "delete", "deletecollection", "get", "list", "patch", "update", "watch"]
_STREAMS = {"exec": streams.execute, "log": streams.log, "portforward": streams.portforward}
_PART_KINDS = {"exec": "PodExecOptions", "portforward": "PodPortForwardOptions", "scale": "Scale"}
_ACCESS_REVIEWS = "apis/authorization.k8s.io/v1/selfsubjectaccessreviews"  # who knows the token may do anything
_VERSIONS = {root: version for version, root in ROOTS.items()}


class ApiServer:
    """Answers every request of a client that knows the token."""

    def __init__(self, registry: Registry, kubelet: Kubelet, token: str) -> None:
        self._registry, self._store, self._kubelet = registry, registry.store, kubelet
        self._authorization = f"Bearer {token}".encode()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; refusals become Status objects."""
        path = request.path.strip("/")
        try:
            if path in ("healthz", "livez", "readyz"):
                return web.Response(text="ok")
            given = request.headers.get("Authorization", "").encode()
            if path != "version" and not hmac.compare_digest(given, self._authorization):
                raise ApiError(401, "Unauthorized", "Unauthorized")
            if request.method == "GET" and (found := discovered(path)):
                return _json(found)
            if request.method == "POST" and path == _ACCESS_REVIEWS:
                return _json(_parsed(await request.read()) | {"status": {"allowed": True}}, 201)
            if (asked := Asked.of(request)) is None:
                return web.Response(status=404, text="404 page not found\n")
            response = await self._answer(asked)
            if asked.resource is objects.ENDPOINTS and not response.prepared:
                response.headers["Warning"] = _OLD_ENDPOINTS
            return response
        except ApiError as refusal:
            return _json(refusal.status, refusal.code)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            logging.getLogger(__name__).exception("%s %s", request.method, request.path)
            return _json(bad_request(f"the object cannot be handled: {error!r}").status, 400)

    async def _answer(self, asked: Asked) -> web.StreamResponse:
        request, resource, store = asked.request, asked.resource, self._store
        if asked.part and asked.part not in resource.parts:
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        if stream := _STREAMS.get(asked.part):
            return await stream(request, store.get(resource, asked.key), self._kubelet.running(asked.key))
        if request.method == "GET" and asked.yes("watch"):
            return await watch(asked, store)
        if request.method != "GET" and "dryRun" in request.query:
            raise bad_request("the embedded cluster does not know dry runs")
        if "protobuf" in request.content_type:
            why = "objects are read as JSON only; instead of `kubectl create KIND`, apply a manifest"
            raise ApiError(415, "UnsupportedMediaType", why)
        body = await request.read()
        match request.method, bool(asked.name):
            case "GET", True:
                return _json(asked.shown(self._current(asked)))
            case "GET", False:
                return _json(asked.listed(asked.chosen(store), str(store.version)))
            case "POST", False:
                return _json(self._registry.create(resource, asked.namespace, _parsed(body)), 201)
            case "PUT", True:
                return _json(self._put(asked, _parsed(body)))
            case "PATCH", True:
                return _json(self._put(asked, patched(self._current(asked), request.content_type, body)))
            case "DELETE", _:
                return _json(self._delete(asked, _parsed(body or b"{}")))
        raise ApiError(405, "MethodNotAllowed", "the server does not allow this method on the requested resource")

    def _current(self, asked: Asked) -> Object:
        obj = self._store.get(asked.resource, asked.key)
        return _scale(obj) if asked.part == "scale" else obj

    def _put(self, asked: Asked, obj: Object) -> Object:
        if asked.part == "scale":
            scaled = clone(self._store.get(asked.resource, asked.key))
            scaled["spec"]["replicas"] = wanted = (obj.get("spec") or {}).get("replicas") or 0
            if wanted < 0:
                why = f"Invalid value: {wanted}: must be greater than or equal to 0"
                raise objects.invalid(objects.SCALES, asked.name, ("FieldValueInvalid", why, "spec.replicas"))
            scaled["metadata"]["resourceVersion"] = obj["metadata"].get("resourceVersion")
            return _scale(self._registry.replace(asked.resource, scaled))
        if asked.resource.namespaced:
            obj["metadata"].setdefault("namespace", asked.namespace)
        if key_of(obj) != asked.key:
            given = obj["metadata"]["name"]
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL ({asked.name})")
        return self._registry.replace(asked.resource, obj, asked.part)

    def _delete(self, asked: Asked, options: Object) -> Object:
        resource, options = asked.resource, {**asked.request.query, **options}
        if options.get("propagationPolicy") == "Orphan":
            raise bad_request("the embedded cluster always deletes dependents")
        grace = int(options["gracePeriodSeconds"]) if "gracePeriodSeconds" in options else None
        if not asked.name:
            gone = [self._registry.delete(resource, key_of(obj), grace) for obj in asked.chosen(self._store)]
            return asked.listed(gone, str(self._store.version))
        found = self._store.get(resource, asked.key)["metadata"]
        for each, wanted in (options.get("preconditions") or {}).items():
            if wanted != found[each]:
                raise conflict(resource, asked.name, f"the {each} in the precondition ({wanted}) is not {found[each]}")
        obj = self._registry.delete(resource, asked.key, grace)
        details = {"name": asked.name, "group": resource.group, "kind": resource.plural, "uid": obj["metadata"]["uid"]}
        done = {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}
        return obj if resource.kind in _RETURNED else done


async def watch(asked: Asked, store: Store) -> web.StreamResponse:
    """Tell of changes to what was asked for until its time is over; a forgotten version ends with an ERROR event."""
    query, match = asked.request.query, asked.match
    since, initial = query.get("resourceVersion") or "0", asked.yes("sendInitialEvents")
    if not since.isdecimal():
        why = f'strconv.ParseUint: parsing "{since}": invalid syntax'
        raise ApiError(500, "", f'resourceVersion: Invalid value: "{since}": {why}')
    response = web.StreamResponse(headers={"Content-Type": "application/json"})
    await response.prepare(asked.request)
    changes: asyncio.Queue[Change] = asyncio.Queue()
    unlisten = store.listen(changes.put_nowait)

    async def write(kind: str, obj: Object) -> None:
        await response.write(json.dumps({"type": kind, "object": obj}).encode() + b"\n")

    async def tell(change: Change) -> None:  # what leaves the selection of a watcher is deleted for it
        obj, before = change.object, change.before
        if change.resource is asked.resource and asked.namespace in ("", obj["metadata"].get("namespace")):
            was, now = before is not None and match(before), change.kind != "DELETED" and match(obj)
            if was or now:
                await write("MODIFIED" if was and now else "ADDED" if now else "DELETED", asked.shown(obj))

    try:
        if since == "0" or initial:
            for obj in asked.chosen(store):
                await write("ADDED", asked.shown(obj))
            if initial:
                kind = {"kind": asked.resource.kind, "apiVersion": asked.resource.api_version}
                meta = {"resourceVersion": str(store.version), "annotations": {"k8s.io/initial-events-end": "true"}}
                await write("BOOKMARK", kind | {"metadata": meta})
        else:
            for change in store.changes_since(int(since)):
                await tell(change)
        async with asyncio.timeout(float(query.get("timeoutSeconds") or LONGEST_WATCH_SECONDS)):
            while True:
                await tell(await changes.get())
    except TimeoutError:
        pass
    except ApiError as gone:
        await write("ERROR", gone.status)
    finally:
        unlisten()
    await response.write_eof()
    return response


def _json(obj: Object, code: int = 200) -> web.Response:
    return web.Response(status=code, body=json.dumps(obj).encode(), content_type="application/json")


def _parsed(body: bytes) -> Object:
    try:
        obj = json.loads(body)
    except ValueError as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(obj, dict):
        raise bad_request("the body of the request is not an object")
    return obj


def _scale(obj: Object) -> Object:
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    replicas, status = obj["spec"]["replicas"], obj.get("status") or {}
    selector = pairs(obj["spec"]["selector"]["matchLabels"])
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: obj["metadata"][field] for field in kept},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {"replicas": status.get("replicas", 0), "selector": selector},
    }


def discovered(path: str) -> Object | None:
    """Return what clients ask before they ask for objects: versions, groups, kinds; None for any other path."""
    match path.split("/"):
        case ["version"]:
            unknown = ("gitCommit", "gitTreeState", "buildDate", "goVersion", "compiler", "platform")
            return {"major": "1", "minor": "34", "gitVersion": VERSION} | dict.fromkeys(unknown, "")
        case ["api"]:
            return {"kind": "APIVersions", "versions": ["v1"], "serverAddressByClientCIDRs": []}
        case ["apis"]:
            versions = [{"groupVersion": version, "version": "v1"} for version in ROOTS if "/" in version]
            named = [{"name": v["groupVersion"][:-3], "versions": [v], "preferredVersion": v} for v in versions]
            return {"kind": "APIGroupList", "apiVersion": "v1", "groups": named}
        case ["openapi", "v3"]:
            return {"paths": {root: {"serverRelativeURL": f"/openapi/v3/{root}?hash=0"} for root in _VERSIONS}}
        case ["openapi", "v3", *parts] if (root := "/".join(parts)) in _VERSIONS:
            return _schema(root)
    return _resource_list(_VERSIONS[path]) if path in _VERSIONS else None


def _resource_list(version: str) -> Object:
    entries: list[Object] = []
    for each in (each for each in objects.ALL if each.api_version == version):
        same = {"namespaced": each.namespaced, "singularName": each.kind.lower(), "verbs": _VERBS}
        names = {"shortNames": [each.short] if each.short else [], "categories": ["all"] * (each.kind in _IN_ALL)}
        entries.append(same | {"name": each.plural, "kind": each.kind} | names)
        for part in each.parts:
            entry = {"name": f"{each.plural}/{part}", "kind": _PART_KINDS.get(part, each.kind)}
            entries.append(same | entry | ({"group": "autoscaling", "version": "v1"} if part == "scale" else {}))
    return {"kind": "APIResourceList", "apiVersion": "v1", "groupVersion": version, "resources": entries}


def _schema(root: str) -> Object:
    """Return paths without schemas: seeing `fieldValidation`, kubectl leaves validation to the server."""
    query, paths = {"name": "fieldValidation", "in": "query", "schema": {"type": "string"}}, {}
    for each in (each for each in objects.ALL if each.api_version == _VERSIONS[root]):
        kind = {"group": each.group, "version": "v1", "kind": each.kind}
        patch = {"parameters": [query], "x-kubernetes-group-version-kind": kind, "responses": {}}
        home = f"/{root}/namespaces/{{namespace}}" if each.namespaced else f"/{root}"
        paths[f"{home}/{each.plural}/{{name}}"] = {"patch": patch}
    return {"openapi": "3.0.0", "info": {"title": "Kubernetes", "version": VERSION}, "paths": paths}
