#!/usr/bin/env bash
# Measure branch coverage: all of it where we decide, nine tenths elsewhere.
set -euo pipefail
cd "$(dirname "$0")/.."

scripts/test.sh --cov --cov-report= "$@"
.venv/bin/coverage report --include='src/innkeeper/wire/*,src/innkeeper/flows/*' --fail-under=100
.venv/bin/coverage report --fail-under=90
