"""Commands run beside a container: by kubectl, with its pipes and at a terminal, and by the official client."""

from __future__ import annotations

import os
import pty
import subprocess
from collections.abc import Callable
from pathlib import Path

import pytest
from kubernetes import client, config
from kubernetes.stream import stream

pytestmark = pytest.mark.cluster

Deploy = Callable[..., str]
Kubectl = Callable[..., str]
Pods = Callable[[str], list[client.V1Pod]]


def test_kubectl_exec_shows_what_the_container_sees(kubectl: Kubectl, deployed: Deploy, pods_of: Pods) -> None:
    deployed("inside")
    pod = pods_of("inside")[0]
    assert (
        kubectl("exec", pod.metadata.name, "--", "sh", "-c", "echo $GREETING $POD_IP") == f"hello {pod.status.pod_ip}\n"
    )
    assert kubectl("exec", "deployment/inside", "-c", "web", "--", "hostname").strip()
    assert kubectl("exec", "-i", pod.metadata.name, "--", "cat", stdin="one\ntwo\n") == "one\ntwo\n"


def test_kubectl_exec_passes_on_errors(kubectl: Kubectl, deployed: Deploy, pods_of: Pods) -> None:
    deployed("outcome")
    pod = pods_of("outcome")[0].metadata.name
    told = kubectl("exec", pod, "--", "sh", "-c", "echo out; echo wrong >&2; exit 3", fails=True)
    assert told == "wrong\ncommand terminated with exit code 3\n"
    told = kubectl("exec", pod, "--", "no-such-program", fails=True)
    assert 'exec: "no-such-program": executable file not found in $PATH' in told
    assert "container nobody is not valid for pod" in kubectl("exec", pod, "-c", "nobody", "--", "true", fails=True)
    assert 'pods "nobody" not found' in kubectl("exec", "nobody", "--", "true", fails=True)


def test_kubectl_exec_gives_a_terminal(
    kubeconfig: Path, namespace: str, tmp_path: Path, deployed: Deploy, pods_of: Pods
) -> None:
    deployed("seated")
    words = ["kubectl", "-n", namespace, "exec", "-it", pods_of("seated")[0].metadata.name, "--"]
    ours, theirs = pty.openpty()
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "KUBECONFIG": str(kubeconfig), "TERM": "dumb"}
    running = subprocess.Popen(
        [*words, "sh", "-c", "test -t 0 && read word && echo got $word"],
        stdin=theirs, stdout=subprocess.PIPE, stderr=subprocess.PIPE, env=env,
    )  # fmt: skip
    os.close(theirs)
    os.write(ours, b"it\n")
    out, err = running.communicate(timeout=30)
    os.close(ours)
    assert (running.returncode, err) == (0, b"")
    assert b"got it\r\n" in out


def test_the_client_talks_to_a_command(kubeconfig: Path, namespace: str, deployed: Deploy, pods_of: Pods) -> None:
    deployed("spoken")
    api = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))
    shell = stream(
        api.connect_get_namespaced_pod_exec, pods_of("spoken")[0].metadata.name, namespace,
        command=["sh", "-c", "read word; echo $word; echo $word >&2; exit 4"],
        stdin=True, stdout=True, stderr=True, _preload_content=False,
    )  # fmt: skip
    shell.write_stdin("word\n")
    shell.run_forever(timeout=20)
    assert (shell.read_stdout(), shell.read_stderr(), shell.returncode) == ("word\n", "word\n", 4)


def test_a_command_ends_with_its_container(
    kubeconfig: Path, core: client.CoreV1Api, namespace: str, deployed: Deploy, pods_of: Pods
) -> None:
    deployed("shared")
    pod = pods_of("shared")[0].metadata.name
    api = client.CoreV1Api(config.new_client_from_config(str(kubeconfig)))
    sleeping = stream(
        api.connect_get_namespaced_pod_exec, pod, namespace, command=["sh", "-c", "echo here; sleep 600"],
        stdout=True, stderr=True, _preload_content=False,
    )  # fmt: skip
    assert sleeping.readline_stdout(timeout=20) == "here"
    core.delete_namespaced_pod(pod, namespace)
    sleeping.run_forever(timeout=20)
    assert not sleeping.is_open()
    assert sleeping.returncode == 137


def test_much_goes_in_and_comes_out(kubectl: Kubectl, deployed: Deploy, pods_of: Pods) -> None:
    deployed("wide")
    pod = pods_of("wide")[0].metadata.name
    much = "0123456789abcdef" * 65536
    assert kubectl("exec", "-i", pod, "--", "wc", "-c", stdin=much).strip() == str(len(much))
    assert kubectl("exec", pod, "--", "head", "-c", "3000000", "/dev/zero") == "\0" * 3000000
