#!/usr/bin/env bash
# Builds the image from the work tree, on a Debian 13 base made here: image.sh TAG
# The base is kept in the engine as tfx-vigil-base:debian13. No image registry is asked for anything.
set -euo pipefail
cd "$(dirname "$0")/../.."
tag=$1
base=tfx-vigil-base:debian13
docker=/usr/bin/docker # the distribution's own: it builds with the engine's BuildKit, without a plug-in
[ -x "$docker" ] || docker=docker

scratch=$(mktemp -d)
trap 'rm -rf --one-file-system "$scratch"' EXIT

if ! "$docker" image inspect "$base" >/dev/null 2>&1; then
  tests/docker/debian_root.sh "$scratch/root" python3 ca-certificates netbase tzdata
  tar -C "$scratch/root" -c . | "$docker" import - "$base" >/dev/null
  rm -rf --one-file-system "$scratch/root"
fi

tests/docker/network.sh >"$scratch/env"
secrets=(--secret "id=env,src=$scratch/env")
ca=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
[ ! -r "$ca" ] || secrets+=(--secret "id=ca,src=$ca")
DOCKER_BUILDKIT=1 "$docker" build --network host "${secrets[@]}" --build-arg BASE="$base" \
  --progress plain -f kubeflow/Dockerfile -t "$tag" . >"$scratch/log" 2>&1 || {
  tail -60 "$scratch/log" >&2
  exit 1
}
