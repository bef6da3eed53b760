#!/usr/bin/env bash
# Bans, licences and sources by deny.toml, of the library and of each workspace beside it. With arguments: those checks
# (`advisories` needs the database, and so a network).
set -euo pipefail
cd "$(dirname "$0")/.."

checks=("$@")
[ $# -gt 0 ] || checks=(bans licenses sources)
for manifest in Cargo.toml benches/peers/Cargo.toml fuzz/Cargo.toml; do
  [ -f "$manifest" ] || continue
  printf -- '-- %s: %s\n' "$manifest" "${checks[*]}"
  # What is allowed or skipped must be met in the library's graph, if not in that of each workspace beside it.
  lints=(-D unmatched-skip -D unnecessary-skip)
  [ "$manifest" = Cargo.toml ] || lints=(-A unmatched-skip -A unnecessary-skip -A license-not-encountered)
  cargo-deny --locked --manifest-path "$manifest" --config deny.toml check --hide-inclusion-graph \
    -A license-exception-not-encountered -A unmatched-skip-root "${lints[@]}" "${checks[@]}"
done
