#!/usr/bin/env bash
# Makes .venv with the locked requirements and tfx_vigil itself (editable).
# PYTHON=3.12 or PYTHON=/path/to/python overrides the choice of interpreter.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

# TFX 1.21's wheels need glibc 2.39; older systems get TFX 1.16, which needs Python 3.10.
glibc=$({ getconf GNU_LIBC_VERSION || true; } 2>/dev/null | cut -d' ' -f2)
if [ -n "$glibc" ] && [ "$(printf '%s\n2.39\n' "$glibc" | sort -V | head -1)" = 2.39 ]; then
  fitting="3.13 3.12 3.11"
else
  fitting="3.10"
fi

find_python() { # the first interpreter of version $1, pyenv's dormant ones included
  local candidate
  for candidate in "$(command -v "python$1" || true)" \
    "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$1".*/bin/python; do
    if [ -x "$candidate" ] && "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$1')" 2>/dev/null; then
      echo "$candidate"
      return
    fi
  done
}

python=${PYTHON:-}
if [ -z "$python" ]; then
  for version in $fitting; do
    python=$(find_python "$version")
    [ -n "$python" ] && break
  done
  python=${python:-${fitting%% *}} # none here: uv downloads one where it may
elif [[ $python =~ ^3\.[0-9]+$ ]]; then
  python=$(find_python "$python")
  python=${python:-$PYTHON}
fi

if python3 -m uv --version >/dev/null 2>&1; then
  uv() { python3 -m uv "$@"; }
elif ! command uv --version >/dev/null 2>&1; then
  say "Installing uv into .uv ..."
  python3 -m venv .uv && .uv/bin/python -m pip install --quiet uv || {
    say "uv is missing and could not be installed: run 'apt-get install python3-venv' (or install uv yourself) and call make again."
    exit 1
  }
  uv() { .uv/bin/uv "$@"; }
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
