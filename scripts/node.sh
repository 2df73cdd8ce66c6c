#!/usr/bin/env bash
# Bring Node 20 or newer, and the npm clients that the emulator is tested with.
#
# The machine's own Node is used where it is new enough and has npm; else the
# pinned wheel is put into the environment.
set -euo pipefail
cd "$(dirname "$0")/.."

clients=tests/foreign/node
export PATH="$PWD/.venv/bin:$PATH"

new_enough() {
    node -e 'process.exit(Number(process.versions.node.split(".")[0]) >= 20 ? 0 : 1)' \
        2> /dev/null && npm --version > /dev/null 2>&1
}

if ! new_enough; then
    echo "node: none from 20 on here; installing the pinned one into .venv"
    .venv/bin/uv pip install --quiet --python .venv/bin/python --no-build --require-hashes \
        -r requirements/node.txt
    hash -r
    new_enough || { echo "node: the pinned Node does not run on this machine" >&2; exit 1; }
fi

installed=$clients/node_modules/.package-lock.json
if [[ -f $clients/package-lock.json && ! $installed -nt $clients/package-lock.json ]]; then
    echo "node: what $clients/package-lock.json pins"
    npm ci --prefix "$clients" --ignore-scripts --no-audit --no-fund --loglevel=error
    touch "$installed"
fi
