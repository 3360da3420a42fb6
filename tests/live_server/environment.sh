#!/usr/bin/env bash
# Makes .uv/live-server, the model server's own environment (500 MB, 10 to 20 s), unless it is there.
set -euo pipefail
cd "$(dirname "$0")/../.."
environment=.uv/live-server
[ "$environment/.complete" -nt requirements/live-server.txt ] && exit

. requirements/tools.sh
uv venv --quiet --clear --python "$(find_python 3.12 3.11 3.10)" "$environment"
uv pip install --quiet --python "$environment" --require-hashes --compile-bytecode \
  -r requirements/live-server.txt
touch "$environment/.complete"
