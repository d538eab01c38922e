//! Private keys in PEM (RFC 7468): in one line, with escaped line breaks, and in many lines.

use super::field::Open;
use super::value::Text;
use super::{Found, Sign};
use core::ops::Range;

/// How far the beginning of `-----BEGIN … PRIVATE KEY-----` is looked for, in bytes.
const LONGEST_LABEL: usize = 96;
/// Fewer characters of base64 in a row are words.
const SHORTEST: usize = 16;
/// The fields that stand before the base64 of an encrypted key (RFC 1421, RFC 4880).
const FIELDS: [&str; 6] = ["Proc-Type:", "DEK-Info:", "Version:", "Comment:", "Hash:", "MessageID:"];

/// What follows the first line of a private key, whose end was hit.
pub(super) fn private_key(text: Text<'_>, hit: Range<usize>) -> Option<Sign> {
    let label = &text.bytes[hit.start.saturating_sub(LONGEST_LABEL)..hit.end];
    let label = &label[memchr::memmem::rfind(label, b"-----BEGIN")?..];
    let one_line = !label.contains(&b'\n') && memchr::memmem::find(label, b"-----END").is_none();
    if !one_line || memchr::memmem::find(label, b"PRIVATE").is_none() {
        return None;
    }
    let start = hit.end;
    if text.is_line_end(text.skip_blanks(start)) {
        return Some(Sign::Opens(Open::Key { seen: false }));
    }
    let body = &text.bytes[start..];
    let end = start + body.iter().position(|byte| !is_body(*byte)).unwrap_or(body.len());
    let mut run = 0;
    let is_key = text.is_cut(end)
        || body[..end - start].iter().any(|byte| {
            run = if is_base64(*byte) { run + 1 } else { 0 };
            run >= SHORTEST
        });
    is_key.then_some(Sign::Found(Found { start, end }))
}

/// What a line after the first one holds of the key, and whether the key goes on after it.
pub(super) fn line(text: Text<'_>, start: usize, seen: bool) -> (Option<Found>, Open) {
    let end = memchr::memchr2(b'\n', b'\r', &text.bytes[start..]).map_or(text.bytes.len(), |end| start + end);
    let line = text.bytes[start..end].trim_ascii();
    if !seen && (line.is_empty() || FIELDS.iter().any(|field| line.starts_with(field.as_bytes()))) {
        return (None, Open::Key { seen });
    }
    // Around the base64 of a line there may be quotes, an escaped line break, a `+`, or what a log puts before each line.
    let mut end = end;
    while end > start && matches!(text.bytes[end - 1], b' ' | b'\t' | b'"' | b'\'' | b',') {
        end -= 1;
    }
    if text.bytes[start..end].ends_with(b"\\n") {
        end -= 2;
    }
    let length = text.bytes[start..end].iter().rev().take_while(|byte| is_base64(**byte)).count();
    let begin = end - length;
    let alone = text.bytes[start..begin].iter().all(|byte| matches!(byte, b' ' | b'\t' | b'"' | b'\''));
    let separate = begin == start || matches!(text.bytes[begin - 1], b' ' | b'\t' | b'"' | b'\'' | b'|' | b':');
    if length >= SHORTEST && separate || seen && alone && length > 0 {
        return (Some(Found { start: begin, end }), Open::Key { seen: true });
    }
    (None, Open::Nothing)
}

fn is_base64(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'+' | b'/' | b'=')
}

/// What a key in one line consists of: base64, and line breaks as blanks, as `\n` or percent-encoded.
fn is_body(byte: u8) -> bool {
    is_base64(byte) || matches!(byte, b' ' | b'\t' | b'\\' | b'%')
}
