#!/usr/bin/env bash
# Makes a Debian 13 root in a folder: debian_root.sh FOLDER [package ...]   (as root; about 30 s)
# The root holds nothing of the machine it was made on.
set -euo pipefail
root=$1
shift
packages=$(IFS=,; echo "${*:-ca-certificates}")

if ! command -v debootstrap >/dev/null; then
  apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq debootstrap >/dev/null
fi
log=$(mktemp)
trap 'rm -f "$log"' EXIT
debootstrap --variant=minbase --include="$packages" trixie "$root" >"$log" 2>&1 || {
  tail -20 "$log" "$root/debootstrap/debootstrap.log" >&2 || true
  echo "debootstrap could not make a Debian 13 root in $root (see above)." >&2
  exit 1
}
rm -rf "$root"/var/cache/apt/* "$root"/var/lib/apt/lists/* "$root"/var/log/* \
  "$root"/usr/share/{doc,info,locale,man}/* "$root"/etc/{resolv.conf,hostname}
printf '127.0.0.1\tlocalhost\n::1\tlocalhost\n' >"$root/etc/hosts"
