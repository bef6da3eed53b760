//! One check: what it did, and what was seen.

use std::{
    error::Error,
    fmt::{Debug, Display},
    fs::{self, DirBuilder},
    os::unix::fs::DirBuilderExt as _,
    panic::{self, AssertUnwindSafe},
    path::PathBuf,
    time::Instant,
};

use serde::Serialize;

use crate::failure::chain;

/// What checks are given.
#[derive(Debug)]
pub(super) struct Given {
    pub(super) seed: u64,
    /// A directory that need not be there yet.
    pub(super) place: PathBuf,
}

impl Given {
    /// A place of that name, with nothing in it.
    pub(super) fn empty(&self, name: &str) -> Result<PathBuf, Wrong> {
        let place = self.place.join(name);
        if place.exists() {
            fs::remove_dir_all(&place)?;
        }
        // Its owner's alone, as a log's directory is.
        DirBuilder::new().recursive(true).mode(0o700).create(&place)?;
        Ok(place)
    }
}

/// A check by its name. It says what it does before it does it, and gives what was seen.
pub(super) struct Check {
    pub(super) name: &'static str,
    pub(super) act: Act,
}

pub(super) type Act = fn(&Given, &mut String) -> Seen;

/// What was seen: as it should be, or not.
pub(super) type Seen = Result<String, Wrong>;

/// What a check has shown.
#[derive(Debug, Serialize)]
pub(super) struct Line {
    pub(super) name: &'static str,
    pub(super) ok: bool,
    pub(super) did: String,
    pub(super) seen: String,
    pub(super) milliseconds: u64,
}

impl Check {
    pub(super) fn line(&self, given: &Given) -> Line {
        let (begun, mut did) = (Instant::now(), String::new());
        // A bug ends its own check alone. What it leaves half done is the check's, which nobody looks at again.
        let acted = panic::catch_unwind(AssertUnwindSafe(|| (self.act)(given, &mut did)));
        let (ok, seen) = match acted {
            Ok(Ok(seen)) => (true, seen),
            Ok(Err(Wrong(seen))) => (false, seen),
            Err(panic) => {
                let said = panic.downcast_ref::<String>().map(String::as_str);
                let said = said.or_else(|| panic.downcast_ref::<&str>().copied());
                (false, format!("panicked: {}", said.unwrap_or("it did not say why")))
            }
        };
        Line { name: self.name, ok, did, seen, milliseconds: milliseconds(begun) }
    }
}

pub(super) fn milliseconds(begun: Instant) -> u64 {
    u64::try_from(begun.elapsed().as_millis()).unwrap_or(u64::MAX)
}

/// What is not as it should be.
#[derive(Debug)]
pub(super) struct Wrong(String);

impl Wrong {
    pub(super) fn new(what: impl Display) -> Self {
        Self(what.to_string())
    }
}

/// Where nothing should fail, an error is what is wrong.
impl<E: Error + 'static> From<E> for Wrong {
    fn from(error: E) -> Self {
        Self(chain(&error))
    }
}

/// Holds that both are the same.
pub(super) fn same<T: PartialEq + Debug>(what: impl Display, seen: &T, expected: &T) -> Result<(), Wrong> {
    if seen == expected {
        return Ok(());
    }
    Err(Wrong(format!("{what}: {seen:?} was seen, {expected:?} was expected")))
}

/// Holds that it is so.
pub(super) fn holds(what: impl Display, is_so: bool) -> Result<(), Wrong> {
    if is_so { Ok(()) } else { Err(Wrong(what.to_string())) }
}

/// What must be there, in a file that is built in.
pub(super) fn there<T>(what: impl Display, found: Option<T>) -> Result<T, Wrong> {
    found.ok_or_else(|| Wrong(format!("{what} is not there")))
}
