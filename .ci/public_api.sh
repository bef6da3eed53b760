#!/usr/bin/env bash
# The public API, item by item, against .ci/api: a change of it is a change of these files, and is seen in review. With
# `--write` they are rewritten. Needs cargo-public-api on the path and a nightly toolchain (rustdoc's JSON is not stable).
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo-public-api > /dev/null || ! cargo +nightly --version > /dev/null 2>&1; then
  printf '\n!! SKIPPED: the public API: needs cargo-public-api and a nightly toolchain\n'
  exit 0
fi
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/public-api" RUSTUP_TOOLCHAIN=nightly LC_ALL=C
found=$(mktemp -d)
trap 'rm -rf "$found"' EXIT

# What follows from the rest is left out: blanket implementations, what is derived, and all auto traits but Send and Sync.
listed() {
  cargo-public-api --color=never --omit blanket-impls,auto-derived-impls "$@" |
    grep -vE '^impl.* !?core::(marker::(Freeze|Unpin|UnsafeUnpin)|panic::unwind_safe::\w+) for ' | sort
}
listed > "$found/default.txt"
listed --all-features > "$found/all.txt"
[ "$(wc -l < "$found/default.txt")" -gt 2000 ] || { echo "too little was read"; exit 1; }
comm -23 "$found/default.txt" "$found/all.txt" > "$found/lost"
[ ! -s "$found/lost" ] || { echo "features may add to the API only; with all of them this is gone:"; cat "$found/lost"; exit 1; }
comm -13 "$found/default.txt" "$found/all.txt" > "$found/added_by_features.txt"

changed=0
mkdir -p .ci/api
for list in default.txt added_by_features.txt; do
  if [ "${1:-}" = --write ]; then
    cat "$found/$list" > ".ci/api/$list"
  else
    diff -U0 ".ci/api/$list" "$found/$list" || changed=1
  fi
  echo "$list: $(wc -l < "$found/$list") items"
done
[ "$changed" = 0 ] || { echo "the public API is another: if that is meant, .ci/public_api.sh --write, and say so in CHANGELOG.md"; exit 1; }
