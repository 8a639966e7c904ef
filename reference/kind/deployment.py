"""The manifests on the cluster: applied by the node's own kubectl, followed until every front door answers."""

from __future__ import annotations

import copy
import json
import sys
from collections.abc import Sequence
from functools import partial
from http.client import HTTPException
from pathlib import Path
from urllib.error import HTTPError
from urllib.request import urlopen

from reference.deploying import Cluster
from reference.kind.cluster import NODE
from reference.kustomize import NAMESPACE, Document, node_ports, others, stack
from reference.programs import Failed, refusing, run, say, soon
from reference.refusal import CannotRun
from reference.rollout import follow

SHOP = "http://127.0.0.1:30001"
CONFLICT, ATTEMPTS = "the object has been modified", 5
APPLY_SECONDS, AVAILABLE_SECONDS, SELLS_SECONDS, ANSWER_SECONDS = 60, 180, 30, 5


def apply(variants: Sequence[str], images: dict[str, str], log: Path) -> None:
    """Make the namespace what the overlays say, with these images; what others changed or left there is put back."""
    say(f"deploying {' and '.join(variants)}")
    kubectl = ["docker", "exec", "--interactive", NODE, "kubectl", "--kubeconfig", "/etc/kubernetes/admin.conf"]
    with refusing("E-DEPLOY", "the manifests cannot be applied", "correct what it complains about", log):
        if left := others(variants):
            gone = ["--ignore-not-found", "--cascade=foreground"]
            run([*kubectl, "delete", "--namespace", NAMESPACE, *gone, *left], APPLY_SECONDS)
        asked = manifests(variants, images)
        # `apply` makes what is missing and keeps what others added; `replace` takes that away.
        run([*kubectl, "apply", "--server-side", "--force-conflicts", "--filename", "-"], APPLY_SECONDS, stdin=asked)
        _replace([*kubectl, "replace", "--save-config", "--filename", "-"], asked)


def _replace(command: Sequence[str], asked: bytes) -> None:
    """Replace what is there; kubectl reads it first, and is asked again where a controller has written in between."""
    for left in reversed(range(ATTEMPTS)):
        try:
            run(command, APPLY_SECONDS, stdin=asked)
            return
        except Failed as failed:
            if not left or CONFLICT not in failed.output:
                raise


def manifests(variants: Sequence[str], images: dict[str, str]) -> bytes:
    """A List of all that the overlays of these variants make, with these images for those that they name."""
    documents = [_with(images, document) for document in stack(variants)]
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": documents}).encode()


def _with(images: dict[str, str], document: Document) -> Document:
    if document["kind"] != "Deployment":
        return document
    changed = copy.deepcopy(document)
    for container in changed["spec"]["template"]["spec"]["containers"]:
        container["image"] = images[container["image"]]
    return changed


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
