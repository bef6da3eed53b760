#!/usr/bin/env bash
# The engine's stress tests under ThreadSanitizer, where there is a nightly toolchain. The standard library is not
# instrumented: what it makes of that is in sanitize.supp, symbol by symbol, and in docs/CONCURRENCY.md.
set -euo pipefail
cd "$(dirname "$0")/.."

target=x86_64-unknown-linux-gnu
if [ "$(uname -sm)" != "Linux x86_64" ] || ! cargo +nightly --version > /dev/null 2>&1; then
  printf '\n!! SKIPPED: ThreadSanitizer: needs a nightly toolchain on x86-64 Linux\n'
  exit 0
fi
export RUSTFLAGS="-Zsanitizer=thread -Cunsafe-allow-abi-mismatch=sanitizer"
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/sanitize"
export TSAN_OPTIONS="halt_on_error=1 suppressions=$PWD/.ci/sanitize.supp"
# Only the library and its test need to be fast.
cargo +nightly test --locked --target "$target" --features wal --test budget_threads \
  --config 'profile.dev.package."*".opt-level=0' --config 'profile.dev.package."*".debug=0' -- "$@"
