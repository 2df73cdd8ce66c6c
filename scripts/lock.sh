#!/usr/bin/env bash
# Pin everything we install, with hashes, for every Python and platform at once.
#
# A release has to be a week old before it is pinned: most poisoned ones are
# found and withdrawn within days. A security fix need not wait:
#   make lock COOLDOWN="0 days"
#
# No address of an index is written into a lock: where packages come from is
# the machine's business, what they contain is ours.
set -euo pipefail
cd "$(dirname "$0")/.."

uv=${UV:-.venv/bin/uv}
cooldown=${COOLDOWN:-7 days}
export UV_PYTHON_DOWNLOADS=never
export UV_CUSTOM_COMPILE_COMMAND="make lock"

pin() { # pin LOCK INPUT...
    local lock=$1
    shift
    echo "pinning $lock" >&2
    "$uv" pip compile --quiet --universal --python-version 3.11 --no-build \
        --generate-hashes --no-header --no-emit-index-url --no-emit-find-links \
        --exclude-newer "$cooldown" ${UPGRADE:+--upgrade} \
        --output-file "$lock" "$@"
}

pin requirements/uv.txt requirements/uv.in
pin requirements/node.txt requirements/node.in
pin requirements/postgres.txt requirements/postgres.in
pin requirements/dev.txt --all-extras pyproject.toml requirements/dev.in
pin requirements/base.txt --all-extras pyproject.toml --constraint requirements/dev.txt
