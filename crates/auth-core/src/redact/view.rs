//! A text as it reads when its escapes, its base64 or its hexadecimal digits are decoded.

use alloc::borrow::Cow;
use alloc::vec::Vec;
use core::ops::Range;

/// Shorter runs of base64 hold no secret of four bytes and its neighbours.
const SHORTEST_BASE64: usize = 6;
/// Four bytes in hexadecimal digits.
const SHORTEST_HEX: usize = 8;
/// What stands between two decoded runs, so that no secret is found across them.
const BORDER: u8 = 0;

/// What escapes begin with.
pub(super) type Escapes = &'static [u8];
/// The beginnings of all escapes: of URLs, of JSON, of HTML.
pub(super) const ALL: Escapes = b"%\\&";

/// Bytes, each with the place in the original text that it was decoded from.
pub(super) struct View<'a> {
    bytes: Cow<'a, [u8]>,
    /// The place of each byte; none if the bytes are the text itself.
    places: Option<Vec<Range<usize>>>,
    /// Where the text begins in the original.
    start: usize,
}

impl<'a> View<'a> {
    /// A range of a text as it is.
    pub(super) fn of(text: &'a [u8], range: Range<usize>) -> Self {
        Self { start: range.start, bytes: Cow::Borrowed(&text[range]), places: None }
    }

    pub(super) fn bytes(&self) -> &[u8] {
        &self.bytes
    }

    /// The place of a range of these bytes in the original text.
    pub(super) fn place(&self, range: Range<usize>) -> Range<usize> {
        match &self.places {
            None => self.start + range.start..self.start + range.end,
            Some(places) => places[range.start].start..places[range.end - 1].end,
        }
    }

    /// The kinds of escapes to undo: all that there are, and each alone, because a secret may itself hold what looks like one.
    pub(super) fn escapes(&self) -> Vec<Escapes> {
        let of = |kind: &'static [u8]| memchr::memchr(kind[0], &self.bytes).map(|_| kind);
        let mut escapes: Vec<Escapes> = [b"%".as_slice(), b"\\", b"&"].into_iter().filter_map(of).collect();
        if escapes.len() > 1 {
            escapes.push(ALL);
        }
        escapes
    }

    /// The same with its escapes of some kinds undone once; `None` if there are none.
    pub(super) fn unescaped(&self, escapes: Escapes) -> Option<Self> {
        let first = self.bytes.iter().position(|byte| escapes.contains(byte))?;
        let mut out = Decoded::default();
        let (mut at, mut any) = (0, false);
        while at < self.bytes.len() {
            let begins = at >= first && escapes.contains(&self.bytes[at]);
            let escape = if begins { escape(&self.bytes[at..]) } else { None };
            let Some((length, character)) = escape else {
                out.push(self.bytes[at], self.place(at..at + 1));
                at += 1;
                continue;
            };
            let place = self.place(at..at + length);
            match character {
                Unescaped::Byte(byte) => out.push(byte, place),
                Unescaped::Char(character) => {
                    for byte in character.encode_utf8(&mut [0; 4]).bytes() {
                        out.push(byte, place.clone());
                    }
                }
            }
            (at, any) = (at + length, true);
        }
        any.then(|| out.into())
    }

    /// What its runs of base64 decode to, for each of the places where a group may begin.
    pub(super) fn base64(&self) -> Vec<Self> {
        let runs: Vec<Range<usize>> = self.runs(SHORTEST_BASE64, |byte| sextet(byte).is_some());
        self.decoded(&runs, 4, |run, out| {
            let mut at = run.start;
            let (mut bits, mut held) = (0_u32, 0);
            while at < run.end {
                bits = bits << 6 | u32::from(sextet(self.bytes[at]).unwrap_or(0));
                held += 6;
                at += 1;
                if held >= 8 {
                    held -= 8;
                    // A byte touches two digits: this one and the one before.
                    let mut place = at - 2..at;
                    if at == run.end {
                        place.end += self.bytes[at..].iter().take(2).take_while(|byte| **byte == b'=').count();
                    }
                    out.push((bits >> held & 0xff) as u8, self.place(place));
                }
            }
        })
    }

    /// What its runs of hexadecimal digits decode to, from the first digit and from the second.
    pub(super) fn hex(&self) -> Vec<Self> {
        let runs: Vec<Range<usize>> = self.runs(SHORTEST_HEX, |byte| byte.is_ascii_hexdigit());
        self.decoded(&runs, 2, |run, out| {
            for at in run.clone().step_by(2).filter(|at| at + 1 < run.end) {
                if let Some(byte) = hex_byte(&self.bytes[at..]) {
                    out.push(byte, self.place(at..at + 2));
                }
            }
        })
    }

