//! Records encrypted at rest: XChaCha20-Poly1305 (draft-irtf-cfrg-xchacha-03), bound to the credential's id and to this format.
//!
//! ```text
//! "ledgerauth sealed 1\n"   20 bytes
//! which key                  8 bytes   the start of a hash of the key, to tell a wrong key from damage
//! nonce                     24 bytes   random
//! record and tag                       the associated data is "ledgerauth record 1", a zero byte and the id
//! ```

use crate::error::Error;
use crate::quoted;
use auth_core::{MAX_RECORD, Record, Secret};
use base64::Engine as _;
use base64::engine::general_purpose::{STANDARD_NO_PAD, URL_SAFE_NO_PAD};
use chacha20poly1305::aead::AeadInOut as _;
use chacha20poly1305::{KeyInit as _, Tag, XChaCha20Poly1305, XNonce};
use sha2::{Digest as _, Sha256};
use std::fmt;
use std::path::Path;
use zeroize::Zeroizing;

const MARK: &[u8] = b"ledgerauth sealed 1\n";
/// What every version of the form begins with.
const ANY_MARK: &[u8] = b"ledgerauth sealed ";
const KEY_ID: usize = 8;
const NONCE: usize = 24;
const TAG: usize = 16;
const HEAD: usize = MARK.len() + KEY_ID + NONCE;

/// The longest content that is read of a store: a record and what sealing adds.
pub(super) const MAX_CONTENT: usize = MAX_RECORD + HEAD + TAG;

/// `SealKey` is a key of 32 random bytes with which a store encrypts its records; wiped when it is dropped, never shown.
#[derive(Clone)]
pub struct SealKey(Zeroizing<[u8; 32]>);

impl SealKey {
    /// A key from its text: 32 bytes in base64 or hexadecimal, as `head -c 32 /dev/urandom | base64` prints it.
    ///
    /// # Errors
    /// [`Error::Setting`] if the text is anything else; it is not quoted.
    pub fn from_value(text: impl Into<Secret>) -> Result<Self, Error> {
        Self::parse(&text.into()).map_err(|reason| refused("the given text", &reason))
    }

    /// A key from an environment variable.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is not set, or no key.
    pub fn from_env(variable: &str) -> Result<Self, Error> {
        let place = quoted::variable(variable);
        let text = std::env::var(variable).map_err(|_| refused(&place, "is not set, or not text: export the key there"))?;
        Self::parse(&text.into()).map_err(|reason| refused(&place, &reason))
    }

    /// A key from a file, as a secrets manager mounts it.
    ///
    /// # Errors
    /// [`Error::Setting`] if the file cannot be read, or holds no key.
    pub fn from_file(path: impl AsRef<Path>) -> Result<Self, Error> {
        let place = format!("the file {}", quoted::path(path.as_ref()));
        let text = std::fs::read_to_string(path).map_err(|error| refused(&place, &format!("cannot be read: {error}")))?;
        Self::parse(&text.into()).map_err(|reason| refused(&place, &reason))
    }

    /// A key from the desktop's secret service (gnome-keyring, KWallet), where it stands as a password under `service` and `account`; store it with
    /// `head -c 32 /dev/urandom | base64 | secret-tool store --label=ledgerauth service SERVICE username ACCOUNT`.
    ///
    /// # Errors
    /// [`Error::Setting`] if there is no such service, it is locked, has no such entry, or the entry is no key.
    #[cfg(all(feature = "keyring", target_os = "linux"))]
    pub fn from_keyring(service: &str, account: &str) -> Result<Self, Error> {
        use keyring_core::api::CredentialStoreApi as _;
        let place = format!("the keyring's entry {service}/{account}");
        let read = || dbus_secret_service_keyring_store::Store::new()?.build(service, account, None)?.get_password();
        let text = read().map_err(|error| {
            refused(
                &place,
                &match error {
                    keyring_core::Error::NoEntry => {
                        let word = |text: &str| format!("'{}'", text.replace('\'', r"'\''"));
                        let (service, account) = (word(service), word(account));
                        format!(
                            "does not exist: head -c 32 /dev/urandom | base64 | secret-tool store --label=ledgerauth service {service} username {account}"
                        )
                    }
                    keyring_core::Error::NoStorageAccess(_) => "cannot be read, because the keyring is locked: unlock it".into(),
                    keyring_core::Error::Ambiguous(_) => "exists more than once: remove all but one".into(),
                    _ => "cannot be read: is a secret service running in this session?".into(),
                },
            )
        })?;
        Self::parse(&text.into()).map_err(|reason| refused(&place, &reason))
    }

