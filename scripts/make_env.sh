#!/bin/sh
# Writes .env for docker-compose.yaml: .env.example with new secrets. Never overwrites one.
#   sh scripts/make_env.sh              Opsgenie's key and Slack's token are left for you to fill in
#   sh scripts/make_env.sh --sandbox    both lead to the stand-ins, which are started too
set -eu
example="$(dirname "$0")/../.env.example"
target="${ENV_FILE:-$(dirname "$0")/../.env}"

fail() { printf 'make_env: %s\n' "$1" >&2; exit "$2"; }
[ $# -eq 0 ] || [ "$*" = --sandbox ] || fail "usage: make_env.sh [--sandbox]" 2
[ ! -e "$target" ] || fail "$target is there already: move it away first (the old secrets open the old volumes)" 1

random() { od -An -N32 -tx1 /dev/urandom | tr -d ' \n'; }
fernet() { head -c 32 /dev/urandom | base64 | tr '+/' '-_' | tr -d '\n'; } # 32 bytes, base64 for URLs

umask 077
while IFS= read -r line; do
  case "$line" in
    FERNET_KEY=) line="FERNET_KEY=$(fernet)" ;;
    OPSGENIE_API_KEY=|SLACK_BOT_TOKEN=) [ $# -eq 0 ] || line="$line$(random)" ;;
    [A-Z]*_PASSWORD=|[A-Z]*_SECRET=|[A-Z]*_SECRET_KEY=) line="$line$(random)" ;;
    '#OPSGENIE_API_URL='*) [ $# -eq 0 ] || line=OPSGENIE_API_URL=http://sandbox:8095 ;;
    '#SLACK_API_URL='*) [ $# -eq 0 ] || line=SLACK_API_URL=http://sandbox:8095/api/ ;;
    '#ALLOW_HTTP='*) [ $# -eq 0 ] || line=ALLOW_HTTP=sandbox ;;
    '#COMPOSE_PROFILES='*) [ $# -eq 0 ] || line=COMPOSE_PROFILES=sandbox ;;
  esac
  printf '%s\n' "$line"
done < "$example" > "$target.partial"
mv "$target.partial" "$target"

printf 'make_env: wrote %s\n' "$target"
if [ $# -eq 0 ]; then
  echo 'make_env: now put in OPSGENIE_API_KEY, SLACK_BOT_TOKEN and AIRFLOW_URL'
else
  echo 'make_env: now `docker compose up --detach`; Airflow is http://localhost:8080 (admin, with ADMIN_PASSWORD of that file),'
  echo 'make_env: the stand-ins are http://localhost:8095'
fi
