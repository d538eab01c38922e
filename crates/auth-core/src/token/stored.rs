//! The durable form of a [`Record`]: the one that every store keeps, in every language.
//!
//! JSON, because a person who has to look into a store can read it, and because a later version can tell what it does not know. Numbers that no JSON reader
//! may round stand as 16 hexadecimal digits. To add an optional field: a line in [`Stored`], one in [`FIELDS`], one in each of the two functions of [`Record`], and
//! a vector in `tests/vectors/records.json`. An older version then refuses such a record and says that it is too old for it.

use super::record::{Record, Spending};
use crate::credential::Secret;
use crate::time::UnixTime;
use alloc::borrow::Cow;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

/// The version that is written.
const VERSION: u64 = 1;

/// The longest record that is read: 8 MiB, because a token answer has at most one, and each of its bytes at most six when it is escaped.
pub const MAX_RECORD: usize = 8 << 20;

/// The largest generation: the largest number that every reader of JSON gets right (RFC 8259 section 6). No session gets so many tokens.
const MAX_GENERATION: u64 = (1 << 53) - 1;

/// The names in a record, to tell an unknown one from a wrong value.
const FIELDS: [&str; 10] = [
    "version",
    "generation",
    "grant",
    "access_token",
    "expires_at_ms",
    "minted_at_ms",
    "refresh_token",
    "refresh_ends_at_ms",
    "consented_at_ms",
    "spending",
];

/// The names in a journal entry.
const SPENDING_FIELDS: [&str; 2] = ["mark", "since_ms"];

/// What is read. Texts are borrowed where they hold no escapes, so that no copy of a secret is left behind.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Stored<'a> {
    #[serde(rename = "version")]
    _version: IgnoredAny,
    generation: u64,
    grant: Hex,
    #[serde(borrow, default)]
    access_token: Option<Text<'a>>,
    expires_at_ms: u64,
    minted_at_ms: u64,
    #[serde(borrow, default)]
    refresh_token: Option<Text<'a>>,
    #[serde(default)]
    refresh_ends_at_ms: Option<u64>,
    #[serde(default)]
    consented_at_ms: Option<u64>,
    #[serde(default)]
    spending: Option<StoredSpending>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSpending {
    mark: Hex,
    since_ms: u64,
}

/// `RecordError` is why bytes are no record, or none that this version may touch. It quotes nothing of them.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum RecordError {
    /// They are longer than any record.
    TooLong,
    /// There are none.
    Empty,
    /// They end in the middle.
    Truncated,
    /// They are not JSON, not an object, or hold a number beyond every range.
    NotJson {
        /// The line, counted from 1.
        line: usize,
        /// The byte in the line, counted from 1.
        column: usize,
    },
    /// They name no version that was ever written.
    NoVersion,
    /// They are of a version that is not known here.
    Version {
        /// Which.
        found: u64,
    },
    /// They hold a field that is not known here.
    UnknownField,
    /// A field is missing, stands there twice, or has a value that it cannot have.
    Value {
        /// The line, counted from 1.
        line: usize,
        /// The byte in the line, counted from 1; for a missing field, where the record ends.
        column: usize,
    },
    /// The generation is larger than any.
    Generation,
}

impl RecordError {
    /// The error's name in lower case with underscores, as in test vectors.
    pub fn name(&self) -> &'static str {
        match self {
            Self::TooLong => "too_long",
            Self::Empty => "empty",
            Self::Truncated => "truncated",
            Self::NotJson { .. } => "not_json",
            Self::NoVersion => "no_version",
            Self::Version { .. } => "version",
            Self::UnknownField => "unknown_field",
            Self::Value { .. } => "value",
            Self::Generation => "generation",
        }
    }
}

/// One line: what is wrong, then what to do.
impl fmt::Display for RecordError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let damaged = "restore it from a backup, or remove it and connect the account again";
        match self {
            Self::TooLong => write!(f, "the record is longer than {MAX_RECORD} bytes: {damaged}"),
            Self::Empty => write!(f, "the record is empty: {damaged}"),
            Self::Truncated => write!(f, "the record is cut off: {damaged}"),
            Self::NotJson { line, column } => {
                write!(f, "the record is not a JSON object that can be read (line {line}, column {column}): {damaged}")
            }
            Self::NoVersion => write!(f, "the record names no version, so ledgerauth did not write it: give the store a place of its own"),
            Self::Version { found } => write!(
                f,
                "the record is of version {found}, and this ledgerauth knows version {VERSION} only: upgrade it to the one that wrote the record"
            ),
            Self::UnknownField => {
                f.write_str("the record has a field that this ledgerauth does not know: upgrade it to the one that wrote the record")
            }
            Self::Value { line, column } => {
                write!(f, "the record misses a field or has a value that cannot be (line {line}, column {column}): {damaged}")
            }
            Self::Generation => write!(f, "the record's generation is larger than {MAX_GENERATION}: {damaged}"),
        }
    }
}

impl core::error::Error for RecordError {}

