//! Names: which header, JSON member or form field holds a credential.

use super::ansi;

/// How much of a name is looked at: longer than any known name, short enough that a text of letters only costs no more per hit.
const MAX_NAME: usize = 64;

/// What kind of value a name announces.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    /// `Authorization` and its relatives: a scheme word, then the credential.
    Authorization,
    /// `Cookie` and `Set-Cookie`.
    Cookie,
    /// A header that the caller named.
    Custom,
    /// Something that is a secret whenever it is there: `client_secret`, `api_key`, `password`.
    Secret,
    /// A token: the word is also used in prose, so its neighbourhood decides.
    Token,
    /// `code`: an authorization code in URLs and forms, and a number or a word nearly everywhere else.
    Code,
    /// `key`: a credential in URLs and forms if it is long enough.
    Key,
    /// `db_pass`: a password, unless it counts what passed.
    Pass,
    /// `pwd`: a password, unless it is the working directory.
    Pwd,
    /// `private_key`: a key, unless it is the path of one.
    PrivateKey,
    /// `d`, `p`, `k` and the like: a private member of a JSON web key (RFC 7518 section 6), if it looks like one.
    JwkMember,
}

/// A name as it stands in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
    /// Written as header fields are, with a hyphen.
    pub(super) hyphened: bool,
    /// Written as an option of a command is: `--token`.
    pub(super) option: bool,
}

/// Words before `token` that make it a place in a list or a piece of language, which is no credential.
const HARMLESS_TOKENS: [&[u8]; 11] =
    [b"page", b"continuation", b"next", b"previous", b"prev", b"sync", b"cursor", b"cancel", b"cancellation", b"max", b"stop"];

/// The name around `hit`, if it announces a credential; `custom` are the caller's header names, folded.
pub(super) fn name_around(text: &[u8], hit: core::ops::Range<usize>, custom: &[alloc::vec::Vec<u8>]) -> Option<Name> {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let mut start = hit.start;
    if matches!(text[start], b'"' | b'\'') {
        // The literals of one letter hold the quote before it.
        start += 1;
    } else {
        start -= text[..start].iter().rev().take(MAX_NAME).take_while(|byte| belongs(byte)).count();
        start += escape_before(text, start, hit.start);
    }
    // The literals of `code=` and `key=` hold their separator, so the name is counted from where the hit begins.
    let length = text[start..].iter().take(2 * MAX_NAME).take_while(|byte| belongs(byte)).count();
    let end = start + length;
    let mut folded = [0; 2 * MAX_NAME];
    let mut used = 0;
    for byte in text[start..end].iter().filter(|byte| byte.is_ascii_alphanumeric()) {
        folded[used] = byte.to_ascii_lowercase();
        used += 1;
    }
    let folded = &folded[..used];
    let kind = if custom.iter().any(|name| name == folded) { Kind::Custom } else { classify(folded, &text[start..end])? };
    let option = text.get(start) == Some(&b'-') && start.checked_sub(1).is_none_or(|before| !text[before].is_ascii_alphanumeric());
    Some(Name { start, end, kind, hyphened: text[start + usize::from(option)..end].contains(&b'-') && !option, option })
}

/// How many letters at `start` belong to an escape that ends there (`%26`, `\n`, a terminal sequence) and not to the word.
fn escape_before(text: &[u8], start: usize, hit: usize) -> usize {
    let hex = |from: usize, digits: usize| (from..from + digits).all(|at| text.get(at).is_some_and(u8::is_ascii_hexdigit));
    let length = match start.checked_sub(1).map(|before| text[before]) {
        Some(b'%') if text[start..].starts_with(b"25") && hex(start + 2, 2) => 4,
        Some(b'%') if hex(start, 2) => 2,
        Some(b'\\') => match text.get(start) {
            Some(b'u') if hex(start + 1, 4) => 5,
            Some(b'x') if hex(start + 1, 2) => 3,
            Some(b'n' | b'r' | b't') => 1,
            _ => 0,
        },
        _ => 0,
    };
    // An escaped ESC is an escape, too, but its sequence goes on.
    let length = if length == 0 { ansi::overlap(text, start) } else { length };
    if start + length <= hit { length } else { 0 }
}

