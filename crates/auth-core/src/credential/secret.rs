//! `Secret`: text that cannot be printed.

use alloc::boxed::Box;
use alloc::string::String;
use core::fmt;
use zeroize::{Zeroize as _, Zeroizing};

/// `Secret` is text that is never printed and is wiped from memory when it is dropped.
///
/// `Debug` and `Display` write `[redacted]`; there is no `PartialEq`, so that nobody compares secrets in a way whose duration
/// tells how much of them was right (use [`Secret::same_as`]). The one way to the text is [`Secret::expose`], whose name
/// is easy to look for in a review.
#[derive(Clone, Default)]
pub struct Secret(Zeroizing<Box<str>>);

impl Secret {
    /// A secret from text. It takes the text's buffer over; one with room to spare is copied and wiped, so that no room is kept and no copy left behind.
    pub fn new(text: impl Into<String>) -> Self {
        let mut text = text.into();
        if text.len() == text.capacity() {
            return Self(Zeroizing::new(text.into_boxed_str()));
        }
        let exact = Zeroizing::new(Box::from(text.as_str()));
        text.zeroize();
        Self(exact)
    }

    /// The text itself: for building a header or a form body, and for nothing else.
    pub fn expose(&self) -> &str {
        &self.0
    }

    /// Whether two secrets are the same text, in a time that depends on their lengths only.
    pub fn same_as(&self, other: &Self) -> bool {
        let (a, b) = (self.0.as_bytes(), other.0.as_bytes());
        a.len() == b.len() && a.iter().zip(b).fold(0, |differs, (x, y)| differs | (x ^ y)) == 0
    }

    /// Whether there is no text at all.
    pub fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}

impl From<String> for Secret {
    fn from(text: String) -> Self {
        Self::new(text)
    }
}

impl From<&str> for Secret {
    fn from(text: &str) -> Self {
        Self::new(text)
    }
}

impl fmt::Debug for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

impl fmt::Display for Secret {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("[redacted]")
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn prints_as_redacted_in_every_form() {
        let secret = Secret::new("hunter2");
        assert_eq!(format!("{secret} {secret:?} {secret:#?}"), "[redacted] [redacted] [redacted]");
    }

    #[test]
    fn compares_whole_texts() {
        assert!(Secret::new("abc").same_as(&Secret::new("abc")));
        assert!(!Secret::new("abc").same_as(&Secret::new("abd")));
        assert!(!Secret::new("abc").same_as(&Secret::new("abcd")));
    }

    #[test]
    fn knows_whether_there_is_anything() {
        assert!(Secret::new("").is_empty() && !Secret::new(" ").is_empty());
    }
}
