//! Redaction: secrets out of any text, look-alikes left alone.
//!
//! `scan` finds the few places worth a look, `field` reads a name with its value there, `bare` what needs no name; `names` and `value` are what both know
//! of names and of values, `stream` is the same for text that comes in pieces.

mod bare;
mod field;
mod names;
mod scan;
mod stream;
mod value;

pub use stream::{MAX_LINE, RedactStream};

use crate::credential::Secret;
use crate::provider::Provider;
use alloc::borrow::Cow;
use alloc::string::String;
use alloc::sync::Arc;
use alloc::vec::Vec;
use core::fmt;
use core::ops::Range;
use scan::{Hit, Hits, Literals, Opening, every_case, rare_window};
use value::{MARK, Text};

/// The length of what is searched of a known secret, in bytes: as many as the vector search compares at once. A shorter secret is not looked for, because
/// it would be found everywhere, and the gaps would tell it.
const WINDOW: usize = 4;
/// Shorter prefixes, such as `ID_`, stand before too many other things; what follows them is taken out where a field says that it is a secret.
const SHORTEST_PREFIX: usize = 5;

/// `Redactor` takes secrets out of text and bytes, and leaves what only looks like them alone.
///
/// It takes out, and puts `[redacted]` in their place:
/// - what follows `Authorization` and its relatives, a scheme word such as `Bearer` kept; cookies; `X-API-Key`, `X-Auth-Token` and other headers whose
///   name says what they hold; any header named by [`Redactor::with_header`];
/// - values of `access_token`, `refresh_token`, `id_token`, `client_secret`, `api_key`, `password`, `assertion` and the like in JSON (also JSON printed
///   inside JSON), in printed maps, in form bodies and in URLs; `code` and `key` in forms and URLs only;
/// - keys with the prefix of a shipped profile, the prefix kept (`live_sk_[redacted]`); `Bearer` and `Basic` with a credential anywhere; JSON web tokens;
///   passwords in URLs; any text named by [`Redactor::with_secret`].
///
/// It leaves alone: UUIDs, hashes, hex ids, numbers and words, `token expired` and `Basic plan`, `null` and `true` in JSON, page tokens. A secret without
/// any of the signs above cannot be told from an id; name it with [`Redactor::with_secret`]. A field is read within one line: a value that is not closed
/// ends with the line, and one whose name stands on the line before is not recognised.
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

/// What a redactor knows.
#[derive(Clone)]
struct Rules {
    builtin: Option<Literals>,
    more: Option<Literals>,
    known: Option<Literals>,
    prefixes: Vec<Prefix>,
    short_prefixes: Vec<String>,
    headers: Vec<Vec<u8>>,
    header_literals: Vec<Vec<u8>>,
    secrets: Vec<Secret>,
    /// For each window that is searched, the secrets that end with it.
    windows: Vec<Vec<usize>>,
}

/// A prefix that gives a key away, and where in it the searched window begins.
#[derive(Clone)]
struct Prefix {
    text: String,
    window: usize,
    shipped: bool,
}

/// The range of a text that is replaced.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Found {
    start: usize,
    end: usize,
}

impl Redactor {
    /// What is put in a secret's place.
    pub const MARK: &'static [u8] = MARK;

    /// A redactor that knows the headers, fields and schemes above and the key formats of every shipped profile.
    ///
    /// Building one reads the profiles and costs about a millisecond; keep it.
    pub fn new() -> Self {
        let mut rules = Rules {
            builtin: None,
            more: None,
            known: None,
            prefixes: Vec::new(),
            short_prefixes: Vec::new(),
            headers: Vec::new(),
            header_literals: Vec::new(),
            secrets: Vec::new(),
            windows: Vec::new(),
        };
        for provider in Provider::builtin_names().filter_map(|name| Provider::builtin(name).ok()) {
            rules.add_provider(&provider, true);
        }
        rules.builtin = Literals::builtin(rules.prefixes.iter().map(|prefix| prefix.text.as_str()));
        Self(Arc::new(rules))
    }

