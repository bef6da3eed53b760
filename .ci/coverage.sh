#!/usr/bin/env bash
# Line coverage of the kernel, the engine, the log, the auditor and what they stand on, by the tests, with the lines that no test reaches.
#
#     .ci/coverage.sh [--lines]     with --lines, each line that is not reached
#
# cargo-llvm-cov with the distribution's tools, which read the profiles of newer compilers; nothing of rustup's is needed.
set -euo pipefail
cd "$(dirname "$0")/.."

tools="${XDG_CACHE_HOME:-$HOME/.cache}/assize-ci"
if [ ! -x "$tools/bin/cargo-llvm-cov" ]; then
  cargo install --locked --quiet --debug cargo-llvm-cov --version '^0.8' --root "$tools"
fi
. .ci/llvm.sh
if [ -z "$LLVM_COV" ] || [ -z "$LLVM_PROFDATA" ]; then
  printf '\n!! SKIPPED: coverage: needs llvm-cov and llvm-profdata, as of the package llvm-19 or newer\n'
  exit 0
fi
export LLVM_COV LLVM_PROFDATA PATH="$tools/bin:$PATH"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/coverage"
report=$(mktemp)
trap 'rm -f "$report"' EXIT
cargo llvm-cov --locked --all-features --json --output-path "$report" -- --quiet
python3 .ci/coverage.py "$report" "$@"
