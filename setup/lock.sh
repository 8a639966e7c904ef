#!/usr/bin/env bash
# Writes the locked requirements: names, versions and hashes, no address of any index.
set -euo pipefail
uv=.venv/bin/uv; [ -x "$uv" ] || uv=uv
compile() { "$uv" pip compile --quiet --universal --python-version 3.11 --generate-hashes --no-emit-index-url --no-annotate --no-header "$@"; }
compile pyproject.toml --extra dev -o requirements.txt
compile reference/requirements.in -c requirements.txt -o reference/requirements.txt