    /// Takes out keys of this provider's formats as well, and what its credential header holds: for profiles that are not shipped.
    #[must_use]
    pub fn with_provider(self, provider: &Provider) -> Self {
        self.changed(|rules| {
            rules.add_provider(provider, false);
            rules.add_header(provider.attach_header());
        })
    }

    /// Takes out what this header holds as well, to the end of its line or of the quotes around it. Its name is compared without case.
    #[must_use]
    pub fn with_header(self, name: &str) -> Self {
        self.changed(|rules| rules.add_header(name))
    }

    /// Takes out this text wherever it stands, as it is, percent-encoded or escaped in JSON. Text of several lines is looked for line by line, and lines
    /// shorter than four bytes are not looked for.
    #[must_use]
    pub fn with_secret(self, secret: &Secret) -> Self {
        self.with_secrets([secret])
    }

    /// Takes out several texts, as [`Redactor::with_secret`] does one.
    #[must_use]
    pub fn with_secrets<'a>(self, secrets: impl IntoIterator<Item = &'a Secret>) -> Self {
        self.changed(|rules| {
            for secret in secrets {
                rules.add_secret(secret);
            }
        })
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
        let end = self.write(bytes, &mut out);
        if end == 0 {
            return Cow::Borrowed(bytes);
        }
        out.extend_from_slice(&bytes[end..]);
        Cow::Owned(out)
    }

    /// Appends bytes without their secrets to `out`; with a buffer that is used again this is the fastest way for large texts, because an operating
    /// system hands out fresh memory slowly.
    pub fn redact_into(&self, bytes: &[u8], out: &mut Vec<u8>) {
        let end = self.write(bytes, out);
        out.extend_from_slice(&bytes[end..]);
    }

    /// Where the secrets are: what [`Redactor::redact_bytes`] replaces by [`Redactor::MARK`], in order, for those who write the text elsewhere.
    pub fn places(&self, bytes: &[u8]) -> Vec<Range<usize>> {
        let mut places: Vec<Range<usize>> = Vec::new();
        self.0.each(Text { bytes, more: false }, 0, |_, found, joined| {
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

    /// Writes everything up to the end of the last secret, and says where that is; zero if there is none.
    fn write(&self, bytes: &[u8], out: &mut Vec<u8>) -> usize {
        let mut copied = 0;
        self.0.each(Text { bytes, more: false }, 0, |_, found, joined| {
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
        copied
    }

    fn changed(self, change: impl FnOnce(&mut Rules)) -> Self {
        let mut rules = Arc::unwrap_or_clone(self.0);
        change(&mut rules);
        rules.prepare();
        Self(Arc::new(rules))
    }
}

impl Rules {
    /// Calls `take` with each hit, what it led to, and whether that joins what was taken before; until `take` says no.
    fn each(&self, text: Text<'_>, from: usize, mut take: impl FnMut(Hit, Found, bool) -> bool) {
        let sets = self.builtin.iter().chain(&self.more).chain(&self.known);
        let mut hits = Hits::new(text.bytes, sets, from);
        let (mut done, mut any) = (from, false);
        while let Some(hit) = hits.next(done) {
            let Some(found) = self.recognise(text, &hit) else { continue };
            // A name may itself hold a secret that the caller knows, before the value.
            let within = hit.at.max(done)..found.start;
            let known = self.known.iter().flat_map(|known| known.every(text.bytes, within.clone()));
            let earlier = known.filter_map(|hit| Some((hit, self.recognise(text, &hit)?)));
            for (hit, mut found) in earlier.chain([(hit, found)]) {
                if found.end <= done {
                    continue;
                }
                if &text.bytes[found.start..found.end] == MARK {
                    // It was taken out before; like what is taken out now, it is not looked into.
                    (done, any) = (found.end, false);
                    continue;
                }
                found.start = found.start.max(done);
                if !take(hit, found, any && found.start == done) {
                    return;
                }
                (done, any) = (found.end, true);
            }
        }
    }

    fn recognise(&self, text: Text<'_>, hit: &Hit) -> Option<Found> {
        match hit.opening {
            Opening::Name => field::field(text, hit.at..hit.end, self),
            Opening::Bearer => bare::bearer(text, hit.at, self),
            Opening::Basic => bare::basic(text, hit.at, self),
            Opening::Prefix => bare::prefixed(text, hit.at, self),
            Opening::Jwt => bare::jwt(text, hit.at, self),
            Opening::UserInfo => bare::user_info(text, hit.at, self),
            Opening::Known(window) => bare::known(text, hit.at, window, self),
        }
    }

    /// A range to be replaced, without the prefix that says which kind of key it is; `None` if nothing is left.
    fn found(&self, text: Text<'_>, start: usize, end: usize) -> Option<Found> {
        let value = text.bytes.get(start..end)?;
        let prefixes = self.prefixes.iter().map(|prefix| &prefix.text).chain(&self.short_prefixes);
        let kept = prefixes.map(String::as_bytes).filter(|prefix| value.starts_with(prefix)).map(<[u8]>::len).max().unwrap_or(0);
        let rest = &value[kept..];
        (!rest.is_empty()).then_some(Found { start: start + kept, end })
    }

    fn add_provider(&mut self, provider: &Provider, shipped: bool) {
        for format in provider.key_formats().chain(provider.secret_formats()) {
            let text = format.prefix.clone();
            if text.is_empty() || self.prefixes.iter().any(|known| known.text == text) || self.short_prefixes.contains(&text) {
                continue;
            }
            if text.len() < SHORTEST_PREFIX {
                self.short_prefixes.push(text);
                continue;
            }
            let rare = rare_window(text.as_bytes(), WINDOW);
            let window = memchr::memmem::find(text.as_bytes(), rare).unwrap_or(0);
            self.prefixes.push(Prefix { text, window, shipped });
        }
    }

    fn add_header(&mut self, name: &str) {
        let folded = names::fold(name);
        if !folded.is_empty() && !self.headers.contains(&folded) {
            self.headers.push(folded);
            self.header_literals.push(rare_window(name.trim().as_bytes(), 3).to_vec());
        }
    }

    fn add_secret(&mut self, secret: &Secret) {
        for line in secret.expose().lines().filter(|line| line.len() >= WINDOW) {
            let encoded: String = form_urlencoded::byte_serialize(line.as_bytes()).collect();
            let escaped = serde_json::to_string(line).unwrap_or_default();
            for form in [line, &encoded, escaped.trim_matches('"')] {
                let form = Secret::new(form);
                if form.expose().len() >= WINDOW && !self.secrets.iter().any(|known| known.same_as(&form)) {
                    self.secrets.push(form);
                }
            }
        }
    }

    /// Makes the searches for what the caller added. Of a known secret only four bytes go into a search, which cannot be wiped; the rest stays a [`Secret`].
    fn prepare(&mut self) {
        let mut more: Vec<(Vec<u8>, Opening)> = Vec::new();
        for prefix in self.prefixes.iter().filter(|prefix| !prefix.shipped) {
            more.push((rare_window(prefix.text.as_bytes(), WINDOW).to_vec(), Opening::Prefix));
        }
        for literal in &self.header_literals {
            more.extend(every_case(literal).into_iter().map(|literal| (literal, Opening::Name)));
        }
        self.more = Literals::new(more);

        let mut windows: Vec<(Vec<u8>, Vec<usize>)> = Vec::new();
        for (index, secret) in self.secrets.iter().enumerate() {
            let text = secret.expose().as_bytes();
            let window = &text[text.len() - WINDOW..];
            match windows.iter_mut().find(|(known, _)| known == window) {
                Some((_, secrets)) => secrets.push(index),
                None => windows.push((window.to_vec(), alloc::vec![index])),
            }
        }
        self.known =
            Literals::new(windows.iter().enumerate().map(|(index, (window, _))| (window.clone(), Opening::Known(index))).collect());
        self.windows = windows.into_iter().map(|(_, secrets)| secrets).collect();
    }

    /// The length of the longest known secret, in bytes.
    fn longest(&self) -> usize {
        self.secrets.iter().map(|secret| secret.expose().len()).max().unwrap_or(0)
    }
}

impl Default for Redactor {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for Redactor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Redactor({} headers and {} secrets added)", self.0.headers.len(), self.0.secrets.len())
    }
}
