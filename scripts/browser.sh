#!/usr/bin/env bash
# Print the path of a Chromium for the browser tests; install Debian's if we may.
#
# The one without a window comes first: the same pages, drawn in three fifths of the time.
#
# Prints nothing where there is none and we may not install one, or where
# INNKEEPER_NO_BROWSER=1 asks for none: the browser tests are then skipped.
set -euo pipefail

find_browser() {
    local name
    for name in chromium-headless-shell chromium chromium-browser google-chrome-stable google-chrome; do
        command -v "$name" && return
    done
    return 1
}

apt_install() {
    apt-get install -y -qq --no-install-recommends "$@" fonts-liberation
}

say() { printf '%s\n' "$@" >&2; }

if [[ ${INNKEEPER_NO_BROWSER:-0} == 1 ]]; then
    say "browser: INNKEEPER_NO_BROWSER=1, so the browser tests are SKIPPED"
elif find_browser; then
    :
elif [[ $(id -u) == 0 ]] && command -v apt-get > /dev/null; then
    say "browser: installing Debian's chromium"
    export DEBIAN_FRONTEND=noninteractive
    if ! { apt-get update -qq && { apt_install chromium-headless-shell || apt_install chromium; }; } >&2; then
        say "browser: that failed. Install chromium by hand and repeat," \
            "         or go without: INNKEEPER_NO_BROWSER=1 make test"
        exit 1
    fi
    find_browser
else
    say "" \
        "************************************************************************" \
        "  No Chromium here, and only root may install one." \
        "  The browser tests are SKIPPED: what they cover is NOT tested." \
        "  To run them:  sudo apt-get install chromium   and repeat." \
        "************************************************************************" \
        ""
fi
