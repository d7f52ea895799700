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
echo "setup: installing $(grep -c '==' requirements.lock) packages (half a minute to three, once)"
uv_pin=$(grep '^uv==' requirements.lock)
if "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check "$uv_pin" >"$log" 2>&1 &&
  "$VENV/bin/uv" pip sync --python "$VENV/bin/python" requirements.lock >>"$log" 2>&1; then
  :
else # an index that only pip is set up for
  "$VENV/bin/python" -m pip --version >/dev/null 2>&1 || "$VENV/bin/python" -m ensurepip >/dev/null
  "$VENV/bin/python" -m pip install --disable-pip-version-check --progress-bar on --no-deps -r requirements.lock 2>&1 |
    tee -a "$log" | grep --line-buffered -E '^(Collecting|Installing)' || true
  [ "${PIPESTATUS[0]}" -eq 0 ] ||
    { tail -3 "$log" >&2; fail "the packages could not be installed: is there a network, or a mirror that pip knows of? Run 'make setup' again then"; }
fi
"$VENV/bin/python" -m ensurepip --upgrade >/dev/null 2>&1 || true
"$VENV/bin/uv" pip install --python "$VENV/bin/python" --quiet --no-deps --editable . >"$log" 2>&1 ||
  "$VENV/bin/python" -m pip install --quiet --disable-pip-version-check --no-deps --editable . >>"$log" 2>&1 ||
  { tail -3 "$log" >&2; fail "daybreak itself could not be installed: see the lines above"; }
touch "$VENV/.ready"
echo "setup: done; $VENV/bin/daybreak is the command"
