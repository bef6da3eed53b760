#!/usr/bin/env bash
# Tests under a sanitizer, where there is a nightly toolchain on x86-64 Linux. The standard library is not instrumented.
#
#     .ci/sanitize.sh thread     data races, of the engine's stress; by default. What the standard library makes of it
#                                is in sanitize.supp, symbol by symbol, and in docs/CONCURRENCY.md
#     .ci/sanitize.sh address    memory errors and leaks, of the library's tests
set -euo pipefail
cd "$(dirname "$0")/.."

sanitizer="${1:-thread}"
shift $(($# > 0))
case "$sanitizer" in
  thread) tests=(--test budget_threads) ;;
  address) tests=(--lib --test record --test policy_digest --test wal --test torn --test keys --test retention --test tamper
    --test ledger_checkpoint --test controller_threads --test budget_threads) ;;
  *) echo "no such sanitizer: $sanitizer" && exit 2 ;;
esac
target=x86_64-unknown-linux-gnu
if [ "$(uname -sm)" != "Linux x86_64" ] || ! cargo +nightly --version > /dev/null 2>&1; then
  printf '\n!! SKIPPED: %s sanitizer: needs a nightly toolchain on x86-64 Linux\n' "$sanitizer"
  exit 0
fi
export RUSTFLAGS="-Zsanitizer=$sanitizer -Cunsafe-allow-abi-mismatch=sanitizer"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/sanitize"
export TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/.ci/sanitize.supp"
export ASAN_OPTIONS="detect_leaks=1:detect_stack_use_after_return=1"
# Only the library and its tests need to be fast under the one that slows down most.
slow=()
[ "$sanitizer" = thread ] && slow=(--config 'profile.dev.package."*".opt-level=0')
cargo +nightly test --locked --target "$target" --features wal,serde "${tests[@]}" \
  "${slow[@]}" --config 'profile.dev.package."*".debug=0' -- "$@"
