#!/usr/bin/env bash
# Whether the files of format versions are as they were at a revision: the last release's tag, or the one named. There may be
# more of them, and none may differ or be gone. `.ci/fixed_files.sh [REVISION]`
set -euo pipefail
cd "$(dirname "$0")/.."

if [ "$(git rev-parse --is-shallow-repository)" = true ]; then
  printf '\n!! SKIPPED: files of format versions: needs the history, to find the last release\n'
  exit 0
fi
# Before the first release nothing is fixed for good, and the files are held to the commit.
revision=${1:-$(git describe --tags --abbrev=0 --match 'v*' 2> /dev/null || git rev-parse HEAD)}
changed=$(git diff --name-only --no-renames --diff-filter=a "$revision" -- 'tests/versions/v*')
gone=$(git diff --no-renames "$revision" -- tests/versions/MANIFEST | grep '^-[^-]' || true)
if [ -n "$changed$gone" ]; then
  printf 'not as at %s:\n%s\n%s\n' "$revision" "$changed" "$gone"
  exit 1
fi
fixed=$(git ls-tree -r --name-only "$revision" -- tests/versions | grep -c '/versions/v')
echo "as at $revision: $fixed files"
