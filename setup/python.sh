#!/usr/bin/env bash
# Makes the virtual environment: setup/python.sh PYTHON FOLDER
set -euo pipefail
python=$1 folder=$2
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2>/dev/null; then
  echo "E-PYTHON $python is missing or older than 3.11" >&2
  echo "remedy: install Python 3.11 or newer, or name it: make setup PYTHON=/path/to/python3" >&2
  exit 4
fi
if ! "$python" -m venv "$folder"; then
  echo "E-VENV $python cannot make a virtual environment" >&2
  echo "remedy: install its venv module (on Debian: apt-get install python3-venv)" >&2
  exit 4
fi
if ! "$folder/bin/python" -m pip install --quiet --disable-pip-version-check --no-compile --require-hashes \
  -r requirements.txt -r reference/requirements.txt; then
  echo "E-PACKAGES the locked Python packages cannot be installed" >&2
  echo "remedy: check that a package index can be reached (pip's own settings apply), then run make setup again" >&2
  exit 4
fi
