//! `ProfileError`: why a profile is refused, with the line and the field.

use crate::shown::{Looks, Shown};
use crate::verdict::quote::printable;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;
use toml::Spanned;

/// What is wrong with a value of a profile, and where it begins in the text.
#[derive(Debug)]
pub(crate) struct Fault {
    from: usize,
    reason: String,
}

impl Fault {
    pub(super) fn at<T>(value: &Spanned<T>, reason: impl Into<String>) -> Self {
        Self { from: value.span().start, reason: reason.into() }
    }
}

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
        let reason = format!(
            "no profile named {:?} is shipped; there are {}; for another API, give a profile of your own",
            Shown::new(name, Looks::Word),
            known.join(", ")
        );
        Self { line: None, field: None, reason }
    }

    pub(super) fn from_toml(text: &str, error: &toml::de::Error) -> Self {
        match error.span() {
            Some(span) => Self::from_fault(text, Fault { from: span.start, reason: error.message().to_owned() }),
            None => Self { line: None, field: None, reason: error.message().to_owned() },
        }
    }

    /// A fault of `text`, with its line; of the text as a whole if it is nowhere in it.
    pub(super) fn from_fault(text: &str, fault: Fault) -> Self {
        let Some(before) = text.get(..fault.from) else { return Self { line: None, field: None, reason: fault.reason } };
        let line = before.matches('\n').count() + 1;
        let whole_line = text.lines().nth(line - 1).unwrap_or_default();
        let field = whole_line.split('=').next().unwrap_or_default().trim().trim_matches(['[', ']']);
        let field = (!field.is_empty()).then(|| field.to_owned());
        Self { line: Some(line), field, reason: fault.reason }
    }
}

impl fmt::Display for ProfileError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("profile refused")?;
        if let Some(line) = self.line {
            write!(f, " at line {line}")?;
        }
        if let Some(field) = &self.field {
            write!(f, ", field `{}`", printable(field))?;
        }
        write!(f, ": {}", printable(&self.reason.trim_end().replace('\n', "; ")))
    }
}

impl core::error::Error for ProfileError {}
