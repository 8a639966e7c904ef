"""What a KIND cluster needs, from package mirrors alone: for machines that reach no container registry."""

from __future__ import annotations

from pathlib import Path

from reference.golang import Go
from reference.kept import cache, kept
from reference.kind import archive, node, root
from reference.kind.versions import HERE, KIND, SOURCES, fingerprint, kubernetes
from reference.programs import refusing, say

PYTHON_PACKAGES = ("python3", "ca-certificates", "tzdata")
REMEDY = "see that a Debian mirror and a Go module proxy can be reached, and that 6 GB are free"


def folder() -> Path:
    """Where all of it is kept; may be deleted at any time."""
    return cache() / "kind"


def node_image() -> str:
    """The name of the node image: its tag changes with what it is made of."""
    made_of = fingerprint(SOURCES, HERE / "node.py", HERE / "root.py", HERE / "bounded-runc")
    return f"incident-conformance/node:{kubernetes()}-kind-{KIND}-{made_of}"


def python_image() -> str:
    """The name of the base image of the services."""
    return f"incident-conformance/python:{root.RELEASE}-{fingerprint(HERE / 'offline.py', HERE / 'root.py')}"


def node_archive(log: Path) -> Path:
    """The node image's archive, built now if this machine has not built it yet."""

    def make(scratch: Path) -> Path:
        root.prepare(log)
        with refusing("E-OFFLINE-NODE", "the node image cannot be built", REMEDY, log):
            return node.build(node_image(), scratch)

    return kept(_place(node_image()), make)


def python_archive(log: Path) -> Path:
    """The archive of a base image with Python, built now if this machine has not built it yet."""

    def make(scratch: Path) -> Path:
        root.prepare(log)
        say("building a base image with Python from Debian packages (about a minute)")
        with refusing("E-OFFLINE-PYTHON", "the base image cannot be built", REMEDY, log):
            root.make(scratch / "root", PYTHON_PACKAGES)
            settings = {"Env": ["PATH=/usr/local/bin:/usr/bin:/bin"], "Cmd": ["python3"]}
            archive.write(
                scratch / "python.tar", [archive.Image((python_image(),), scratch / "root", settings)], scratch
            )
        return scratch / "python.tar"

    return kept(_place(python_image()), make)


def everything(log: Path) -> list[Path]:
    """All that a machine without a registry needs."""
    return [kind(log), node_archive(log), python_archive(log)]


def kind(log: Path) -> Path:
    """The `kind` command, built now if this machine has not built it yet."""

    def make(scratch: Path) -> Path:
        say(f"there is no kind on PATH, so {KIND} is built from source (about a minute)")
        remedy = "install kind (kind.sigs.k8s.io), or Go with a module proxy in reach"
        with refusing("E-KIND-MISSING", "kind is not installed and cannot be built", remedy, log):
            return Go(scratch).install(f"sigs.k8s.io/kind@{KIND}", scratch)

    return kept(folder() / f"kind-{KIND}", make)


def _place(image: str) -> Path:
    return folder() / f"{image.rpartition('/')[2].replace(':', '-')}.tar"