/// Whether a word begins at `at`: nothing of a word stands before it, escapes aside.
pub(super) fn begins_word(text: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|index| text[index]);
    if before(1).is_none_or(|byte| !belongs(byte)) {
        return true;
    }
    let hex = |backs: core::ops::RangeInclusive<usize>| backs.clone().all(|back| before(back).is_some_and(|byte| byte.is_ascii_hexdigit()));
    let escaped = before(3) == Some(b'%') && hex(1..=2)
        || before(2) == Some(b'\\') && before(1).is_some_and(|byte| matches!(byte, b'n' | b'r' | b't'))
        || before(6) == Some(b'\\') && before(5) == Some(b'u') && hex(1..=4)
        || before(4) == Some(b'\\') && before(3) == Some(b'x') && hex(1..=2)
        || before(5) == Some(b'%') && before(4) == Some(b'2') && before(3) == Some(b'5') && hex(1..=2);
    escaped || ansi::ends_at(text, at)
}

/// A header name as names are compared here: small letters and digits only.
pub(super) fn fold(name: &str) -> alloc::vec::Vec<u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).collect()
}

/// What ends the names of secrets.
const SECRETS: [&str; 18] = [
    "secret",
    "password",
    "passwd",
    "passphrase",
    "apikey",
    "secretkey",
    "secretaccesskey",
    "assertion",
    "codeverifier",
    "devicecode",
    "sealkey",
    "sealingkey",
    "encryptionkey",
    "signingkey",
    "subscriptionkey",
    "functionskey",
    "accountkey",
    "formerkey",
];

/// The kind of a name, by its letters and digits; `raw` is the name as it stands there.
fn classify(name: &[u8], raw: &[u8]) -> Option<Kind> {
    let ends = |suffix: &str| name.ends_with(suffix.as_bytes());
    match name {
        b"cookie" | b"setcookie" | b"cookie2" => return Some(Kind::Cookie),
        b"code" => return Some(Kind::Code),
        b"key" => return Some(Kind::Key),
        b"authorizationcode" => return Some(Kind::Token),
        b"pass" => return Some(Kind::Pass),
        b"pwd" => return Some(Kind::Pwd),
        b"d" | b"p" | b"q" | b"dp" | b"dq" | b"qi" | b"k" => return Some(Kind::JwkMember),
        _ => {}
    }
    // A word of its own at the end of the name: `DB_PASS`, not `bypass`.
    let last_word = |word: &str| {
        let (stem, last) = raw.split_at(raw.len().saturating_sub(word.len()));
        last.eq_ignore_ascii_case(word.as_bytes()) && stem.last().is_some_and(|joint| matches!(joint, b'_' | b'-'))
    };
    if last_word("pass") {
        return Some(Kind::Pass);
    }
    if last_word("pwd") {
        return Some(Kind::Pwd);
    }
    if ends("privatekey") {
        return Some(Kind::PrivateKey);
    }
    if ends("authorization") {
        return Some(Kind::Authorization);
    }
    if let Some(stem) = name.strip_suffix(b"token") {
        return (!HARMLESS_TOKENS.iter().any(|word| stem.ends_with(word))).then_some(Kind::Token);
    }
    SECRETS.iter().any(|word| ends(word)).then_some(Kind::Secret)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn kind(text: &str, word: &str) -> Option<Kind> {
        let at = text.find(word).unwrap();
        name_around(text.as_bytes(), at..at + word.len(), &[]).map(|name| name.kind)
    }

    #[test]
    fn names_are_compared_without_case_and_without_joints() {
        for (text, word) in [("accessToken", "Tok"), ("x_access-token", "tok"), ("%26id_token", "tok"), ("\\nToken", "Tok")] {
            assert_eq!(kind(text, word), Some(Kind::Token), "{text}");
        }
        assert_eq!(kind("Proxy-Authorization", "riz"), Some(Kind::Authorization));
        assert_eq!(kind("CLIENT_SECRET", "ECR"), Some(Kind::Secret));
    }

    #[test]
    fn names_that_only_sound_alike_are_none() {
        for (text, word) in [
            ("token_type", "tok"),
            ("tokens", "tok"),
            ("next_page_token", "tok"),
            ("authorization_endpoint", "riz"),
            ("client_assertion_type", "sserti"),
            ("status_code=", "code="),
            ("monkey=", "ey="),
            ("cookies", "oki"),
        ] {
            assert_eq!(kind(text, word), None, "{text}");
        }
    }
}
