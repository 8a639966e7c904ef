"""The embedded cluster answers as the recorded Kubernetes did, except where differences.toml says why not."""

from __future__ import annotations

import difflib
import json
import os
import shutil
import tomllib
from pathlib import Path

import pytest

from tests.cluster.embedding import HERE
from tests.cluster.recording import recorded, versions

pytestmark = [
    pytest.mark.cluster,
    pytest.mark.skipif("CLUSTER_TEST_KUBECONFIG" in os.environ, reason="about the embedded cluster, not another"),
]

GOLDEN = json.loads((HERE / "golden.json").read_text())
LISTED = {each["in"]: each for each in tomllib.loads((HERE / "differences.toml").read_text())["difference"]}


def minor(version: str) -> str:
    return ".".join(version.split(".")[:2])


@pytest.fixture(scope="module")
def answers(kubeconfig: Path) -> dict[str, list[str]]:
    """What the cluster under test answers to all that was recorded."""
    if not shutil.which("kubectl"):
        pytest.skip("kubectl is not installed: see kubernetes.io/docs/tasks/tools for how to get it")
    here = versions(kubeconfig)
    assert minor(here["kubernetes"]) == minor(GOLDEN["kubernetes"]), "record golden.json from a cluster of this version"
    if minor(here["kubectl"]) != minor(GOLDEN["kubectl"]):
        pytest.skip(f"kubectl is {here['kubectl']}; what the cluster answers was recorded with {GOLDEN['kubectl']}")
    return recorded(kubeconfig)


def test_the_same_was_asked(answers: dict[str, list[str]]) -> None:
    assert list(answers) == list(GOLDEN["recorded"])


@pytest.mark.parametrize("asked", GOLDEN["recorded"])
def test_the_answer_is_the_recorded_one(asked: str, answers: dict[str, list[str]]) -> None:
    compared = list(difflib.ndiff(GOLDEN["recorded"][asked], answers[asked]))
    listed = LISTED.get(asked.lstrip("0123456789 "), {"recorded": [], "embedded": []})
    told = "\n".join(line for line in compared if line[0] in "-+")
    assert [line[2:] for line in compared if line[0] == "-"] == listed["recorded"], f"recorded, not answered:\n{told}"
    assert [line[2:] for line in compared if line[0] == "+"] == listed["embedded"], f"answered, not recorded:\n{told}"


def test_every_listed_difference_is_about_something_recorded() -> None:
    assert set(LISTED) <= {asked.lstrip("0123456789 ") for asked in GOLDEN["recorded"]}
