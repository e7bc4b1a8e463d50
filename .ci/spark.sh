#!/usr/bin/env bash
# Install Spark into .venv, and Java, for the tests of `--engine spark`; never fail where that is not possible.
# Apart from requirements.lock because it is half a gigabyte that nothing else needs.
set -euo pipefail
cd "$(dirname "$0")/.."
. .ci/lib.sh

if ! command -v java >/dev/null 2>&1 && can_install; then
    say "installing Debian's package default-jre-headless"
    apt_install default-jre-headless || true
fi
if command -v java >/dev/null 2>&1 && ! .venv/bin/python -c 'import pyspark' 2>/dev/null; then
    say "installing the packages of requirements-spark.lock"
    uv=$(command -v uv || echo .venv/bin/uv)
    if [ -x "$uv" ]; then
        "$uv" pip install --quiet --python .venv/bin/python --no-deps --require-hashes -r requirements-spark.lock || true
    else
        .venv/bin/python -m pip install --quiet --no-deps --require-hashes -r requirements-spark.lock || true
    fi
fi
.venv/bin/python -c 'import pyspark' 2>/dev/null && command -v java >/dev/null 2>&1 ||
    say "without Java and pyspark the tests with a real Spark are skipped"
