#!/usr/bin/env bash
# Install Sentry's SDK for Node, with which some tests report to `tracker serve`, and axe-core, which looks at its page;
# never fail where that is not possible.
# It goes into tests/server/node/node_modules, which git ignores. `make servers` calls this.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/lib.sh

folder=tests/server/node
tests="those with a real @sentry/node, and the one that looks for obstacles in the page"

major() { node -p 'process.versions.node.split(".")[0]' 2>/dev/null || echo 0; }

# The newest SDK wants Node 20; Debian 12 has Node 18.
wanted() { [ "$(major)" -ge 20 ] && echo 11.12.0 || echo 10.78.0; }

# It runs in the browser: no version of Node matters to it.
axe=4.14.1

installed() {
    node -p "require('./$folder/node_modules/$1/package.json').version" 2>/dev/null || echo none
}

if [ "$(major)" -lt 18 ] || ! command -v npm >/dev/null 2>&1; then
    if can_install; then
        say "installing Debian's packages nodejs npm"
        apt_install nodejs npm || true
    fi
fi
if [ "$(major)" -lt 18 ] || ! command -v npm >/dev/null 2>&1; then
    say "without Node 18 or newer and npm some tests are skipped: $tests. To have them: sudo apt-get install nodejs npm"
    exit 0
fi

version=$(wanted)
[ "$(installed @sentry/node)" != "$version" ] || [ "$(installed axe-core)" != "$axe" ] || exit 0
say "installing @sentry/node $version and axe-core $axe"
npm install --prefix "$folder" --no-save --no-package-lock --no-audit --no-fund --ignore-scripts \
    --loglevel=error "@sentry/node@$version" "axe-core@$axe" </dev/null >/dev/null ||
    say "without them some tests are skipped: $tests. To have them: bash .ci/node_sdk.sh"
