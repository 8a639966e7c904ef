"""A tiny API server with a shop's page beside it, for what goes wrong before a real stack is needed."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Collection, Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fixtures.cluster.guard import OPT_IN
from fixtures.cluster.rights import Right

NAMESPACES: dict[str, dict[str, Any]] = {
    "sock-shop": {"labels": {OPT_IN: "true"}},
    "production": {},
    "ending": {"labels": {OPT_IN: "true"}, "deletionTimestamp": "2026-01-01T00:00:00Z"},
}
PAGES = {"/": "<title>WeaveSocks</title>", "/other": "<title>Somebody's blog</title>"}
TOKEN, UID = "hunter2hunter2", "2f0b0e0e-0000-4000-8000-000000000001"
REVIEWS = "selfsubjectaccessreviews"


class Imitation(BaseHTTPRequestHandler):
    """Namespaces that may and may not be broken, Deployments that are all ready (but for `gone`), a Lease, pages."""

    server: Api

    def do_GET(self) -> None:
        path = urlsplit(self.path).path
        parts = path.split("/")
        body = json.loads(self.rfile.read(int(self.headers.get("Content-Length") or 0)) or "{}")
        self.server.asked.append(REVIEWS if parts[-1] == REVIEWS else self.command)
        if path in PAGES:
            self._answer(200, PAGES[path])
        elif path.strip("/") == "version":
            self._answer(200, {"gitVersion": "v1.34.0+imitation"})
        elif parts[1] not in ("api", "apis"):
            self._answer(404, "not found")
        elif self.headers.get("Authorization") == "Bearer expired":
            self._answer(401, {"kind": "Status", "reason": "Unauthorized", "message": "Unauthorized"})
        elif (asked := self._asked()) in self.server.lacking:
            self._answer(403, {"kind": "Status", "reason": "Forbidden", "message": _refusal(asked)})
        elif parts[-1] == REVIEWS:
            self._answer(201, {"status": {"allowed": _reviewed(body) not in self.server.lacking}})
        elif "leases" in parts and self.server.lease is None and self.command == "GET":
            self._answer(404, {"kind": "Status", "reason": "NotFound"})
        elif "leases" in parts:
            self.server.lease = self.server.lease or {"metadata": {"resourceVersion": "1"}, "spec": body["spec"]}
            self._answer(200, self.server.lease)
        elif parts[-2] == "namespaces" and parts[-1] in NAMESPACES:
            self._answer(200, {"metadata": {"name": parts[-1], "uid": self.server.uid, **NAMESPACES[parts[-1]]}})
        elif parts[-2] == "deployments" and parts[-1] != "gone":
            ready = int(parts[-1] not in self.server.waiting)
            counts = {"replicas": 1, "readyReplicas": ready, "updatedReplicas": 1, "observedGeneration": 1}
            meta = {"name": parts[-1], "resourceVersion": "1", "generation": 1}
            spec = {"replicas": 1, "selector": {"matchLabels": {"name": parts[-1]}}}
            self._answer(200, {"metadata": meta, "spec": spec, "status": counts})
        else:
            self._answer(404, {"kind": "Status", "reason": "NotFound"})

    do_PATCH = do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _asked(self) -> Right:
        """The right that a request needs, as Kubernetes reads it off verb and path."""
        url = urlsplit(self.path)
        _, root, *rest = url.path.split("/")
        group = rest.pop(0) if root == "apis" else ""
        rest = rest[1:] if len(rest) <= 3 else rest[3:]  # without the version, and the namespace of what is inside one
        resource, named = rest[0], len(rest) > 1
        part = f"/{rest[2]}" if len(rest) > 2 else ""
        reading = "get" if named else "watch" if "watch" in url.query.lower() else "list"
        return Right(
            {"GET": reading, "POST": "create", "PUT": "update"}.get(self.command, self.command.lower()),
            resource + part,
            group,
        )

    def _answer(self, status: int, body: str | dict[str, Any]) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status, HTTPStatus(status).phrase)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


def _reviewed(body: dict[str, Any]) -> Right:
    asked = body["spec"]["resourceAttributes"]
    part = f"/{asked['subresource']}" if asked["subresource"] else ""
    return Right(asked["verb"], asked["resource"] + part, asked["group"])


def _refusal(right: Right) -> str:
    """What Kubernetes says to an account that lacks a right."""
    who = 'User "system:serviceaccount:sock-shop:somebody"'
    what = f'cannot {right.verb} resource "{right.resource}" in API group "{right.group}"'
    kind = f"{right.resource.partition('/')[0]}{right.group and f'.{right.group}'}"
    return f'{kind} "one" is forbidden: {who} {what} in the namespace "sock-shop"'


class Api(ThreadingHTTPServer):
    """Notes the method of every request; nobody has the rights in `lacking`, no pod of those in `waiting` is ready."""

    daemon_threads = True

    def __init__(self, lacking: Collection[Right], waiting: Collection[str]) -> None:
        super().__init__(("127.0.0.1", 0), Imitation)
        self.asked: list[str] = []
        self.lacking, self.waiting, self.uid = lacking, waiting, UID
        self.lease: dict[str, Any] | None = None
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def api_server(lacking: Collection[Right] = (), waiting: Collection[str] = ()) -> Iterator[Api]:
    """An API server that answers at once."""
    with Api(lacking, waiting) as server:
        threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
        yield server
        server.shutdown()


@contextmanager
def silence() -> Iterator[str]:
    """Where connections are taken and nothing is ever said: host and port."""
    with socket.create_server(("127.0.0.1", 0), backlog=64) as listener:
        yield f"127.0.0.1:{listener.getsockname()[1]}"


@contextmanager
def nobody() -> Iterator[str]:
    """Where connections are refused, for as long as it is kept: host and port."""
    with socket.socket() as held:
        held.bind(("127.0.0.1", 0))
        yield f"127.0.0.1:{held.getsockname()[1]}"


def kubeconfig(folder: Path, server: str, token: str = TOKEN) -> Path:
    """A kubeconfig whose one context leads to that server, with a token that nobody must see."""
    path = folder / "kubeconfig"
    named = {
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "users": [{"name": "one", "user": {"token": token}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
    }
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "one", **named}))
    return path
