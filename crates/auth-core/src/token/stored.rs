//! The durable form of a [`Record`]: the one that every store keeps, in every language.
//!
//! JSON, because a person who has to look into a store can read it, and because a later version can tell what it does not know. Numbers that no JSON reader
//! may round stand as 16 hexadecimal digits. To add an optional field: a line in [`Stored`], one in [`FIELDS`], one in each of the two functions of [`Record`], and
//! a vector in `tests/vectors/records.json`. An older version then refuses such a record and says that it is too old for it.
//!
//! Version 2 adds `place`, `refusal` and the journal entry's `attempt`. A record of version 1 is read, and written again as version 2.

use super::place::Place;
use super::record::{Record, Spending};
use super::refused::Refusal;
use crate::credential::Secret;
use crate::time::UnixTime;
use alloc::borrow::Cow;
use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt::{self, Write as _};
use serde::de::IgnoredAny;
use serde::{Deserialize, Deserializer, de};
use zeroize::Zeroizing;

/// The version that is written.
const VERSION: u64 = 2;

/// The version before, which is read.
const FORMER_VERSION: u64 = 1;

/// The longest record that is read: 8 MiB, because a token answer has at most one, and each of its bytes at most six when it is escaped.
pub const MAX_RECORD: usize = 8 << 20;

/// The largest generation: the largest number that every reader of JSON gets right (RFC 8259 section 6). No session gets so many tokens.
const MAX_GENERATION: u64 = (1 << 53) - 1;

/// The names in a record, to tell an unknown one from a wrong value.
const FIELDS: Fields = Fields {
    record: &[
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
        "place",
        "refusal",
    ],
    spending: &["mark", "since_ms", "attempt"],
    place: &["provider", "environment", "client_id", "set"],
    refusal: &["status", "code", "message", "since_ms", "probe_at_ms", "ends_at_ms"],
};

/// The same for version 1.
const FORMER_FIELDS: Fields = Fields { record: FIELDS.record.split_at(10).0, spending: FIELDS.spending.split_at(2).0, ..FIELDS };

