"""A KIND node image built of Go modules and Debian packages alone."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from pathlib import Path

from reference.golang import Go
from reference.kind import archive, root
from reference.kind.engine import WRAPPER
from reference.kind.versions import KIND, SOURCES, kubernetes
from reference.programs import Failed, end_group, run, say, soon

COMMANDS = (
    "kube-apiserver",
    "kube-controller-manager",
    "kube-proxy",
    "kube-scheduler",
    "kubeadm",
    "kubectl",
    "kubelet",
)
NODE_PACKAGES = (
    "systemd", "conntrack", "iptables", "nftables", "iproute2", "ethtool", "util-linux", "mount", "kmod", "libseccomp2",
    "procps", "containerd", "runc", "containernetworking-plugins", "jq", "curl", "ca-certificates",
)  # fmt: skip
PROXY_PACKAGES = ("iptables", "conntrack", "nftables", "kmod", "ipset")
UNITS = ("kubelet.service", "containerd.service", "undo-mount-hacks.service")
NOT_WANTED = (
    "lib/systemd/system/multi-user.target.wants/*", "etc/systemd/system/*.wants/*",
    "lib/systemd/system/local-fs.target.wants/*", "lib/systemd/system/sockets.target.wants/*udev*",
    "lib/systemd/system/sockets.target.wants/*initctl*", "lib/systemd/system/basic.target.wants/*",
    "lib/systemd/system/sysinit.target.wants/systemd-tmpfiles-setup.service",
)  # fmt: skip
NETWORK = {
    "cniVersion": "0.4.0",
    "name": "pods",
    "plugins": [
        {
            "type": "bridge", "bridge": "cni0", "isGateway": True, "ipMasq": True, "hairpinMode": True,
            "ipam": {
                "type": "host-local",
                "ranges": [[{"subnet": "10.244.0.0/24"}]],
                "routes": [{"dst": "0.0.0.0/0"}],
            },
        },
        {"type": "portmap", "capabilities": {"portMappings": True}},
    ],
}  # fmt: skip
STORAGE = {
    "apiVersion": "storage.k8s.io/v1",
    "kind": "StorageClass",
    "metadata": {"name": "standard", "annotations": {"storageclass.kubernetes.io/is-default-class": "true"}},
    "provisioner": "kubernetes.io/no-provisioner",
}
STEP_SECONDS = 120


def build(name: str, scratch: Path) -> Path:
    """Build the node image of that name; returns its archive, which `docker load` reads."""
    go, binaries, node, proxy = Go(scratch), scratch / "bin", scratch / "node", scratch / "proxy"
    say(f"building Kubernetes {kubernetes()} from source, and the node around it (about 10 minutes on 2 cores)")
    with ThreadPoolExecutor(1) as side:
        roots = [side.submit(root.make, node, NODE_PACKAGES), side.submit(root.make, proxy, PROXY_PACKAGES)]
        _binaries(go, binaries)
        for made in roots:
            made.result()
    say("putting the node image together")
    kind = go.sources(f"sigs.k8s.io/kind@{KIND}") / "images/base/files"
    _furnish(node, kind, binaries)
    components = scratch / "components.tar"
    archive.write(components, list(_components(binaries, node, proxy, scratch / "images")), scratch)
    _load(node, components)
    components.unlink()
    target = scratch / "node.tar"
    settings = {
        "Entrypoint": ["/usr/local/bin/entrypoint", "/sbin/init"],
        "Env": ["container=docker", "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"],
        "StopSignal": "SIGRTMIN+3",
    }
    archive.write(target, [archive.Image((name,), node, settings)], scratch)
    return target


def _binaries(go: Go, target: Path) -> None:
    target.mkdir()
    version = kubernetes()
    major, minor, _ = version.removeprefix("v").split(".")
    of = "-X k8s.io/component-base/version"
    flags = f"{of}.gitVersion={version} {of}.gitMajor={major} {of}.gitMinor={minor}"
    go.build(SOURCES / "kubernetes", [f"k8s.io/kubernetes/cmd/{command}" for command in COMMANDS], target, flags)
    go.build(SOURCES / "etcd", ["go.etcd.io/etcd/server/v3"], target / "etcd")
    go.build(SOURCES / "coredns", ["github.com/coredns/coredns"], target / "coredns")
    go.build(SOURCES / "pause", ["."], target / "pause")


def _furnish(node: Path, kind: Path, binaries: Path) -> None:
    """Put into the node what kind expects of one, in the places where its own image has it."""
    for file in sorted(kind.rglob("*")):
        if file.is_file():
            place = node / file.relative_to(kind)
            place.parent.mkdir(parents=True, exist_ok=True)
            shutil.copyfile(file, place)
            place.chmod(0o755 if place.parent.name == "bin" else 0o644)
    for command in ("kubeadm", "kubelet", "kubectl"):
        shutil.copy(binaries / command, node / "usr/bin")
    for command in ("containerd", "ctr", "containerd-shim-runc-v2"):
        (node / "usr/local/bin" / command).symlink_to(f"/usr/bin/{command}")
    shutil.copy(WRAPPER, node / "usr/local/sbin/runc")
    (node / "sbin/init").symlink_to("/lib/systemd/systemd")
    (node / "opt/cni").mkdir(parents=True)
    (node / "opt/cni/bin").symlink_to("/usr/lib/cni")
    _write(node / "etc/cni/net.d/10-pods.conflist", json.dumps(NETWORK, indent=2))
    _write(node / "kind/version", kubernetes())
    _write(node / "kind/manifests/default-storage.yaml", json.dumps(STORAGE, indent=2))
    (node / "etc/kubernetes/manifests").mkdir(parents=True)
    with (node / "etc/systemd/journald.conf").open("a") as settings:
        settings.write("ReadKMsg=no\n")
    for pattern in NOT_WANTED:
        for unit in node.glob(pattern):
            unit.unlink()
    run(["chroot", node, "systemctl", "enable", *UNITS], STEP_SECONDS)
    run(["chroot", node, "systemctl", "mask", "systemd-binfmt.service"], STEP_SECONDS)
    specification = json.loads(run(["chroot", node, "ctr", "oci", "spec"], STEP_SECONDS))
    specification["process"].pop("rlimits", None)
    hook = {"path": "/kind/bin/mount-product-files.sh"}
    specification.setdefault("hooks", {}).setdefault("createContainer", []).append(hook)
    _write(node / "etc/containerd/cri-base.json", json.dumps(specification))


def _write(place: Path, text: str) -> None:
    place.parent.mkdir(parents=True, exist_ok=True)
    place.write_text(text)


def _components(binaries: Path, node: Path, proxy: Path, folder: Path) -> Iterator[archive.Image]:
    """The images that kubeadm and containerd will ask for, under the names that they use."""
    listed = run([binaries / "kubeadm", "config", "images", "list", "--kubernetes-version", kubernetes()], STEP_SECONDS)
    names = {line.rpartition("/")[2].partition(":")[0]: line for line in listed.splitlines() if ":" in line}
    configuration = (node / "etc/containerd/config.toml").read_text()
    [sandbox] = [line.split('"')[1] for line in configuration.splitlines() if line.strip().startswith("sandbox_image")]
    shutil.copy(binaries / "kube-proxy", proxy / "usr/local/bin")
    yield archive.Image((names.pop("kube-proxy"),), proxy)
    for command, name in names.items():
        place = "." if command in ("coredns", "pause") else "usr/local/bin"
        (folder / command / place).mkdir(parents=True)
        shutil.copy(binaries / command, folder / command / place)
        settings = {"Entrypoint": [f"/{command}"]} if place == "." else {"Env": ["PATH=/usr/local/bin"]}
        aliases = (name, sandbox) if command == "pause" and sandbox != name else (name,)
        yield archive.Image(aliases, folder / command, settings)


def _load(node: Path, components: Path) -> None:
    """Give the images to the node's own containerd, which unpacks them when it first runs them."""
    with _containerd(node), components.open("rb") as images:
        load = ["ctr", "--namespace", "k8s.io", "images", "import", "--all-platforms", "--no-unpack", "-"]
        run(["chroot", node, *load], STEP_SECONDS, stdin=images)
    shutil.rmtree(node / "run/containerd", ignore_errors=True)


@contextmanager
def _containerd(node: Path) -> Iterator[None]:
    command = ["chroot", str(node), "containerd", "--config", "/dev/null"]
    log = node.with_name("containerd.log")
    with log.open("wb") as written:
        process = subprocess.Popen(
            command, stdin=subprocess.DEVNULL, stdout=written, stderr=written, start_new_session=True
        )
    try:
        ended_or_answers = soon(lambda: process.poll() is not None or _answers(node), STEP_SECONDS)
        if process.poll() is not None or not ended_or_answers:
            raise Failed(command[2:], "does not answer", log.read_text())
        yield
        process.terminate()
        process.wait(STEP_SECONDS)
    finally:
        if process.poll() is None:
            end_group(process)


def _answers(node: Path) -> bool:
    try:
        run(["chroot", node, "ctr", "version"], STEP_SECONDS)
    except Failed:
        return False
    return True
