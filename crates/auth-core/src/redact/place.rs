//! Places: where the value of a name stands.

use super::names::Name;
use super::value::MARK;
use super::value::{Quote, Text};
use memchr::{memchr2, memchr3, memmem};

/// How far the end of a tag's attributes or of a printed list is looked for, in bytes.
const NEAR: usize = 512;
/// What begins and ends text in XML that is taken as it is.
const CDATA: (&[u8], &[u8]) = (b"<![CDATA[", b"]]>");

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Separator {
    Colon,
    Equals,
    /// `=` in a URL that is itself a parameter.
    Encoded,
    /// The blank after an option of a command.
    Blank,
    /// The comma of a list of two.
    List,
}

/// A value where it stands.
#[derive(Debug)]
pub(super) struct Place {
    pub(super) start: usize,
    /// The end, if quotes, a bracket or a tag say it.
    pub(super) end: Option<usize>,
    pub(super) separator: Separator,
}

/// Where the value of a name is to be looked for.
pub(super) enum Where {
    Here(Place),
    /// On the next line; of a pair it is called `value` there.
    Below {
        pair: bool,
    },
}

/// Where the value of a name stands; `None` if no value follows.
pub(super) fn place(text: Text<'_>, name: &Name) -> Option<Where> {
    let bytes = text.bytes;
    if let Some(content) = in_tag(text, name) {
        return Some(Where::Here(content));
    }
    let mut at = name.end;
    for bracket in [&b"]"[..], b"%5D", b"%5d"] {
        if text.begins(at, bracket) {
            at += bracket.len();
        }
    }
    let opened = Quote::before(bytes, name.start);
    let closed = Quote::at(bytes, at).filter(|_| opened.is_some());
    if let Some((_, after)) = closed {
        at = after;
    }
    let after_name = at;
    at = text.skip_blanks(at);
    if let Some((_, open)) = opened.filter(|_| closed.is_some() && text.at(at) == Some(b',')) {
        return paired(text, open, at + 1);
    }
    let Some((separator, length)) = separator(text, at) else {
        let is_blank = name.option && closed.is_none() && at > after_name && !text.is_line_end(at);
        return is_blank.then(|| Where::Here(quoted_or_not(text, at, Separator::Blank)));
    };
    at += length;
    if matches!(text.at(at), Some(b'>' | b'=')) {
        at += 1;
    }
    at = text.skip_blanks(at);
    if text.begins(at, b"Some(") {
        at += 5;
    }
    if matches!(text.at(at), Some(b'|' | b'>')) {
        // A block of YAML begins on the next line.
        let end = at + 1 + usize::from(matches!(text.at(at + 1), Some(b'-' | b'+')));
        return text.is_line_end(text.skip_blanks(end)).then_some(Where::Below { pair: false });
    }
    if separator != Separator::Encoded && at < bytes.len() && text.is_line_end(at) {
        return Some(Where::Below { pair: false });
    }
    let list = text.at(at) == Some(b'[') && !text.begins(at, MARK);
    if list && text.is_line_end(text.skip_blanks(at + 1)) && at + 1 < bytes.len() {
        return Some(Where::Below { pair: false });
    }
    if list && closed.is_none() && Quote::at(bytes, at + 1).is_none() {
        // A map as Java and Go print it: `Authorization=[Bearer …]`.
        if let Some(end) = list_end(&bytes[at + 1..bytes.len().min(at + NEAR)]) {
            return Some(Where::Here(Place { start: at + 1, end: Some(at + 1 + end), separator }));
        }
    }
    let first = if list && Quote::at(bytes, text.skip_blanks(at + 1)).is_some() { text.skip_blanks(at + 1) } else { at };
    let place = quoted_or_not(text, first, separator);
    // What follows a quoted name without quotes is null, true, a number, a list.
    let is_bare = place.end.is_none() && closed.is_some() && separator == Separator::Colon;
    (!is_bare).then_some(Where::Here(place))
}

/// The end of a list on its line. The bracket of a mark is not the list's.
fn list_end(near: &[u8]) -> Option<usize> {
    let mut from = 0;
    loop {
        let end = from + memchr3(b']', b'\n', b'\r', &near[from..])?;
        match near[end] {
            b']' if near[..=end].ends_with(MARK) => from = end + 1,
            b']' => return Some(end),
            _ => return None,
        }
    }
}

/// A value that begins at `at`, in quotes or without.
fn quoted_or_not(text: Text<'_>, at: usize, separator: Separator) -> Place {
    let bytes = text.bytes;
    // Python's b'…' and u'…'.
    let prefixed = || matches!(text.at(at), Some(b'b' | b'u')).then(|| Quote::at(bytes, at + 1)).flatten();
    match Quote::at(bytes, at).or_else(prefixed) {
        Some((quote, start)) => Place { start, end: Some(quote.end(bytes, start)), separator },
        // In `-H "Authorization: Bearer …"` the quote belongs to what stands around the field.
        None => Place { start: at, end: None, separator },
    }
}

