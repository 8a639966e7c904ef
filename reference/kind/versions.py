"""What a KIND cluster of ours is made of: names and versions, each written down once."""

from __future__ import annotations

import hashlib
import re
from pathlib import Path

HERE = Path(__file__).parent
SOURCES = HERE / "sources"

CLUSTER = "incident-conformance"
KIND = "v0.30.0"
NODE_IMAGE = "kindest/node:v1.34.0@sha256:7416a61b42b1662ca6ca89f02028ac133a309a2a30ba309614e8ec94d976dc5a"
PYTHON_IMAGE = "python:3.13-slim-bookworm"
MONGODB_IMAGE = "mongo:8.0"


def kubernetes() -> str:
    """The version that is built where no registry can be reached."""
    [version] = re.findall(r"^require k8s\.io/kubernetes (v\S+)$", (SOURCES / "kubernetes/go.mod").read_text(), re.M)
    return str(version)


def fingerprint(*places: Path) -> str:
    """A short hash of files, and of all files in folders."""
    digest = hashlib.sha256()
    for place in places:
        files = sorted(place.rglob("*")) if place.is_dir() else [place]
        for file in files:
            if file.is_file() and "__pycache__" not in file.parts:
                digest.update(f"{file.relative_to(place.parent)}\0{file.stat().st_size}\0".encode())
                digest.update(file.read_bytes())
    return digest.hexdigest()[:12]
