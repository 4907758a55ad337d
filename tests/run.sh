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
# Against the package as it is: a benchmark runs rarely, and must not have rotted by then.
mypy --no-warn-return-any --no-warn-unused-ignores benchmarks

stage "example study files"
# FER-2013 is the user's to import, so the embedded faces stand in for it.
for file in search_spaces/*.yaml; do
    echo "hpo run $file --dry-run --set data.dataset=drawn-faces"
    hpo --home "$scratch" run "$file" --dry-run --set data.dataset=drawn-faces >/dev/null
done

# Unit and contract tests keep one core busy and end-to-end tests the other. Where one lane fails,
# the other's outcome is still told.
stage "unit and contract tests, beside end-to-end tests (told when both are done)"
echo 1 | tee "$scratch/unit_and_contract" >"$scratch/end_to_end"  # until they say otherwise
lane() { "$@" && echo 0 >"$scratch/$1" || echo 1 >"$scratch/$1"; }
unit_and_contract() {
    local failed=0
    pytest -m "not slow" tests/unit --durations=10 || failed=1
    pytest -m "not slow" tests/contract --durations=15 || failed=1
    return "$failed"
}
end_to_end() { pytest -m "not slow" tests/endtoend --durations=15; }
lane end_to_end >"$scratch/endtoend.txt" 2>&1 &
lane unit_and_contract
stage "what the end-to-end tests said"
wait
cat "$scratch/endtoend.txt"
if [ "$(cat "$scratch/unit_and_contract" "$scratch/end_to_end" | sort -u)" != 0 ]; then
    exit 1
fi

stage "faults: kills, pauses, outages and full disks, over SQLite and PostgreSQL"
pytest -m "not slow" tests/faults --durations=15
