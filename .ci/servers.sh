#!/usr/bin/env bash
# Install the real servers that some tests talk to, and the tools that press them, where that is possible; never fail where it is not.
# Nothing of theirs is left running: each test starts its own, on loopback, in a folder of its own.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/lib.sh

PATH=$PATH:/usr/sbin:/sbin

missing() {
    command -v prometheus >/dev/null 2>&1 && command -v promtool >/dev/null 2>&1 || echo prometheus
    command -v prometheus-alertmanager >/dev/null 2>&1 || command -v alertmanager >/dev/null 2>&1 ||
        echo prometheus-alertmanager
    command -v postgres >/dev/null 2>&1 || ls /usr/lib/postgresql/*/bin/postgres >/dev/null 2>&1 ||
        echo postgresql
    command -v wrk >/dev/null 2>&1 || echo wrk
    command -v chromium >/dev/null 2>&1 || command -v chromium-browser >/dev/null 2>&1 ||
        command -v google-chrome >/dev/null 2>&1 || echo chromium
    ls /usr/lib/*/faketime/libfaketimeMT.so.1 >/dev/null 2>&1 || echo faketime
}

# One word a line, and no blank in any of them.
wanted=$(missing)
[ -n "$wanted" ] || exit 0

if can_install; then
    say "installing Debian's packages" $wanted
    # shellcheck disable=SC2086
    apt_install $wanted || for package in $wanted; do apt_install "$package" || true; done
fi

for package in $(missing); do
    case $package in
    prometheus) tests="those with a real Prometheus" ;;
    prometheus-alertmanager) tests="those with a real Alertmanager" ;;
    postgresql) tests="those with a log in PostgreSQL" ;;
    wrk) tests="the benchmark of tracker serve" ;;
    chromium) tests="those that look at the report's page as a browser shows it" ;;
    faketime) tests="those with a clock that jumps" ;;
    esac
    say "without $package some tests are skipped: $tests. To have them: sudo apt-get install $package"
done
