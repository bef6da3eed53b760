//! Keys: root keys from files of their owner's alone or from standard input, and states of evolving ones.

use std::{
    io::{self, Read as _},
    path::{Path, PathBuf},
};

use assize::{
    crypto::RootKey,
    id::LogId,
    limits::SMALL_FILE_BYTES_MAX,
    wal::{
        EvolvingKey, LogKey, parse_key,
        storage::{KeyFileError, StateFile, read_key_file},
    },
};
use zeroize::Zeroizing;

use crate::failure::{Failure, chain};

/// Reads the keys; `-` is standard input.
pub(crate) fn read_all(paths: &[PathBuf]) -> Result<Vec<RootKey>, Failure> {
    if paths.iter().filter(|path| is_standard_input(path)).count() > 1 {
        return Err(Failure::input("--key - is given twice; standard input has one key"));
    }
    let mut keys: Vec<RootKey> = Vec::new();
    for path in paths {
        let key = read(path)?;
        if keys.iter().any(|other| other.id() == key.id()) {
            return Err(Failure::in_file(path, format_args!("another key has the id {} too", key.id().0)));
        }
        keys.push(key);
    }
    Ok(keys)
}

/// The key that the log is written under: the root, or an evolving one by its state.
#[derive(Clone, Copy)]
pub(crate) struct Written<'a> {
    pub(crate) root: Option<&'a Path>,
    pub(crate) state: Option<&'a Path>,
}

impl Written<'_> {
    /// Of a new log.
    pub(crate) fn begin(self, id: LogId) -> Result<LogKey, Failure> {
        let root = self.root.ok_or_else(|| Failure::input("a new log needs its root key: --key"))?;
        let root = read(root)?;
        let Some(state) = self.state else { return Ok(root.into()) };
        let key = EvolvingKey::begin(root, id, Box::new(StateFile::new(state)));
        key.map(LogKey::from).map_err(|error| Failure::blamed(error.blame(), state, &error))
    }

    /// Of a log that is there: a state is enough.
    pub(crate) fn load(self) -> Result<LogKey, Failure> {
        let Some(state) = self.state else {
            let root = self.root.ok_or_else(|| Failure::input("neither --key nor --state is given"))?;
            return read(root).map(LogKey::from);
        };
        let key = EvolvingKey::load(Box::new(StateFile::new(state)));
        key.map(LogKey::from).map_err(|error| Failure::blamed(error.blame(), state, &error))
    }
}

/// Reads a key; `-` is standard input.
pub(crate) fn read(path: &Path) -> Result<RootKey, Failure> {
    if !is_standard_input(path) {
        let blamed = |error: KeyFileError| Failure::blamed(error.blame(), path, &error);
        return read_key_file(path).map_err(blamed);
    }
    // Reserved in full at once: growing would leave a copy of the secret behind.
    let mut text = Zeroizing::new(Vec::with_capacity(SMALL_FILE_BYTES_MAX.saturating_add(1)));
    let most = u64::try_from(SMALL_FILE_BYTES_MAX).unwrap_or(u64::MAX).saturating_add(1);
    let read = io::stdin().lock().take(most).read_to_end(&mut text);
    read.map_err(|error| Failure::standard_input(&error))?;
    parse_key(&text).map_err(|error| Failure::input(format_args!("standard input: {}", chain(&error))))
}

fn is_standard_input(path: &Path) -> bool {
    path == Path::new("-")
}
