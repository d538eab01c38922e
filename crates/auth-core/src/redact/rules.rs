//! What a redactor knows, and the walk through a text with it.

use super::bare;
use super::echo::Echoes;
use super::field::{self, Open};
use super::names;
use super::pem;
use super::prefixes::{Body, PREFIXES};
use super::scan::{Hit, Hits, Literals, Opening, every_case, rare_window};
use super::value::{MARK, Text, is_placeholder};
use super::{Found, Sign};
use crate::provider::Provider;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec;
use alloc::vec::Vec;
use core::iter::Peekable;

/// The length of what is searched of a prefix, in bytes: as many as the vector search compares at once.
const WINDOW: usize = 4;
/// Shorter prefixes of a caller's profile stand before too many other things; what follows them is taken out where it is mixed.
const SHORTEST_PREFIX: usize = 5;

/// What a redactor knows.
#[derive(Clone)]
pub(super) struct Rules {
    builtin: Option<Literals>,
    rare: Option<Literals>,
    more: Option<Literals>,
    pub(super) prefixes: Vec<Prefix>,
    pub(super) headers: Vec<Vec<u8>>,
    header_literals: Vec<Vec<u8>>,
    pub(super) echoes: Echoes,
}

/// A prefix that gives a key away, and where in it the searched window begins.
#[derive(Clone)]
pub(super) struct Prefix {
    pub(super) text: String,
    pub(super) window: usize,
    pub(super) body: Body,
}

impl Prefix {
    fn new(text: &str, body: Body) -> Self {
        let rare = rare_window(text.as_bytes(), WINDOW);
        let window = memchr::memmem::find(text.as_bytes(), rare).unwrap_or(0);
        Self { text: text.to_owned(), window, body }
    }

    /// Whether the byte at a hit can be the first of its window.
    pub(super) fn has_at_window(&self, byte: u8) -> bool {
        self.text.as_bytes()[self.window].eq_ignore_ascii_case(&byte)
    }

    /// Whether a text begins with it: in any case, unless it is too short for that.
    pub(super) fn begins(&self, text: &[u8]) -> bool {
        let prefix = self.text.as_bytes();
        match self.body {
            Body::Mixed => text.starts_with(prefix),
            Body::Long | Body::Hex => text.get(..prefix.len()).is_some_and(|head| head.eq_ignore_ascii_case(prefix)),
        }
    }

    /// What is searched: the window as it is, and in capitals.
    fn literals(&self) -> impl Iterator<Item = (Vec<u8>, Opening)> {
        let window = rare_window(self.text.as_bytes(), WINDOW);
        [window.to_vec(), window.to_ascii_uppercase()].into_iter().map(|literal| (literal, Opening::Prefix))
    }
}

impl Rules {
    /// The rules without what a caller adds.
    pub(super) fn builtin() -> Self {
        let mut rules = Self {
            builtin: Literals::builtin(),
            rare: Literals::rare(),
            more: None,
            prefixes: PREFIXES.iter().map(|(text, body)| Prefix::new(text, *body)).collect(),
            headers: Vec::new(),
            header_literals: Vec::new(),
            echoes: Echoes::default(),
        };
        rules.prepare();
        rules
    }

    pub(super) fn add_provider(&mut self, provider: &Provider) {
        for format in provider.key_formats().chain(provider.secret_formats()) {
            let text = format.prefix.as_str();
            if !text.is_empty() && !self.prefixes.iter().any(|known| known.text == text) {
                let body = if text.len() < SHORTEST_PREFIX { Body::Mixed } else { Body::Long };
                self.prefixes.push(Prefix::new(text, body));
            }
        }
        self.prepare();
    }

    pub(super) fn add_header(&mut self, name: &str) {
        let folded = names::fold(name);
        if !folded.is_empty() && !self.headers.contains(&folded) {
            self.headers.push(folded);
            self.header_literals.push(rare_window(name.trim().as_bytes(), 3).to_vec());
            self.prepare();
        }
    }

    /// Makes the search for the prefixes and for what the caller added.
    fn prepare(&mut self) {
        let mut more: Vec<(Vec<u8>, Opening)> = self.prefixes.iter().flat_map(Prefix::literals).collect();
        for literal in &self.header_literals {
            more.extend(every_case(literal).into_iter().map(|literal| (literal, Opening::Name)));
        }
        self.more = Literals::new(more);
    }

    /// Calls `take` with each find, where it was noticed, and whether it joins what was taken before; until `take` says no.
    ///
    /// `open` is what the line before `from` left open, and what comes back is what the last line leaves open.
    pub(super) fn each(&self, text: Text<'_>, from: usize, open: Open, take: impl FnMut(usize, Found, bool) -> bool) -> Open {
        let echoes = self.echoes.find(text.bytes, from, MARK).into_iter().peekable();
        let mut walk = Walk { rules: self, text, done: from, joins: false, echoes, take };
        walk.run(from, open).unwrap_or_default()
    }

