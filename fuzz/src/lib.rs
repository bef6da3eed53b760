//! What the fuzz targets and the ordinary tests share: the properties, one module a target.

#[path = "../../tests/fuzzed/mod.rs"]
pub mod fuzzed;
