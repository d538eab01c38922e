//! Escape sequences of terminals (ECMA-48 section 5.4): colours, which programs put around names and values.

/// How ESC is written: as itself, and as JSON, nginx and shells escape it.
const ESCAPES: [&[u8]; 7] = [b"\x1b", b"\\u001b", b"\\u001B", b"\\x1b", b"\\x1B", b"\\033", b"\\e"];
/// The longest parameters of a sequence: three numbers of a colour and its attributes are shorter.
const LONGEST: usize = 32;

/// The length of the sequence that begins at `at`; zero if none does.
pub(super) fn length(text: &[u8], at: usize) -> usize {
    if !matches!(text.get(at), Some(0x1b | b'\\')) {
        return 0;
    }
    let Some(escape) = ESCAPES.iter().find(|escape| text[at..].starts_with(escape)) else { return 0 };
    let parameters = at + escape.len() + 1;
    if text.get(parameters - 1) != Some(&b'[') {
        return 0;
    }
    let end = parameters + parameters_at(text, parameters);
    if matches!(text.get(end), Some(0x40..=0x7e)) { end + 1 - at } else { 0 }
}

/// How many bytes at `at` belong to a sequence that begins before: `1m` of `ESC [ 3 ; 1 m name`.
pub(super) fn overlap(text: &[u8], at: usize) -> usize {
    let before = &text[..at];
    let parameters = before.iter().rev().take(LONGEST).take_while(|byte| is_parameter(**byte)).count();
    let Some(before) = before[..at - parameters].strip_suffix(b"[") else { return 0 };
    if !ESCAPES.iter().any(|escape| before.ends_with(escape)) {
        return 0;
    }
    let end = at + parameters_at(text, at);
    if matches!(text.get(end), Some(0x40..=0x7e)) { end + 1 - at } else { 0 }
}

/// Whether a sequence ends right before `at`.
pub(super) fn ends_at(text: &[u8], at: usize) -> bool {
    at > 0 && text[at - 1].is_ascii_alphabetic() && overlap(text, at - 1) == 1
}

/// Where `text[from..end]` ends without the sequences and blanks at its end.
pub(super) fn trim_end(text: &[u8], from: usize, end: usize) -> usize {
    let mut end = from + text[from..end].trim_ascii_end().len();
    while end > from && ends_at(text, end) {
        let Some(start) = text[from..end].iter().rposition(|byte| matches!(byte, 0x1b | b'\\')) else { break };
        end = from + text[from..from + start].trim_ascii_end().len();
    }
    end
}

fn is_parameter(byte: u8) -> bool {
    (0x30..=0x3f).contains(&byte)
}

fn parameters_at(text: &[u8], at: usize) -> usize {
    text[at.min(text.len())..].iter().take(LONGEST).take_while(|byte| is_parameter(**byte)).count()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn sequences_are_measured_from_both_ends() {
        for text in ["\x1b[0m", "\x1b[1;33m", "\\u001b[39;49;00m", "\\x1b[m", "\\e[3m", "\\033[1;2K"] {
            assert_eq!(length(text.as_bytes(), 0), text.len(), "{text:?}");
            assert!(ends_at(text.as_bytes(), text.len()), "{text:?}");
            let name = std::format!("{text}name");
            let digits = text.find('[').unwrap() + 1;
            assert_eq!(overlap(name.as_bytes(), digits), text.len() - digits, "{text:?}");
            let value = std::format!("value {text}");
            assert_eq!(trim_end(value.as_bytes(), 0, value.len()), 5, "{text:?}");
        }
        for text in ["[0m", "\x1b[", "\x1b[12", "\\n[0m"] {
            assert_eq!(length(text.as_bytes(), 0), 0, "{text:?}");
        }
    }
}
