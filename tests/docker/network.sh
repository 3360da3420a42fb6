#!/usr/bin/env bash
# Prints, as lines `export NAME='value'`, how this machine reaches its package indexes, for a build
# that runs in a container or another root. Settings that point at local files stay behind.
set -euo pipefail

say() { printf "export %s='%s'\n" "$1" "${2//\'/\'\\\'\'}"; }

for name in PIP_INDEX_URL PIP_EXTRA_INDEX_URL PIP_TRUSTED_HOST PIP_DEFAULT_TIMEOUT UV_DEFAULT_INDEX \
  UV_INDEX UV_INDEX_URL UV_EXTRA_INDEX_URL UV_INSECURE_HOST UV_HTTP_TIMEOUT \
  {http,https,all,no}_proxy {HTTP,HTTPS,ALL,NO}_PROXY; do
  case ${!name-} in
    "" | /* | file:*) ;;
    *) say "$name" "${!name}" ;;
  esac
done
index=$(python3 -m pip config get global.index-url 2>/dev/null || true)
if [ -n "$index" ] && [ -z "${PIP_INDEX_URL-}" ]; then
  say PIP_INDEX_URL "$index"
  [ -n "${UV_DEFAULT_INDEX-}${UV_INDEX_URL-}" ] || say UV_DEFAULT_INDEX "$index"
fi
