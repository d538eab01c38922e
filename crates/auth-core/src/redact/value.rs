//! Values: where one ends, and whether it looks like something that is secret.

use super::ansi;
use memchr::{memchr2, memchr3, memmem};

/// What stands where a secret was.
pub(super) const MARK: &[u8] = b"[redacted]";

/// The most terminal sequences between a name and its value.
const MOST_SEQUENCES: usize = 8;
/// Longer values stand for themselves, whatever they look like.
const LONGEST_PLACEHOLDER: usize = 128;
/// The most characters that a mask leaves of a key, to tell it by.
const MOST_SHOWN: usize = 12;

/// A set of bytes, as a table, because every byte of every value is asked for.
pub(super) struct Bytes([bool; 256]);

impl Bytes {
    /// The letters and digits of ASCII, and these.
    pub(super) const fn word(others: &[u8]) -> Self {
        let mut set = Self::of(others);
        let mut byte = 0;
        while byte < 128_u8 {
            set.0[byte as usize] |= byte.is_ascii_alphanumeric();
            byte += 1;
        }
        set
    }

    /// These bytes.
    pub(super) const fn of(bytes: &[u8]) -> Self {
        let mut set = [false; 256];
        let mut at = 0;
        while at < bytes.len() {
            set[bytes[at] as usize] = true;
            at += 1;
        }
        Self(set)
    }

    /// Blanks, control characters, quotes and what encloses an address, and these: where a value without quotes ends.
    pub(super) const fn ends(others: &[u8]) -> Self {
        let mut set = Self::of(others);
        let mut byte = 0;
        while byte < 128_u8 {
            set.0[byte as usize] |= byte <= b' ' || byte == 127 || matches!(byte, b'"' | b'\'' | b'`' | b'<' | b'>');
            byte += 1;
        }
        set
    }

    pub(super) fn has(&self, byte: u8) -> bool {
        self.0[usize::from(byte)]
    }
}

/// A text, and whether its last line goes on in bytes that are not here yet.
#[derive(Clone, Copy)]
pub(super) struct Text<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) more: bool,
}

impl Text<'_> {
    /// Whether what ends here may go on in what is not here yet; in doubt it is secret.
    pub(super) fn is_cut(self, end: usize) -> bool {
        self.more && end >= self.bytes.len()
    }

    pub(super) fn at(self, index: usize) -> Option<u8> {
        self.bytes.get(index).copied()
    }

    pub(super) fn begins(self, at: usize, with: &[u8]) -> bool {
        self.bytes.get(at..).is_some_and(|rest| rest.starts_with(with))
    }

    /// The first place at or after `at` that is no blank and no terminal sequence, and on the same
    /// line. More than 16 blanks separate, they do not align.
    pub(super) fn skip_blanks(self, at: usize) -> usize {
        let mut at = at;
        for _ in 0..MOST_SEQUENCES {
            let rest = self.bytes.get(at..).unwrap_or_default();
            at += rest.iter().take(16).take_while(|byte| matches!(byte, b' ' | b'\t')).count();
            match ansi::length(self.bytes, at) {
                0 => break,
                length => at += length,
            }
        }
        at
    }

    /// Whether the line ends at `at`; the end of the text ends it unless there is more to come.
    pub(super) fn is_line_end(self, at: usize) -> bool {
        self.at(at).map_or(!self.more, |byte| matches!(byte, b'\n' | b'\r'))
    }
}

/// A quotation mark: a byte with the backslashes before it (JSON that was logged inside JSON has one,
/// three, seven), or the mark as an escape of JSON, of HTML or of a URL.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Quote {
    Mark { mark: u8, backslashes: usize },
    Escaped(&'static [u8]),
}

/// The escapes of `"` and `'`.
const ESCAPED: [&[u8]; 14] = [
    b"\\u0022", b"\\u0027", b"\\x22", b"\\x27", b"&quot;", b"&apos;", b"&#34;", b"&#39;", b"&#x22;", b"&#x27;", b"%22", b"%27", b"%2522",
    b"%2527",
];

