#!/usr/bin/env bash
# Do the report and its pictures come out the same on aarch64? Plays the demo there, under emulation,
# with the locked versions, and compares. Not part of CI: it needs root, apt and some 20 s of emulation.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/lib.sh
here=$PWD
work=$(mktemp -d)
added=
trap 'rm -rf "$work"; [ -z "$added" ] || { dpkg --remove-architecture arm64 && apt-get update -qq; }' EXIT

command -v qemu-aarch64-static >/dev/null || apt_install qemu-user-static
dpkg --print-foreign-architectures | grep -qx arm64 || { dpkg --add-architecture arm64; added=1; apt-get update -qq; }
mkdir "$work/debs" "$work/root" "$work/site"
(
    cd "$work/debs"
    apt-get download -qq libc6:arm64 libgcc-s1:arm64 libstdc++6:arm64 zlib1g:arm64 libexpat1:arm64 libssl3:arm64 \
        libffi8:arm64 libbz2-1.0:arm64 liblzma5:arm64 libsqlite3-0:arm64 libcrypt1:arm64 libuuid1:arm64 \
        python3.11-minimal:arm64 libpython3.11-minimal:arm64 libpython3.11-stdlib:arm64 2>/dev/null
    for package in *.deb; do dpkg -x "$package" "$work/root"; done
)
# The wheels of exactly the locked versions; what only tests need, and psycopg, are left out.
.venv/bin/python - >"$work/wanted" <<'PYTHON'
import re
from importlib.metadata import version
names = """brotli certifi charset-normalizer contourpy cycler dateparser deprecated eventsourcing fonttools httmock idna
kiwisolver matplotlib msgspec numpy packaging pandas pcodec pillow prometheus-api-client pyparsing python-dateutil pytz regex
requests sentry-sdk six tqdm typing-extensions tzdata tzlocal urllib3""".split()
locked = set(re.findall(r"^([a-z0-9-]+)==", open("requirements.lock").read(), re.M))
print("\n".join(f"{name}=={version(name)}" for name in names if name in locked))
PYTHON
.venv/bin/uv pip install --quiet --target "$work/site" --python-platform aarch64-unknown-linux-gnu --python-version 3.11 \
    --no-deps --only-binary :all: -r "$work/wanted"
PYTHONPATH="$here:$work/site" PYTHONDONTWRITEBYTECODE=1 \
    qemu-aarch64-static -L "$work/root" "$work/root/usr/bin/python3.11" -m tracker demo "$work/aarch64" >/dev/null
.venv/bin/tracker demo "$work/here" >/dev/null
for file in INC-42.md $(cd "$work/here" && echo INC-42/*); do
    cmp "$work/aarch64/$file" "$work/here/$file" && echo "the same on aarch64 and $(uname -m): $file"
done
