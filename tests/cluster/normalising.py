"""Takes out of an answer what differs from run to run: names that are drawn, times, ages, addresses."""

from __future__ import annotations

import re

_STAMP = r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|\+00:00)|[A-Z][a-z]{2}, \d\d [A-Z][a-z]{2} \d{4} [\d:]{8} \+0000"
_AGE = r"(\d+[dhms]){1,2}"
_RULES = [
    (_STAMP, "TIME"),
    (rf"(?<!\S){_AGE} \(x\d+ over {_AGE}\)", "AGE"),
    (rf"(?<![^\s(]){_AGE}(?= ago|\s|$)", "AGE"),
    (r"\d+\.\d+\.\d+\.\d+", "ADDRESS"),
    (r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}", "UID"),
    (r"(containerd|embedded)://[0-9a-f]{64}", "CONTAINER"),
    (r"\S+@sha256:[0-9a-f]{64}|embedded://\S+/\S+", "IMAGE"),
    (r"[0-9a-f]{64}", "ID"),
    (r"(?<=kube-api-access-)[a-z0-9]{5}", "DRAWN"),
    (r"resourceVersion: \d+", "resourceVersion: VERSION"),
    (r"(?<=\S)[ \t]{2,}(?=\S)", "  "),
]


class Names:
    """Gives what a cluster named by itself names that every cluster shares, in the order in which they were met."""

    def __init__(self, namespace: str, node: str) -> None:
        self._given = {namespace: "NAMESPACE", node: "NODE"}
        self._templates: dict[str, str] = {}

    def normal(self, text: str) -> str:
        """Return text as any cluster would have written it."""
        for pattern, meant in _RULES:
            text = re.sub(pattern, meant, text)
        for name, meant in self._given.items():
            text = text.replace(name, meant)
        text = re.sub(r"(?<=stripe-mock-)([a-z0-9]{8,10})(-[a-z0-9]{5})?\b", self._template, text)
        text = re.sub(r"(?<=pod-template-hash=)([a-z0-9]+)()", self._template, text)
        return re.sub(r"(?<=stripe-mock-)[a-z0-9]{5}\b", "DRAWN", text).rstrip()

    def _template(self, found: re.Match[str]) -> str:
        digest, drawn = found.groups()
        known = self._templates.setdefault(digest, f"TEMPLATE{len(self._templates) + 1}")
        return known + ("-DRAWN" if drawn else "")
