"""What an Allure result says about a scenario besides what happened: labels, links, description."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Mapping, Sequence
from pathlib import PurePath
from typing import Any

Record = Mapping[str, Any]

SEVERITIES = ("blocker", "critical", "normal", "minor", "trivial")


def labels(started: Record, claims: Sequence[Record] = ()) -> list[tuple[str, str]]:
    """Allure's labels of a scenario, in a stable order; critical, unless a tag says else, are bugs and core claims."""
    tags = sorted(started.get("tags") or ())
    bugs = {str(claim["bug"]) for claim in claims if claim.get("bug")}
    bugs |= {tag.upper() for tag in tags if tag.startswith("bug_")}
    ids = {str(claim["id"]) for claim in claims}
    rest = {tag for tag in tags if tag not in SEVERITIES and tag.upper() not in bugs and tag not in ids}
    grave = "critical" if bugs or any(claim.get("core") for claim in claims) else "normal"
    severity = next((tag for tag in tags if tag in SEVERITIES), grave)
    system = PurePath(started.get("file") or "features/stack/any").parent.name.replace("_", " ")
    return [
        ("epic", next(iter(incidents(tags)), system)),
        ("feature", str(started.get("feature") or system)),
        *([("story", str(started["rule"]))] if started.get("rule") else []),
        ("severity", severity),
        *(("tag", tag) for tag in (*sorted(bugs), *sorted(ids), *sorted(rest))),
        ("framework", "pytest-bdd"),
        ("language", "python"),
    ]


def incidents(tags: Iterable[str]) -> list[str]:
    """The incidents that tags name, as their reports write them: incident_6 is INCIDENT-6."""
    return sorted(tag.upper().replace("_", "-") for tag in tags if tag.startswith("incident_"))


def links(started: Record, claims: Sequence[Record], pattern: str | None) -> list[tuple[str, str]]:
    """Name and address of each incident and bug in the tracker; none without one: Allure opens http addresses only."""
    names = [*incidents(started.get("tags") or ())]
    names += [value for name, value in labels(started, claims) if name == "tag" and value.startswith("BUG_")]
    return [(name, pattern.format(name)) for name in names] if pattern else []


def description(started: Record, claims: Sequence[Record]) -> str:
    """The feature's promise, the claims in words, and where the incident is retold, as Markdown."""
    lines = [started["description"].strip()] if started.get("description") else []
    for claim in claims:
        section = f"section “{claim['section']}”" if claim.get("section") else None
        facts = ", ".join(filter(None, (claim.get("kind"), claim.get("bug"), section)))
        lines.append(f"**{claim['id']}** ({facts}): {claim.get('text', '')}")
        if claim.get("disputes") and claim.get("document"):
            lines.append(f"> The document says: {claim['document']}")
    for incident in incidents(started.get("tags") or ()):
        retold = PurePath(started.get("file") or "features/any").parent / "incident.md"
        lines.append(f"{incident} is retold, claim by claim, in `{retold.as_posix()}`.")
    return "\n\n".join(lines)


def selector(scenario: str) -> str:
    """The name by which allure-pytest's test plans select a scenario."""
    path, _, test = scenario.partition("::")
    return f"{path.removesuffix('.py').replace('/', '.')}#{test.partition('[')[0]}"


def identity(scenario: str) -> str:
    """The id that a scenario keeps over all runs, for Allure's history."""
    return hashlib.sha256(scenario.encode()).hexdigest()[:32]