impl Quote {
    /// The quote that begins at `at`, and where what it quotes begins.
    pub(super) fn at(text: &[u8], at: usize) -> Option<(Self, usize)> {
        let rest = text.get(at..)?;
        let first = *rest.first()?;
        if !matches!(first, b'\\' | b'"' | b'\'' | b'`' | b'&' | b'%') {
            return None;
        }
        let backslashes = rest.iter().take(15).take_while(|byte| **byte == b'\\').count();
        if let Some(mark @ (b'"' | b'\'' | b'`')) = rest.get(backslashes) {
            return Some((Self::Mark { mark: *mark, backslashes }, at + backslashes + 1));
        }
        let escaped = ESCAPED.iter().find(|escaped| rest.starts_with(escaped))?;
        Some((Self::Escaped(escaped), at + escaped.len()))
    }

    /// The quote that ends at `end`, and where it begins.
    pub(super) fn before(text: &[u8], end: usize) -> Option<(Self, usize)> {
        let mark = *text.get(end.checked_sub(1)?)?;
        if matches!(mark, b'"' | b'\'' | b'`') {
            let backslashes = text[..end - 1].iter().rev().take(15).take_while(|byte| **byte == b'\\').count();
            return Some((Self::Mark { mark, backslashes }, end - 1 - backslashes));
        }
        if !matches!(mark, b'2' | b'7' | b';') {
            return None;
        }
        let escaped = ESCAPED.iter().filter(|escaped| text[..end].ends_with(escaped)).max_by_key(|escaped| escaped.len())?;
        Some((Self::Escaped(escaped), end - escaped.len()))
    }

    /// Where what this quote opened at `from` ends: before the closing quote, or at the end of the line if there is none.
    pub(super) fn end(self, text: &[u8], from: usize) -> usize {
        let first = match self {
            Self::Mark { mark, .. } => mark,
            Self::Escaped(escaped) => escaped[0],
        };
        let mut at = from;
        while let Some(found) = memchr3(first, b'\n', b'\r', &text[at..]).map(|found| at + found) {
            if text[found] != first {
                return found;
            }
            match self {
                Self::Escaped(escaped) if text[found..].starts_with(escaped) => return found,
                Self::Escaped(_) => {}
                Self::Mark { backslashes, .. } => {
                    // Each level of escaping doubles the backslashes, so a closing quote has its own number after whole pairs of them.
                    let run = text[from..found].iter().rev().take_while(|byte| **byte == b'\\').count();
                    if run % (2 * (backslashes + 1)) == backslashes {
                        return found - backslashes;
                    }
                }
            }
            at = found + 1;
        }
        text.len()
    }
}

/// The end of the line, or the end of what the quote before `start` encloses.
pub(super) fn rest_of_line(text: &[u8], start: usize, from: usize) -> usize {
    let end = match Quote::before(text, start) {
        Some((quote, _)) => quote.end(text, from),
        None => memchr2(b'\n', b'\r', &text[from..]).map_or(text.len(), |found| from + found),
    };
    ansi::trim_end(text, from, end)
}

/// The digits of base64url.
pub(super) static BASE64URL: Bytes = Bytes::word(b"-_");

static MAY_END_RUN: Bytes = Bytes::ends(b"&\\%");

