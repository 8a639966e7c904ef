"""The shop's own images: built when their sources have changed, and given to the cluster's node."""

from __future__ import annotations

import platform
import shutil
import sys
import tempfile
from collections.abc import Iterable
from pathlib import Path

from reference.kept import kept
from reference.kind import offline
from reference.kind.registry import ASK_SECONDS, available, chosen, present
from reference.kind.versions import CLUSTER, HERE, MONGODB_IMAGE, PYTHON_IMAGE, fingerprint
from reference.mongodb import build as mongodb
from reference.programs import refusing, run, say

RECIPES = HERE / "images"
REFERENCE = HERE.parent
LOCKS = (REFERENCE / "requirements.txt", HERE / "pip.txt")
SYSTEMS = {"incident-conformance/sock-shop": "sock_shop", "incident-conformance/otp-gateway": "otp_gateway"}
SERVICES, DATABASE = "incident-conformance/services", "incident-conformance/mongodb"
FETCH_SECONDS, BUILD_SECONDS, LOAD_SECONDS = 300, 300, 300
GLIBC = (17, 28, 31, 34)


def build(published: bool, log: Path) -> dict[str, str]:
    """Have the images in the engine: what stands for each image of the manifests."""
    official = published and available(MONGODB_IMAGE)
    services, database = _services(log), _official_mongodb(log) if official else _ferretdb(log)
    return dict.fromkeys(SYSTEMS, services) | {DATABASE: database}


def _services(log: Path) -> str:
    base = chosen(PYTHON_IMAGE, offline.python_image(), offline.python_archive, log)
    recipe, code = RECIPES / "services/Dockerfile", [REFERENCE / folder for folder in SYSTEMS.values()]
    image = f"{SERVICES}:{fingerprint(recipe, *LOCKS, *code)}{_short(base)}"
    if present(image):
        return image
    with tempfile.TemporaryDirectory() as scratch:
        context = Path(scratch)
        shutil.copytree(_wheels(base, log), context / "wheels")
        (context / "reference").mkdir()
        shutil.copy(REFERENCE / "__init__.py", context / "reference")
        ignored = shutil.ignore_patterns("__pycache__")
        for folder in code:
            shutil.copytree(folder, context / "reference" / folder.name, ignore=ignored)
        _build(image, recipe, context, log, f"BASE={base}")
    return image


def _wheels(base: str, log: Path) -> Path:
    """What the locks name, for the Python and the machine of the base image: fetched once, every hash is checked."""
    with refusing("E-IMAGE-BUILD", f"{base} cannot run Python", "delete that image and try again", log):
        ask = "import sys; print('%d.%d' % sys.version_info[:2])"
        alone = ["--network", "none", "--entrypoint", "python3"]
        version = run(["docker", "run", "--rm", *alone, base, "-c", ask], ASK_SECONDS).split()[-1]
    machine = {"amd64": "x86_64", "arm64": "aarch64"}.get(platform.machine(), platform.machine())
    words = [sys.executable, "-m", "pip", "download", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    words += ["--only-binary=:all:", "--no-deps", f"--python-version={version}"]
    words += [f"--platform=manylinux_2_{minor}_{machine}" for minor in GLIBC]
    words += [f"--requirement={lock}" for lock in LOCKS]
    remedy = "check that a package index can be reached (pip's own settings apply)"

    def fetch(scratch: Path) -> Path:
        say("collecting the services' locked wheels")
        with refusing("E-WHEELS", "the services' packages cannot be fetched", remedy, log):
            run([*words, f"--dest={scratch / 'wheels'}"], FETCH_SECONDS)
        return scratch / "wheels"

    return kept(offline.folder() / f"wheels-{fingerprint(*LOCKS)}-{version}-{machine}", fetch)


def _official_mongodb(log: Path) -> str:
    recipe = RECIPES / "mongodb/Dockerfile"
    image = f"{DATABASE}:{fingerprint(recipe)}{_short(MONGODB_IMAGE)}"
    if not present(image):
        with tempfile.TemporaryDirectory() as context:
            _build(image, recipe, Path(context), log, f"BASE={MONGODB_IMAGE}")
    return image


def _ferretdb(log: Path) -> str:
    recipe, server = RECIPES / "ferretdb/Dockerfile", mongodb.ferretdb()
    image = f"{DATABASE}:{fingerprint(recipe, server)}"
    if not present(image):
        with tempfile.TemporaryDirectory() as folder:
            context = Path(folder)
            shutil.copy(server, context / "ferretdb")
            (context / "data").mkdir()
            _build(image, recipe, context, log)
    return image


def _build(image: str, recipe: Path, context: Path, log: Path, *arguments: str) -> None:
    say(f"building {image}")
    words = ["docker", "build", "--network", "none", "--tag", image, "--file", str(recipe)]
    words += [word for argument in arguments for word in ("--build-arg", argument)]
    with refusing("E-IMAGE-BUILD", f"{image} cannot be built", "correct what it complains about", log):
        run([*words, str(context)], BUILD_SECONDS)


def load(kind: Path, node: str, images: Iterable[str], log: Path) -> None:
    """Give the node the images that it does not have yet."""
    with refusing("E-IMAGE-LOAD", "the node does not tell its images", "make kind-down, then make kind", log):
        words = ["docker", "exec", node, "ctr", "--namespace", "k8s.io", "images", "list", "--quiet"]
        there = run(words, ASK_SECONDS).split()
    missing = sorted({image for image in images if f"docker.io/{image}" not in there})
    if missing:
        say(f"loading {', '.join(missing)} into the node")
        with refusing(
            "E-IMAGE-LOAD", "the images cannot be loaded into the node", "free disk space, or see the log", log
        ):
            run([kind, "load", "docker-image", *missing, "--name", CLUSTER], LOAD_SECONDS)


def forget() -> None:
    """Take out of the engine the images that were built or loaded here; the cache folder still has what takes long."""
    ours: set[str] = set()
    with refusing("E-IMAGE-REMOVE", "the images made here cannot be removed", "docker image ls tells which are left"):
        for which in ("reference=incident-conformance/*", "label=incident-conformance=made"):
            ours |= set(run(["docker", "image", "ls", "--quiet", "--filter", which], ASK_SECONDS).split())
        if ours:
            say(f"removing {len(ours)} images that were made here")
            run(["docker", "image", "rm", "--force", *sorted(ours)], LOAD_SECONDS)


def _short(base: str) -> str:
    """What of a base image's name goes into the tag of what is built on it."""
    return "-" + base.rpartition("/")[2].replace(":", "-").partition("@")[0]
