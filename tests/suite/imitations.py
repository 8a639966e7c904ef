"""A tiny API server with a shop's page beside it, for what goes wrong before a real stack is needed."""

from __future__ import annotations

import json
import socket
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from fixtures.cluster.driver import OPT_IN

NAMESPACES = {"sock-shop": {OPT_IN: "true"}, "production": {}}
PAGES = {"/": "<title>WeaveSocks</title>", "/other": "<title>Somebody's blog</title>"}
TOKEN = "hunter2hunter2"


class Imitation(BaseHTTPRequestHandler):
    """Namespaces that may and may not be broken, Deployments that are all ready (but for `gone`), and pages."""

    server: Api

    def do_GET(self) -> None:
        self.server.asked.append(self.command)
        path, parts = urlsplit(self.path).path, urlsplit(self.path).path.split("/")
        if path in PAGES:
            self._answer(200, PAGES[path])
        elif path.startswith("/api/v1/namespaces/forbidden"):
            self._answer(403, {"kind": "Status", "reason": "Forbidden"})
        elif path.startswith("/api/v1/namespaces/") and parts[-1] in NAMESPACES:
            self._answer(200, {"metadata": {"name": parts[-1], "labels": NAMESPACES[parts[-1]]}})
        elif parts[-2] == "deployments" and parts[-1] != "gone":
            counts = {"replicas": 1, "readyReplicas": 1, "updatedReplicas": 1, "observedGeneration": 1}
            meta = {"name": parts[-1], "resourceVersion": "1", "generation": 1}
            self._answer(200, {"metadata": meta, "spec": {"replicas": 1}, "status": counts})
        else:
            self._answer(404, {"kind": "Status", "reason": "NotFound"})

    do_PATCH = do_POST = do_PUT = do_DELETE = do_GET

    def log_message(self, *_: object) -> None:
        """Say nothing."""

    def _answer(self, status: int, body: str | dict[str, Any]) -> None:
        data = (body if isinstance(body, str) else json.dumps(body)).encode()
        self.send_response(status, HTTPStatus(status).phrase)
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)


class Api(ThreadingHTTPServer):
    """Notes the method of every request."""

    daemon_threads = True

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), Imitation)
        self.asked: list[str] = []
        self.url = f"http://127.0.0.1:{self.server_address[1]}"


@contextmanager
def api_server() -> Iterator[Api]:
    """An API server that answers at once."""
    with Api() as server:
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


def kubeconfig(folder: Path, server: str) -> Path:
    """A kubeconfig whose one context leads to that server, with a token that nobody must see."""
    path = folder / "kubeconfig"
    named = {
        "clusters": [{"name": "one", "cluster": {"server": server}}],
        "users": [{"name": "one", "user": {"token": TOKEN}}],
        "contexts": [{"name": "one", "context": {"cluster": "one", "user": "one"}}],
    }
    path.write_text(json.dumps({"apiVersion": "v1", "kind": "Config", "current-context": "one", **named}))
    return path
