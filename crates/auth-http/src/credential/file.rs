//! Credential files: one key a line, or JSON.

use super::{Key, Material, Proof};
use crate::error::Error;
use crate::quoted;
use auth_core::{KeyNotes, Secret, UnixTime};
use serde::de::value::MapAccessDeserializer;
use serde::de::{MapAccess, Visitor};
use serde::{Deserialize, Deserializer};
use std::fmt;
use std::path::Path;
use zeroize::Zeroizing;

/// What a JSON file may hold, for the error of one that holds something else.
const FORMS: &str = "expected a JSON object with client_id, client_secret and perhaps refresh_token; or with clients, a list of client_id and client_secret; \
or with keys, a list of keys or of objects with key and perhaps name, id, created (RFC 3339), permissions, integration, relaxed";

/// The JSON forms, told apart by their fields.
#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct JsonFile {
    client_id: Option<String>,
    client_secret: Option<Zeroizing<String>>,
    refresh_token: Option<Zeroizing<String>>,
    clients: Option<Vec<ClientEntry>>,
    keys: Option<Vec<KeyEntry>>,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct ClientEntry {
    client_id: String,
    client_secret: Zeroizing<String>,
}

enum KeyEntry {
    Bare(Zeroizing<String>),
    Noted(NotedKey),
}

impl<'de> Deserialize<'de> for KeyEntry {
    /// By hand, because what serde derives for two forms keeps a copy of the key that nobody wipes.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entry;

        impl<'de> Visitor<'de> for Entry {
            type Value = KeyEntry;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a key, or an object with one")
            }

            fn visit_str<E>(self, key: &str) -> Result<KeyEntry, E> {
                Ok(KeyEntry::Bare(Zeroizing::new(key.to_owned())))
            }

            fn visit_map<A: MapAccess<'de>>(self, fields: A) -> Result<KeyEntry, A::Error> {
                NotedKey::deserialize(MapAccessDeserializer::new(fields)).map(KeyEntry::Noted)
            }
        }

        deserializer.deserialize_any(Entry)
    }
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct NotedKey {
    key: Zeroizing<String>,
    name: Option<String>,
    id: Option<String>,
    created: Option<String>,
    #[serde(default)]
    permissions: Vec<String>,
    integration: Option<String>,
    #[serde(default)]
    relaxed: bool,
}

/// Reads a credential file.
pub(super) fn read(path: &Path) -> Result<Material, Error> {
    let refuse = |reason: String| Error::Source { source: format!("the file {}", quoted::path(path)), reason };
    let missing = |error: std::io::Error| refuse(format!("{error}: check the path, and that this user may read it"));
    let text = Zeroizing::new(std::fs::read_to_string(path).map_err(missing)?);
    if !text.trim_start().starts_with(['{', '[']) {
        let keys: Vec<Key> = text.lines().filter(|line| !line.trim().is_empty()).map(Key::from).collect();
        return if keys.is_empty() { Err(refuse("it is empty: write one key a line into it".into())) } else { Ok(Material::Keys(keys)) };
    }
    // serde's own message can quote a value, so only its place is told.
    let file: JsonFile = serde_json::from_str(&text).map_err(|error| refuse(format!("line {}: {FORMS}", error.line())))?;
    match file {
        JsonFile { client_id: Some(id), client_secret: Some(secret), refresh_token, clients: None, keys: None } => {
            Ok(Material::Client { id, proof: Proof::Secret(wiped(&secret)), refresh_token: refresh_token.as_ref().map(wiped) })
        }
        JsonFile { client_id: None, client_secret: None, refresh_token: None, clients: Some(clients), keys: None }
            if !clients.is_empty() =>
        {
            Ok(Material::Clients(clients.into_iter().map(|entry| (entry.client_id, wiped(&entry.client_secret))).collect()))
        }
        JsonFile { client_id: None, client_secret: None, refresh_token: None, clients: None, keys: Some(keys) } if !keys.is_empty() => keys
            .into_iter()
            .enumerate()
            .map(|(index, entry)| key(index, entry).map_err(refuse))
            .collect::<Result<_, _>>()
            .map(Material::Keys),
        _ => Err(refuse(FORMS.into())),
    }
}

/// What to tell the owner of a file that every user of the machine can read; `None` if they cannot.
#[cfg(unix)]
pub(super) fn exposure(path: &Path) -> Option<String> {
    use std::os::unix::fs::PermissionsExt as _;
    const READ_BY_OTHERS: u32 = 0o004;
    let mode = std::fs::metadata(path).ok()?.permissions().mode();
    let told = || format!("every user of this machine can read the file {}: chmod 600", quoted::path(path));
    (mode & READ_BY_OTHERS != 0).then(told)
}

#[cfg(not(unix))]
pub(super) fn exposure(_: &Path) -> Option<String> {
    None
}

fn key(index: usize, entry: KeyEntry) -> Result<Key, String> {
    let noted = match entry {
        KeyEntry::Bare(key) => return Ok(Key::new(wiped(&key))),
        KeyEntry::Noted(noted) => noted,
    };
    let moment = |text: String| {
        UnixTime::from_rfc3339(&text)
            .ok_or_else(|| format!("keys[{index}].created is not a date of RFC 3339: write it as 2026-08-01 or 2026-08-01T09:30:00Z"))
    };
    let notes = KeyNotes {
        name: noted.name,
        id: noted.id,
        created: noted.created.map(moment).transpose()?,
        permissions: noted.permissions,
        integration: noted.integration,
    };
    let key = Key::new(wiped(&noted.key)).notes(notes);
    Ok(if noted.relaxed { key.relaxed() } else { key })
}

fn wiped(text: &Zeroizing<String>) -> Secret {
    Secret::new(text.as_str())
}
