"""The API server: objects over HTTPS, read and written as Kubernetes clients do it."""

from __future__ import annotations

import hmac
import json
import logging

import yaml
from aiohttp import web

from reference.cluster import discovery, patching
from reference.cluster.errors import ApiError, bad_request
from reference.cluster.registry import Registry
from reference.cluster.resources import NEW_EVENTS, Object
from reference.cluster.selectors import as_text
from reference.cluster.store import clone, key_of
from reference.cluster.streams import Streams
from reference.cluster.watching import Asked, Watch

_OPEN_TO_ALL = ("healthz", "livez", "readyz", "version")
_RETURNED = ("Pod", "Service", "ServiceAccount", "Namespace")  # deleting these answers with the object
_NO_METHOD = "the server does not allow this method on the requested resource"


class ApiServer:
    """Answers every request of a client that knows the token."""

    def __init__(self, registry: Registry, streams: Streams, token: str) -> None:
        self._registry, self._store, self._streams = registry, registry.store, streams
        self._authorization = f"Bearer {token}".encode()

    async def handle(self, request: web.BaseRequest) -> web.StreamResponse:
        """Answer one request; refusals become Status objects."""
        path = request.path.strip("/")
        try:
            if (first := path.partition("/")[0]) not in _OPEN_TO_ALL:
                given = request.headers.get("Authorization", "").encode()
                if not hmac.compare_digest(given, self._authorization):
                    raise ApiError(401, "Unauthorized", "Unauthorized")
            elif first != "version":
                return web.Response(text="ok")
            if request.method == "GET" and (found := discovery.document(path)):
                return _json(found)
            if (asked := Asked.of(request)) is None:
                return web.Response(status=404, text="404 page not found\n")
            return await self._answer(asked)
        except ApiError as refusal:
            return _json(refusal.status(), refusal.code)
        except (KeyError, TypeError, AttributeError, ValueError) as error:
            logging.getLogger(__name__).exception("%s %s", request.method, request.path)
            return _json(bad_request(f"the object cannot be handled: {error!r}").status(), 400)

    async def _answer(self, asked: Asked) -> web.StreamResponse:
        request, resource = asked.request, asked.resource
        if asked.part in ("log", "portforward", "exec") and asked.part in resource.subresources:
            return await self._streams.answer(request, asked.key, asked.part)
        if asked.part and asked.part not in resource.subresources:
            raise ApiError(404, "NotFound", "the server could not find the requested resource")
        if asked.yes("watch") and request.method == "GET":
            return await Watch(self._store, asked).run()
        if request.method != "GET" and "dryRun" in request.query:
            raise bad_request("the embedded cluster does not know dry runs")
        if "protobuf" in request.content_type:
            why = "objects are read as JSON or YAML only; instead of `kubectl create KIND`, apply a manifest"
            raise ApiError(415, "UnsupportedMediaType", why)
        body = await request.read()
        match request.method, bool(asked.name):
            case "GET", True:
                obj = self._found(asked)
                return _json(asked.as_table([obj], obj["metadata"]["resourceVersion"]) or obj)
            case "GET", False:
                chosen, version = asked.chosen(self._store), str(self._store.version)
                return _json(asked.as_table(chosen, version) or asked.as_list(chosen, version))
            case "POST", False if resource is not NEW_EVENTS:
                return _json(self._registry.create(resource, asked.namespace, _parsed(body)), 201)
            case "PUT", True if resource is not NEW_EVENTS:
                return _json(self._put(asked, _parsed(body)))
            case "PATCH", True if resource is not NEW_EVENTS:
                return self._patch(asked, body)
            case "DELETE", True:
                return _json(self._delete(asked, _delete_options(request, body)))
            case "DELETE", False:
                options = _delete_options(request, body)
                chosen = asked.chosen(self._store)
                gone = [self._registry.delete(resource, key_of(obj), options) for obj in chosen]
                return _json(asked.as_list(gone, str(self._store.version)))
        raise ApiError(405, "MethodNotAllowed", _NO_METHOD)

    def _found(self, asked: Asked) -> Object:
        obj = self._store.get(asked.stored, asked.key)
        return _scale(obj) if asked.part == "scale" else asked.shown(obj)

    def _put(self, asked: Asked, obj: Object) -> Object:
        if asked.part == "scale":
            scaled = clone(self._store.get(asked.resource, asked.key))
            scaled["spec"]["replicas"] = (obj.get("spec") or {}).get("replicas") or 0
            scaled["metadata"]["resourceVersion"] = obj["metadata"].get("resourceVersion")
            return _scale(self._registry.replace(asked.resource, scaled))
        if asked.resource.namespaced:
            obj["metadata"].setdefault("namespace", asked.namespace)
        if key_of(obj) != asked.key:
            given = obj["metadata"]["name"]
            raise bad_request(f"the name of the object ({given}) does not match the name on the URL")
        return self._registry.replace(asked.resource, obj, asked.part)

    def _patch(self, asked: Asked, body: bytes) -> web.Response:
        kind, manager = asked.request.content_type, asked.request.query.get("fieldManager", "")
        applying = kind == patching.APPLY
        if applying and not manager:
            why = "fieldManager: Required value: is required for apply patch"
            raise ApiError(422, "Invalid", f'PatchOptions.meta.k8s.io "" is invalid: {why}')
        if applying and self._store.find(asked.resource, asked.key) is None:
            obj = patching.managed(_parsed(body), manager)
            return _json(self._registry.create(asked.resource, asked.namespace, obj), 201)
        current = self._found(asked)
        changed = patching.patched(current, kind, body)
        if applying and changed != current:
            changed = patching.managed(changed, manager)
        return _json(self._put(asked, changed))

    def _delete(self, asked: Asked, options: Object) -> Object:
        resource = asked.resource
        obj = self._registry.delete(resource, asked.key, options)
        if resource.kind in _RETURNED:
            return obj
        details = {"name": asked.name, "kind": resource.plural, "uid": obj["metadata"]["uid"]}
        details |= {"group": resource.group} if resource.group else {}
        return {"kind": "Status", "apiVersion": "v1", "metadata": {}, "status": "Success", "details": details}


def _json(obj: Object, code: int = 200) -> web.Response:
    return web.Response(status=code, body=json.dumps(obj).encode(), content_type="application/json")


def _parsed(body: bytes) -> Object:
    try:
        obj = json.loads(body) if body.startswith(b"{") else yaml.safe_load(body)
    except (ValueError, yaml.YAMLError) as error:
        raise bad_request(f"couldn't get version/kind; json parse error: {error}") from error
    if not isinstance(obj, dict):
        raise bad_request("the body of the request is not an object")
    return obj


def _delete_options(request: web.BaseRequest, body: bytes) -> Object:
    options: Object = _parsed(body) if body else {}
    if "gracePeriodSeconds" in request.query:
        options["gracePeriodSeconds"] = int(request.query["gracePeriodSeconds"])
    return options | ({"propagationPolicy": request.query.get("propagationPolicy", "")} if not body else {})


def _scale(obj: Object) -> Object:
    kept = ("name", "namespace", "uid", "resourceVersion", "creationTimestamp")
    replicas, status = obj["spec"]["replicas"], obj.get("status") or {}
    return {
        "kind": "Scale",
        "apiVersion": "autoscaling/v1",
        "metadata": {field: obj["metadata"][field] for field in kept},
        "spec": {"replicas": replicas} if replicas else {},
        "status": {"replicas": status.get("replicas", 0), "selector": as_text(obj["spec"]["selector"])},
    }
