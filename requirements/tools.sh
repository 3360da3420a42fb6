# What the scripts here share, to be sourced from the root of the repository: say, find_python, uv.

say() { printf '\033[1m%s\033[0m\n' "$*" >&2; }

find_python() { # an interpreter of the first version in "$@" there is, pyenv's dormant ones included
  local version candidate
  for version in "$@"; do
    for candidate in "$(command -v "python$version" || true)" \
      "${PYENV_ROOT:-$HOME/.pyenv}"/versions/"$version".*/bin/python; do
      if [ -x "$candidate" ] && "$candidate" -c "import sys; sys.exit('%d.%d' % sys.version_info[:2] != '$version')" 2>/dev/null; then
        echo "$candidate"
        return
      fi
    done
  done
  echo "$1" # none here: uv downloads one where it may
}

if python3 -m uv --version >/dev/null 2>&1; then
  uv() { python3 -m uv "$@"; }
elif ! command uv --version >/dev/null 2>&1; then
  [ -x .uv/bin/uv ] || {
    say "Installing uv into .uv ..."
    python3 -m venv .uv && .uv/bin/python -m pip install --quiet uv
  } || {
    say "uv is missing and could not be installed: run 'apt-get install python3-venv' (or install uv yourself) and call make again."
    exit 1
  }
  uv() { .uv/bin/uv "$@"; }
fi
