#!/usr/bin/env bash
# Makes .venv with the locked requirements and tfx_vigil itself (editable).
# PYTHON=3.12 or PYTHON=/path/to/python overrides the choice of interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

. requirements/tools.sh

# TFX 1.21's wheels need glibc 2.39; older systems get TFX 1.16, which needs Python 3.10.
glibc=$({ getconf GNU_LIBC_VERSION || true; } 2>/dev/null | cut -d' ' -f2)
if [ -n "$glibc" ] && [ "$(printf '%s\n2.39\n' "$glibc" | sort -V | head -1)" = 2.39 ]; then
  fitting="3.13 3.12 3.11"
else
  fitting="3.10"
fi

python=${PYTHON:-}
if [ -z "$python" ]; then
  python=$(find_python $fitting)
elif [[ $python =~ ^3\.[0-9]+$ ]]; then
  python=$(find_python "$python")
fi

say "Making .venv with $python ..."
uv venv --quiet --clear --python "$python" .venv || {
  say "No fitting Python: on this system (glibc ${glibc:-unknown}) tfx-vigil needs Python ${fitting// / or }; install it, for example with 'uv python install ${fitting%% *}', or name one with 'make PYTHON=/path/to/python'."
  exit 1
}
say "Installing the locked requirements (about 3 GB, a minute or two) ..."
uv pip install --python .venv --require-hashes --compile-bytecode -r requirements/dev.txt || {
  say "Not every requirement could be installed. If pyfarmhash could not be built (TFX 1.21 needs it from source): 'apt-get install g++ python3-dev', then call make again."
  exit 1
}
uv pip install --python .venv --quiet --no-deps --editable .
touch .venv/.complete
say "Ready: .venv/bin/tfx-vigil"