    fn parse(text: &Secret) -> Result<Self, String> {
        let text = text.expose().trim();
        let wrong = || "is not 32 bytes in base64 or hexadecimal: make a key with head -c 32 /dev/urandom | base64".to_owned();
        let mut key = Zeroizing::new([0; 32]);
        if text.len() == 64 {
            for (byte, pair) in key.iter_mut().zip(text.as_bytes().chunks(2)) {
                let digits = std::str::from_utf8(pair).ok().filter(|pair| pair.bytes().all(|digit| digit.is_ascii_hexdigit()));
                *byte = digits.and_then(|digits| u8::from_str_radix(digits, 16).ok()).ok_or_else(wrong)?;
            }
        } else {
            let text = text.trim_end_matches('=');
            let bytes = Zeroizing::new(STANDARD_NO_PAD.decode(text).or_else(|_| URL_SAFE_NO_PAD.decode(text)).map_err(|_| wrong())?);
            if bytes.len() != 32 {
                return Err(wrong());
            }
            key.copy_from_slice(&bytes);
        }
        if key.iter().all(|byte| *byte == key[0]) {
            return Err("is one byte repeated, which anybody can guess: make a key with head -c 32 /dev/urandom | base64".into());
        }
        Ok(Self(key))
    }

    /// What is told of the key in what it sealed.
    fn id(&self) -> [u8; KEY_ID] {
        let digest = Sha256::new().chain_update(b"ledgerauth seal key\0").chain_update(*self.0).finalize();
        std::array::from_fn(|index| digest[index])
    }

    fn cipher(&self) -> XChaCha20Poly1305 {
        XChaCha20Poly1305::new((&*self.0).into())
    }
}

impl fmt::Debug for SealKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("SealKey([redacted])")
    }
}

fn refused(place: &str, reason: &str) -> Error {
    Error::Setting { name: "the seal key", reason: format!("{place} {reason}") }
}

/// How a store turns records into bytes and back.
#[derive(Clone, Debug, Default)]
pub(super) struct Sealing {
    /// The key that seals; without one, records stand as they are.
    pub(super) key: Option<SealKey>,
    /// Keys that open as well, for what was sealed before a new key came.
    pub(super) former: Vec<SealKey>,
    /// Whether unsealed records are read although there is a key.
    pub(super) reads_unsealed: bool,
}

impl Sealing {
    /// The bytes to keep for a record.
    pub(super) fn close(&self, id: &str, record: &Record) -> Result<Zeroizing<Vec<u8>>, String> {
        let plain = record.to_bytes();
        let Some(key) = &self.key else { return Ok(plain) };
        let mut nonce = XNonce::default();
        getrandom::fill(&mut nonce)
            .map_err(|error| format!("the system gives no randomness for sealing ({error}): nothing was written"))?;
        let mut sealed = Zeroizing::new(Vec::with_capacity(HEAD + plain.len() + TAG));
        sealed.extend_from_slice(MARK);
        sealed.extend_from_slice(&key.id());
        sealed.extend_from_slice(&nonce);
        sealed.extend_from_slice(&plain);
        let (_, body) = sealed.split_at_mut(HEAD);
        let tag = key
            .cipher()
            .encrypt_inout_detached(&nonce, &associated(id), body.into())
            .map_err(|_| "the record is too long to be sealed: nothing was written".to_owned())?;
        sealed.extend_from_slice(&tag);
        Ok(sealed)
    }

    /// The record in kept bytes.
    pub(super) fn open(&self, id: &str, kept: &[u8]) -> Result<Record, String> {
        let plain = |bytes: &[u8]| Record::from_bytes(bytes).map_err(|error| error.to_string());
        if !kept.starts_with(ANY_MARK) {
            return match &self.key {
                Some(_) if !self.reads_unsealed => {
                    Err("the record is not sealed, but the store has a key: allow unsealed ones until they are all renewed, or find out who wrote it".into())
                }
                _ => plain(kept),
            };
        }
        let Some(key) = &self.key else {
            return Err("the record is sealed: give the store the key that it was sealed with".into());
        };
        let keys: Vec<&SealKey> = [key].into_iter().chain(&self.former).collect();
        let Some(sealed) = kept.strip_prefix(MARK) else {
            return Err(
                "the record is sealed in a form that this ledgerauth does not know: upgrade it to the one that wrote the record".into()
            );
        };
        let damaged = || {
            "the sealed record is damaged, or belongs to another credential: restore it from a backup, or remove it and connect the account again"
                .to_owned()
        };
        let parts = sealed.split_first_chunk::<KEY_ID>().and_then(|(which, rest)| {
            let (nonce, rest) = rest.split_first_chunk::<NONCE>()?;
            let (body, tag) = rest.split_last_chunk::<TAG>()?;
            Some((which, nonce, body, tag))
        });
        let (which, nonce, body, tag) = parts.ok_or_else(damaged)?;
        // Every key is tried, because the mark of the key may itself be what is damaged.
        let opened = keys.iter().find_map(|key| {
            let mut bytes = Zeroizing::new(body.to_vec());
            let (nonce, tag) = (XNonce::from(*nonce), Tag::from(*tag));
            key.cipher().decrypt_inout_detached(&nonce, &associated(id), bytes.as_mut_slice().into(), &tag).ok()?;
            Some((key.id(), bytes))
        });
        match opened {
            Some((id, bytes)) if id == *which => plain(&bytes),
            None if keys.iter().all(|key| key.id() != *which) => {
                Err("the record was sealed with another key: give the store that key, as its key or as a former one".into())
            }
            _ => Err(damaged()),
        }
    }
}

/// What a sealed record is bound to.
fn associated(id: &str) -> Vec<u8> {
    [b"ledgerauth record 1\0", id.as_bytes()].concat()
}
