"""The pieces that a node image is made of, as far as they can be tried without an engine."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import subprocess
import tarfile
from pathlib import Path

import pytest

from reference.kind import archive
from reference.kind.engine import WRAPPER
from reference.kind.versions import SOURCES, fingerprint, kubernetes

ALL = ["CAP_CHOWN", "CAP_SYS_ADMIN", "CAP_SYS_RESOURCE"]


def test_an_archive_is_one_that_engines_read(tmp_path: Path):
    (tmp_path / "root/bin").mkdir(parents=True)
    (tmp_path / "root/bin/it").write_text("#!/bin/sh\n")
    image = archive.Image(("shop/it:1", "shop/it:2"), tmp_path / "root", {"Entrypoint": ["/bin/it"]})
    archive.write(tmp_path / "it.tar", [image], tmp_path)
    with tarfile.open(tmp_path / "it.tar") as written:
        contents = {entry.name: written.extractfile(entry).read() for entry in written}
    [entry] = json.loads(contents["manifest.json"])
    assert entry["RepoTags"] == ["shop/it:1", "shop/it:2"]
    assert entry["Config"] == f"{hashlib.sha256(contents[entry['Config']]).hexdigest()}.json"
    configuration = json.loads(contents[entry["Config"]])
    assert configuration["config"] == {"Entrypoint": ["/bin/it"]}
    [layer] = entry["Layers"]
    assert configuration["rootfs"]["diff_ids"] == [f"sha256:{hashlib.sha256(contents[layer]).hexdigest()}"]
    assert not (tmp_path / "layer.tar").exists()


@pytest.mark.skipif(os.geteuid() != 0 or not shutil.which("jq"), reason="only root can drop capabilities; needs jq")
@pytest.mark.parametrize("words", [["create", "--bundle", "."], ["exec", "--process", "process.json"]])
def test_a_container_gets_no_capability_that_the_machine_lacks(tmp_path: Path, words: list[str]):
    wrapper = tmp_path / "runc"
    wrapper.write_text(WRAPPER.read_text().replace("/usr/sbin/runc", "echo"))
    wrapper.chmod(0o755)
    process = {"args": ["it"], "capabilities": {"bounding": ALL, "effective": ALL}}
    (tmp_path / "config.json").write_text(json.dumps({"process": process, "hostname": "it"}))
    (tmp_path / "process.json").write_text(json.dumps(process))
    bounded = ["setpriv", "--bounding-set", "-sys_resource", "--inh-caps", "-sys_resource", str(wrapper)]
    said = subprocess.run([*bounded, *words], cwd=tmp_path, capture_output=True, text=True, timeout=20, check=True)
    assert said.stdout.split() == words
    changed = json.loads((tmp_path / "config.json").read_text())
    assert changed["hostname"] == "it"
    asked = changed["process"] if words[0] == "create" else json.loads((tmp_path / "process.json").read_text())
    assert asked["args"] == ["it"]
    assert asked["capabilities"] == {"bounding": ALL[:2], "effective": ALL[:2]}


def test_a_tag_changes_with_a_source_and_with_nothing_else(tmp_path: Path):
    source = tmp_path / "sources"
    source.mkdir()
    (source / "main.go").write_text("package main\n")
    before = fingerprint(source)
    (source / "__pycache__").mkdir()
    (source / "__pycache__/it.pyc").touch()
    assert fingerprint(source) == before
    (source / "main.go").write_text("package other\n")
    assert fingerprint(source) != before


def test_every_staging_module_has_the_version_of_kubernetes():
    lines = (SOURCES / "kubernetes/go.mod").read_text().splitlines()
    replaced = {line.split()[-1] for line in lines if "=>" in line}
    assert replaced == {kubernetes().replace("v1.", "v0.")}
