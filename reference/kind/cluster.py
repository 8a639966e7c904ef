"""The KIND cluster itself: made, found again, refused when it is somebody else's, removed."""

from __future__ import annotations

import errno
import json
import os
import shutil
import socket
from pathlib import Path

from reference.deploying import Cluster, Unusable
from reference.kind import offline
from reference.kind.registry import chosen
from reference.kind.versions import CLUSTER, NODE_IMAGE
from reference.kustomize import node_ports
from reference.programs import Failed, refusing, run, say, soon
from reference.refusal import CannotRun

NODE = f"{CLUSTER}-control-plane"
MARK = "incident-conformance/made-by"
# Endpoints take effect at once: kube-proxy would otherwise gather changes for a second (and 0 means that second).
# Nobody else could lead, and nothing here has to survive a power cut: both cost an idle cluster processor time.
FAST = (
    "kind: KubeProxyConfiguration\niptables: {minSyncPeriod: 1ms}",
    "kind: ClusterConfiguration\n"
    "controllerManager: {extraArgs: {leader-elect: 'false'}}\nscheduler: {extraArgs: {leader-elect: 'false'}}\n"
    "etcd: {local: {extraArgs: {unsafe-no-fsync: 'true'}}}",
)
CREATE_SECONDS, DELETE_SECONDS, ANSWER_SECONDS, ASK_SECONDS = 300, 120, 60, 30


def command(log: Path) -> Path:
    """The `kind` command: the user's, else one that is built."""
    return Path(shutil.which("kind") or offline.kind(log))


def exists(kind: Path) -> bool:
    """Whether there is a cluster of our name."""
    with refusing("E-KIND", "kind does not tell which clusters there are", "see that kind get clusters works"):
        return CLUSTER in run([kind, "get", "clusters"], ASK_SECONDS).split()


def check_that_it_is_ours() -> None:
    """Refuse a cluster of our name that was made by somebody else: its node does not carry our mark."""
    try:
        settings = run(["docker", "cp", f"{NODE}:/kind/kubeadm.conf", "-"], ASK_SECONDS)  # it need not run
    except Failed:
        settings = ""
    if MARK not in settings:
        cause = f"there is a KIND cluster {CLUSTER!r} that was not made here"
        raise CannotRun("E-KIND-FOREIGN", cause, f"delete it if nobody needs it: kind delete cluster --name {CLUSTER}")


def reused(kind: Path, kubeconfig: Path, log: Path) -> bool:
    """Whether a cluster of ours is there and answers; then its kubeconfig is there, too."""
    if exists(kind):
        check_that_it_is_ours()
        return _usable(kind, kubeconfig, log)
    _check_ports()
    return False


def create(kind: Path, image: str, kubeconfig: Path, log: Path) -> None:
    """Make the cluster from that node image, in place of one of ours that cannot be used."""
    if exists(kind):
        delete(kind)
    say(f"creating the KIND cluster {CLUSTER!r} from {image.partition('@')[0]}")
    create: list[str | Path] = [kind, "create", "cluster", "--image", image, "--config", "-"]
    create += ["--wait", f"{CREATE_SECONDS}s"]
    settings = json.dumps(_settings(image == offline.node_image())).encode()
    starting = kubeconfig.with_name(f".{kubeconfig.name}.starting")
    try:
        with refusing("E-KIND-CREATE", "kind cannot create the cluster", "free memory and disk space", log):
            run([*create, "--kubeconfig", starting], CREATE_SECONDS + 60, stdin=settings)
            _refuse_at_once()
        starting.replace(kubeconfig)
    except BaseException:
        delete(kind)
        raise
    finally:
        starting.unlink(missing_ok=True)


def _usable(kind: Path, kubeconfig: Path, log: Path) -> bool:
    """Whether the cluster is of this version's node image and answers, started again if it had been stopped."""
    if image_of_node() not in (NODE_IMAGE, offline.node_image()):
        say(f"the KIND cluster {CLUSTER!r} is of another node image than this version asks for; it is made anew")
        return False
    if missing := [port for port in node_ports() if f'"{port}/tcp"' not in _state("{{json .HostConfig.PortBindings}}")]:
        say(f"the KIND cluster {CLUSTER!r} does not publish {missing}, so it is made anew")
        return False
    if _state("{{.State.Running}}") != "true":
        say(f"the KIND cluster {CLUSTER!r} had been stopped, so it is started again")
        with refusing("E-KIND-START", "its node does not start", "make kind-down, then make kind", log):
            run(["docker", "start", NODE], CREATE_SECONDS)
            _refuse_at_once()
    say(f"using the KIND cluster {CLUSTER!r}")
    try:
        text = run([kind, "get", "kubeconfig", "--name", CLUSTER], ASK_SECONDS)
    except Failed:
        text = ""
    if text:
        starting = kubeconfig.with_name(f".{kubeconfig.name}.starting")
        starting.touch(mode=0o600)
        starting.write_text(text)
        starting.replace(kubeconfig)
        if soon(lambda: _ready(kubeconfig), ANSWER_SECONDS):
            return True
    say("it does not answer, so it is made anew")
    return False


