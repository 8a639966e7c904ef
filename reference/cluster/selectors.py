"""Label and field selectors, as text in a query and as a selector of an object."""

from __future__ import annotations

import re
from collections.abc import Callable
from typing import Any

from reference.cluster.errors import bad_request
from reference.cluster.resources import Object, Resource

Match = Callable[[Object], bool]

_SET = re.compile(r"^(\S+)\s+(in|notin)\s*\(([^()]*)\)$")
_EQUALITY = re.compile(r"^([^=!\s]+)\s*(==|=|!=)\s*(\S*)$")
_EXISTS = re.compile(r"^(!?)\s*([A-Za-z0-9][-A-Za-z0-9_./]*)$")
_FIELDS = {
    "Pod": "spec.nodeName spec.restartPolicy spec.serviceAccountName status.phase status.podIP",
    "Namespace": "status.phase",
    "Service": "spec.clusterIP spec.type",
    "Secret": "type",
    "Node": "spec.unschedulable",
    "ReplicaSet": "status.replicas",
    "Event": "reason type reportingComponent source " + " ".join(f"involvedObject.{field}" for field in
        ("kind", "name", "namespace", "uid", "apiVersion", "fieldPath", "resourceVersion")),
}  # fmt: skip


def value_at(obj: Any, path: str) -> Any:
    """Return what *path* ("status.phase") leads to, None where it leads nowhere."""
    for part in path.split("."):
        obj = obj.get(part) if isinstance(obj, dict) else None
    return obj


def labels_match(text: str) -> Match:
    """Return the test that a label selector like `a=b,c in (d,e),!f` stands for; raises ApiError 400."""
    tests = [_label_test(term.strip()) for term in re.split(r",(?![^()]*\))", text) if term.strip()]
    return lambda obj: all(test(obj["metadata"].get("labels") or {}) for test in tests)


def _label_test(term: str) -> Callable[[dict[str, str]], bool]:
    if found := _SET.match(term):
        key, operator, listed = found.groups()
        values = {value.strip() for value in listed.split(",")}
        return lambda labels: (labels.get(key) in values) == (operator == "in")
    if found := _EQUALITY.match(term):
        key, operator, value = found.groups()
        return lambda labels: (labels.get(key) == value) == (operator != "!=")
    if found := _EXISTS.match(term):
        absent, key = found.groups()
        return lambda labels: (key in labels) != bool(absent)
    raise bad_request(f"unable to parse requirement: found '{term}', expected: '=', '!=', '==', 'in', notin'")


def selects(selector: Object, labels: dict[str, str]) -> bool:
    """Tell whether a selector with matchLabels and matchExpressions takes these labels."""
    for rule in selector.get("matchExpressions", ()):
        here, values = labels.get(rule["key"]), rule.get("values", ())
        fits = {"In": here in values, "NotIn": here not in values, "Exists": here is not None}
        if not fits.get(rule["operator"], here is None):
            return False
    return all(labels.get(key) == value for key, value in selector.get("matchLabels", {}).items())


def as_text(selector: Object) -> str:
    """Return a selector as kubectl prints it, and as a query takes it."""
    terms = [f"{key}={value}" for key, value in sorted(selector.get("matchLabels", {}).items())]
    for rule in selector.get("matchExpressions", ()):
        words = {"Exists": rule["key"], "DoesNotExist": "!" + rule["key"]}
        listed = f"{rule['key']} {rule['operator'].lower()} ({','.join(rule.get('values', ()))})"
        terms.append(words.get(rule["operator"], listed))
    return ",".join(terms)


def fields_match(resource: Resource, text: str) -> Match:
    """Return the test that a field selector like `metadata.name=a,type!=b` is; raises ApiError 400."""
    tests = []
    for term in filter(None, text.split(",")):
        if not (found := _EQUALITY.match(term)):
            raise bad_request(f"invalid selector: '{text}'; can't understand '{term}'")
        path, operator, value = found.groups()
        if path not in ("metadata.name", "metadata.namespace", *_FIELDS.get(resource.kind, "").split()):
            raise bad_request(f"field label not supported: {path}")
        path = "source.component" if path == "source" else path
        tests.append((path, value, operator != "!="))
    return lambda obj: all((str(value_at(obj, path) or "") == value) == same for path, value, same in tests)
