#!/usr/bin/env bash
# Finds or installs a browser: Playwright's own build, else one on PATH, else Debian's package. setup/browser.sh VENV
set -uo pipefail
venv=$1
present() { "$venv/bin/python" - 2>/dev/null <<'PY'
from fixtures.browser.driver import chromium

with chromium((), 20) as browser:
    print(f"→ browser: Chromium {browser.version}")
PY
}
present && exit 0
echo "→ downloading Playwright's Chromium (about 150 MB)"
timeout 300 "$venv/bin/playwright" install chromium >/dev/null 2>&1 && present && exit 0
sudo=""; [ "$(id -u)" = 0 ] || sudo="sudo -n"
if command -v apt-get >/dev/null; then
  echo "→ it cannot be downloaded; installing Debian's package instead (about a minute)"
  $sudo apt-get update -qq >/dev/null 2>&1
  export DEBIAN_FRONTEND=noninteractive
  for package in chromium-headless-shell chromium; do
    $sudo apt-get install -y -qq --no-install-recommends "$package" >/dev/null 2>&1 && present && exit 0
  done
fi
echo "E-BROWSER no browser was found and none could be installed" >&2
echo "remedy: install Chromium or Chrome so that it is on PATH, then run make setup again" >&2
exit 4
