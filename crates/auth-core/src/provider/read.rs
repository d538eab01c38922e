//! How a table of TOML becomes the facts of a profile: field by field, so that a refusal knows its place.
//!
//! Not by serde's derive, which makes a reader of its own for every type behind every parser: it was a sixth of the library that C programs link.

use super::error::Fault;
use super::shape::Shape;
use alloc::borrow::ToOwned;
use alloc::boxed::Box;
use alloc::format;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use toml::Spanned;
use toml::de::{DeTable, DeValue};

/// What can stand behind a field's name.
pub(crate) trait Fact: Sized {
    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault>;

    /// What it is where the field is left out; `None` if it must be given.
    fn absent() -> Option<Self> {
        None
    }

    /// What it looks like, for whoever writes a profile.
    fn shape() -> Shape;
}

/// A struct with the fields of a table. Each field is documented. After `else` stands the value of a table that is left out.
macro_rules! facts {
    ($(#[$about:meta])* $seen:vis struct $name:ident {
        $($(#[doc = $about_field:literal])+ $field_seen:vis $field:ident: $type:ty,)*
    } $(else $absent:expr)?) => {
        $(#[$about])*
        $seen struct $name {
            $($(#[doc = $about_field])+ $field_seen $field: $type,)*
        }

        impl Fact for $name {
            fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
                let table = Table::of(value, &[$(stringify!($field)),*])?;
                Ok(Self { $($field: table.field(stringify!($field))?,)* })
            }

            $(fn absent() -> Option<Self> {
                Some($absent)
            })?

            fn shape() -> Shape {
                Shape::Table(vec![$(Field {
                    name: stringify!($field),
                    about: concat!($($about_field),+).trim(),
                    is_required: <$type as Fact>::absent().is_none(),
                    shape: <$type as Fact>::shape(),
                }),*])
            }
        }
    };
}

/// The words of an enum, once for both directions where it is `named`; after `else`, what it is where the field is left out.
macro_rules! words {
    (named $type:ident: $($value:ident = $word:literal $(| $alias:literal)*),+ $(; else $absent:expr)?) => {
        impl $type {
            /// The name in profiles: lower case, with underscores or hyphens.
            pub const fn name(self) -> &'static str {
                match self {
                    $(Self::$value => $word,)+
                }
            }
        }

        $crate::provider::words!($type: $($value = $word $(| $alias)*),+ $(; else $absent)?);
    };
    ($type:ident: $($value:ident = $word:literal $(| $alias:literal)*),+ $(; else $absent:expr)?) => {
        impl $crate::provider::Fact for $type {
            fn read(value: &toml::Spanned<toml::de::DeValue<'_>>) -> Result<Self, $crate::provider::Fault> {
                $crate::provider::word(value, &[$(($word, Self::$value), $(($alias, Self::$value),)*)+])
            }

            $(fn absent() -> Option<Self> {
                Some($absent)
            })?

            fn shape() -> $crate::provider::Shape {
                $crate::provider::Shape::Words(&[$($word),+])
            }
        }
    };
}

pub(crate) use {facts, words};

/// A table whose fields have all been found to be known.
pub(super) struct Table<'a, 'text> {
    fields: &'a DeTable<'text>,
    whole: &'a Spanned<DeValue<'text>>,
}

impl<'a, 'text> Table<'a, 'text> {
    pub(super) fn of(whole: &'a Spanned<DeValue<'text>>, known: &[&str]) -> Result<Self, Fault> {
        let fields = whole.get_ref().as_table().ok_or_else(|| wrong(whole, "a table"))?;
        match fields.keys().find(|name| !known.contains(&&**name.get_ref())) {
            Some(name) => Err(Fault::at(name, format!("unknown field `{}`, expected one of {}", name.get_ref(), listed(known.iter())))),
            None => Ok(Self { fields, whole }),
        }
    }

    pub(super) fn field<T: Fact>(&self, name: &str) -> Result<T, Fault> {
        match self.fields.get(name) {
            Some(value) => T::read(value),
            None => T::absent().ok_or_else(|| Fault::at(self.whole, format!("missing field `{name}`"))),
        }
    }
}

/// A value that is one of some words.
pub(crate) fn word<T: Copy>(value: &Spanned<DeValue<'_>>, words: &[(&str, T)]) -> Result<T, Fault> {
    let text = text(value)?;
    let found = words.iter().find(|(word, _)| *word == text).map(|(_, meant)| *meant);
    found.ok_or_else(|| Fault::at(value, format!("unknown word {text:?}, expected one of {}", listed(words.iter().map(|(word, _)| word)))))
}

fn listed<'a>(names: impl Iterator<Item = &'a &'a str>) -> String {
    names.map(|name| format!("`{name}`")).collect::<Vec<_>>().join(", ")
}

fn wrong(value: &Spanned<DeValue<'_>>, expected: &str) -> Fault {
    Fault::at(value, format!("{expected} is expected here, and not a value of the type {}", value.get_ref().type_str()))
}

fn text<'a>(value: &'a Spanned<DeValue<'_>>) -> Result<&'a str, Fault> {
    value.get_ref().as_str().ok_or_else(|| wrong(value, "text in quotation marks"))
}

impl Fact for String {
    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
        text(value).map(ToOwned::to_owned)
    }

    fn shape() -> Shape {
        Shape::Text
    }
}

impl Fact for Arc<str> {
    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
        text(value).map(Self::from)
    }

    fn shape() -> Shape {
        Shape::Text
    }
}

