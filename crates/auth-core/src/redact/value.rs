//! Values: where one ends, and whether it looks like something that is secret.

use memchr::{memchr2, memchr3, memmem};

/// What stands where a secret was.
pub(super) const MARK: &[u8] = b"[redacted]";

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

    /// The first place at or after `at` that is no blank, and on the same line. More than 16 blanks separate, they do not align.
    pub(super) fn skip_blanks(self, at: usize) -> usize {
        let rest = self.bytes.get(at..).unwrap_or_default();
        at + rest.iter().take(16).take_while(|byte| matches!(byte, b' ' | b'\t')).count()
    }
}

/// A quotation mark with the backslashes before it: JSON that was logged inside JSON has one, three, seven.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Quote {
    mark: u8,
    backslashes: usize,
}

impl Quote {
    /// The quote that begins at `at`, and where what it quotes begins.
    pub(super) fn at(text: &[u8], at: usize) -> Option<(Self, usize)> {
        let rest = text.get(at..)?;
        let backslashes = rest.iter().take(15).take_while(|byte| **byte == b'\\').count();
        let mark = *rest.get(backslashes)?;
        matches!(mark, b'"' | b'\'' | b'`').then_some((Self { mark, backslashes }, at + backslashes + 1))
    }

    /// The quote that ends at `end`, and where it begins.
    pub(super) fn before(text: &[u8], end: usize) -> Option<(Self, usize)> {
        let mark = *text.get(end.checked_sub(1)?)?;
        let backslashes = text[..end - 1].iter().rev().take(15).take_while(|byte| **byte == b'\\').count();
        matches!(mark, b'"' | b'\'' | b'`').then_some((Self { mark, backslashes }, end - 1 - backslashes))
    }

    /// Where what this quote opened at `from` ends: before the closing quote, or at the end of the line if there is none.
    pub(super) fn end(self, text: &[u8], from: usize) -> usize {
        let mut at = from;
        while let Some(found) = memchr3(self.mark, b'\n', b'\r', &text[at..]).map(|found| at + found) {
            if text[found] != self.mark {
                return found;
            }
            // Each level of escaping doubles the backslashes, so a closing quote has its own number after whole pairs of them.
            let run = text[from..found].iter().rev().take_while(|byte| **byte == b'\\').count();
            if run % (2 * (self.backslashes + 1)) == self.backslashes {
                return found - self.backslashes;
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
    from + text[from..end].trim_ascii_end().len()
}

static MAY_END_RUN: Bytes = Bytes::ends(b"&\\%");

/// The end of one unquoted value: at a blank, a quote, `&` or `<`, without the punctuation that follows it.
///
/// `encoded` is set where the separator was percent-encoded; there `%26` is an `&`.
pub(super) fn run(text: &[u8], from: usize, encoded: bool) -> usize {
    let rest = &text[from..];
    let ends = |(at, byte): (usize, &u8)| {
        MAY_END_RUN.has(*byte)
            && match byte {
                b'\\' => rest.get(at + 1).is_none_or(|next| matches!(next, b'"' | b'\'' | b'n' | b'r' | b't' | b'u' | b'\\')),
                b'%' => encoded && (rest[at..].starts_with(b"%26") || rest[at..].starts_with(b"%22")),
                _ => true,
            }
    };
    let mut value = &rest[..rest.iter().enumerate().position(ends).unwrap_or(rest.len())];
    while let Some((b',' | b';' | b')' | b']' | b'}' | b'.' | b':', shorter)) = value.split_last()
        && !value.ends_with(MARK)
    {
        value = shorter;
    }
    from + value.len()
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
    let one_character =
        value.iter().all(|byte| *byte == value[0]) && value.first().is_none_or(|byte| matches!(byte, b'*' | b'x' | b'X' | b'.' | b'-'));
    let variable = value.starts_with(b"${") || value.starts_with(b"{{") || value.starts_with(b"%(") || value == b"{}" || value == b"%s";
    one_character || variable || WORDS.iter().any(|word| value.eq_ignore_ascii_case(word.as_bytes()))
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
