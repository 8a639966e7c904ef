"""The manifests on the cluster: applied by the node's own kubectl, followed until every front door answers."""

from __future__ import annotations

import io
import json
import sys
import tarfile
from collections.abc import Sequence
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from reference.deploying import Cluster
from reference.kind.cluster import NODE
from reference.kustomize import NAMESPACE, OVERLAYS, node_ports, others
from reference.programs import Failed, refusing, run, say, soon
from reference.refusal import CannotRun
from reference.rollout import follow

SHOP = "http://127.0.0.1:30001"
MANIFESTS = OVERLAYS.parent
ON_THE_NODE = "/kind/sock-shop"
CONFLICT, ATTEMPTS = "the object has been modified", 5
APPLY_SECONDS, AVAILABLE_SECONDS, SELLS_SECONDS, ANSWER_SECONDS = 60, 180, 30, 5


def apply(variants: Sequence[str], images: dict[str, str], log: Path) -> None:
    """Make the namespace what the overlays say, with these images; what others changed or left there is put back."""
    say(f"deploying {' and '.join(variants)}")
    node = ["docker", "exec", "--interactive", NODE]
    kubectl = [*node, "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
    with refusing("E-DEPLOY", "the manifests cannot be applied", "correct what it complains about", log):
        run([*node, "sh", "-c", f"rm -rf {ON_THE_NODE} && mkdir {ON_THE_NODE}"], APPLY_SECONDS)
        run([*node, "tar", "-x", "-C", ON_THE_NODE], APPLY_SECONDS, stdin=manifests(variants, images))
        if left := others(variants):
            gone = ["--ignore-not-found", "--cascade=foreground"]
            run([*kubectl, "delete", "--namespace", NAMESPACE, *gone, *left], APPLY_SECONDS)
        for variant in variants:
            # `apply` makes what is missing and keeps what others added; `replace` takes that away.
            run([*kubectl, "apply", "-k", f"{ON_THE_NODE}/kind/{variant}"], APPLY_SECONDS)
            _replace([*kubectl, "replace", "--save-config", "-k", f"{ON_THE_NODE}/kind/{variant}"])


def _replace(command: Sequence[str]) -> None:
    """Replace what is there; kubectl reads it first, and is asked again where a controller has written in between."""
    for left in reversed(range(ATTEMPTS)):
        try:
            run(command, APPLY_SECONDS)
            return
        except Failed as failed:
            if not left or CONFLICT not in failed.output:
                raise


def manifests(variants: Sequence[str], images: dict[str, str]) -> bytes:
    """An archive of all manifests, with a kustomization `kind/<variant>` for each of the variants with these images."""
    renamed = [(name, *image.split(":")) for name, image in images.items()]
    folder = io.BytesIO()
    with tarfile.open(fileobj=folder, mode="w") as archive:
        archive.add(MANIFESTS, ".")
        for variant in variants:
            kustomization = {
                "apiVersion": "kustomize.config.k8s.io/v1beta1",
                "kind": "Kustomization",
                "resources": [f"../../overlays/{variant}"],
                "images": [{"name": name, "newName": new, "newTag": tag} for name, new, tag in renamed],
            }
            text = json.dumps(kustomization).encode()
            entry = tarfile.TarInfo(f"kind/{variant}/kustomization.yaml")
            entry.size = len(text)
            archive.addfile(entry, io.BytesIO(text))
    return folder.getvalue()


def wait_until_it_sells(cluster: Cluster, namespace: str, variants: Sequence[str]) -> None:
    """Wait until every Deployment is available, the front doors answer, and the shop's shows socks."""
    say("waiting until it sells")
    for waiting in follow(cluster, namespace, AVAILABLE_SECONDS):
        if sys.stdout.isatty():
            print(f"\r  waiting for {len(waiting):2} Deployments", end="" if waiting else "\n", flush=True)
    for port in node_ports(variants):
        door = f"http://127.0.0.1:{port}"
        if not soon(partial(_sells, door), SELLS_SECONDS):
            cause = f"every Deployment is available, but {door} does not sell"
            raise CannotRun("E-NOT-SELLING", cause, f"kubectl --namespace {namespace} logs tells more")


def _sells(door: str) -> bool:
    place = f"{door}/catalogue?size=1" if door == SHOP else door
    try:
        with urlopen(place, timeout=ANSWER_SECONDS) as answer:
            return bool(answer.read()) if door != SHOP else bool(json.load(answer))
    except HTTPError as error:
        return door != SHOP and error.code < 500  # an API has no page at /
    except (OSError, ValueError, HTTPException):
        return False
