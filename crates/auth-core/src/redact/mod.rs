//! Redaction: secrets out of any text, look-alikes left alone.
//!
//! `scan` finds the few places worth a look. `field` reads a name with its value there, where `place`
//! says that it stands; `bare` reads what needs no name, `pem` private keys. `names`, `value` and
//! `prefixes` are what they know. `ansi` passes over escape sequences. `echo` finds known secrets in the
//! decoded forms that `view` makes of a text. `rules` walks through a text with all of them, and
//! `stream` does the same for text that comes in pieces.

mod ansi;
mod bare;
mod echo;
mod field;
mod names;
mod pem;
mod place;
mod prefixes;
mod rules;
mod scan;
mod stream;
mod value;
mod view;

pub use stream::{MAX_LINE, RedactStream};

use crate::credential::Secret;
use crate::provider::Provider;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use field::Open;
use rules::Rules;
use value::{MARK, Text};

/// `Redactor` takes secrets out of text and bytes, and leaves what only looks like them alone.
///
/// It takes out, and puts `[redacted]` in their place:
/// - what follows `Authorization` and its relatives, a scheme word such as `Bearer` kept; cookies; `X-API-Key`, `X-Auth-Token` and other headers whose
///   name says what they hold; any header named by [`Redactor::with_header`];
/// - values of `access_token`, `refresh_token`, `id_token`, `client_secret`, `api_key`, `password`,
///   `assertion`, `code_verifier`, `device_code`, `passphrase`, `*_PASS`, sealing keys and the like: in
///   JSON (also JSON printed inside JSON, with quotes escaped in any way), in printed maps, in form
///   bodies and in URLs, in XML, in HAR files, as options of commands, and on the line after their
///   name; `code` and `key` in forms and URLs only;
/// - private keys: PEM in one line or many, `private_key`, the private members of a JSON web key;
/// - keys with a known prefix in any case, the prefix kept (`live_sk_[redacted]`); `Bearer` and `Basic`
///   with a credential anywhere; JSON web tokens; passwords in URLs and of `curl -u`; any text named by
///   [`Redactor::with_secret`], in every form in which it may have been echoed.
///
/// It leaves alone: UUIDs, hashes, hex ids, numbers and words, `token expired` and `Basic plan`, `null`
/// and `true` in JSON, page tokens, placeholders such as `$TOKEN` and `YOUR_TOKEN`, identifiers made of
/// words, calls in source code. A secret without any of the signs above cannot be told from an id; name
/// it with [`Redactor::with_secret`]. A value that is not closed ends with its line.
///
/// Escape sequences of terminals are borders of words. They may stand between a name, its separator and
/// its value. The time is linear in the length of the text, whatever the text is.
///
/// Headers and schemes are recognised in small letters, capitalised and in capitals. Two things are not redacted for lack of a sign: a URL's scheme that
/// ends with an unusual letter hides its password, and a word of small letters after a bare `Bearer` is a word.
///
/// Redacting text that was redacted changes nothing; in binary noise a second pass may take out more. A redactor never changes and is shared between threads freely; cloning costs a reference count.
/// `Debug` shows numbers only.
///
/// ```
/// let redactor = auth_core::Redactor::new();
/// let line = "GET /v1/invoices?api_key=0a1b2c3d HTTP/1.1, Authorization: Bearer not.a.real.token1";
/// assert_eq!(redactor.redact(line), "GET /v1/invoices?api_key=[redacted] HTTP/1.1, Authorization: Bearer [redacted]");
/// ```
#[derive(Clone)]
pub struct Redactor(Arc<Rules>);

/// The range of a text that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    start: usize,
    end: usize,
}

/// What an opening leads to.
enum Sign {
    /// A secret.
    Found(Found),
    /// A secret that begins on the next line.
    Opens(Open),
}

/// What stands where a secret was, as text.
pub(crate) const MARK_TEXT: &str = "[redacted]";

impl Redactor {
    /// What is put in a secret's place.
    pub const MARK: &'static [u8] = MARK;

    /// A redactor that knows the headers, fields and schemes above and the key formats of every shipped profile.
    ///
    /// Building one costs some tens of microseconds; keep it.
    pub fn new() -> Self {
        Self(Arc::new(Rules::builtin()))
    }

    /// Takes out keys of this provider's formats as well, and what its credential header holds: for profiles that are not shipped.
    #[must_use]
    pub fn with_provider(self, provider: &Provider) -> Self {
        self.changed(|rules| {
            rules.add_provider(provider);
            rules.add_header(provider.attach_header());
        })
    }

