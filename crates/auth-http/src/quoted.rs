//! What a caller named, as messages quote it.

use auth_core::{Looks, Shown};
use std::path::Path;

/// A path; its length if it does not look like one.
pub(crate) fn path(path: &Path) -> String {
    Shown::new(&path.to_string_lossy(), Looks::Path).to_string()
}

/// An environment variable; the length of its name if it does not look like one.
pub(crate) fn variable(name: &str) -> String {
    format!("the environment variable {}", Shown::new(name, Looks::Variable))
}