    fn recognise(&self, text: Text<'_>, hit: &Hit) -> Option<Sign> {
        let found = match hit.opening {
            Opening::Name => return field::field(text, hit.at..hit.end, self),
            Opening::PrivateKey => return pem::private_key(text, hit.at..hit.end),
            Opening::Bearer => bare::bearer(text, hit.at, self),
            Opening::Basic => bare::basic(text, hit.at, self),
            Opening::Prefix => bare::prefixed(text, hit.at, self),
            Opening::Jwt => bare::jwt(text, hit.at, self),
            Opening::UserInfo => bare::user_info(text, hit.at, self),
            Opening::UserOption => bare::user_option(text, hit.at..hit.end, self),
        };
        found.map(Sign::Found)
    }

    /// A range to be replaced, without the prefix that says which kind of key it is; `None` if nothing secret is left.
    pub(super) fn found(&self, text: Text<'_>, start: usize, end: usize) -> Option<Found> {
        let value = text.bytes.get(start..end)?;
        let kept = self.prefixes.iter().filter(|prefix| prefix.begins(value)).map(|prefix| prefix.text.len()).max().unwrap_or(0);
        let rest = &value[kept..];
        let nothing = rest.is_empty() || (kept > 0 && is_placeholder(rest));
        (!nothing).then_some(Found { start: start + kept, end })
    }
}

/// The way through a text: what was taken so far, and the known secrets ahead.
struct Walk<'a, T> {
    rules: &'a Rules,
    text: Text<'a>,
    done: usize,
    /// Something was taken that ends at `done`.
    joins: bool,
    echoes: Peekable<vec::IntoIter<Found>>,
    take: T,
}

impl<T: FnMut(usize, Found, bool) -> bool> Walk<'_, T> {
    /// The whole way; `None` if `take` ended it.
    fn run(&mut self, from: usize, open: Open) -> Option<Open> {
        let rules = self.rules;
        let sets = rules.builtin.iter().chain(&rules.rare).chain(&rules.more);
        let mut hits = Hits::new(self.text.bytes, sets, from);
        let mut open = self.lines(from, open)?;
        while let Some(hit) = hits.next(self.done) {
            match rules.recognise(self.text, &hit) {
                Some(Sign::Found(found)) => self.emit(hit.at, found)?,
                Some(Sign::Opens(what)) => {
                    let rest = &self.text.bytes[hit.end..];
                    let next = memchr::memchr(b'\n', rest).map_or(self.text.bytes.len(), |end| hit.end + end + 1);
                    open = self.lines(next, what)?;
                }
                None => {}
            }
        }
        while let Some(echo) = self.echoes.next() {
            self.emit_one(echo.start, echo)?;
        }
        Some(open)
    }

    /// The lines from `start` that belong to what an earlier one opened.
    fn lines(&mut self, mut start: usize, mut open: Open) -> Option<Open> {
        while open != Open::Nothing && start < self.text.bytes.len() {
            let (found, next) = match open {
                Open::Key { seen } => pem::line(self.text, start, seen),
                Open::Value { kind, hyphened, pair } => {
                    (field::next_line(self.text, start, kind, hyphened, pair, self.rules), Open::Nothing)
                }
                Open::Nothing => break,
            };
            if let Some(found) = found {
                self.emit(found.start, found)?;
            }
            open = next;
            start = memchr::memchr(b'\n', &self.text.bytes[start..]).map_or(self.text.bytes.len(), |end| start + end + 1);
        }
        Some(open)
    }

    /// Takes a find, after the known secrets that begin before it.
    fn emit(&mut self, at: usize, found: Found) -> Option<()> {
        while let Some(echo) = self.echoes.next_if(|echo| echo.start <= found.start) {
            self.emit_one(echo.start, echo)?;
        }
        self.emit_one(at, found)
    }

    fn emit_one(&mut self, at: usize, mut found: Found) -> Option<()> {
        if found.end <= self.done {
            return Some(());
        }
        if &self.text.bytes[found.start..found.end] == MARK {
            // It was taken out before; like what is taken out now, it is not looked into.
            (self.done, self.joins) = (found.end, false);
            return Some(());
        }
        found.start = found.start.max(self.done);
        let joined = self.joins && found.start == self.done;
        if !(self.take)(at, found, joined) {
            return None;
        }
        (self.done, self.joins) = (found.end, true);
        Some(())
    }
}