def _refuse_at_once() -> None:
    """Let the node refuse every connection to a Service without pods; Linux would tell a caller once a second."""
    run(["docker", "exec", NODE, "sysctl", "-w", "net.ipv4.icmp_ratelimit=0"], ASK_SECONDS)


def _ready(kubeconfig: Path) -> bool:
    try:
        return Cluster(kubeconfig, ASK_SECONDS).text("/readyz") == "ok"
    except Unusable:
        return False


def node_image(log: Path) -> str:
    """The image that a node is made from: the published one where a registry is in reach."""
    return chosen(NODE_IMAGE, offline.node_image(), offline.node_archive, log)


def image_of_node() -> str:
    """The image that the node is of."""
    return _state("{{.Config.Image}}")


def _settings(offline_image: bool) -> dict[str, object]:
    node: dict[str, object] = {
        "role": "control-plane",
        "labels": {MARK: "reference"},
        "extraPortMappings": [
            {"containerPort": port, "hostPort": port, "listenAddress": "127.0.0.1"} for port in node_ports()
        ],
    }
    settings: dict[str, object] = {
        "kind": "Cluster",
        "apiVersion": "kind.x-k8s.io/v1alpha4",
        "name": CLUSTER,
        "nodes": [node],
        # The image that is built here brings a network of its own; the published one brings kind's.
        "networking": {"apiServerAddress": "127.0.0.1", "disableDefaultCNI": offline_image},
    }
    kubelet, containerd = list[str](), list[str]()
    if _engine("{{.CgroupVersion}}") == "1":
        kubelet.append("failCgroupV1: false")
    if not _may_adjust_oom_scores():
        containerd.append('[plugins."io.containerd.grpc.v1.cri"]\n  restrict_oom_score_adj = true')
    if offline_image:  # a busy systemd may take 30 s to give a pod's slice back, and each costs processor time
        kubelet.append("cgroupDriver: cgroupfs")
        runtimes = '[plugins."io.containerd.grpc.v1.cri".containerd.runtimes.{}.options]\n  SystemdCgroup = false'
        containerd += [runtimes.format(each) for each in ("runc", "test-handler")]
    patches = [*FAST]
    if kubelet:
        patches.append("\n".join(["kind: KubeletConfiguration", *kubelet]))
    settings["kubeadmConfigPatches"] = patches
    if containerd:
        settings["containerdConfigPatches"] = containerd
    return settings


def _engine(template: str) -> str:
    with refusing("E-DOCKER-DOWN", "the Docker engine does not answer", "see that docker info answers"):
        return run(["docker", "info", "--format", template], ASK_SECONDS).strip().splitlines()[-1]


def _may_adjust_oom_scores() -> bool:
    """Whether this machine grants CAP_SYS_RESOURCE, the 24th capability."""
    [bound] = [line.split()[1] for line in Path("/proc/self/status").read_text().splitlines() if "CapBnd" in line]
    return bool(int(bound, 16) >> 24 & 1)


def _state(template: str) -> str:
    with refusing("E-KIND", f"the node {NODE} cannot be looked at", "make kind-down, then make kind"):
        return run(["docker", "container", "inspect", "--format", template, NODE], ASK_SECONDS).strip()


def _check_ports() -> None:
    for port in node_ports():
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind(("127.0.0.1", port))
            except OSError as error:
                if error.errno != errno.EADDRINUSE:
                    raise
                remedy = f"end what listens there (ss -ltnp 'sport = :{port}' tells what it is)"
                raise CannotRun("E-PORT-TAKEN", f"port {port} of 127.0.0.1 is taken", remedy) from None


def delete(kind: Path) -> None:
    """Remove the cluster; nothing of anybody's kubeconfig is touched."""
    say(f"removing the KIND cluster {CLUSTER!r}")
    with refusing("E-KIND-DELETE", "the cluster cannot be removed", f"kind delete cluster --name {CLUSTER}"):
        run([kind, "delete", "cluster", "--name", CLUSTER, "--kubeconfig", os.devnull], DELETE_SECONDS)
