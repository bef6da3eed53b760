//! Files: read up to a bound, and written whole or not at all.

use std::{
    fs::{self, File, OpenOptions},
    io::{self, Read as _, Write as _},
    path::{Path, PathBuf},
};

use crate::failure::Failure;

/// Reads a text of at most `bytes_max` bytes.
pub(crate) fn read(path: &Path, bytes_max: usize) -> Result<String, Failure> {
    let storage = |error: io::Error| Failure::storage(path, error);
    let file = File::open(path).map_err(storage)?;
    // One byte more than allowed, so that too long a file is seen without being read.
    let bound = u64::try_from(bytes_max).unwrap_or(u64::MAX).saturating_add(1);
    let mut bytes = Vec::new();
    file.take(bound).read_to_end(&mut bytes).map_err(storage)?;
    if bytes.len() > bytes_max {
        return Err(Failure::in_file(path, format_args!("more than {bytes_max} bytes")));
    }
    String::from_utf8(bytes).map_err(|error| Failure::in_file(path, error.utf8_error()))
}

/// What may be at the place where a file is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Existing {
    /// Nothing: what is there is not touched.
    Refused,
    /// A file, which is replaced.
    Replaced,
}

/// Writes a file whole: beside its place, synced, and then put there.
pub(crate) fn write(path: &Path, text: &str, existing: Existing) -> Result<(), Failure> {
    if existing == Existing::Refused && path.symlink_metadata().is_ok() {
        return Err(Failure::in_file(path, EXISTS));
    }
    let storage = |error: io::Error| match error.kind() {
        io::ErrorKind::AlreadyExists => Failure::in_file(path, EXISTS),
        _ => Failure::storage(path, error),
    };
    let temporary = beside(path)?;
    let written = write_new(&temporary, text).and_then(|()| match existing {
        Existing::Replaced => fs::rename(&temporary, path),
        // A link fails where a file has appeared meanwhile; a rename would replace it.
        Existing::Refused => fs::hard_link(&temporary, path).and_then(|()| fs::remove_file(&temporary)),
    });
    if let Err(error) = written {
        // What could not be put in place is of no use; that it cannot be removed either changes nothing.
        fs::remove_file(&temporary).unwrap_or_default();
        return Err(storage(error));
    }
    let folder = path.parent().filter(|folder| !folder.as_os_str().is_empty());
    File::open(folder.unwrap_or(Path::new("."))).and_then(|folder| folder.sync_all()).map_err(storage)
}

const EXISTS: &str = "the file exists, and is not overwritten";

fn write_new(path: &Path, text: &str) -> io::Result<()> {
    let mut file = OpenOptions::new().write(true).create_new(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

/// A name in the same folder that no other process uses.
fn beside(path: &Path) -> Result<PathBuf, Failure> {
    let Some(name) = path.file_name() else { return Err(Failure::storage(path, "no name of a file")) };
    let mut temporary = name.to_owned();
    temporary.push(format!(".{}.tmp", std::process::id()));
    Ok(path.with_file_name(temporary))
}
