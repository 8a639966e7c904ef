"""Renders the manifests as `kubectl kustomize` would, as far as they use it: resources and patches."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import Any

import yaml

from reference.refusal import CannotRun

Document = dict[str, Any]
OVERLAYS = Path(__file__).parent / "manifests" / "overlays"
NAMESPACE = "sock-shop"
KINDS = ("Namespace", "Service", "Deployment")  # a pod is told of the Services that exist when it starts


def variants() -> list[str]:
    """The names of the overlays."""
    return sorted(folder.name for folder in OVERLAYS.iterdir() if folder.is_dir())


def node_ports(names: Sequence[str] = ()) -> list[int]:
    """The ports that Services of these variants, or of any, have on the node."""
    services = [each for name in names or variants() for each in render(OVERLAYS / name) if each["kind"] == "Service"]
    return sorted({port["nodePort"] for each in services for port in each["spec"]["ports"] if "nodePort" in port})


def stack(names: Sequence[str]) -> list[Document]:
    """The documents of several overlays on one cluster, each of another system, in the order as for one."""
    documents: dict[tuple[str, str], Document] = {}
    for name in names:
        for document in render(OVERLAYS / name):
            if documents.get(_name(document), document) != document or names.count(name) > 1:
                cause = f"{' and '.join(names)} are variants of the same system"
                raise CannotRun("E-VARIANT", cause, "give one variant of each system")
            documents[_name(document)] = document
    return _ordered(documents.values())


def others(names: Sequence[str]) -> list[str]:
    """What only other systems' variants have, such as `Deployment/carts`: kubectl's words for it."""
    asked = {_name(document) for document in stack(names)}
    known = {_name(document) for name in variants() for document in render(OVERLAYS / name)}
    return [f"{kind}/{name}" for kind, name in sorted(known - asked)]


def render(folder: Path) -> list[Document]:
    """The documents of a kustomization, in the order in which they are to be applied."""
    kustomization = yaml.safe_load((folder / "kustomization.yaml").read_text())
    documents: list[Document] = []
    for resource in kustomization["resources"]:
        path = folder / resource
        documents += render(path) if path.is_dir() else yaml.safe_load_all(path.read_text())
    for patch in kustomization.get("patches", ()):
        change = yaml.safe_load((folder / patch["path"]).read_text())
        [place] = [place for place, document in enumerate(documents) if _name(document) == _name(change)]
        documents[place] = _merged(documents[place], change)
    return _ordered(documents)


def _ordered(documents: Iterable[Document]) -> list[Document]:
    return sorted(documents, key=lambda document: KINDS.index(document["kind"]))


def _name(document: Document) -> tuple[str, str]:
    return document["kind"], document["metadata"]["name"]


def _merged(old: Any, new: Any) -> Any:
    """A strategic merge: objects by key, lists of named things by name with the added ones first."""
    if isinstance(old, dict) and isinstance(new, dict):
        return old | {key: _merged(old.get(key), value) for key, value in new.items()}
    if isinstance(old, list) and isinstance(new, list) and all("name" in each for each in old + new):
        changes = {each["name"]: each for each in new}
        kept = [_merged(each, changes.pop(each["name"], {})) for each in old]
        return [*changes.values(), *kept]
    return new
