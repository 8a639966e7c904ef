"""The little of the Kubernetes API that it takes to put the shop onto a cluster and see it run."""

from __future__ import annotations

import base64
import hashlib
import json
import socket
import ssl
import tempfile
from collections.abc import Iterator
from contextlib import suppress
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import yaml

Document = dict[str, Any]
NAMESPACES = "/api/v1/namespaces"
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"
REPLICA_SETS = "/apis/apps/v1/namespaces/{}/replicasets"
PODS = "/api/v1/namespaces/{}/pods"
EVENTS = "/api/v1/namespaces/{}/events"
PLACES = {"Namespace": NAMESPACES, "Service": "/api/v1/namespaces/{}/services", "Deployment": DEPLOYMENTS}


class Unusable(Exception):
    """The cluster did not do what it was asked."""


class Cluster:
    """A cluster as its kubeconfig names it; no call takes longer than the deadline in seconds."""

    def __init__(self, kubeconfig: Path, deadline: float = 60) -> None:
        config = yaml.safe_load(kubeconfig.read_text())
        [cluster], [user] = config["clusters"], config["users"]
        server = urlsplit(cluster["cluster"]["server"])
        self.host, self.port, self.deadline = str(server.hostname), server.port, deadline
        authority = base64.b64decode(cluster["cluster"]["certificate-authority-data"]).decode()
        self.certificate = hashlib.sha256(ssl.PEM_cert_to_DER_cert(authority)).hexdigest()
        self._context = ssl.create_default_context(cadata=authority)
        self._headers = {"Content-Type": "application/json"}
        if token := user["user"].get("token"):
            self._headers["Authorization"] = f"Bearer {token}"
        else:
            _present(self._context, user["user"])

    def create(self, document: Document) -> None:
        """Create one object."""
        place = PLACES[document["kind"]].format(document["metadata"].get("namespace"))
        self._call("POST", place, document).read()

    def get(self, place: str) -> Document:
        """One object, or one list of them."""
        answer: Document = json.load(self._call("GET", place))
        return answer

    def text(self, place: str) -> str:
        """What is not an object, such as a log."""
        return self._call("GET", place).read().decode(errors="replace")

    def watch(self, place: str) -> Watch:
        """The objects of a list as they are, and then every change."""
        return Watch(self, place)

    def _call(self, method: str, path: str, body: Document | None = None) -> HTTPResponse:
        connection = HTTPSConnection(self.host, self.port, context=self._context, timeout=self.deadline)
        try:
            connection.request(method, path, json.dumps(body) if body else None, self._headers)
            answer = connection.getresponse()
        except (OSError, HTTPException) as error:
            raise Unusable(f"the API of the cluster does not answer: {error}") from error
        if answer.status >= 300:
            raise Unusable(f"{method} {path}: {answer.status} {_message(answer)}")
        return answer


def _message(answer: HTTPResponse) -> str:
    text = answer.read().decode(errors="replace")
    try:
        return str(json.loads(text)["message"])
    except (ValueError, KeyError, TypeError):
        return " ".join(text.split())


class Watch:
    """One watch: iterate over it for (name, object or None once it is deleted); close ends the iteration."""

    def __init__(self, cluster: Cluster, place: str) -> None:
        listed = cluster.get(place)
        self.first: dict[str, Document] = {each["metadata"]["name"]: each for each in listed["items"]}
        version = listed["metadata"]["resourceVersion"]
        more = "&" if "?" in place else "?"
        self._changes = cluster._call("GET", f"{place}{more}watch=true&resourceVersion={version}")
        self._socket = socket.socket(fileno=self._changes.fileno())

    def __iter__(self) -> Iterator[tuple[str, Document | None]]:
        with suppress(OSError, ValueError, HTTPException):  # a deadline without news, or closed
            while line := self._changes.readline():
                change = json.loads(line)
                if change["type"] == "ERROR":
                    return
                name = change["object"]["metadata"]["name"]
                yield name, None if change["type"] == "DELETED" else change["object"]

    def close(self) -> None:
        """End it, also while somebody iterates."""
        with suppress(OSError):
            self._socket.shutdown(socket.SHUT_RDWR)
        self._socket.detach()


def _present(context: ssl.SSLContext, user: Document) -> None:
    """Show the client certificate of a kubeconfig's user; the ssl module takes it from a file only."""
    with tempfile.NamedTemporaryFile("wb") as both:
        for part in ("client-certificate-data", "client-key-data"):
            both.write(base64.b64decode(user[part]) + b"\n")
        both.flush()
        context.load_cert_chain(both.name)
