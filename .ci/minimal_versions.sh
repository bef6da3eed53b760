#!/usr/bin/env bash
# The library at the oldest direct dependencies that Cargo.toml admits: with all features and without any it builds, and
# its own tests pass. In a copy, since it writes another Cargo.lock. Needs a nightly toolchain, which chooses the versions;
# the stable one builds.
set -euo pipefail
cd "$(dirname "$0")/.."

if ! cargo +nightly --version > /dev/null 2>&1; then
  printf '\n!! SKIPPED: minimal versions: needs a nightly toolchain\n'
  exit 0
fi
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-$PWD/target}/minimal-versions"
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT
git ls-files -z | xargs -0 cp --parents -t "$copy"
cd "$copy"
rm Cargo.lock
cargo +nightly update --quiet -Zdirect-minimal-versions
echo "-- what is built against:"
cargo tree --locked --all-features --depth 1 --prefix none
# Without optimising what is built once.
quick=(--config 'profile.dev.package."*".opt-level=0')
cargo test --locked --no-default-features --lib "${quick[@]}" -- "$@"
cargo test --locked --all-features --lib --bins "${quick[@]}" -- "$@"