    /// Takes out what this header holds as well, to the end of its line or of the quotes around it. Its name is compared without case.
    #[must_use]
    pub fn with_header(self, name: &str) -> Self {
        self.changed(|rules| rules.add_header(name))
    }

    /// Takes out this text wherever it stands, as it is, percent-encoded once or twice, escaped in
    /// JSON or HTML, in base64 at any offset or in hexadecimal digits; and any twelve bytes of it in a
    /// row. Text of several lines is looked for line by line. Lines shorter than four bytes are not
    /// looked for, because they would be found everywhere.
    #[must_use]
    pub fn with_secret(self, secret: &Secret) -> Self {
        self.with_secrets([secret])
    }

    /// Takes out several texts, as [`Redactor::with_secret`] does one.
    #[must_use]
    pub fn with_secrets<'a>(self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        self.changed(|rules| rules.echoes.add(secrets))
    }

    /// A text without its secrets; the text itself if there are none.
    pub fn redact<'t>(&self, text: &'t str) -> Cow<'t, str> {
        match self.redact_bytes(text.as_bytes()) {
            Cow::Borrowed(_) => Cow::Borrowed(text),
            // Cuts are made beside ASCII only, so this is UTF-8 again.
            Cow::Owned(bytes) => {
                Cow::Owned(String::from_utf8(bytes).unwrap_or_else(|error| String::from_utf8_lossy(error.as_bytes()).into_owned()))
            }
        }
    }

    /// Bytes without their secrets, whatever their encoding is, as long as it keeps ASCII: logs are not always UTF-8.
    pub fn redact_bytes<'t>(&self, bytes: &'t [u8]) -> Cow<'t, [u8]> {
        let mut out = Vec::new();
        let (end, _) = self.write(bytes, Open::Nothing, &mut out);
        if end == 0 {
            return Cow::Borrowed(bytes);
        }
        out.extend_from_slice(&bytes[end..]);
        Cow::Owned(out)
    }

    /// Appends bytes without their secrets to `out`; with a buffer that is used again this is the fastest way for large texts, because an operating
    /// system hands out fresh memory slowly.
    pub fn redact_into(&self, bytes: &[u8], out: &mut Vec<u8>) {
        self.redact_lines(bytes, Open::Nothing, out);
    }

    /// The same for lines after others, which left something open; says what these leave open.
    fn redact_lines(&self, bytes: &[u8], open: Open, out: &mut Vec<u8>) -> Open {
        let (end, open) = self.write(bytes, open, out);
        out.extend_from_slice(&bytes[end..]);
        open
    }

    /// A text without its secrets; what ends with the text counts as cut off, so in doubt it is one.
    pub(crate) fn redact_beginning(&self, text: &str) -> String {
        let (mut out, mut copied) = (String::new(), 0);
        self.0.each(Text { bytes: text.as_bytes(), more: true }, 0, Open::Nothing, |_, found, joined| {
            if !joined {
                out.push_str(text.get(copied..found.start).unwrap_or_default());
                out.push_str(MARK_TEXT);
            }
            copied = found.end;
            true
        });
        out.push_str(text.get(copied..).unwrap_or_default());
        out
    }

    /// Where the secrets are: what [`Redactor::redact_bytes`] replaces by [`Redactor::MARK`], in order, for those who write the text elsewhere.
    pub fn places(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> = Vec::new();
        self.0.each(Text { bytes, more: false }, 0, Open::Nothing, |_, found, joined| {
            match places.last_mut().filter(|_| joined) {
                Some(last) => last.end = found.end,
                None => places.push(found.start..found.end),
            }
            true
        });
        places
    }

    /// The same for text that comes in pieces.
    pub fn stream(&self) -> RedactStream {
        RedactStream::new(self.clone())
    }

    /// Writes everything up to the end of the last secret, and says where that is, zero if there is none; and what the last line leaves open.
    fn write(&self, bytes: &[u8], open: Open, out: &mut Vec<u8>) -> (usize, Open) {
        let mut copied = 0;
        let open = self.0.each(Text { bytes, more: false }, 0, open, |_, found, joined| {
            if copied == 0 {
                out.reserve(bytes.len());
            }
            if !joined {
                out.extend_from_slice(&bytes[copied..found.start]);
                out.extend_from_slice(MARK);
            }
            copied = found.end;
            true
        });
        (copied, open)
    }

    fn changed(self, change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = Arc::unwrap_or_clone(self.0);
        change(&mut rules);
        Self(Arc::new(rules))
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} headers and {} secrets added)", self.0.headers.len(), self.0.echoes.len())
    }
}
