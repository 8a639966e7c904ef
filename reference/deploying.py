"""The little of the Kubernetes API that it takes to put the shop onto a cluster and see it run."""

from __future__ import annotations

import base64
import json
import ssl
from collections.abc import Iterator
from http.client import HTTPException, HTTPResponse, HTTPSConnection
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

Document = dict[str, Any]
PLACES = {"Namespace": "/api/v1/namespaces", "Service": "/api/v1/namespaces/{}/services"}
DEPLOYMENTS = "/apis/apps/v1/namespaces/{}/deployments"


class Unusable(Exception):
    """The cluster did not do what it was asked."""


class Cluster:
    """A cluster as its kubeconfig names it; no call takes longer than the deadline in seconds."""

    def __init__(self, kubeconfig: Path, deadline: float = 60) -> None:
        config = json.loads(kubeconfig.read_text())
        [cluster], [user] = config["clusters"], config["users"]
        server = urlsplit(cluster["cluster"]["server"])
        authority = base64.b64decode(cluster["cluster"]["certificate-authority-data"]).decode()
        self.host = str(server.hostname)
        self._headers = {"Authorization": f"Bearer {user['user']['token']}", "Content-Type": "application/json"}
        context = ssl.create_default_context(cadata=authority)
        self._connection = HTTPSConnection(self.host, server.port, context=context, timeout=deadline)

    def create(self, document: Document) -> None:
        """Create one object."""
        place = PLACES.get(document["kind"], DEPLOYMENTS)
        self._call("POST", place.format(document["metadata"].get("namespace")), document).read()

    def unavailable(self, namespace: str) -> Iterator[set[str]]:
        """The Deployments that are not available yet, told again at every change until there is none."""
        place = DEPLOYMENTS.format(namespace)
        listed = json.load(self._call("GET", place))
        waiting = {each["metadata"]["name"] for each in listed["items"] if not _available(each)}
        yield set(waiting)
        version = listed["metadata"]["resourceVersion"]
        changes = self._call("GET", f"{place}?watch=true&resourceVersion={version}")
        while waiting:
            line = changes.readline()
            if not line:
                raise Unusable("the cluster ended the watch of the Deployments")
            deployment = json.loads(line)["object"]
            (set.discard if _available(deployment) else set.add)(waiting, deployment["metadata"]["name"])
            yield set(waiting)
        self._connection.close()

    def _call(self, method: str, path: str, body: Document | None = None) -> HTTPResponse:
        try:
            self._connection.request(method, path, json.dumps(body) if body else None, self._headers)
            answer = self._connection.getresponse()
        except (OSError, HTTPException) as error:
            raise Unusable(f"the API of the cluster does not answer: {error}") from error
        if answer.status >= 300:
            raise Unusable(f"{method} {path}: {answer.status} {json.load(answer).get('message', '')}")
        return answer


def _available(deployment: Document) -> bool:
    status, wanted = deployment.get("status") or {}, deployment["spec"]["replicas"]
    seen = status.get("observedGeneration", 0) >= deployment["metadata"]["generation"]
    return bool(seen and (status.get("availableReplicas") or 0) >= wanted)