/// The end of one unquoted value: at a blank, a quote, `&` or `<`, without the punctuation that follows it.
///
/// `encoded` is set where the separator was percent-encoded; there `%26` is an `&`.
pub(super) fn run(text: &[u8], from: usize, encoded: bool) -> usize {
    let rest = &text[from..];
    let ends = |(at, byte): (usize, &u8)| {
        MAY_END_RUN.has(*byte)
            && match byte {
                b'\\' => {
                    rest.get(at + 1).is_none_or(|next| matches!(next, b'"' | b'\'' | b'n' | b'r' | b't' | b'u' | b'\\'))
                        || ansi::length(rest, at) > 0
                        || Quote::at(rest, at).is_some()
                }
                b'%' => encoded && [&b"%26"[..], b"%22", b"%2526", b"%2522"].iter().any(|end| rest[at..].starts_with(end)),
                _ => true,
            }
    };
    let mut value = &rest[..rest.iter().enumerate().position(ends).unwrap_or(rest.len())];
    while let Some((last @ (b',' | b';' | b')' | b']' | b'}' | b'.' | b':'), shorter)) = value.split_last()
        && !value.ends_with(MARK)
        && !closes(*last, value)
    {
        value = shorter;
    }
    from + value.len()
}

/// Whether the bracket at the end of a value was opened in it: `${NAME}`, `[REDACTED]`.
fn closes(last: u8, value: &[u8]) -> bool {
    let open = match last {
        b')' => b'(',
        b']' => b'[',
        b'}' => b'{',
        _ => return false,
    };
    let count = |which: u8| memchr::memchr_iter(which, value).count();
    value.len() <= LONGEST_PLACEHOLDER && count(open) >= count(last)
}

/// Whether a value looks as if it had been drawn by lot, and not written by a person.
///
/// Letters with digits, letters whose case changes again and again, or more than any word is long.
pub(super) fn looks_random(value: &[u8], at_least: usize) -> bool {
    if value.len() < at_least || memmem::find(value, MARK).is_some() {
        return false;
    }
    // The longest words of a sentence have some 20 letters; a hostile run of megabytes is judged by its beginning.
    let head = &value[..value.len().min(64)];
    let digits = head.iter().filter(|byte| byte.is_ascii_digit()).count();
    let letters = head.iter().filter(|byte| byte.is_ascii_alphabetic()).count();
    let changes = head.windows(2).filter(|pair| pair[0].is_ascii_lowercase() && pair[1].is_ascii_uppercase()).count();
    (digits > 0 && letters > 0) || changes >= 3 || (letters > 0 && value.len() >= 24)
}

/// Whether a value only says that there is none, or what became of it.
pub(super) fn says_nothing(value: &[u8]) -> bool {
    const WORDS: [&str; 20] = [
        "null",
        "none",
        "nil",
        "undefined",
        "true",
        "false",
        "missing",
        "required",
        "invalid",
        "expired",
        "unset",
        "empty",
        "absent",
        "failed",
        "denied",
        "hidden",
        "optional",
        "is",
        "of",
        "not",
    ];
    is_placeholder(value) || (value.len() < 10 && WORDS.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes())))
}

/// Whether a value stands where a secret will be put, or was: `$NAME`, `${NAME}`, `$(command)`,
/// `{{ name }}`, `YOUR_TOKEN`, `***`, `[REDACTED]`, `abcd…`.
pub(super) fn is_placeholder(value: &[u8]) -> bool {
    let Some(first) = value.first() else { return true };
    if value == MARK {
        // What was taken out is looked at as a secret is, so that a second pass sees what the first saw.
        return false;
    }
    if value.len() > LONGEST_PLACEHOLDER {
        return value.iter().all(|byte| byte == first) && is_mask(*first);
    }
    let is_cut = || has_run(value, b'*') || value.ends_with(b"...") || value.ends_with("…".as_bytes());
    if is_cut() && value.iter().filter(|byte| !is_mask(**byte) && byte.is_ascii()).count() <= MOST_SHOWN {
        return true;
    }
    // Most values begin as no placeholder does.
    if !BEGINS_PLACEHOLDER.has(*first) {
        return false;
    }
    let is_name = |name: &[u8]| {
        let identifier = name.iter().all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.' | b' '));
        identifier && !name.is_empty() && is_words(name)
    };
    let within = |open: &[u8], close: &[u8]| value.strip_prefix(open).and_then(|rest| rest.strip_suffix(close));
    let begins = |with: &str| value.len() >= with.len() && value[..with.len()].eq_ignore_ascii_case(with.as_bytes());
    ["${", "$(", "{{", "%(", "<%"].iter().any(|open| value.starts_with(open.as_bytes()))
        || value == b"{}"
        || value == b"%s"
        || value.iter().all(|byte| is_mask(*byte))
        || value.strip_prefix(b"$").is_some_and(is_name)
        || [(&b"{"[..], &b"}"[..]), (b"[", b"]"), (b"<", b">"), (b"%", b"%")]
            .iter()
            .any(|(open, close)| within(open, close).is_some_and(is_name))
        || ((begins("your_") || begins("your-") || begins("your.") || begins("yourtoken")) && !value.iter().any(u8::is_ascii_digit))
        || ["redacted", "filtered", "masked", "removed"].iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
}