impl Fact for bool {
    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
        value.get_ref().as_bool().ok_or_else(|| wrong(value, "true or false"))
    }

    fn absent() -> Option<Self> {
        Some(false)
    }

    fn shape() -> Shape {
        Shape::TrueOrFalse
    }
}

macro_rules! whole_numbers {
    ($($type:ty)*) => {
        $(impl Fact for $type {
            fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
                let number = value.get_ref().as_integer().ok_or_else(|| wrong(value, "a whole number"))?;
                let within = Self::from_str_radix(number.as_str(), number.radix());
                within.map_err(|_| Fault::at(value, format!("a whole number from 0 to {} is expected here", Self::MAX)))
            }

            fn shape() -> Shape {
                Shape::WholeNumber
            }
        })*
    };
}

whole_numbers!(u16 u32 u64 usize);

impl<T: Fact> Fact for Option<T> {
    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
        T::read(value).map(Some)
    }

    fn absent() -> Option<Self> {
        Some(None)
    }

    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: Fact> Fact for Spanned<T> {
    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
        Ok(Self::new(value.span(), T::read(value)?))
    }

    fn shape() -> Shape {
        T::shape()
    }
}

impl<T: Fact> Fact for Vec<T> {
    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
        let list = value.get_ref().as_array().ok_or_else(|| wrong(value, "a list"))?;
        list.iter().map(T::read).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn shape() -> Shape {
        Shape::List(Box::new(T::shape()))
    }
}

/// A table of names that the profile chooses.
impl Fact for Vec<(String, String)> {
    fn read(value: &Spanned<DeValue<'_>>) -> Result<Self, Fault> {
        let table = value.get_ref().as_table().ok_or_else(|| wrong(value, "a table"))?;
        table.iter().map(|(name, value)| Ok((name.get_ref().clone().into_owned(), String::read(value)?))).collect()
    }

    fn absent() -> Option<Self> {
        Some(Self::new())
    }

    fn shape() -> Shape {
        Shape::Names
    }
}

#[cfg(test)]
mod tests {
    use crate::Provider;
    use alloc::string::ToString;

    #[test]
    fn a_refusal_names_the_place_and_what_would_be_right() {
        for (line, told) in [
            ("name = 7", "at line 1, field `name`: text in quotation marks is expected here, and not a value of the type integer"),
            ("environment = \"production\"", "at line 1, field `environment`: a list is expected here, and not a value of the type string"),
            ("attach = [1]", "at line 1, field `attach`: a table is expected here, and not a value of the type array"),
            ("key = { overlap = \"yes\" }", "at line 1, field `key`: true or false is expected here, and not a value of the type string"),
            ("key = { lifetime_days = -1 }", "at line 1, field `key`: a whole number from 0 to 4294967295 is expected here"),
            ("poll = { statuses = [65536] }", "at line 1, field `poll`: a whole number from 0 to 65535 is expected here"),
            (
                "wait = [{ unit = \"hours\" }]",
                "unknown word \"hours\", expected one of `seconds`, `millis`, `epoch`, `epoch_millis`, `date`",
            ),
            ("check = { url = \"/me\" }", "at line 1, field `check`: unknown field `url`, expected one of `path`, `source`"),
            ("check = {}", "at line 1, field `check`: missing field `path`"),
            ("poll = {}", "profile refused: missing field `title`"),
        ] {
            let profile = if line.starts_with("name") { line.to_string() } else { alloc::format!("{line}\nname = \"own\"\n") };
            let profile = if told.contains("title") { profile } else { profile + "\ntitle = \"Own\"\n" };
            let error = Provider::from_toml(&profile).unwrap_err().to_string();
            assert!(error.contains(told), "{line}: {error}");
        }
    }

    #[test]
    fn numbers_may_be_written_in_every_way_of_toml() {
        for (length, accepted) in [("8", true), ("0x8", true), ("0b1000", true), ("1_0", false), ("8.0", false)] {
            let text = alloc::format!(
                "name = \"own\"\ntitle = \"Own\"\nenvironment = [{{ name = \"production\" }}]\nkey = {{ format = [{{ prefix = \"own_\", alphabet = \"hex\", length = {length} }}] }}"
            );
            let read = Provider::from_toml(&text).is_ok_and(|provider| provider.key_formats().any(|format| format.length == Some(8)));
            assert_eq!(read, accepted, "{length}");
        }
    }
}
