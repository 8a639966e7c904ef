"""Bringing up goes wrong in the middle: what this run made is taken back, and what it found is left alone."""

from __future__ import annotations

import json
import signal
import time

import pytest

from fixtures.waiting import eventually
from reference.kind.cluster import MARK
from reference.kind.deployment import manifests
from reference.kind.images import DATABASE, SYSTEMS
from reference.kind.registry import ASK_SECONDS
from reference.kind.versions import CLUSTER
from reference.kustomize import OVERLAYS, Document, render
from tests.kind.machine import Machine, left, refused

IMAGES = dict.fromkeys(SYSTEMS, "services:1") | {DATABASE: "database:2"}
DELETED = f"kind delete cluster --name {CLUSTER} --kubeconfig /dev/null"


def test_kind_that_cannot_create_leaves_no_cluster(equipped: Machine):
    equipped.answer("^kind create", "Creating…\nERROR: failed to create cluster: no log line\nhint\n", ends=1)
    ended = equipped.run("kind")
    assert refused(ended) == "E-KIND-CREATE"
    assert "ERROR: failed to create cluster: no log line" in ended.stderr
    assert DELETED in equipped.calls
    assert left(equipped) == []


def test_where_the_cluster_cannot_be_created_the_images_are_built_no_further(equipped: Machine):
    equipped.answer("^docker image inspect .*services:", hangs=True)
    equipped.answer("^kind create", "ERROR: failed to create cluster\n", ends=1)
    began = time.monotonic()
    ended = equipped.run("kind")
    assert refused(ended) == "E-KIND-CREATE"
    assert time.monotonic() - began < ASK_SECONDS - 5, "on an idle machine: 1 s; nobody waits for what hangs"
    assert not [call for call in equipped.calls if call.startswith(("docker pull", "docker run", "docker build"))]


def test_the_images_are_built_while_the_cluster_is_created(equipped: Machine):
    equipped.answer("^kind create", hangs=True)
    with equipped.start("kind") as process:
        eventually("the images are looked for", lambda: any("services:" in call for call in equipped.calls), within=20)
        process.terminate()
        assert process.wait(10) == 128 + signal.SIGTERM


def test_an_image_that_fails_to_load_takes_the_new_cluster_along(equipped: Machine):
    equipped.answer("^kind load", "ERROR: failed to load image: no space left on device\n", ends=1)
    ended = equipped.run("kind")
    assert refused(ended) == "E-IMAGE-LOAD"
    assert "no space left on device" in ended.stderr
    assert equipped.calls[-1] == DELETED
    assert left(equipped) == []


def test_with_keep_the_new_cluster_stays_to_be_looked_at(equipped: Machine):
    equipped.answer("^kind load", "ERROR: failed to load image\n", ends=1)
    assert refused(equipped.run("kind", "--keep")) == "E-IMAGE-LOAD"
    assert DELETED not in equipped.calls


def test_an_image_that_cannot_be_built_tells_the_builders_last_words(equipped: Machine):
    equipped.answer("^docker image inspect .*services:", "No such image\n", ends=1)
    equipped.answer("^docker run", "3.13\n")
    ended = equipped.run("kind")
    assert refused(ended) == "E-WHEELS"  # no package index on that machine
    assert equipped.calls[-1] == DELETED


def test_manifests_that_cannot_be_applied(equipped: Machine):
    equipped.answer("kubectl .* apply", "service/carts created\nerror: no such field\n", ends=1)
    ended = equipped.run("kind")
    assert refused(ended) == "E-DEPLOY"
    assert "error: no such field" in ended.stderr
    assert left(equipped) == []


@pytest.mark.parametrize(("times", "replaced"), [(0, 1), (2, 3), (9, 5)])
def test_a_controller_that_writes_in_between_makes_it_be_replaced_again(equipped: Machine, times: int, replaced: int):
    equipped.answer(
        "kubectl .* replace", "Error from server (Conflict): the object has been modified\n", 1, times=times
    )
    equipped.answer("kubectl .* replace", "error: enough for this test\n", ends=1)
    ended = equipped.run("kind", "--variant", "fixed", "otp-fixed")
    assert refused(ended) == "E-DEPLOY"
    assert ("enough for this test" in ended.stderr) == (times < replaced)
    assert sum(" replace " in call for call in equipped.calls) == replaced


def test_what_an_earlier_run_has_deployed_of_another_system_is_taken_away(equipped: Machine):
    equipped.answer("kubectl .* apply", "error: enough for this test\n", ends=1)
    equipped.run("kind", "--variant", "otp-faithful")
    [deleted] = [call.split() for call in equipped.calls if "kubectl" in call and " delete " in call]
    assert {"--namespace", "sock-shop", "--ignore-not-found", "Deployment/carts", "Service/front-end"} <= {*deleted}
    assert not [word for word in deleted if "payment-" in word or word.startswith("Namespace")]


@pytest.mark.parametrize("asked", [["fixed"], ["otp-faithful"], ["as-reported", "otp-documented"]])
def test_the_cluster_is_given_what_was_asked_for_with_its_own_images(asked: list[str]):
    wanted = {(each["kind"], each["metadata"]["name"]): each for name in asked for each in render(OVERLAYS / name)}
    given = json.loads(manifests(asked, IMAGES))["items"]
    assert {(each["kind"], each["metadata"]["name"]) for each in given} == wanted.keys()
    assert given[0]["kind"] == "Namespace"
    for each in given:
        before = wanted[each["kind"], each["metadata"]["name"]]
        for container, its in zip(containers(each), containers(before), strict=True):
            assert container == its | {"image": IMAGES[its["image"]]}


def containers(document: Document) -> list[Document]:
    return document["spec"]["template"]["spec"]["containers"] if document["kind"] == "Deployment" else []


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT, signal.SIGHUP])
def test_a_signal_in_the_middle_takes_back_what_was_begun(equipped: Machine, number: signal.Signals):
    equipped.answer("^kind create", hangs=True)
    with equipped.start("kind") as process:
        eventually("kind is at work", lambda: any("kind create" in call for call in equipped.calls), within=20)
        process.send_signal(number)
        assert process.wait(10) == 128 + number
    assert DELETED in equipped.calls
    assert left(equipped) == []


def test_our_cluster_of_another_version_is_made_anew(equipped: Machine):
    equipped.answers.clear()
    equipped.answer("^docker info", "2\n")
    equipped.answer("^docker container inspect .*Config.Image", "kindest/node:v1.0.0")
    equipped.answer("^kind get clusters", f"{CLUSTER}\n")
    equipped.answer("^docker cp .*kubeadm.conf", f"node-labels: {MARK}=reference\n")
    equipped.answer("^kind create", "ERROR: enough for this test\n", ends=1)
    assert refused(equipped.run("kind")) == "E-KIND-CREATE"
    order = [call.split()[1] for call in equipped.calls if call.startswith("kind ") and "get" not in call]
    assert order == ["delete", "create", "delete"]
