"""Records what a cluster answers, so that another can be held to it.

python -m tests.cluster.recording --kubeconfig REAL > tests/cluster/golden.json
"""

from __future__ import annotations

import argparse
import json
import os
import shlex
import subprocess
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from kubernetes import client, config

from tests.cluster.embedding import HERE
from tests.cluster.normalising import Names
from tests.cluster.scenes import Scene, Stage, refusals

Recording = dict[str, list[str]]
COMMAND_SECONDS = 90


def recorded(kubeconfig: Path) -> Recording:
    """Return all that is recorded of a cluster: what was asked or what happened, and the lines that tell of it."""
    api = config.new_client_from_config(str(kubeconfig))
    recording: Recording = {}
    with _namespace(api) as (namespace, names):
        recording.update(_printed(kubeconfig, namespace, names))
    with _namespace(api) as (namespace, names):
        recording.update(Stage(api, namespace, names).life())
    with _namespace(api) as (namespace, names):
        recording.update(refusals(api, namespace, names))
    return recording


def versions(kubeconfig: Path) -> dict[str, str]:
    """Return the versions of the cluster and of kubectl."""
    with tempfile.TemporaryDirectory() as home:
        told = json.loads(_kubectl(kubeconfig, home, "version", "-o", "json").stdout)
    return {"kubernetes": told["serverVersion"]["gitVersion"], "kubectl": told["clientVersion"]["gitVersion"]}


@contextmanager
def _namespace(api: client.ApiClient) -> Iterator[tuple[str, Names]]:
    core = client.CoreV1Api(api)
    name = core.create_namespace({"metadata": {"generateName": "recording-"}}).metadata.name
    try:
        yield name, Names(name, core.list_node().items[0].metadata.name)
    finally:
        core.delete_namespace(name)


def _printed(kubeconfig: Path, namespace: str, names: Names) -> Iterator[Scene]:
    """Type the commands, and tell what kubectl printed: its answers, then its complaints, then its exit code."""
    commands = [line for line in (HERE / "commands.txt").read_text().splitlines() if line[0] != "#"]
    with tempfile.TemporaryDirectory() as home:
        for number, line in enumerate(commands, 1):
            done = _kubectl(kubeconfig, home, "-n", namespace, *shlex.split(line.removeprefix(". ")))
            complaints = [f"stderr: {line}" for line in done.stderr.splitlines()]
            code = [f"exit {done.returncode}"] if done.returncode else []
            if line[0] != ".":
                printed = [*done.stdout.splitlines(), *complaints, *code]
                told = [names.normal(line) for line in printed if "Readiness probe failed" not in line]
                yield f"{number:02} kubectl {line}", told


def _kubectl(kubeconfig: Path, home: str, *words: str) -> subprocess.CompletedProcess[str]:
    env = {"PATH": os.environ["PATH"], "HOME": home, "KUBECONFIG": str(kubeconfig.resolve())}
    return subprocess.run(
        ["kubectl", *words], env=env, cwd=HERE, text=True, capture_output=True, timeout=COMMAND_SECONDS,
        stdin=subprocess.DEVNULL,
    )  # fmt: skip


def main() -> None:
    """Print the recording of the cluster that is named on the command line."""
    parser = argparse.ArgumentParser(prog="python -m tests.cluster.recording", description=__doc__.splitlines()[0])
    parser.add_argument("--kubeconfig", type=Path, required=True, help="the cluster to record")
    asked = parser.parse_args()
    head: dict[str, Any] = {"command": "python -m tests.cluster.recording --kubeconfig …"} | versions(asked.kubeconfig)
    json.dump(head | {"recorded": recorded(asked.kubeconfig)}, sys.stdout, indent=1, ensure_ascii=False)
    print()


if __name__ == "__main__":
    main()
