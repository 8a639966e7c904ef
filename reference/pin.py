"""The pin that whoever makes a stack leaves beside its kubeconfig: which namespace it is, on which cluster."""

from __future__ import annotations

import json
from pathlib import Path

from reference.deploying import NAMESPACES, Cluster


def place(kubeconfig: Path) -> Path:
    """Where the pin of that kubeconfig lies."""
    return kubeconfig.with_name(f"{kubeconfig.name}.pin.json")


def write(target: Path, cluster: Cluster, namespace: str) -> None:
    """Write down the namespace's UID and the SHA-256 of the certificate authority that vouches for the API server."""
    uid = cluster.get(f"{NAMESPACES}/{namespace}")["metadata"]["uid"]
    document = {"namespace": namespace, "namespace_uid": uid, "certificate_sha256": cluster.certificate}
    starting = target.with_name(f".{target.name}.starting")
    starting.write_text(json.dumps(document, indent=2) + "\n")
    starting.replace(target)
