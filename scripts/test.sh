#!/usr/bin/env bash
# Run the tests; the arguments are pytest's. The environment must stand already.
# WORKERS is how many processes share them: one for each core, or 0 for this one alone.
# VENV is another environment than .venv.
set -euo pipefail
cd "$(dirname "$0")/.."
venv=${VENV:-.venv}

browser=$(scripts/browser.sh)
if [[ -n $browser ]]; then
    export INNKEEPER_CHROMIUM=$browser
else
    export INNKEEPER_NO_BROWSER=1
fi
# Tests start hundreds of programs: each compiles nothing anew, and leaves nothing in src/.
unset PYTHONDONTWRITEBYTECODE
export PYTHONPYCACHEPREFIX=$PWD/$venv/pycache
# Thousands of databases wait for no disk where memory has room for them.
if [[ -w /dev/shm ]] && (($(df --output=avail -k /dev/shm | tail -n 1) > 4 * 1024 * 1024)); then
    export TMPDIR=/dev/shm
fi
exec "$venv/bin/python" -m pytest --numprocesses "${WORKERS:-auto}" --dist worksteal "$@"
