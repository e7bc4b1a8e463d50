#!/usr/bin/env bash
# Make .venv: every package of requirements.lock, checked by its hash, and this project in place.
# With uv this takes seconds; uv itself comes out of the lock, too. Without it plain pip does the same in a minute.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/lib.sh

# Two sessions may share a checkout: the second waits, then finds the work done.
if command -v flock >/dev/null 2>&1; then
    exec 9>.setup.lock
    flock 9
fi

stamp=.venv/.stamp
print=$(cat requirements.lock pyproject.toml .ci/setup.sh | cksum)
if [ -x .venv/bin/python ] && [ -e "$stamp" ] && [ "$(cat "$stamp")" = "$print" ]; then
    touch "$stamp"
    exit 0
fi

python=${PYTHON:-python3}
if ! "$python" -c 'import sys; sys.exit(sys.version_info < (3, 11))'; then
    echo "tracker needs Python 3.11 or later; name another with: make setup PYTHON=python3.12" >&2
    exit 1
fi

uv=$(command -v uv || true)
if ! .venv/bin/python -c '' 2>/dev/null; then
    say "making .venv with $("$python" --version)"
    if [ -n "$uv" ]; then
        "$uv" venv --quiet --python "$python" .venv
    else
        if ! "$python" -c 'import ensurepip, venv' 2>/dev/null && can_install; then
            say "installing Debian's package python3-venv"
            apt_install python3-venv || true
        fi
        if ! "$python" -c 'import ensurepip, venv' 2>/dev/null; then
            echo "$python cannot make a virtual environment; on Debian type: sudo apt-get install python3-venv" >&2
            exit 1
        fi
        "$python" -m venv .venv
    fi
fi

if [ -z "$uv" ] && [ -z "${TRACKER_SETUP_WITH_PIP:-}" ]; then
    say "fetching uv"
    awk '/^[a-z]/ { wanted = /^uv==/ } wanted' requirements.lock >.venv/uv.lock
    if .venv/bin/python -m pip install --quiet --no-deps --require-hashes -r .venv/uv.lock; then
        uv=.venv/bin/uv
    fi
fi

say "installing the packages of requirements.lock"
if [ -n "$uv" ]; then
    "$uv" pip install --quiet --python .venv/bin/python --compile-bytecode --require-hashes -r requirements.lock
    "$uv" pip install --quiet --python .venv/bin/python --no-deps --no-build-isolation -e .
else
    .venv/bin/python -m pip install --quiet --require-hashes -r requirements.lock
    .venv/bin/python -m pip install --quiet --no-deps --no-build-isolation -e .
fi

printf '%s\n' "$print" >"$stamp"
say "ready: .venv/bin/tracker"
