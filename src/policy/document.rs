//! Policies as TOML and JSON documents.
