//! Runs the built command as a user does, and reads what it says.

use std::{ffi::OsStr, path::PathBuf, process::Command};

use serde_json::Value;

/// What a run of the command gave.
#[derive(Debug)]
pub(crate) struct Ran {
    pub(crate) code: i32,
    pub(crate) out: String,
    pub(crate) err: String,
}

impl Ran {
    /// Standard output as one JSON document, of a run that ended well.
    pub(crate) fn json(&self) -> Value {
        assert_eq!(self.code, 0, "{}", self.err);
        serde_json::from_str(&self.out).unwrap()
    }
}

/// Runs `assize` with these arguments.
pub(crate) fn assize<A: AsRef<OsStr>>(arguments: &[A]) -> Ran {
    let output = Command::new(env!("CARGO_BIN_EXE_assize")).args(arguments).output().unwrap();
    Ran {
        code: output.status.code().expect("ended by itself"),
        out: String::from_utf8(output.stdout).unwrap(),
        err: String::from_utf8(output.stderr).unwrap(),
    }
}

/// The folder of the real price list and trace, where there is one.
#[allow(dead_code, reason = "not every test that includes this file looks there")]
pub(crate) fn data() -> Option<PathBuf> {
    std::env::var_os("ASSIZE_DATA").map(PathBuf::from)
}
