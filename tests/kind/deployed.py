"""Deployments of a test's own, on the KIND cluster that is named or on an embedded one."""

from __future__ import annotations

import json
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from reference.deploying import Cluster

SECONDS = 60


@dataclass(frozen=True)
class Place:
    """A namespace on a cluster, and an image there that has Python."""

    kubeconfig: Path
    namespace: str
    image: str

    @property
    def cluster(self) -> Cluster:
        """The cluster as the reference stack speaks to it."""
        return Cluster(self.kubeconfig)

    def kubectl(self, *words: str, **more: Any) -> str:
        """What kubectl says."""
        command = ["kubectl", "--kubeconfig", str(self.kubeconfig), "--namespace", self.namespace, *words]
        return subprocess.run(command, check=True, timeout=SECONDS, capture_output=True, text=True, **more).stdout

    def deploy(self, name: str, program: str, **container: object) -> None:
        """Apply a Deployment of one pod that runs a line of Python."""
        labels = {"name": name}
        spec = {
            "name": name,
            "image": self.image,
            "imagePullPolicy": "IfNotPresent",
            "command": ["python3", "-u", "-c", program],
        }
        template = {
            "metadata": {"labels": labels},
            "spec": {"terminationGracePeriodSeconds": 1, "containers": [spec | container]},
        }
        document = {
            "apiVersion": "apps/v1",
            "kind": "Deployment",
            "metadata": {"name": name, "labels": labels},
            "spec": {"replicas": 1, "selector": {"matchLabels": labels}, "template": template},
        }
        self.kubectl("apply", "-f", "-", input=json.dumps(document))
