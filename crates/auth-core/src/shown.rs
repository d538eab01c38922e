//! `Shown`: an argument of the caller's in a message, told by its length where it could be a secret.

use crate::redact::MARK_TEXT;
use alloc::borrow::ToOwned;
use alloc::string::String;
use alloc::vec::Vec;
use core::fmt;

/// The longest word, such as an environment's name, that is quoted.
const LONGEST_WORD: usize = 40;
/// The longest variable, host or part of a path that is quoted.
const LONGEST_PART: usize = 100;
/// The longest path that is quoted: `PATH_MAX` of Linux.
const LONGEST_PATH: usize = 4_096;
/// From this length on, letters and digits in a row are judged: shorter ones tell too little.
const SHORTEST_RUN: usize = 10;
/// Letters and digits in a row that no word reaches.
const LONGEST_RUN: usize = 28;
/// What base64 of a PEM block, of DER and of a JSON object begin with.
const ENCODED: [&str; 3] = ["LS0tLS", "MII", "eyJ"];

/// `Looks` is what an argument should look like to be quoted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum Looks {
    /// A short name: a provider, an environment, an algorithm.
    Word,
    /// A name of an environment variable (POSIX.1-2017 section 8.1).
    Variable,
    /// A path of a file or folder.
    Path,
    /// A URL, of which scheme, host and port are quoted if it has user information.
    Url,
    /// A name or note in a person's words.
    Note,
    /// An id that a vendor gave, which may be made of random letters and digits.
    Id,
    /// An id of a call: parts of letters and digits, such as a UUID or a trace context.
    CallId,
}

/// `Shown` is an argument of the caller's as a message shows it.
///
/// `Display` is the text itself, `Debug` puts it into quotation marks. Where the text does not look
/// like what it should be, or could be a secret, both tell how many characters it has instead,
/// because a secret that was passed in the wrong place must not come back in an error or a log.
#[derive(Clone, Copy)]
pub struct Shown<'a> {
    text: &'a str,
    looks: Looks,
}

impl<'a> Shown<'a> {
    /// A text that should look like this.
    pub fn new(text: &'a str, looks: Looks) -> Self {
        Self { text, looks }
    }

    /// Whether the text is shown as it is.
    pub fn is_plain(&self) -> bool {
        let text = self.text;
        let is_of = |extra: &[u8]| text.bytes().all(|byte| byte.is_ascii_alphanumeric() || extra.contains(&byte));
        match self.looks {
            Looks::Word => text.len() <= LONGEST_WORD && is_of(b"_-. /") && !is_secret(text, false),
            Looks::Variable => text.len() <= LONGEST_PART && is_of(b"_") && !is_secret(text, false),
            Looks::Id => text.len() <= LONGEST_WORD && is_of(b"_-.:") && !is_prefixed(text),
            Looks::CallId => {
                let parts = text.split(['_', '-', '.', ':']);
                text.len() <= LONGEST_PART
                    && is_of(b"_-.:")
                    && !is_prefixed(text)
                    && parts.into_iter().all(|part| part.len() <= LONGEST_WORD)
            }
            Looks::Note => text.chars().count() <= LONGEST_PART && !is_odd(text) && !holds_scheme(text) && !is_secret(text, false),
            Looks::Path => text.len() <= LONGEST_PATH && !is_odd(text) && !holds_scheme(text) && !is_secret(text, is_rooted(text)),
            Looks::Url => {
                let parts = text.split_once("://");
                parts.is_some_and(|(scheme, rest)| {
                    is_scheme(scheme) && !rest.contains(['@', '?', '#']) && !is_odd(rest) && !is_secret(rest, true)
                })
            }
        }
    }

    /// Scheme, host and port of a URL, where they can be told apart from what may be secret.
    fn server(&self) -> Option<(&'a str, &'a str)> {
        let (scheme, rest) = self.text.split_once("://").filter(|(scheme, _)| is_scheme(scheme))?;
        // A password may hold an '@' or a '/' that somebody did not encode: the last '@' counts.
        let place = rest.rsplit_once('@').map_or(rest, |(_, place)| place);
        let host = place.split(['/', '?', '#']).next().unwrap_or_default();
        let is_host = host.len() <= LONGEST_PART && host.bytes().all(|byte| byte.is_ascii_alphanumeric() || b".-:[]".contains(&byte));
        (is_host && !host.is_empty() && !is_secret(host, false)).then_some((scheme, host))
    }