impl Record {
    /// The record in its durable form, wiped when it is dropped.
    pub fn to_bytes(&self) -> Zeroizing<Vec<u8>> {
        let length = |secret: &Option<Secret>| secret.as_ref().map_or(0, |secret| secret.expose().len());
        // Room for everything at once, each byte escaped: a growing buffer would leave copies of the tokens behind.
        let room = 512 + 6 * (length(&self.access_token) + length(&self.refresh_token));
        let mut text = Zeroizing::new(String::with_capacity(room));
        // Writing to a string cannot fail.
        let _ = write!(text, r#"{{"version":{VERSION},"generation":{},"grant":"{:016x}""#, self.generation, self.grant);
        let (expires, minted) = (self.expires_at.as_millis(), self.minted_at.as_millis());
        let _ = write!(text, r#","expires_at_ms":{expires},"minted_at_ms":{minted}"#);
        for (name, secret) in [("access_token", &self.access_token), ("refresh_token", &self.refresh_token)] {
            if let Some(secret) = secret {
                let _ = write!(text, r#","{name}":""#);
                escape(&mut text, secret.expose());
                text.push('"');
            }
        }
        for (name, moment) in [("refresh_ends_at_ms", self.refresh_ends_at), ("consented_at_ms", self.consented_at)] {
            if let Some(moment) = moment {
                let _ = write!(text, r#","{name}":{}"#, moment.as_millis());
            }
        }
        if let Some(Spending { mark, since }) = self.spending {
            let _ = write!(text, r#","spending":{{"mark":"{mark:016x}","since_ms":{}}}"#, since.as_millis());
        }
        text.push('}');
        Zeroizing::new(core::mem::take(&mut *text).into_bytes())
    }

    /// A record from its durable form.
    ///
    /// # Errors
    /// A [`RecordError`] for whatever is not exactly a record of a version that is known here: a store must then neither use nor overwrite it.
    pub fn from_bytes(bytes: &[u8]) -> Result<Self, RecordError> {
        if bytes.len() > MAX_RECORD {
            return Err(RecordError::TooLong);
        }
        // The parser takes a list of values for an object.
        if bytes.trim_ascii_start().first().is_some_and(|first| *first != b'{') {
            return Err(RecordError::NotJson { line: 1, column: 1 });
        }
        check_version(bytes)?;
        let stored: Stored<'_> = serde_json::from_slice(bytes).map_err(|error| fault(bytes, &error))?;
        if stored.generation > MAX_GENERATION {
            return Err(RecordError::Generation);
        }
        Ok(Self {
            generation: stored.generation,
            grant: stored.grant.0,
            access_token: stored.access_token.map(Text::into_secret),
            expires_at: UnixTime::from_millis(stored.expires_at_ms),
            minted_at: UnixTime::from_millis(stored.minted_at_ms),
            refresh_token: stored.refresh_token.map(Text::into_secret),
            refresh_ends_at: stored.refresh_ends_at_ms.map(UnixTime::from_millis),
            consented_at: stored.consented_at_ms.map(UnixTime::from_millis),
            spending: stored.spending.map(|spending| Spending { mark: spending.mark.0, since: UnixTime::from_millis(spending.since_ms) }),
        })
    }
}

/// Writes text into a JSON string (RFC 8259 section 7).
fn escape(out: &mut String, text: &str) {
    for c in text.chars() {
        match c {
            '"' | '\\' => out.extend(['\\', c]),
            '\0'..='\u{1f}' => {
                let _ = write!(out, "\\u{:04x}", u32::from(c));
            }
            _ => out.push(c),
        }
    }
}

/// Looks at the version before anything else, because another version may mean something else by every other field.
fn check_version(bytes: &[u8]) -> Result<(), RecordError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: Option<u64>,
    }
    match serde_json::from_slice::<Versioned>(bytes) {
        Ok(Versioned { version: Some(VERSION) }) => Ok(()),
        Ok(Versioned { version: None | Some(0) }) => Err(RecordError::NoVersion),
        Ok(Versioned { version: Some(found) }) => Err(RecordError::Version { found }),
        Err(error) => Err(fault(bytes, &error)),
    }
}

/// What is wrong with bytes that could not be read. The parser's own message can quote a secret, so only its place is taken.
fn fault(bytes: &[u8], error: &serde_json::Error) -> RecordError {
    let (line, column) = (error.line(), error.column());
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return RecordError::Empty;
    }
    match error.classify() {
        serde_json::error::Category::Eof => RecordError::Truncated,
        serde_json::error::Category::Data if has_unknown_field(bytes) => RecordError::UnknownField,
        serde_json::error::Category::Data => RecordError::Value { line, column },
        _ => RecordError::NotJson { line, column },
    }
}

/// Whether an object has a field that is no record's, or its journal entry one that is no journal entry's.
#[expect(clippy::zero_sized_map_values, reason = "only a map reads names whose values are ignored")]
fn has_unknown_field(bytes: &[u8]) -> bool {
    #[derive(Deserialize)]
    struct Journal {
        #[serde(default)]
        spending: Option<BTreeMap<String, IgnoredAny>>,
    }
    let unknown = |fields: BTreeMap<String, IgnoredAny>, known: &[&str]| fields.keys().any(|name| !known.contains(&name.as_str()));
    let of_record = serde_json::from_slice(bytes).is_ok_and(|fields| unknown(fields, &FIELDS));
    of_record
        || serde_json::from_slice::<Journal>(bytes)
            .is_ok_and(|journal| journal.spending.is_some_and(|fields| unknown(fields, &SPENDING_FIELDS)))
}

/// 64 bits as 16 hexadecimal digits in lower case.
struct Hex(u64);

impl<'de> Deserialize<'de> for Hex {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let text = Text::deserialize(deserializer)?.0;
        let well_formed = text.len() == 16 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        let number = well_formed.then(|| u64::from_str_radix(&text, 16).ok()).flatten();
        number.map(Self).ok_or_else(|| de::Error::custom("not 16 hexadecimal digits"))
    }
}

/// Text that is borrowed from the bytes if it can be.
#[derive(Deserialize)]
struct Text<'a>(#[serde(borrow)] Cow<'a, str>);

impl Text<'_> {
    fn into_secret(self) -> Secret {
        Secret::new(self.0.into_owned())
    }
}
