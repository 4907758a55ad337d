#!/usr/bin/env bash
# Set up a test environment in .venv and check everything, fast checks first.
#
#   bash tests/run.sh
#
# Needs Python 3.11 and a package index that pip can reach. As root (or with sudo) on Debian and
# Ubuntu it installs the system packages that are missing; elsewhere it says which they are.
# Each stage is headed by the seconds since the start. The last line is pytest's summary.
set -euo pipefail
cd "$(dirname "${BASH_SOURCE[0]}")/.."

scratch=$(mktemp -d)
trap 'rm -rf "$scratch"' EXIT

stage() { printf '\n== %4d s: %s\n' "$SECONDS" "$1"; }
fail() {
    printf 'Error: %s\n' "$1" >&2
    exit 3
}

has_library() { { ldconfig -p 2>/dev/null || /sbin/ldconfig -p; } | grep --quiet --fixed-strings "$1"; }
has_browser() {
    local name
    for name in chromium chromium-browser google-chrome google-chrome-stable chrome; do
        command -v "$name" >/dev/null && return 0
    done
    return 1
}

# OpenCV links libGL and GLib, which slim images lack; figures become PNGs in a browser.
missing_packages() {
    if ! command -v python3.11 >/dev/null; then
        echo python3.11 python3.11-venv
    elif ! python3.11 -c 'import ensurepip' 2>/dev/null; then
        echo python3.11-venv
    fi
    has_library libGL.so.1 || echo libgl1
    has_library libglib-2.0.so.0 || echo libglib2.0-0
    has_browser || echo chromium fonts-dejavu-core
    command -v git >/dev/null || echo git
}

install_packages() {
    local sudo=()
    if [ "$(id -u)" -ne 0 ]; then
        command -v sudo >/dev/null && sudo --non-interactive true 2>/dev/null || return 1
        sudo=(sudo)
    fi
    command -v apt-get >/dev/null || return 1
    "${sudo[@]}" apt-get update --quiet --quiet
    "${sudo[@]}" env DEBIAN_FRONTEND=noninteractive \
        apt-get install --yes --quiet --quiet --no-install-recommends "$@"
}

stage "system packages"
read -r -a packages <<<"$(missing_packages | tr '\n' ' ')"
if [ "${#packages[@]}" -gt 0 ]; then
    echo "installing ${packages[*]}"
    install_packages "${packages[@]}" >/dev/null ||
        fail "cannot install ${packages[*]}. Install them with your package manager, then run this again."
fi

stage "python environment (.venv)"
if [ ! -x .venv/bin/python ]; then
    python3.11 -m venv .venv
fi
.venv/bin/pip install --quiet --constraint constraints.txt --editable ".[dev]"
.venv/bin/pip check
export PATH="$PWD/.venv/bin:$PATH"

# A person's own settings must not reach the tests.
unset HPO_STORAGE MLFLOW_TRACKING_URI COLUMNS FORCE_COLOR NO_COLOR

stage "format and lint"
ruff format --check .
ruff check .

stage "architecture contract"
lint-imports

stage "types"
mypy

stage "example study files"
# FER-2013 is the user's to import, so the embedded faces stand in for it.
for file in search_spaces/*.yaml; do
    echo "hpo run $file --dry-run --set data.dataset=drawn-faces"
    hpo --home "$scratch" run "$file" --dry-run --set data.dataset=drawn-faces >/dev/null
done

stage "unit tests"
pytest tests/unit --durations=10

stage "contract and end-to-end tests"
pytest tests/contract tests/endtoend --durations=15