    /// The runs decoded from their first digit, from their second, and so on.
    fn decoded(&self, runs: &[Range<usize>], group: usize, decode: impl Fn(&Range<usize>, &mut Decoded)) -> Vec<Self> {
        if runs.is_empty() {
            return Vec::new();
        }
        let beginning = |skipped: usize| {
            let mut out = Decoded::default();
            for run in runs {
                decode(&(run.start + skipped..run.end), &mut out);
                out.push(BORDER, self.place(run.start..run.start + 1));
            }
            out.into()
        };
        (0..group).map(beginning).collect()
    }

    fn runs(&self, shortest: usize, belongs: impl Fn(u8) -> bool) -> Vec<Range<usize>> {
        let mut runs = Vec::new();
        let mut start = 0;
        for (at, byte) in self.bytes.iter().map(Some).chain([None]).enumerate() {
            if byte.is_none_or(|byte| !belongs(*byte)) {
                if at - start >= shortest {
                    runs.push(start..at);
                }
                start = at + 1;
            }
        }
        runs
    }
}

/// Bytes that are being decoded.
#[derive(Default)]
struct Decoded {
    bytes: Vec<u8>,
    places: Vec<Range<usize>>,
}

impl Decoded {
    fn push(&mut self, byte: u8, place: Range<usize>) {
        self.bytes.push(byte);
        self.places.push(place);
    }
}

impl From<Decoded> for View<'_> {
    fn from(decoded: Decoded) -> Self {
        Self { bytes: Cow::Owned(decoded.bytes), places: Some(decoded.places), start: 0 }
    }
}

/// What an escape stands for.
enum Unescaped {
    Byte(u8),
    Char(char),
}

/// The escape that begins a text, with its length: `%XX`, `\uXXXX`, `\xXX`, `\/` and its like, `&#NN;`, `&amp;`.
fn escape(text: &[u8]) -> Option<(usize, Unescaped)> {
    match (text.first()?, text.get(1)?) {
        (b'%', _) => hex_byte(&text[1..]).map(|byte| (3, Unescaped::Byte(byte))),
        (b'\\', b'u') => {
            let code = hex_byte(&text[2..]).zip(text.get(4..).and_then(hex_byte));
            let (high, low) = code?;
            char::from_u32(u32::from(high) << 8 | u32::from(low)).map(|c| (6, Unescaped::Char(c)))
        }
        (b'\\', b'x') => hex_byte(&text[2..]).map(|byte| (4, Unescaped::Byte(byte))),
        (b'\\', b'n') => Some((2, Unescaped::Byte(b'\n'))),
        (b'\\', b't') => Some((2, Unescaped::Byte(b'\t'))),
        (b'\\', byte) if byte.is_ascii_punctuation() => Some((2, Unescaped::Byte(*byte))),
        (b'&', b'#') => numeric_entity(text),
        (b'&', _) => {
            let named = [("&amp;", b'&'), ("&lt;", b'<'), ("&gt;", b'>'), ("&quot;", b'"'), ("&apos;", b'\'')];
            let (name, byte) = named.into_iter().find(|(name, _)| text.starts_with(name.as_bytes()))?;
            Some((name.len(), Unescaped::Byte(byte)))
        }
        _ => None,
    }
}

/// `&#43;` or `&#x2B;`.
fn numeric_entity(text: &[u8]) -> Option<(usize, Unescaped)> {
    let hexadecimal = matches!(text.get(2), Some(b'x' | b'X'));
    let (from, radix) = if hexadecimal { (3, 16) } else { (2, 10) };
    let length = text[from..].iter().take(8).take_while(|byte| char::from(**byte).is_digit(radix)).count();
    let digits = core::str::from_utf8(&text[from..from + length]).ok()?;
    let code = u32::from_str_radix(digits, radix).ok()?;
    (text.get(from + length) == Some(&b';')).then_some((from + length + 1, Unescaped::Char(char::from_u32(code)?)))
}

fn hex_byte(text: &[u8]) -> Option<u8> {
    let digit = |at: usize| char::from(*text.get(at)?).to_digit(16);
    u8::try_from(digit(0)? << 4 | digit(1)?).ok()
}

/// The value of a digit of base64 or base64url (RFC 4648 sections 4 and 5).
fn sextet(byte: u8) -> Option<u8> {
    match byte {
        b'A'..=b'Z' => Some(byte - b'A'),
        b'a'..=b'z' => Some(byte - b'a' + 26),
        b'0'..=b'9' => Some(byte - b'0' + 52),
        b'+' | b'-' => Some(62),
        b'/' | b'_' => Some(63),
        _ => None,
    }
}
