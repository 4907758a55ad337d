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
trap 'kill $(jobs -p) 2>/dev/null || true; rm -rf "$scratch"' EXIT

stage() { printf '\n== %4d s: %s\n' "$SECONDS" "$1"; }

stage "system packages"
bash .ci/system-packages --tests

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

# Either keeps one core busy, so they share two. Where one fails, the other's outcome is still told.
stage "unit tests, beside contract tests (whose output comes first)"
pytest -m "not slow" tests/unit --durations=10 >"$scratch/unit.txt" 2>&1 &
unit=$!
contract=0
pytest -m "not slow" tests/contract --durations=15 || contract=$?

stage "what the unit tests said"
wait "$unit" && unit=0 || unit=$?
cat "$scratch/unit.txt"
if [ "$unit" != 0 ] || [ "$contract" != 0 ]; then
    exit 1
fi

stage "end-to-end tests"
pytest -m "not slow" tests/endtoend --durations=15

stage "faults: kills, pauses, outages and full disks, over SQLite and PostgreSQL"
pytest -m "not slow" tests/faults --durations=15
