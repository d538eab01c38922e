//! Quotes: a server's words in an error, an audit event or an explanation.

use crate::credential::Secret;
use crate::redact::{MARK_TEXT as MARK, Redactor};
use alloc::borrow::Cow;
use alloc::string::String;

/// How much of a server's words is kept: enough for any sentence, too little for a dump.
pub(crate) const QUOTE_CHARS: usize = 300;
/// How much is looked at, in bytes: a secret that begins in the quote is read on to here.
const LOOKED_AT: usize = 8 * 1024;
/// What is left out at the end of a text that was cut there: a secret of which only so much is here may go unnoticed.
const UNCERTAIN: usize = 512;

/// A server's words without secrets, without control characters, and not longer than a sentence.
///
/// Each of `secrets` is taken out in every form in which it may have been echoed, and of a longer
/// secret any twelve bytes in a row; what looks like a secret goes, too ([`Redactor`]).
pub(crate) fn quote(text: &str, secrets: &[&Secret]) -> String {
    if text.len() <= SHORTEST_SECRET {
        return printable(text);
    }
    let redactor = Redactor::new().with_secrets(secrets.iter().copied());
    let head = head(text, LOOKED_AT);
    let (clean, cut) = if head.len() == text.len() {
        (redactor.redact(text), false)
    } else {
        let clean = redactor.redact_beginning(head);
        let marked = clean.rfind(MARK).map_or(0, |mark| mark + MARK.len());
        let certain = self::head(&clean, clean.len().saturating_sub(UNCERTAIN)).len().max(marked);
        (Cow::Owned(clean[..certain].into()), true)
    };
    let mut quoted = printable(&clean);
    if cut || clean.chars().nth(QUOTE_CHARS).is_some() {
        quoted.push('…');
    }
    quoted
}

/// A text with blanks for what would control a terminal or the direction of the writing, as long as a quote may be.
pub(crate) fn printable(text: &str) -> String {
    text.chars().take(QUOTE_CHARS).map(|character| if controls(character) { ' ' } else { character }).collect()
}

/// Whether a character controls a terminal, or the order in which others are shown (UAX 9).
pub(crate) fn controls(character: char) -> bool {
    let bidirectional = matches!(character, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{2028}' | '\u{2029}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}');
    bidirectional || character.is_control()
}

/// The beginning of a text, of so many bytes or fewer.
fn head(text: &str, length: usize) -> &str {
    if text.len() <= length {
        return text;
    }
    let end = (0..=length).rev().find(|end| text.is_char_boundary(*end)).unwrap_or(0);
    &text[..end]
}

/// Nothing as short as this is looked for.
const SHORTEST_SECRET: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn a_quote_is_short_and_without_the_secret() {
        let secret = Secret::new("s3cret");
        assert_eq!(quote("token s3cret\r\nis bad", &[&secret]), "token [redacted]  is bad");
        assert_eq!(quote(&"x".repeat(1_000), &[]).chars().count(), QUOTE_CHARS + 1);
        let text = "x".repeat(QUOTE_CHARS);
        assert_eq!(quote(&text, &[]), text);
    }

    #[test]
    fn a_quote_steers_no_terminal() {
        assert_eq!(quote("a\u{202e}b\u{2066}c\u{200f}d\u{61c}e\u{1b}[31mf", &[]), "a b c d e [31mf");
    }

    #[test]
    fn a_short_secret_blots_nothing() {
        for secret in ["t", "to", "ken"] {
            assert_eq!(quote("insufficient_scope of the token", &[&Secret::new(secret)]), "insufficient_scope of the token");
        }
        let secrets = [Secret::new("acted"), Secret::new("redacted-secret-1")];
        let secrets = [&secrets[0], &secrets[1]];
        assert_eq!(quote("the redacted-secret-1 is bad", &secrets), "the [redacted] is bad");
    }

    #[test]
    fn a_secret_across_the_end_of_a_quote_does_not_show() {
        let secret = Secret::new("aB3dE5fG7hJ9kL1mN3pQ5rS7tU9vW1xY3");
        for before in (0..2 * LOOKED_AT).step_by(7).chain(QUOTE_CHARS - 40..QUOTE_CHARS + 40) {
            let text = format!("{}{}{}", "a ".repeat(before / 2), secret.expose(), " z".repeat(LOOKED_AT));
            let quoted = quote(&text, &[&secret]);
            assert!(!quoted.contains("aB3"), "{before}: {quoted}");
        }
    }
}
