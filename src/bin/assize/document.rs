//! Policy documents as files: JSON where the name ends in `.json`, else TOML.

use std::path::Path;

use assize::{
    limits::DOCUMENT_BYTES_MAX,
    policy::{
        Policy,
        document::{from_json, from_toml, to_json, to_toml},
    },
};

use crate::{
    failure::Failure,
    file::{self, Existing},
};

/// Reads and freezes a policy.
pub(crate) fn load(path: &Path) -> Result<Policy, Failure> {
    let text = file::read(path, DOCUMENT_BYTES_MAX)?;
    let draft = if is_json(path) { from_json(&text) } else { from_toml(&text) };
    let draft = draft.map_err(|error| Failure::in_file(path, error))?;
    Policy::freeze(draft).map_err(|error| Failure::in_file(path, error))
}

/// Writes a policy as a document.
pub(crate) fn save(policy: &Policy, path: &Path, existing: Existing) -> Result<(), Failure> {
    let draft = policy.to_draft();
    let text = if is_json(path) { to_json(&draft) } else { to_toml(&draft) };
    file::write(path, &text, existing)
}

fn is_json(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json"))
}