/// The separator at `at` and its length, as it is or escaped.
fn separator(text: Text<'_>, at: usize) -> Option<(Separator, usize)> {
    const ESCAPED: [(&[u8], Separator); 12] = [
        (b"%3D", Separator::Encoded),
        (b"%3d", Separator::Encoded),
        (b"%253D", Separator::Encoded),
        (b"%253d", Separator::Encoded),
        (b"%3A", Separator::Colon),
        (b"%3a", Separator::Colon),
        (b"%253A", Separator::Colon),
        (b"\\u003d", Separator::Equals),
        (b"\\u003D", Separator::Equals),
        (b"\\x3d", Separator::Equals),
        (b"\\x3D", Separator::Equals),
        (b"&#61;", Separator::Equals),
    ];
    match text.at(at)? {
        b':' if text.at(at + 1) != Some(b':') => Some((Separator::Colon, 1)),
        b'=' if text.at(at + 1) != Some(b'=') => Some((Separator::Equals, 1)),
        b'%' | b'\\' | b'&' => ESCAPED.iter().find(|(escaped, _)| text.begins(at, escaped)).map(|(escaped, kind)| (*kind, escaped.len())),
        _ => None,
    }
}

/// What follows a quoted name and a comma: the second of a pair as Python prints it, of a list of two, or the `value` of a HAR file.
fn paired(text: Text<'_>, open: usize, after: usize) -> Option<Where> {
    let bytes = text.bytes;
    let at = text.skip_blanks(after);
    if at < bytes.len() && text.is_line_end(at) {
        return Some(Where::Below { pair: true });
    }
    if let Some(value) = value_of_pair(text, at) {
        return Quote::at(bytes, value).map(|_| Where::Here(quoted_or_not(text, value, Separator::Colon)));
    }
    let separator = match open.checked_sub(1).map(|before| bytes[before]) {
        Some(b'(') => Separator::Colon,
        Some(b'[') => Separator::List,
        // An option of a command in a list of its words.
        _ if text.begins(open + 1, b"--") => Separator::Blank,
        // In a list of names the next name is no value.
        _ => return None,
    };
    let place = quoted_or_not(text, at, separator);
    let end = place.end?;
    let ends_list = || Quote::at(bytes, end).is_some_and(|(_, after)| text.at(text.skip_blanks(after)) == Some(b']'));
    (separator != Separator::List || ends_list()).then_some(Where::Here(place))
}

/// Where the value of a pair stands, if `"value":` is at `at`.
pub(super) fn value_of_pair(text: Text<'_>, at: usize) -> Option<usize> {
    let (_, name) = Quote::at(text.bytes, at)?;
    let word = text.bytes.get(name..name + 5)?;
    let (_, after) = Quote::at(text.bytes, name + 5).filter(|_| word.eq_ignore_ascii_case(b"value"))?;
    let (_, length) = separator(text, text.skip_blanks(after))?;
    Some(text.skip_blanks(text.skip_blanks(after) + length))
}

/// The content of the XML element that the name opens, whatever its prefix and its attributes are.
fn in_tag(text: Text<'_>, name: &Name) -> Option<Place> {
    let bytes = text.bytes;
    let before = &bytes[name.start.saturating_sub(NEAR / 8)..name.start];
    let prefix = before.strip_suffix(b":").map_or(0, |rest| 1 + rest.iter().rev().take_while(|byte| byte.is_ascii_alphanumeric()).count());
    if name.start <= prefix || bytes[name.start - prefix - 1] != b'<' {
        return None;
    }
    let start = match text.at(name.end)? {
        b'>' => name.end + 1,
        b' ' => {
            let near = &bytes[name.end..bytes.len().min(name.end + NEAR)];
            let end = memchr3(b'>', b'<', b'\n', near).filter(|end| near[*end] == b'>' && near[*end - 1] != b'/')?;
            name.end + end + 1
        }
        _ => return None,
    };
    if text.begins(start, CDATA.0) {
        let start = start + CDATA.0.len();
        let line = memchr2(b'\n', b'\r', &bytes[start..]).map_or(bytes.len(), |end| start + end);
        let end = memmem::find(&bytes[start..line], CDATA.1).map_or(line, |end| start + end);
        return Some(Place { start, end: Some(end), separator: Separator::Equals });
    }
    let end = memchr3(b'<', b'\n', b'\r', &bytes[start..]).map_or(bytes.len(), |found| start + found);
    Some(Place { start, end: Some(end), separator: Separator::Equals })
}
