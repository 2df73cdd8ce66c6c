#!/usr/bin/env bash
# Build an environment that holds exactly what the lock says, and the package itself.
#
# Needs a Python with pip, nothing else. VENV names the folder (.venv), PYTHON
# the interpreter (else the first one here that is new enough).
set -euo pipefail
cd "$(dirname "$0")/.."

venv=${VENV:-.venv}
python=$venv/bin/python
export UV_PYTHON_DOWNLOADS=never
export PIP_DISABLE_PIP_VERSION_CHECK=1
export PATH=":$PATH:"
PATH=${PATH//":$PWD/.venv/bin:"/:} # the environment is not what it is built from
PATH=${PATH#:} PATH=${PATH%:}

recent() { # recent INTERPRETER: does it run, and is it new enough?
    "$1" -c 'import sys; sys.exit(sys.version_info < (3, 11))' 2> /dev/null
}

find_python() {
    local candidate
    for candidate in ${PYTHON:-python3 python3.11 python3.12 python3.13 python}; do
        if recent "$candidate"; then
            "$candidate" -c 'import sys; print(sys.executable)'
            return
        fi
    done
    echo "setup: no Python 3.11 or newer found${PYTHON:+ as $PYTHON}." >&2
    echo "       Install one, or name it: make setup PYTHON=/path/to/python3.11" >&2
    exit 1
}

create() {
    local base
    base=$(find_python)
    echo "setup: $venv with $("$base" --version)"
    # Without pip, so that it also works where the distribution split ensurepip off.
    if "$base" -m pip --version > /dev/null 2>&1; then
        "$base" -m venv --clear --without-pip "$venv"
        "$base" -m pip --python "$python" install --quiet --require-hashes -r requirements/uv.txt
    else
        "$base" -m venv --clear "$venv"
        "$python" -m pip install --quiet --require-hashes -r requirements/uv.txt
    fi
}

pinned_uv() { # is the uv in the environment the one that the lock names?
    local wanted
    wanted=$(sed -n 's/^uv==\([^ ]*\).*/\1/p' requirements/uv.txt)
    [[ $("$venv/bin/uv" --version 2> /dev/null) == "uv $wanted"* ]]
}

fill() {
    echo "setup: what requirements/dev.txt pins"
    if "$venv/bin/uv" pip sync --quiet --python "$python" --no-build --require-hashes \
        requirements/dev.txt; then
        return
    fi
    # uv does not read pip's own configuration, where a mirror may be set.
    echo "setup: uv could not; trying pip" >&2
    "$(find_python)" -m pip --python "$python" install --quiet --only-binary :all: \
        --require-hashes -r requirements/dev.txt
}

recent "$python" && pinned_uv || create
fill
"$venv/bin/uv" pip install --quiet --python "$python" --offline --no-deps --no-build-isolation \
    --editable .
touch "$venv/.ready"
echo "setup: done"
