//! Headers as the machine sees them: whatever the shell's HTTP library holds, without a copy.

use alloc::borrow::Cow;
use alloc::string::String;
use alloc::vec::Vec;
use core::time::Duration;

/// `Headers` is read access to the header fields of a response, whatever type the shell keeps them in.
///
/// Names are compared without regard to case (RFC 9110 section 5.1).
pub trait Headers {
    /// Calls `each` with the value of every field of that name, in order.
    fn values(&self, name: &str, each: &mut dyn FnMut(&[u8]));
}

impl<N: AsRef<str>, V: AsRef<[u8]>> Headers for [(N, V)] {
    fn values(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        for (_, value) in self.iter().filter(|(known, _)| known.as_ref().eq_ignore_ascii_case(name)) {
            each(value.as_ref());
        }
    }
}

impl<T: Headers + ?Sized> Headers for &T {
    fn values(&self, name: &str, each: &mut dyn FnMut(&[u8])) {
        (**self).values(name, each);
    }
}

/// The longest of the spans that the values of a header give.
pub(crate) fn longest(headers: &dyn Headers, name: &str, read: impl Fn(&str) -> Option<Duration>) -> Option<Duration> {
    let mut longest = None;
    headers.values(name, &mut |value| {
        let span = core::str::from_utf8(value).ok().and_then(&read);
        longest = longest.max(span);
    });
    longest
}

/// The first value of a header that is text.
pub(crate) fn first(headers: &dyn Headers, name: &str) -> Option<String> {
    let mut found: Option<String> = None;
    headers.values(name, &mut |value| {
        if found.is_none() {
            found = core::str::from_utf8(value).ok().map(Into::into);
        }
    });
    found
}

/// Whether a text is a token (RFC 9110 section 5.6.2), as the names of header fields and of schemes are.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(is_token_byte)
}

/// Whether a byte may stand in a token.
pub(crate) fn is_token_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&byte)
}

/// Whether a header field belongs to the frame of a message or to one connection, so that no caller may
/// set it: host and length (RFC 9110 sections 7.2 and 8.6) and the hop-by-hop fields (section 7.6.1).
///
/// The shell writes these fields. A caller's own could change where a message ends or which virtual host
/// reads it, and with it the credential. Names are compared without regard to case.
pub fn is_of_the_frame(name: &str) -> bool {
    const FRAME: [&str; 13] = [
        "connection",
        "content-length",
        "expect",
        "host",
        "http2-settings",
        "keep-alive",
        "proxy-authenticate",
        "proxy-authorization",
        "proxy-connection",
        "te",
        "trailer",
        "transfer-encoding",
        "upgrade",
    ];
    FRAME.iter().any(|field| field.eq_ignore_ascii_case(name))
}

/// A field's value without folds: each is a blank (RFC 9112 section 5.2).
pub fn unfolded(value: &[u8]) -> Cow<'_, [u8]> {
    let folds = |at: usize| value[at..].starts_with(b"\r\n ") || value[at..].starts_with(b"\r\n\t");
    if !(0..value.len()).any(folds) {
        return Cow::Borrowed(value);
    }
    let (mut clean, mut at) = (Vec::with_capacity(value.len()), 0);
    while let Some(byte) = value.get(at) {
        let (byte, length) = if folds(at) { (&b' ', 3) } else { (byte, 1) };
        clean.push(*byte);
        at += length;
    }
    Cow::Owned(clean)
}

/// Whether a field may stand on a request that another HTTP library sends: what such a library sets of the
/// frame by itself is its own affair, what a caller put there instead is not.
///
/// `authority` is host and port of the URL, as they stand in it. `length` is that of the body, in bytes;
/// `None` if the library reads it while it sends.
pub fn may_frame(name: &str, value: &str, authority: &str, length: Option<usize>) -> bool {
    if !is_of_the_frame(name) {
        return true;
    }
    let is = |words: &[&str]| words.iter().any(|word| word.eq_ignore_ascii_case(value));
    // First and without a copy, because it stands on every request.
    if name.eq_ignore_ascii_case("host") {
        return without_port(value).eq_ignore_ascii_case(without_port(authority));
    }
    match name.to_ascii_lowercase().as_str() {
        "content-length" => length.is_none_or(|length| value.parse() == Ok(length)),
        "transfer-encoding" => length.is_none() && is(&["chunked"]),
        "connection" => is(&["keep-alive", "close"]),
        "expect" => is(&["100-continue"]),
        _ => false,
    }
}

/// An authority without the port that its scheme has anyway.
fn without_port(authority: &str) -> &str {
    authority.strip_suffix(":443").or(authority.strip_suffix(":80")).unwrap_or(authority)
}
