#!/usr/bin/env bash
# Whether the lints of Cargo.toml and .clippy.toml notice what the promised toolchain has not: 1.89 is not at hand
# everywhere, and clippy knows of each item of the standard library since when it is there. A crate under the same lints
# uses a function of 1.90, in its code and in a test, and both must be found; one of 1.66 must not.
set -euo pipefail
cd "$(dirname "$0")/.."

crate=$(mktemp -d)
trap 'rm -rf "$crate"' EXIT
mkdir "$crate/src"
cp .clippy.toml "$crate"
version=$(sed -n 's/^rust-version = //p' Cargo.toml)
printf '[package]\nname = "planted"\nedition = "2024"\nrust-version = %s\n\n[workspace]\n\n' "$version" > "$crate/Cargo.toml"
sed -n '/^\[lints\./,/^$/p' Cargo.toml >> "$crate/Cargo.toml"

found() {
  cat > "$crate/src/lib.rs" <<END
//! Planted.

/// Planted.
#[must_use]
pub fn planted(a: u32, b: $2) -> Option<u32> {
    a.$1(b)
}

#[cfg(test)]
mod tests {
    #[test]
    fn planted() {
        assert_eq!(7_u32.$1(3), super::planted(7, 3));
    }
}
END
  (cd "$crate" && CARGO_TARGET_DIR=$crate/target cargo clippy --quiet --offline --all-targets --message-format short 2>&1 || true) |
    sort -u | grep -c 'current MSRV' || true
}
new=$(found checked_sub_signed i32)
old=$(found checked_add_signed i32)
echo "of 1.90: found $new times; of 1.66: $old times"
[ "$new" = 2 ] && [ "$old" = 0 ]
