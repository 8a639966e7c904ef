"""Container images written by hand: one layer each, in the archive format that `docker load` and containerd read."""

from __future__ import annotations

import hashlib
import io
import json
import platform
import tarfile
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

from reference.programs import run

TAR_SECONDS = 300
ARCHITECTURES = {"x86_64": "amd64", "aarch64": "arm64"}


@dataclass(frozen=True)
class Image:
    """An image: its names, the folder that is its root, and what it runs."""

    names: tuple[str, ...]
    root: Path
    settings: Mapping[str, object] = field(default_factory=dict)  # as Docker's image configuration spells them


def architecture() -> str:
    """This machine's, as images name it."""
    return ARCHITECTURES.get(platform.machine(), platform.machine())


def write(target: Path, images: Sequence[Image], scratch: Path) -> None:
    """Write the images into one archive."""
    manifest = []
    with tarfile.open(target, "w") as archive:
        for image in images:
            layer = scratch / "layer.tar"
            owner = ["--numeric-owner", "--xattrs", "--xattrs-include=*", "--sort=name"]
            run(["tar", "--create", *owner, "--file", layer, "--directory", image.root, "."], TAR_SECONDS)
            with layer.open("rb") as content:
                digest = hashlib.file_digest(content, "sha256").hexdigest()
            archive.add(layer, f"{digest}.tar")
            layer.unlink()
            configuration = {
                "architecture": architecture(),
                "os": "linux",
                "config": image.settings,
                "rootfs": {"type": "layers", "diff_ids": [f"sha256:{digest}"]},
            }
            text = json.dumps(configuration).encode()
            name = f"{hashlib.sha256(text).hexdigest()}.json"
            _add(archive, name, text)
            manifest.append({"Config": name, "RepoTags": list(image.names), "Layers": [f"{digest}.tar"]})
        _add(archive, "manifest.json", json.dumps(manifest).encode())


def _add(archive: tarfile.TarFile, name: str, text: bytes) -> None:
    entry = tarfile.TarInfo(name)
    entry.size = len(text)
    archive.addfile(entry, io.BytesIO(text))
