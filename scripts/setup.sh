#!/usr/bin/env bash
# Makes $VENV with everything that requirements.lock names and the `daybreak` command. Safe to interrupt and to repeat.
set -euo pipefail
cd "$(dirname "$0")/.."

fail() { printf 'setup: %s\n' "$1" >&2; exit 1; }

[ -n "${PYTHON:-}" ] && command -v "$PYTHON" >/dev/null || fail "no Python found: install Python 3.11 or newer, or name one with 'make setup PYTHON=/path/to/python3.11'"
"$PYTHON" -c 'import sys; sys.exit(not (3, 11) <= sys.version_info[:2] <= (3, 13))' ||
  fail "$("$PYTHON" --version 2>&1) will not do: Airflow 3.3.2 needs Python 3.11 to 3.13; name one with 'make setup PYTHON=/path/to/python3.11'"
"$PYTHON" -c 'import venv, ensurepip' 2>/dev/null || fail "this Python has no venv module: install it (Debian: apt-get install python3-venv)"

# The stamp is written last: whatever an interrupted set-up left behind is not taken for a finished one.
rm -f "$VENV/.ready"
if ! "$VENV/bin/python" -c 'import pip' 2>/dev/null; then
  echo "setup: making $VENV"
  rm -rf "$VENV"
  "$PYTHON" -m venv "$VENV"
fi

log=$(mktemp)
trap 'rm -f "$log"' EXIT
pip() { "$VENV/bin/python" -m pip --disable-pip-version-check "$@"; }
with_uv() { # fast; knows public indexes, its own settings, and the authorities that this system trusts
  pip install --quiet "$(grep '^uv==' requirements.lock)" && "$VENV/bin/uv" --system-certs pip sync --python "$VENV/bin/python" requirements.lock
}
with_pip() { # slower; knows whatever mirror pip is set up for
  "$VENV/bin/python" -m ensurepip && pip install --no-deps -r requirements.lock
}

echo "setup: installing $(grep -c '==' requirements.lock) packages (a quarter of a minute to three minutes, once)"
with_uv >"$log" 2>&1 || { echo "setup: once more, with pip alone"; with_pip >"$log" 2>&1; } || {
  grep -iE 'error' "$log" | tail -n 1 >&2
  fail "the packages could not be installed: is there a network, or a mirror that pip knows of? Then run the same command again"
}
"$VENV/bin/python" -m ensurepip >"$log" 2>&1
pip install --quiet --no-deps --no-build-isolation --editable . >"$log" 2>&1 || {
  tail -n 3 "$log" >&2
  fail "daybreak itself could not be installed, for the reason above"
}
rm -rf -- *.egg-info plugins/*.egg-info # a by-product in which Airflow would find the entry points a second time
touch "$VENV/.ready"
echo "setup: done; $VENV/bin/daybreak is the command"
