//! What is built in: the vectors of the standards, and every file that a version of the format has fixed.

use assize::{crypto::Digest, wal::storage::Memory};
use serde_json::Value;

use super::check::{Given, Seen, Wrong, same, there};

/// The vectors of the standards.
pub(super) fn published() -> Result<Value, Wrong> {
    Ok(serde_json::from_slice(include_bytes!("../../../../tests/published/vectors.json"))?)
}

/// A document of format version 1.
pub(super) fn document(name: &str) -> Result<Value, Wrong> {
    Ok(serde_json::from_slice(file(&format!("v1/{name}.json"))?)?)
}

/// The names of the logs of format version 1.
pub(super) fn logs() -> Vec<&'static str> {
    let dirs = FILES.iter().filter_map(|(path, _)| path.strip_prefix("v1/")?.split_once('/'));
    let mut names: Vec<&str> = dirs.map(|(name, _)| name).collect();
    names.dedup();
    names
}

/// A log as it lies there.
pub(super) fn log(name: &str) -> Memory {
    let log = Memory::new();
    let within = format!("v1/{name}/");
    for (path, bytes) in FILES {
        if let Some(segment) = path.strip_prefix(within.as_str()) {
            log.replace(segment, bytes);
        }
    }
    log
}

fn file(path: &str) -> Result<&'static [u8], Wrong> {
    let found = FILES.iter().find(|(name, _)| *name == path);
    there(path, found.map(|(_, bytes)| *bytes))
}

/// Each file has the digest that it was listed with, and none is missing.
pub(super) fn listed(_: &Given, did: &mut String) -> Seen {
    *did = format!("{} files", FILES.len());
    against(MANIFEST)
}

fn against(manifest: &str) -> Seen {
    let lines = manifest.lines().filter(|line| !line.starts_with('#'));
    let mut count = 0_usize;
    for line in lines {
        let (digest, path) = there(line, line.split_once("  "))?;
        same(path, &Digest::of_file(file(path)?).to_string(), &digest.to_owned())?;
        count = count.saturating_add(1);
    }
    same("files listed", &count, &FILES.len())?;
    Ok("each has the SHA-256 that it was listed with".to_owned())
}

const MANIFEST: &str = include_str!("../../../../tests/versions/MANIFEST");

macro_rules! files {
    ($($path:literal,)*) => {
        /// By their paths, in order.
        const FILES: &[(&str, &[u8])] =
            &[$(($path, include_bytes!(concat!("../../../../tests/versions/", $path)))),*];
    };
}

files! {
    "v1/digests.json",
    "v1/evolving.json",
    "v1/evolving/00000001.seg",
    "v1/evolving/00000002.seg",
    "v1/keys.json",
    "v1/keys/00000001.seg",
    "v1/keys/00000002.seg",
    "v1/keys/00000003.seg",
    "v1/keys/00000004.seg",
    "v1/log.json",
    "v1/log/00000001.seg",
    "v1/log/00000002.seg",
    "v1/pruned.json",
    "v1/pruned/00000002.seg",
    "v1/pruned/00000003.seg",
    "v1/records.json",
    "v1/torn.json",
    "v1/torn/00000001.seg",
    "v1/torn/00000002.seg",
    "v1/unkeyed.json",
    "v1/unkeyed/00000001.seg",
    "v1/unkeyed/00000002.seg",
    "v1/vectors.json",
    "v1/windows.json",
    "v1/windows/00000001.seg",
    "v1/windows/00000002.seg",
    "v1/written-evolving.json",
    "v1/written-evolving/00000002.seg",
    "v1/written-evolving/00000003.seg",
    "v1/written-keys.json",
    "v1/written-keys/00000001.seg",
    "v1/written-keys/00000002.seg",
    "v1/written-keys/00000003.seg",
    "v1/written-keys/00000004.seg",
    "v1/written-open.json",
    "v1/written-open/00000001.seg",
    "v1/written-open/00000002.seg",
    "v1/written-open/00000003.seg",
    "v1/written-windows.json",
    "v1/written-windows/00000007.seg",
    "v1/written-windows/00000008.seg",
    "v1/written.json",
    "v1/written/00000001.seg",
    "v1/written/00000002.seg",
    "v1/written/00000003.seg",
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_file_that_is_another_or_not_listed_or_missing_is_told() {
        assert!(against(MANIFEST).is_ok());
        let zeros = "0".repeat(64);
        let altered =
            MANIFEST.replacen(&Digest::of_file(file("v1/log.json").unwrap()).to_string(), &zeros, 1);
        let missing = format!("{MANIFEST}{zeros}  v1/none\n");
        let shorter: String = MANIFEST.lines().rev().skip(1).map(|line| format!("{line}\n")).collect();
        for (manifest, said) in
            [(altered, "v1/log.json"), (missing, "v1/none is not there"), (shorter, "files listed")]
        {
            assert_ne!(manifest, MANIFEST);
            let wrong = format!("{:?}", against(&manifest).unwrap_err());
            assert!(wrong.contains(said), "{wrong}");
        }
    }
}
