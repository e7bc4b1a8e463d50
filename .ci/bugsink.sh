#!/usr/bin/env bash
# Install Bugsink, a server that speaks Sentry, for the tests alone; never fail where that is not possible.
# It has a virtual environment of its own: it is no dependency of this project, not in its lock, and never shipped.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/lib.sh

wanted=bugsink==2.6.1
folder=.venv-bugsink

if command -v flock >/dev/null 2>&1; then
    exec 9>.setup.lock
    flock 9
fi

stamp=$folder/.stamp
if [ -x "$folder/bin/bugsink-manage" ] && [ "$(cat "$stamp" 2>/dev/null)" = "$wanted" ]; then
    exit 0
fi

install() {
    local uv
    uv=$(command -v uv || { [ -x .venv/bin/uv ] && echo .venv/bin/uv; } || true)
    rm -rf "$folder"
    if [ -n "$uv" ]; then
        "$uv" venv --quiet --python "${PYTHON:-python3}" "$folder" &&
            "$uv" pip install --quiet --python "$folder/bin/python" --compile-bytecode "$wanted"
    else
        "${PYTHON:-python3}" -m venv "$folder" &&
            "$folder/bin/python" -m pip install --quiet "$wanted"
    fi
}

say "installing Bugsink into $folder, for the tests alone"
if install; then
    printf '%s\n' "$wanted" >"$stamp"
else
    rm -rf "$folder"
    say "without Bugsink some tests are skipped: those with a real server that speaks Sentry. To have them: make servers"
fi
