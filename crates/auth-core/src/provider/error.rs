//! `ProfileError`: why a profile is refused, with the line and the field.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;

/// `ProfileError` says why a profile is refused: at which line, in which field, and for what reason.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ProfileError {
    line: Option<usize>,
    field: Option<String>,
    reason: String,
}

impl ProfileError {
    /// The line, counted from 1; `None` when the fault is in no one line.
    pub fn line(&self) -> Option<usize> {
        self.line
    }

    /// The field's name as it stands in that line.
    pub fn field(&self) -> Option<&str> {
        self.field.as_deref()
    }

    /// The reason, in one sentence.
    pub fn reason(&self) -> &str {
        &self.reason
    }

    pub(super) fn unknown_name<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Self {
        let known: Vec<&str> = known.collect();
        let reason =
            format!("no profile named {name:?} is shipped; there are {}; for another API, give a profile of your own", known.join(", "));
        Self { line: None, field: None, reason }
    }

    pub(super) fn from_toml(text: &str, error: &toml::de::Error) -> Self {
        match error.span() {
            Some(span) => Self::at(text, &span, error.message()),
            None => Self { line: None, field: None, reason: error.message().to_owned() },
        }
    }

    /// An error at the place of `span` in `text`.
    pub(super) fn at(text: &str, span: &Range<usize>, reason: &(impl ToString + ?Sized)) -> Self {
        let before = text.get(..span.start).unwrap_or_default();
        let line = before.matches('\n').count() + 1;
        let whole_line = text.lines().nth(line - 1).unwrap_or_default();
        let field = whole_line.split('=').next().unwrap_or_default().trim().trim_matches(['[', ']']);
        let field = (!field.is_empty()).then(|| field.to_owned());
        Self { line: Some(line), field, reason: reason.to_string() }
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("profile refused")?;
        if let Some(line) = self.line {
            write!(f, " at line {line}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", field `{field}`")?;
        }
        write!(f, ": {}", self.reason.replace('\n', "; "))
    }
}

impl core::error::Error for ProfileError {}
