#!/usr/bin/env bash
# Whether the public API breaks what was promised at a revision: the last release's tag, or the one named. Then a break is
# planted into a copy, and must be found. Needs cargo-semver-checks on the path. `.ci/semver.sh [REVISION]`
set -euo pipefail
cd "$(dirname "$0")/.."

if ! command -v cargo-semver-checks > /dev/null; then
  printf '\n!! SKIPPED: breaks of the public API: needs cargo-semver-checks\n'
  exit 0
fi
# Before the first release nothing is promised yet, and the commit is held to itself.
revision=${1:-$(git describe --tags --abbrev=0 --match 'v*' 2> /dev/null || git rev-parse HEAD)}
target=${CARGO_TARGET_DIR:-$PWD/target}/semver
# The command's feature adds nothing to the library.
features=(--only-explicit-features --features wal,serde,tokio)
copy=$(mktemp -d)
trap 'rm -rf "$copy"' EXIT

echo "-- against $revision"
CARGO_TARGET_DIR=$target cargo semver-checks --baseline-rev "$revision" "${features[@]}"

echo "-- a planted break: a method is public no more"
git ls-files -z | xargs -0 cp --parents -t "$copy"
sed -i 's/^    pub fn are_usual(/    pub(crate) fn are_usual(/' "$copy/src/caps.rs"
! cmp -s src/caps.rs "$copy/src/caps.rs" || { echo "nothing was planted"; exit 1; }
said=$(mktemp -p "$copy")
if CARGO_TARGET_DIR=$target cargo semver-checks --manifest-path "$copy/Cargo.toml" --baseline-root "$PWD" \
  "${features[@]}" > "$said" 2>&1; then
  echo "a planted break is not found"
  exit 1
fi
grep -E 'inherent_method_missing|are_usual' "$said" || { cat "$said"; exit 1; }
