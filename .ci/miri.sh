#!/usr/bin/env bash
# The library's tests under Miri, where the component is installed: undefined behaviour in dependencies, and data races
# under a weak memory. Where it is not, the same tests are built for it, run as they are, and shown to open no file.
set -euo pipefail
cd "$(dirname "$0")/.."

# What works in memory, is of one thread or of few, and takes an interpreter minutes. What is left out: docs/EVIDENCE.md.
targets=(--lib)
for name in budget budget_threads ledger ledger_recount record kernel_requests controller_denials controller_durability \
  controller_faults audit; do
  targets+=(--test "$name")
done
export CARGO_TARGET_DIR="${CARGO_TARGET_DIR:-target}/miri"

if cargo +nightly miri --version > /dev/null 2>&1; then
  # Cases are drawn anew each time, which the host's random numbers would decide: Miri has its own, by a seed.
  MIRIFLAGS="${MIRIFLAGS:-}" cargo +nightly miri test --locked --features wal "${targets[@]}"
  exit
fi

printf '\n!! SKIPPED: Miri: the component is not installed (rustup toolchain install nightly --component miri)\n'
echo "built for it instead, and run as they are:"
export RUSTFLAGS="--cfg miri"
# They are as small as an interpreter needs them: what they use is not optimised.
targets+=(--config 'profile.dev.package."*".opt-level=0')
cargo test --locked --features wal "${targets[@]}"
if ! command -v strace > /dev/null; then
  printf '\n!! SKIPPED: what the tests for Miri open: needs strace\n'
  exit
fi
opened=$(mktemp)
trap 'rm -f "$opened"' EXIT
programs=$(cargo test --locked --features wal "${targets[@]}" --no-run --message-format json 2> /dev/null |
  python3 -c 'import json, sys
for line in sys.stdin:
    built = json.loads(line)
    if built.get("executable") and built["profile"]["test"]: print(built["executable"])')
for program in $programs; do
  # Without a terminal, whose description the test runner would read.
  env --unset=TERM strace --follow-forks --output="$opened" --trace=open,openat,creat,mkdir,mkdirat,rename,renameat,renameat2 \
    "$program" --quiet > /dev/null
  # The loader's files, and the number of cores.
  if grep -vE '"/etc/ld\.so|"/lib|"/usr/lib|"/proc/|"/sys/|^[0-9]+ +[+-]|resumed' "$opened"; then
    echo "FAILED: $program opens files under cfg(miri)"
    exit 1
  fi
done
echo "ok: $(wc -w <<< "$programs") programs, none of which opens a file"
