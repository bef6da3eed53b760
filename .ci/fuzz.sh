#!/usr/bin/env bash
# The fuzz targets of fuzz/, under AddressSanitizer with the library's assertions and overflow checks on.
#
#   .ci/fuzz.sh [SECONDS]           builds all targets and runs each for so long (20), from a copy of its corpus
#   .ci/fuzz.sh coverage [FOLDER]   what the corpora in FOLDER (fuzz/corpus) reach of decoders and recovery, by module
#   .ci/fuzz.sh merge FOLDER        adds to the committed corpora the smallest of FOLDER/<target> that reach more
#
# TARGETS="a b" does it for some of them; FUZZ_KEEP=FOLDER keeps the corpora that grew, one folder a target.
# Nothing but `merge` writes into the committed corpora.
set -euo pipefail
cd "$(dirname "$0")/.."

triple=x86_64-unknown-linux-gnu
if [ "$(uname -sm)" != "Linux x86_64" ] || ! cargo +nightly --version > /dev/null 2>&1; then
  printf '\n!! SKIPPED: fuzzing: needs a nightly toolchain on x86-64 Linux\n'
  exit 0
fi
targets=${TARGETS:-$(cd fuzz/fuzz_targets && basename -s .rs -- *.rs)}
built=${CARGO_TARGET_DIR:-fuzz/target}
place=$(mktemp -d)
trap 'rm -rf "$place"' EXIT

# What `cargo fuzz` would pass. Not `--cfg fuzzing`: what is fuzzed is what is shipped.
build() {
  local target
  local flags="-Cpasses=sancov-module -Cllvm-args=-sanitizer-coverage-level=4"
  flags+=" -Cllvm-args=-sanitizer-coverage-inline-8bit-counters -Cllvm-args=-sanitizer-coverage-pc-table"
  flags+=" -Cllvm-args=-sanitizer-coverage-trace-compares -Zsanitizer=address"
  flags+=" -Cunsafe-allow-abi-mismatch=sanitizer"
  for target in $targets; do set -- "$@" --bin "$target"; done
  RUSTFLAGS=$flags CARGO_TARGET_DIR=$built \
    cargo +nightly build --locked --release --target $triple --manifest-path fuzz/Cargo.toml "$@"
}

run() {
  local seconds=$1 target failed=0
  build
  for target in $targets; do
    local corpus=$place/corpus/$target finds=$place/finds/$target log=$place/$target.log
    mkdir -p "$corpus" "$finds"
    cp fuzz/corpus/"$target"/* "$corpus"
    # No look for leaks: a thread of an audit may still be in its last steps when the answer is there, and is taken for one.
    if "$built/$triple/release/$target" "$corpus" -detect_leaks=0 -max_total_time="$seconds" -fork=0 -rss_limit_mb=2048 \
      -timeout=25 -artifact_prefix="$finds/" -print_final_stats=1 > "$log" 2>&1; then
      awk -v target="$target" -v seconds="$seconds" '
        $2 == "DONE" { cov = $4; ft = $6 }
        /number_of_executed_units/ { runs = $2 }
        END { printf "%-16s %9d runs, cov %5d, ft %6d, %d s\n", target, runs, cov, ft, seconds; exit runs == 0 }' "$log"
    else
      failed=1
      printf '%-16s FAILED\n' "$target"
      grep -E -A 12 "panicked at|ERROR:" "$log" | head -n 40 || tail -n 40 "$log"
      # The bytes, so that they are not lost with the machine.
      for find in "$finds"/*; do [ -f "$find" ] && { echo "$(basename "$find"):"; base64 -w 120 "$find"; }; done
    fi
    if [ -n "${FUZZ_KEEP:-}" ]; then
      mkdir -p "$FUZZ_KEEP/$target"
      cp -n "$corpus"/* "$FUZZ_KEEP/$target/"
      cp -n "$finds"/* "$FUZZ_KEEP/$target/" 2> /dev/null || true
    fi
  done
  return "$failed"
}

merge() {
  local from=$1 target
  build
  for target in $targets; do
    [ -d "$from/$target" ] || continue
    "$built/$triple/release/$target" -merge=1 -rss_limit_mb=2048 "fuzz/corpus/$target" "$from/$target" \
      > "$place/$target.log" 2>&1 || { tail -n 20 "$place/$target.log"; return 1; }
    du -sb "fuzz/corpus/$target"
  done
}

# By the stable toolchain, whose profiles a packaged LLVM is more likely to read.
coverage() {
  local from=${1:-fuzz/corpus} target
  . .ci/llvm.sh
  if [ -z "$LLVM_COV" ] || [ -z "$LLVM_PROFDATA" ]; then
    printf '\n!! SKIPPED: coverage of the corpora: needs llvm-cov and llvm-profdata\n'
    return
  fi
  local binaries=()
  for target in $targets; do
    RUSTFLAGS="-Cinstrument-coverage" CARGO_TARGET_DIR=$built/coverage \
      cargo build --locked --quiet --release --target $triple --manifest-path fuzz/Cargo.toml --bin "$target"
    # A seed at a time is no corpus for libFuzzer: it runs it and is content.
    find "$from/$target" -type f -print0 | LLVM_PROFILE_FILE="$place/%m-%p.profraw" \
      xargs -0 -n 2000 "$built/coverage/$triple/release/$target" > "$place/$target.log" 2>&1
    binaries+=(-object "$built/coverage/$triple/release/$target")
  done
  "$LLVM_PROFDATA" merge --sparse -o "$place/all.profdata" "$place"/*.profraw
  "$LLVM_COV" export "${binaries[@]}" --instr-profile "$place/all.profdata" > "$place/report"
  python3 .ci/coverage.py "$place/report" --files
}

case "${1:-20}" in
  coverage) coverage "${2:-}" ;;
  merge) merge "${2:?a folder of corpora}" ;;
  *) run "${1:-20}" ;;
esac