    fn instead(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let (Some((scheme, host)), Looks::Url | Looks::Path) = (self.server(), self.looks) {
            return write!(f, "{scheme}://{host} (the rest is not shown)");
        }
        let what = match self.looks {
            Looks::Word | Looks::Note => "name",
            Looks::Id | Looks::CallId => "id",
            Looks::Variable => "variable",
            Looks::Path => "path",
            Looks::Url => "URL",
        };
        write!(f, "(a text of {} characters that does not look like a {what})", self.text.chars().count())
    }
}

impl fmt::Display for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() { f.write_str(self.text) } else { self.instead(f) }
    }
}

impl fmt::Debug for Shown<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if self.is_plain() { fmt::Debug::fmt(self.text, f) } else { self.instead(f) }
    }
}

/// Whether the text is made of more than one line, or of what stands in PEM and JSON.
fn is_odd(text: &str) -> bool {
    text.contains("-----") || text.chars().any(|letter| letter.is_control() || matches!(letter, '{' | '}' | '"'))
}

/// Whether a part of the path is a URL's scheme; where a path was made absolute, one slash is left of two.
fn holds_scheme(text: &str) -> bool {
    let is_drive = |before: &str| before.len() == 1 && before.bytes().all(|byte| byte.is_ascii_alphabetic());
    text.match_indices(":/").any(|(at, _)| !is_drive(&text[..at]))
}

fn is_scheme(text: &str) -> bool {
    text.len() <= LONGEST_WORD && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"+-.".contains(&byte)) && !is_secret(text, false)
}

/// Whether the path says by its beginning that it is one.
fn is_rooted(text: &str) -> bool {
    let drive = text.as_bytes().get(1..3).is_some_and(|rest| rest == b":\\" || rest == b":/");
    drive || ["/", "./", "../", "~", "\\"].iter().any(|root| text.starts_with(root))
}

/// Whether the text begins as base64 of a PEM block or of JSON, or as a provider's keys do.
fn is_prefixed(text: &str) -> bool {
    looks_like_a_key(text) || ENCODED.iter().chain(&["_secret_", "secret_"]).any(|start| text.starts_with(start))
}

/// Whether the text is a provider's key. No name of a host looks so, either.
pub(crate) fn looks_like_a_key(text: &str) -> bool {
    text.contains("_sk_") || text.starts_with("sk_")
}

/// A path of the API as an event tells it: without the parts that begin as keys and tokens do. Other parts may be ids, however random they look.
pub(crate) fn path_without_keys(path: &str) -> String {
    if !path.split('/').any(is_prefixed) {
        return path.to_owned();
    }
    let parts: Vec<&str> = path.split('/').map(|part| if is_prefixed(part) { MARK_TEXT } else { part }).collect();
    parts.join("/")
}

/// Whether letters and digits stand in the text as they do in keys and tokens.
///
/// In a secret of base64 a slash is a character as any other; in a path that begins as one it parts.
fn is_secret(text: &str, slash_parts: bool) -> bool {
    let parts = |letter: char| !(letter.is_ascii_alphanumeric() || letter == '+' || letter == '=' || (letter == '/' && !slash_parts));
    text.split(parts).any(is_random) || text.split(['/', '\\']).any(|part| part.len() > 255)
}

