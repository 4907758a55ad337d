#!/usr/bin/env bash
# Set up a test environment in .venv and check everything.
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

# Tests wait for processes, databases and browsers for about half of their time, so four suites at a
# time keep two cores busy; the longest begin. Where one fails, the others run all the same, and what
# they said is told.
# Faults: kills, pauses, outages and full disks, over SQLite and PostgreSQL.
declare -A paths=(
    [endtoend]="tests/endtoend"
    [contract a-k]="tests/contract/test_[a-k]*"
    [contract l-z]="tests/contract/test_[!a-k]*"
    [faults a-k]="tests/faults/test_[a-k]*"
    [faults l-z]="tests/faults/test_[!a-k]*"
    [unit a-r]="tests/unit/[a-r]*"
    [unit s-z]="tests/unit/[!a-r]*"
)
suites=(
    endtoend "contract a-k" "faults l-z" "faults a-k" "contract l-z" "unit s-z" "unit a-r"
)
stage "faults, contract, end-to-end and unit tests, four suites at a time"
check() {
    # shellcheck disable=SC2086  # The patterns are to be expanded.
    pytest -m "not slow" ${paths[$1]} --durations=15 >"$scratch/$1.txt" 2>&1 &&
        echo passed >"$scratch/$1"
    printf '%4d s: %s: %s\n' "$SECONDS" "$1" "$(tail -n 1 "$scratch/$1.txt")"
}
for suite in "${suites[@]}"; do
    while [ "$(jobs -rp | wc -l)" -ge 4 ]; do wait -n; done
    check "$suite" &
done
wait
# Those that failed are told last, where one looks.
tell() {
    stage "what the $1 tests said"
    cat "$scratch/$1.txt"
}
failed=()
for suite in "${suites[@]}"; do
    if [ -e "$scratch/$suite" ]; then tell "$suite"; else failed+=("$suite"); fi
done
for suite in "${failed[@]}"; do
    tell "$suite"
done
[ "${#failed[@]}" = 0 ]
