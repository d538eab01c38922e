//! What a profile looks like, for whoever writes one: every table and field, from the structs that it is read into.

use super::profile::Profile;
use super::read::Fact as _;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::Write as _;

/// What can stand behind a field's name.
pub(crate) enum Shape {
    Text,
    WholeNumber,
    TrueOrFalse,
    /// One of these words.
    Words(&'static [&'static str]),
    List(Box<Shape>),
    /// A table whose names the profile chooses, with text behind them.
    Names,
    Table(Vec<Field>),
}

/// One field of a table.
pub(crate) struct Field {
    pub(crate) name: &'static str,
    /// What is to be known about it.
    pub(crate) about: &'static str,
    pub(crate) is_required: bool,
    pub(crate) shape: Shape,
}

impl Shape {
    /// What to write, in words; `None` for a table, which has a chapter of its own.
    fn in_words(&self) -> Option<String> {
        Some(match self {
            Self::Text => "text".into(),
            Self::WholeNumber => "whole number".into(),
            Self::TrueOrFalse => "`true` or `false`".into(),
            Self::Words(words) => words.iter().map(|word| format!("`{word}`")).collect::<Vec<_>>().join(", "),
            Self::List(each) => format!("list of {}", each.in_words()?),
            Self::Names => "table of texts".into(),
            Self::Table(_) => return None,
        })
    }

    /// The fields of the table, or of each table of the list, and whether it is a list.
    fn table(&self) -> Option<(&[Field], bool)> {
        match self {
            Self::Table(fields) => Some((fields, false)),
            Self::List(each) => each.table().map(|(fields, _)| (fields, true)),
            _ => None,
        }
    }
}

const BEGINNING: &str = "\
# The fields of a profile

A profile is a file in TOML that says how one API is authenticated to: facts, each with its source, and no code. `Provider::from_toml` reads it, and so does
everything that takes a provider's name. What it does not know it refuses, with line, field and reason. This page is made from the structs that a profile is
read into. `ledgerauth providers new NAME` writes a beginning, and `ledgerauth providers validate PATH` reads it as a client would.

";

/// The page about every table and field of a profile, in Markdown.
///
/// ```
/// assert!(auth_core::profile_page().contains("## `[[key.format]]`"));
/// ```
pub fn profile_page() -> String {
    let Shape::Table(fields) = Profile::shape() else { return String::new() };
    let mut page = String::from(BEGINNING);
    chapter(&mut page, "", "At the top", "", &fields);
    page
}

/// One table: its fields, then the tables below it.
fn chapter(page: &mut String, path: &str, title: &str, about: &str, fields: &[Field]) {
    let about = if about.is_empty() { String::new() } else { format!("{about}\n\n") };
    let _ = write!(page, "## {title}\n\n{about}| field | what to write | |\n|---|---|---|\n");
    let below = |field: &Field| if path.is_empty() { field.name.into() } else { format!("{path}.{}", field.name) };
    for field in fields {
        let what = match field.shape.table() {
            None => field.shape.in_words().unwrap_or_default(),
            Some((_, list)) => format!("table: {}", heading(&below(field), list)),
        };
        let required = if field.is_required { "; required" } else { "" };
        let _ = writeln!(page, "| `{}` | {what}{required} | {} |", field.name, field.about);
    }
    page.push('\n');
    for field in fields {
        if let Some((fields, list)) = field.shape.table() {
            chapter(page, &below(field), &heading(&below(field), list), field.about, fields);
        }
    }
}

fn heading(path: &str, list: bool) -> String {
    if list { format!("`[[{path}]]`") } else { format!("`[{path}]`") }
}
