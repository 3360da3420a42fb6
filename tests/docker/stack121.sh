#!/usr/bin/env bash
# Runs the quick and the end-to-end tests on the TFX 1.21 stack: in a Debian 13 root made for them,
# where this machine's own environment has the older stack. As root; the root is removed afterwards.
set -euo pipefail
cd "$(dirname "$0")/../.."

tfx=$(.venv/bin/python -c 'import importlib.metadata as m; print(m.version("tfx"))')
if [[ $tfx == 1.21.* ]]; then
  echo "This machine's own environment has TFX $tfx: 'make test' runs on that stack."
  exit 0
fi

root=$(mktemp -d)
trap 'rm -rf --one-file-system "$root"' EXIT
trap 'exit 130' INT TERM

echo "Making a Debian 13 root ..."
tests/docker/debian_root.sh "$root" python3 python3-venv python3-dev gcc g++ libgomp1 \
  ca-certificates kubectl make
mkdir "$root/srv/tfx-vigil"
git ls-files -z --cached --others --exclude-standard |
  while IFS= read -rd '' file; do [ ! -e "$file" ] || printf '%s\0' "$file"; done |
  tar --null --files-from - -c | tar -C "$root/srv/tfx-vigil" -x --no-same-owner
cp -L /etc/resolv.conf "$root/etc/"
ca=${SSL_CERT_FILE:-/etc/ssl/certs/ca-certificates.crt}
[ ! -r "$ca" ] || cp -L "$ca" "$root/etc/ssl/certs/ca-certificates.crt"

{
  echo 'set -eu'
  tests/docker/network.sh
  cat <<'INSIDE'
cd /srv/tfx-vigil
make venv
.venv/bin/python -c 'import sys, tfx; print("TFX", tfx.__version__, "on Python", sys.version.split()[0])'
exec make test
INSIDE
} >"$root/srv/suite.sh"

# Mounts and processes live in namespaces of their own and end with them.
unshare --mount --pid --fork --kill-child --propagation private bash -euc '
  mount -t proc proc "$0/proc"
  mount --rbind /dev "$0/dev"
  exec chroot "$0" /usr/bin/env -i HOME=/root LANG=C.UTF-8 PATH=/usr/local/bin:/usr/bin:/bin \
    SSL_CERT_FILE=/etc/ssl/certs/ca-certificates.crt PIP_CERT=/etc/ssl/certs/ca-certificates.crt \
    UV_HTTP_TIMEOUT=180 bash /srv/suite.sh
' "$root"
