#!/usr/bin/env bash
# Finds or installs a browser: Playwright's own build, else one on PATH, else Debian's package. setup/browser.sh VENV
set -uo pipefail
venv=$1
present() { "$venv/bin/python" - <<'PY'
import shutil, sys
from pathlib import Path
from playwright.sync_api import sync_playwright
with sync_playwright() as p:
    own = Path(p.chromium.executable_path)
names = ("chromium", "chromium-browser", "google-chrome-stable", "google-chrome")
found = own if own.exists() else next(filter(None, map(shutil.which, names)), None)
print(f"→ browser: {found}") if found else sys.exit(1)
PY
}
present && exit 0
echo "→ downloading Playwright's Chromium (about 150 MB)"
timeout 300 "$venv/bin/playwright" install chromium >/dev/null 2>&1 && present && exit 0
sudo=""; [ "$(id -u)" = 0 ] || sudo="sudo -n"
if command -v apt-get >/dev/null; then
  echo "→ it cannot be downloaded; installing Debian's chromium package instead (about a minute)"
  $sudo apt-get update -qq >/dev/null 2>&1
  DEBIAN_FRONTEND=noninteractive $sudo apt-get install -y -qq --no-install-recommends chromium >/dev/null 2>&1 && present && exit 0
fi
echo "E-BROWSER no browser was found and none could be installed" >&2
echo "remedy: install Chromium or Chrome so that it is on PATH, then run make setup again" >&2
exit 4
