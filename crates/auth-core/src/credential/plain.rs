//! Plain keys, known in one look at each byte. Nearly every key is one; only what is not is looked at again, for what is wrong with it.

use crate::provider::{Alphabet, FormatFacts};

/// The words that stand for a key in documentation, in small letters, by the two letters that they begin with.
pub(super) const PLACEHOLDERS: [([u8; 2], &[&str]); 7] = [
    (*b"yo", &["your_", "your-"]),
    (*b"ch", &["changeme", "change_me"]),
    (*b"re", &["replace_me"]),
    (*b"pl", &["placeholder"]),
    (*b"ex", &["example_key"]),
    (*b"ap", &["api_key_here"]),
    (*b"to", &["token_value"]),
];

// What is known of a byte, as bits: of which of the words it is the first letter, of which the second, in which alphabets it is, and whether keys begin
// and end with it.
const SECOND: u32 = 8;
const ALPHABET: u32 = 16;
/// A quotation mark, or the `$` of a variable.
const ODD_START: u32 = 1 << 24;
/// A quotation mark, a closing bracket, or what a row of `x`, `*` or `.` ends with.
const ODD_END: u32 = 1 << 25;

const KNOWN: [u32; 256] = {
    let mut known = [0; 256];
    let mut byte = u8::MAX;
    loop {
        known[byte as usize] = known_of(byte);
        if byte == 0 {
            break known;
        }
        byte -= 1;
    }
};

const fn known_of(byte: u8) -> u32 {
    let small = byte.to_ascii_lowercase();
    let mut known = 0;
    let mut word = 0;
    while word < PLACEHOLDERS.len() {
        let [first, second] = PLACEHOLDERS[word].0;
        known |= ((small == first) as u32 | ((small == second) as u32) << SECOND) << word;
        word += 1;
    }
    let alphabets = [Alphabet::LowerHex, Alphabet::Hex, Alphabet::Alphanumeric, Alphabet::UrlSafe, Alphabet::Visible];
    let mut index = 0;
    while index < alphabets.len() {
        known |= if alphabets[index].contains(byte) { bit(alphabets[index]) } else { 0 };
        index += 1;
    }
    known
        | match byte {
            b'"' | b'\'' | b'`' => ODD_START | ODD_END,
            b'$' => ODD_START,
            b'>' | b'}' | b']' | b'x' | b'X' | b'*' | b'.' => ODD_END,
            _ => 0,
        }
}

const fn bit(alphabet: Alphabet) -> u32 {
    1 << (ALPHABET + alphabet as u32)
}

/// Whether a text with the right prefix has this form, and certainly none of the faults that a text may have besides.
pub(super) fn is_plain(format: &FormatFacts, text: &str) -> bool {
    let known = |byte: Option<&u8>| byte.map_or(!0, |byte| KNOWN[usize::from(*byte)]);
    let (prefix, body) = text.as_bytes().split_at_checked(format.prefix.len()).unwrap_or_default();
    let odd = known(text.as_bytes().first()) & ODD_START | known(text.as_bytes().last()) & ODD_END;
    let (in_prefix, prefix_pairs, before) = look(prefix, 0);
    let (in_body, body_pairs, _) = look(body, before);
    let fits = in_prefix & bit(Alphabet::Visible) != 0 && in_body & bit(format.alphabet) != 0 && has_right_length(format, body.len());
    fits && odd == 0 && prefix_pairs | body_pairs == 0
}

/// What is known of all bytes, the words that may begin somewhere, and what is known of the last byte; `before` is the one before the first.
fn look(bytes: &[u8], mut before: u32) -> (u32, u32, u32) {
    let (mut all, mut pairs) = (!0, 0);
    for byte in bytes {
        let known = KNOWN[usize::from(*byte)];
        all &= known;
        pairs |= before & known >> SECOND & 0xff;
        before = known;
    }
    (all, pairs, before)
}

/// Whether so many bytes after the prefix are as many as this form has.
pub(super) fn has_right_length(format: &FormatFacts, length: usize) -> bool {
    match (format.length, format.min_length) {
        (Some(exact), _) => length == exact,
        (None, Some(minimum)) => length >= minimum,
        (None, None) => true,
    }
}

impl Alphabet {
    pub(super) const fn contains(self, byte: u8) -> bool {
        match self {
            Self::LowerHex => byte.is_ascii_digit() || matches!(byte, b'a'..=b'f'),
            Self::Hex => byte.is_ascii_hexdigit(),
            Self::Alphanumeric => byte.is_ascii_alphanumeric(),
            Self::UrlSafe => byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.'),
            Self::Visible => byte.is_ascii_graphic(),
        }
    }

    pub(super) fn describe(self) -> &'static str {
        match self {
            Self::LowerHex => "0-9 a-f",
            Self::Hex => "0-9 a-f A-F",
            Self::Alphanumeric => "0-9 a-z A-Z",
            Self::UrlSafe => "0-9 a-z A-Z - _ .",
            Self::Visible => "the visible ASCII characters",
        }
    }
}
