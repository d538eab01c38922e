//! What an id is called where not every character may stand.

use sha2::{Digest as _, Sha256};
use std::fmt::Write as _;

/// How many characters of an id are kept readable: 40, so that a name with its endings stays far below the 255 bytes of a file name.
const READABLE: usize = 40;

/// A name of lower-case letters, digits and hyphens: what is readable of the id, for the person who looks, and 128 bits of its hash, because two ids must not
/// share one.
pub(super) fn safe(id: &str) -> String {
    let mut name = String::with_capacity(READABLE + 33);
    for c in id.chars().take(4 * READABLE) {
        if name.len() == READABLE {
            break;
        }
        match c.to_ascii_lowercase() {
            c if c.is_ascii_alphanumeric() => name.push(c),
            _ if name.is_empty() || name.ends_with('-') => {}
            _ => name.push('-'),
        }
    }
    if !name.is_empty() && !name.ends_with('-') {
        name.push('-');
    }
    for byte in &Sha256::digest(id)[..16] {
        // Writing to a string cannot fail.
        let _ = write!(name, "{byte:02x}");
    }
    name
}

/// What is readable of a file's name that begins with one of these names; `None` for any other file's.
#[cfg(unix)]
pub(super) fn readable(file: &str) -> Option<&str> {
    let name = file.trim_start_matches('.').split('.').next().unwrap_or_default();
    let hash_at = name.len().checked_sub(32)?;
    let hash = name.get(hash_at..)?;
    let is_hash = hash.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte));
    is_hash.then(|| &name[..hash_at])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_id_leaves_its_folder_or_shares_a_name() {
        let long = "x".repeat(10_000);
        let ids = [
            "a/b",
            "a-b",
            "A/B",
            "../../x",
            "/etc/passwd",
            "",
            ".",
            "..",
            "a\0b",
            "a\nb",
            "ü",
            "-rf",
            &long,
            "numeric/production/client-1",
        ];
        let names: Vec<String> = ids.iter().map(|id| safe(id)).collect();
        for name in &names {
            assert!(
                name.len() <= READABLE + 33 && name.bytes().all(|byte| byte == b'-' || byte.is_ascii_lowercase() || byte.is_ascii_digit()),
                "{name}"
            );
            assert!(!name.starts_with('-'), "{name}");
            assert_eq!(names.iter().filter(|other| *other == name).count(), 1, "{name}");
        }
        assert!(names.last().unwrap().starts_with("numeric-production-client-1-"));
    }
}
