//! Names: which header, JSON member or form field holds a credential.

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
}

/// A name as it stands in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Name {
    pub(super) start: usize,
    pub(super) end: usize,
    pub(super) kind: Kind,
    /// Written as header fields are, with a hyphen.
    pub(super) hyphened: bool,
}

/// Words before `token` that make it a place in a list or a piece of language, which is no credential.
const HARMLESS_TOKENS: [&[u8]; 11] =
    [b"page", b"continuation", b"next", b"previous", b"prev", b"sync", b"cursor", b"cancel", b"cancellation", b"max", b"stop"];

/// The name around `hit`, if it announces a credential; `custom` are the caller's header names, folded.
pub(super) fn name_around(text: &[u8], hit: core::ops::Range<usize>, custom: &[alloc::vec::Vec<u8>]) -> Option<Name> {
    let belongs = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-');
    let before = text[..hit.start].iter().rev().take(MAX_NAME).take_while(|byte| belongs(byte)).count();
    let mut start = hit.start - before;
    start += escape_before(text, start, hit.start);
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
    let kind = if custom.iter().any(|name| name == folded) { Kind::Custom } else { classify(folded)? };
    Some(Name { start, end, kind, hyphened: text[start..end].contains(&b'-') })
}

/// How many letters at `start` belong to an escape that ends there (`%26`, `\n`) and not to the word.
fn escape_before(text: &[u8], start: usize, hit: usize) -> usize {
    let hex = |at: usize| text.get(at).is_some_and(u8::is_ascii_hexdigit);
    match start.checked_sub(1).map(|before| text[before]) {
        Some(b'%') if start + 2 <= hit && hex(start) && hex(start + 1) => 2,
        Some(b'\\') if start < hit && matches!(text[start], b'n' | b'r' | b't') => 1,
        _ => 0,
    }
}

/// Whether a word begins at `at`: nothing of a word stands before it, escapes aside.
pub(super) fn begins_word(text: &[u8], at: usize, belongs: impl Fn(u8) -> bool) -> bool {
    let before = |back: usize| at.checked_sub(back).map(|index| text[index]);
    let escaped = before(3) == Some(b'%') && before(2).is_some_and(|b| b.is_ascii_hexdigit())
        || before(2) == Some(b'\\') && before(1).is_some_and(|b| matches!(b, b'n' | b'r' | b't'));
    escaped || before(1).is_none_or(|byte| !belongs(byte))
}

/// A header name as names are compared here: small letters and digits only.
pub(super) fn fold(name: &str) -> alloc::vec::Vec<u8> {
    name.bytes().filter(u8::is_ascii_alphanumeric).map(|byte| byte.to_ascii_lowercase()).collect()
}

fn classify(name: &[u8]) -> Option<Kind> {
    let ends = |suffix: &str| name.ends_with(suffix.as_bytes());
    match name {
        b"cookie" | b"setcookie" | b"cookie2" => return Some(Kind::Cookie),
        b"code" => return Some(Kind::Code),
        b"key" => return Some(Kind::Key),
        b"authorizationcode" => return Some(Kind::Token),
        _ => {}
    }
    if ends("authorization") {
        return Some(Kind::Authorization);
    }
    if let Some(stem) = name.strip_suffix(b"token") {
        return (!HARMLESS_TOKENS.iter().any(|word| stem.ends_with(word))).then_some(Kind::Token);
    }
    ["secret", "password", "passwd", "apikey", "secretkey", "secretaccesskey", "assertion"]
        .iter()
        .any(|word| ends(word))
        .then_some(Kind::Secret)
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
