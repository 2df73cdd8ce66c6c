#!/usr/bin/env bash
# Run the tests on every CPython from 3.11 that this machine has.
#
# Each has an environment of its own, .venv-3.x. What a browser or Node does
# does not depend on our Python, so those tests are left to `make test`.
set -euo pipefail
cd "$(dirname "$0")/.."

declare -A found=() # minor version -> interpreter

look_at() { # look_at INTERPRETER: remember it, if it is one that we support
    local minor
    minor=$("$1" - 2> /dev/null << 'PY'
import platform, sys, sysconfig
final = sys.version_info.releaselevel == "final"
gil = not sysconfig.get_config_var("Py_GIL_DISABLED")
if platform.python_implementation() == "CPython" and sys.version_info >= (3, 11) and final and gil:
    print(f"{sys.version_info.major}.{sys.version_info.minor}")
PY
    ) || return 0
    [[ -z $minor || -n ${found[$minor]:-} ]] || found[$minor]=$1
}

for interpreter in "${PYENV_ROOT:-$HOME/.pyenv}"/versions/3.*/bin/python \
    python3.11 python3.12 python3.13 python3.14 python3; do
    look_at "$interpreter"
done

[[ ${#found[@]} -gt 0 ]] || { echo "test-all: no CPython from 3.11 on found" >&2; exit 1; }

failed=()
versions=$(printf '%s\n' "${!found[@]}" | sort -V)
for version in $versions; do
    export VENV=.venv-$version
    echo "== CPython $version (${found[$version]})"
    if [[ ! -f $VENV/.ready || pyproject.toml -nt $VENV/.ready ||
        requirements/dev.txt -nt $VENV/.ready ]]; then
        PYTHON=${found[$version]} scripts/setup.sh
    fi
    scripts/test.sh -m "not browser and not node" "$@" || failed+=("$version")
done

if [[ ${#failed[@]} -gt 0 ]]; then
    echo "test-all: FAILED on ${failed[*]}" >&2
    exit 1
fi
echo "test-all: passed on" $versions
