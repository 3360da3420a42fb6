#!/usr/bin/env bash
# environment.sh NAME PYTHON...: makes .uv/NAME, an environment of its own, from requirements/NAME.txt
# with the first of the Python versions there is, unless it is there.
set -euo pipefail
cd "$(dirname "$0")/.."
name=$1 environment=.uv/$1
shift
[ "$environment/.complete" -nt "requirements/$name.txt" ] && exit

. requirements/tools.sh
uv venv --quiet --clear --python "$(find_python "$@")" "$environment"
uv pip install --quiet --python "$environment" --require-hashes --compile-bytecode \
  -r "requirements/$name.txt"
touch "$environment/.complete"