/// The names in a record and in the objects in it.
struct Fields {
    record: &'static [&'static str],
    spending: &'static [&'static str],
    place: &'static [&'static str],
    refusal: &'static [&'static str],
}

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
    #[serde(default)]
    place: Option<Box<StoredPlace>>,
    #[serde(default)]
    refusal: Option<Box<StoredRefusal>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredSpending {
    mark: Hex,
    since_ms: u64,
    /// Version 1 did not count.
    #[serde(default = "one")]
    attempt: u32,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredPlace {
    provider: String,
    environment: String,
    client_id: String,
    #[serde(default)]
    set: BTreeMap<Box<str>, String>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct StoredRefusal {
    status: u16,
    #[serde(default)]
    code: Option<String>,
    #[serde(default)]
    message: Option<String>,
    since_ms: u64,
    probe_at_ms: u64,
    ends_at_ms: u64,
}

fn one() -> u32 {
    1
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
                "the record is of version {found}, and this ledgerauth knows versions {FORMER_VERSION} and {VERSION} only: upgrade it to the one that wrote the record"
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
        let public = self.public_texts();
        let room = 512 + public.len() + 6 * (length(&self.access_token) + length(&self.refresh_token));
        let mut text = Zeroizing::new(String::with_capacity(room));
        // Writing to a string cannot fail.
        let _ = write!(text, r#"{{"version":{VERSION},"generation":{},"grant":"{:016x}""#, self.generation, self.grant);
        let (expires, minted) = (self.expires_at.as_millis(), self.minted_at.as_millis());
        let _ = write!(text, r#","expires_at_ms":{expires},"minted_at_ms":{minted}"#);
        text.push_str(&public);
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
        if let Some(Spending { mark, since, attempt }) = self.spending {
            let _ = write!(text, r#","spending":{{"mark":"{mark:016x}","since_ms":{},"attempt":{attempt}}}"#, since.as_millis());
        }
        text.push('}');
        Zeroizing::new(core::mem::take(&mut *text).into_bytes())
    }

    /// The fields that hold texts and no secrets.
    fn public_texts(&self) -> String {
        let mut text = String::new();
        if let Some(place) = &self.place {
            let names = [("provider", &place.provider), ("environment", &place.environment), ("client_id", &place.client_id)];
            text.push_str(r#","place":{"#);
            write_members(&mut text, names.into_iter());
            if !place.set.is_empty() {
                text.push_str(r#","set":{"#);
                write_members(&mut text, place.set.iter().map(|(name, value)| (&**name, value)));
                text.push('}');
            }
            text.push('}');
        }
        if let Some(refusal) = &self.refusal {
            let moments = [("since_ms", refusal.since), ("probe_at_ms", refusal.probe_at), ("ends_at_ms", refusal.ends_at)];
            // Writing to a string cannot fail.
            let _ = write!(text, r#","refusal":{{"status":{}"#, refusal.status);
            for (name, moment) in moments {
                let _ = write!(text, r#","{name}":{}"#, moment.as_millis());
            }
            for member in [("code", &refusal.code), ("message", &refusal.message)] {
                if let (name, Some(value)) = member {
                    text.push(',');
                    write_members(&mut text, core::iter::once((name, value)));
                }
            }
            text.push('}');
        }
        text
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
        let fields = fields_of_version(bytes)?;
        let stored: Stored<'_> = serde_json::from_slice(bytes).map_err(|error| fault(bytes, fields, &error))?;
        if fields.record.len() < FIELDS.record.len() && has_unknown_field(bytes, fields) {
            return Err(RecordError::UnknownField);
        }
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
            spending: stored.spending.map(StoredSpending::into_spending),
            place: stored.place.map(|place| Box::new(place.into_place())),
            refusal: stored.refusal.map(|refusal| Box::new(refusal.into_refusal())),
        })
    }
}

impl StoredSpending {
    fn into_spending(self) -> Spending {
        Spending { mark: self.mark.0, since: UnixTime::from_millis(self.since_ms), attempt: self.attempt }
    }
}

impl StoredPlace {
    fn into_place(self) -> Place {
        let Self { provider, environment, client_id, set } = self;
        Place { provider, environment, client_id, set }
    }
}

impl StoredRefusal {
    fn into_refusal(self) -> Refusal {
        let Self { status, code, message, since_ms, probe_at_ms, ends_at_ms } = self;
        let [since, probe_at, ends_at] = [since_ms, probe_at_ms, ends_at_ms].map(UnixTime::from_millis);
        Refusal { status, code, message, since, probe_at, ends_at }
    }
}

/// Writes members of a JSON object.
fn write_members<'a>(out: &mut String, members: impl Iterator<Item = (&'a str, &'a String)>) {
    for (index, (name, value)) in members.enumerate() {
        out.push_str(if index == 0 { "\"" } else { ",\"" });
        escape(out, name);
        out.push_str("\":\"");
        escape(out, value);
        out.push('"');
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

/// The fields of the record's version. It is looked at first, because another version may mean something else by every other field.
fn fields_of_version(bytes: &[u8]) -> Result<&'static Fields, RecordError> {
    #[derive(Deserialize)]
    struct Versioned {
        version: Option<u64>,
    }
    match serde_json::from_slice::<Versioned>(bytes) {
        Ok(Versioned { version: Some(VERSION) }) => Ok(&FIELDS),
        Ok(Versioned { version: Some(FORMER_VERSION) }) => Ok(&FORMER_FIELDS),
        Ok(Versioned { version: None | Some(0) }) => Err(RecordError::NoVersion),
        Ok(Versioned { version: Some(found) }) => Err(RecordError::Version { found }),
        Err(error) => Err(fault(bytes, &FIELDS, &error)),
    }
}

/// What is wrong with bytes that could not be read. The parser's own message can quote a secret, so only its place is taken.
fn fault(bytes: &[u8], fields: &Fields, error: &serde_json::Error) -> RecordError {
    let (line, column) = (error.line(), error.column());
    if bytes.iter().all(u8::is_ascii_whitespace) {
        return RecordError::Empty;
    }
    match error.classify() {
        serde_json::error::Category::Eof => RecordError::Truncated,
        serde_json::error::Category::Data if has_unknown_field(bytes, fields) => RecordError::UnknownField,
        serde_json::error::Category::Data => RecordError::Value { line, column },
        _ => RecordError::NotJson { line, column },
    }
}

/// Whether a record, or an object in it, has a field that its version does not have.
#[expect(clippy::zero_sized_map_values, reason = "only a map reads names whose values are ignored")]
fn has_unknown_field(bytes: &[u8], fields: &Fields) -> bool {
    type Names = BTreeMap<String, IgnoredAny>;
    #[derive(Deserialize)]
    struct Objects {
        #[serde(default)]
        spending: Option<Names>,
        #[serde(default)]
        place: Option<Names>,
        #[serde(default)]
        refusal: Option<Names>,
    }
    let unknown = |names: &Names, known: &[&str]| names.keys().any(|name| !known.contains(&name.as_str()));
    let in_object = |names: Option<Names>, known: &[&str]| names.is_some_and(|names| unknown(&names, known));
    serde_json::from_slice(bytes).is_ok_and(|names| unknown(&names, fields.record))
        || serde_json::from_slice(bytes).is_ok_and(|Objects { spending, place, refusal }| {
            in_object(spending, fields.spending) || in_object(place, fields.place) || in_object(refusal, fields.refusal)
        })
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
