# Shared by the scripts beside it. Sourced, never run.

say() { printf '== %s\n' "$*"; }

# Run a command as root, if that is possible without asking anybody; 125 if not.
as_root() {
    if [ "$(id -u)" = 0 ]; then
        "$@"
    elif command -v sudo >/dev/null 2>&1 && sudo -n true 2>/dev/null; then
        sudo -n "$@"
    else
        return 125
    fi
}

can_install() {
    command -v apt-get >/dev/null 2>&1 && as_root true
}

# Install Debian packages and leave no service of theirs running.
# A policy-rc.d that answers 101 keeps them down. It is taken away again, unless it was there before.
apt_install() {
    local policy=/usr/sbin/policy-rc.d ours=no status=0
    if ! [ -e "$policy" ]; then
        ours=yes
        printf '#!/bin/sh\nexit 101\n' | as_root tee "$policy" >/dev/null
        as_root chmod 755 "$policy"
        # shellcheck disable=SC2064
        trap "as_root rm -f '$policy'" EXIT
    fi
    as_root apt-get update -qq || true # an old list may still do
    as_root env DEBIAN_FRONTEND=noninteractive \
        apt-get install -y -qq --no-install-recommends "$@" </dev/null >/dev/null || status=$?
    if [ "$ours" = yes ]; then
        as_root rm -f "$policy"
        trap - EXIT
    fi
    return "$status"
}