/// Whether letters and digits change places as no word has them. A letter after a capital is no change.
fn is_random(run: &str) -> bool {
    if ENCODED.iter().any(|start| run.starts_with(start)) && run.len() > SHORTEST_RUN {
        return true;
    }
    let is_long = run.split('/').any(|part| part.len() > LONGEST_RUN);
    let kind = |byte: u8| match byte {
        b'0'..=b'9' => 0,
        b'a'..=b'z' => 1,
        b'A'..=b'Z' => 2,
        _ => 3,
    };
    // Where a slash joins words, it changes nothing.
    let changes = run
        .as_bytes()
        .windows(2)
        .filter(|pair| !pair.contains(&b'/') && kind(pair[0]) != kind(pair[1]) && (kind(pair[0]), kind(pair[1])) != (2, 1))
        .count();
    is_long || (run.len() >= SHORTEST_RUN && changes * 4 > run.len())
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;
    use alloc::string::String;

    #[test]
    fn what_looks_right_is_quoted() {
        for (text, looks) in [
            ("finorra", Looks::Word),
            ("production", Looks::Word),
            ("client_secret_basic", Looks::Word),
            ("my-own-api-2", Looks::Word),
            ("RS512", Looks::Word),
            ("FINORA_API_KEY_2", Looks::Variable),
            ("AZURE_CLIENT_ID", Looks::Variable),
            ("/etc/finora/key.pem", Looks::Path),
            ("keys.json", Looks::Path),
            ("config/prod2024/KeyFile.json", Looks::Path),
            ("C:\\Users\\Zoë Müller\\key file.pem", Looks::Path),
            ("/tmp/pytest-of-root/pytest-0/test_an_unreadable_file_says_which0/nowhere.json", Looks::Path),
            ("/run/secrets/123e4567-e89b-12d3-a456-426614174000/key", Looks::Path),
            ("~/.ledgerauth/tokens", Looks::Path),
            ("https://api.example.com:8443/v1", Looks::Url),
            ("spring 2026", Looks::Note),
            ("Zoë's key for the month-end close", Looks::Note),
        ] {
            assert_eq!(format!("{}", Shown::new(text, looks)), text);
            assert_eq!(format!("{:?}", Shown::new(text, looks)), format!("{text:?}"));
        }
    }

    #[test]
    fn no_misplaced_secret_is_shown() {
        let kinds = [Looks::Word, Looks::Variable, Looks::Path, Looks::Url, Looks::Note];
        for secret in [
            "live_sk_8Gq2Zr7LwX4tB9vKc1Nf6YpHs3Dm5JaQe0Ru8TiWo2Vb7Ex",
            "q7/Zk2+Vn8Lw4Xs1Tb9/Rc6Yf3Hd5Jm0Pa7Ge2Uo4Ni8=",
            "/Zk2+Vn8Lw4Xs1Tb9Rc6Yf3Hd5Jm0Pa7Ge2Uo4Ni8aB0=",
            "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiJtYWRlLXVwIn0.Zk2Vn8Lw4Xs1Tb9Rc6Yf3Hd5Jm0Pa7Ge2Uo4Ni8aB0",
            "-----BEGIN PRIVATE KEY-----\nMIGHAgEAMBMGByqGSM49\n-----END PRIVATE KEY-----",
            "LS0tLS1CRUdJTiBQUklWQVRFIEtFWS0tLS0tCk1JR0hBZ0VBTUJNR0J5cUdTTTQ5",
            "{\"client_id\": \"a\", \"client_secret\": \"made-up-secret-value\"}",
            "{\"kty\":\"EC\",\"d\":\"870MB6gfuTJ4HtUnUvYMyJpr5eUZNP4Bk43bVdj3eAE\"}",
            "/home/me/redis+cluster:/:hunter2hunter2@tokens.internal:6379",
            "redis+cluster://:hunter2hunter2@tokens.internal:6379",
            "a3f09c17be5d4482a3f09c17be5d4482",
        ] {
            for looks in kinds {
                let shown = format!("{} {0:?}", Shown::new(secret, looks));
                let letters: alloc::vec::Vec<char> = secret.chars().collect();
                for run in letters.windows(12) {
                    let run: String = run.iter().collect();
                    let is_place = secret.contains('@') && ("redis+cluster://".contains(&run) || "tokens.internal:6379".contains(&run));
                    assert!(is_place || !shown.contains(&run), "{looks:?}: {shown}");
                }
                assert!(!shown.contains("hunter2"), "{looks:?}: {shown}");
            }
        }
    }

    #[test]
    fn of_a_url_with_a_password_the_server_is_told() {
        let shown = |text: &str| format!("{}", Shown::new(text, Looks::Url));
        assert_eq!(shown("redis+cluster://:pa@ss/word@h:1/0"), "redis+cluster://h:1 (the rest is not shown)");
        assert_eq!(shown("not a url"), "(a text of 9 characters that does not look like a URL)");
    }
}
