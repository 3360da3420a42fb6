#!/usr/bin/env bash
# Runs a command with a Docker engine: engine.sh COMMAND [argument ...]
# That is the engine which runs already, or else one started for the command alone (docker.io is
# installed when it is missing) with its own socket and data, all gone afterwards. Such an engine has
# no bridge and leaves the machine's network as it is: containers get `none` or `host`.
set -euo pipefail

if ! command -v dockerd >/dev/null && ! docker info >/dev/null 2>&1; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq docker.io >/dev/null
fi
if docker info >/dev/null 2>&1; then
  exec "$@"
fi

scratch=$(mktemp -d)
chmod 711 "$scratch"
export DOCKER_HOST=unix://$scratch/docker.sock
dockerd --host "$DOCKER_HOST" --data-root "$scratch/data" --exec-root "$scratch/exec" \
  --pidfile "$scratch/docker.pid" --bridge none --iptables=false --ip-forward=false \
  >"$scratch/log" 2>&1 &
engine=$!

stop() {
  kill "$engine" 2>/dev/null || true
  wait "$engine" 2>/dev/null || true
  rm -rf --one-file-system "$scratch"
}
trap stop EXIT
trap 'exit 130' INT TERM

until docker info >/dev/null 2>&1; do
  if ! kill -0 "$engine" 2>/dev/null; then
    tail -20 "$scratch/log" >&2
    echo "No Docker engine runs and none could be started (see above); starting one needs root." >&2
    exit 1
  fi
  sleep 0.3
done
"$@"