/// The first bytes of placeholders: brackets around a name, masks, and the first letters of the words.
static BEGINS_PLACEHOLDER: Bytes = Bytes::of(b"${%<[*xX.-yYrRfFmM\xe2");

/// What a secret is overwritten with.
fn is_mask(byte: u8) -> bool {
    matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-' | 0xe2 | 0x80 | 0xa2 | 0xa6)
}

/// Whether three of a byte stand in a row.
fn has_run(value: &[u8], of: u8) -> bool {
    value.windows(3).any(|three| three.iter().all(|byte| *byte == of))
}

/// Whether a value is made of words as an identifier is: `stream_processing_one`, `MY_API_TOKEN`.
pub(super) fn is_words(value: &[u8]) -> bool {
    value.split(|byte| matches!(byte, b'_' | b'-' | b'.' | b' ')).all(|word| {
        let letters = word.len() <= 14 && word.iter().all(u8::is_ascii_alphabetic);
        let one_case = word.iter().skip(1).all(u8::is_ascii_lowercase) || word.iter().all(u8::is_ascii_uppercase);
        (letters && one_case) || (word.len() <= 2 && word.iter().all(u8::is_ascii_digit))
    })
}

/// Whether a value is one word of small or of capital letters, or a number.
pub(super) fn is_plain(value: &[u8]) -> bool {
    let word = value.iter().all(u8::is_ascii_lowercase) || value.iter().all(u8::is_ascii_uppercase);
    value.iter().all(u8::is_ascii_digit) || word && value.len() < 24
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_quoted_value_ends_at_its_own_level_of_escaping() {
        for (text, value) in [
            (r#""a\"b", "c""#, r#"a\"b"#),
            (r#""a\\", "c""#, r"a\\"),
            (r#"\"a\\\"b\", \"c\""#, r#"a\\\"b"#),
            (r"'it', 'c'", "it"),
            ("\"cut off\nnext", "cut off"),
        ] {
            let (quote, from) = Quote::at(text.as_bytes(), 0).unwrap();
            assert_eq!(&text[from..quote.end(text.as_bytes(), from)], value);
        }
    }

    #[test]
    fn a_run_ends_before_punctuation_but_keeps_the_mark_whole() {
        for (text, value) in [("abc), def", "abc"), ("[redacted]], x", "[redacted]"), ("a,b&c", "a,b"), ("a\\nb", "a")] {
            assert_eq!(&text[..run(text.as_bytes(), 0, false)], value);
        }
    }

    #[test]
    fn words_do_not_look_random() {
        for word in ["authentication", "InvalidFormat", "OAuth", "of", "12345678"] {
            assert!(!looks_random(word.as_bytes(), 8), "{word}");
        }
        for token in ["mF_9.B5f-4.1JqM", "aBcDeFgHiJkL", "0123456789abcdef"] {
            assert!(looks_random(token.as_bytes(), 8), "{token}");
        }
    }
}
