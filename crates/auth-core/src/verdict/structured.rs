//! Structured fields: the part of RFC 9651 that rate-limit fields use.
//!
//! It is read here because the crates that read all of it need `std`, and because they refuse a whole field for one fault, where a limit that can be
//! understood is worth more than a field that is correct: many servers still send the forms of early drafts.

use crate::headers::is_token_byte;
use alloc::string::String;
use alloc::vec::Vec;

/// How many members of a list are read: no server has more limits than this.
const MEMBERS: usize = 64;

/// How many parameters of a member are read: the drafts know four.
const PARAMETERS: usize = 16;

/// A bare item.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Item {
    /// A string or a token.
    Text(String),
    /// An integer or a decimal, as it is written.
    Number(String),
    /// A truth, or a type that says nothing of limits.
    Other,
}

impl Item {
    /// A whole number that is not negative.
    pub(super) fn whole(&self) -> Option<u64> {
        if let Self::Number(digits) = self { digits.parse().ok() } else { None }
    }

    pub(super) fn text(self) -> Option<String> {
        if let Self::Text(text) = self { Some(text) } else { None }
    }
}

/// One member of a list or a dictionary: `key` is set in a dictionary.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Member {
    pub(super) key: Option<String>,
    pub(super) item: Item,
    pub(super) parameters: Vec<(String, Item)>,
}

impl Member {
    /// A parameter; of a repeated one the last counts (RFC 9651 section 4.2.3.2).
    pub(super) fn parameter(&self, name: &str) -> Option<&Item> {
        self.parameters.iter().rev().find(|(known, _)| known == name).map(|(_, item)| item)
    }

    pub(super) fn whole(&self, name: &str) -> Option<u64> {
        self.parameter(name).and_then(Item::whole)
    }
}

/// The members of a list or dictionary; one that cannot be understood is left out.
pub(super) fn members(text: &str) -> Vec<Member> {
    let mut reader = Reader { rest: text };
    let mut read = Vec::new();
    while read.len() < MEMBERS {
        reader.rest = reader.rest.trim_start_matches([' ', '\t', ',']);
        if reader.rest.is_empty() {
            break;
        }
        let member = reader.member();
        reader.rest = reader.rest.trim_start_matches([' ', '\t']);
        let whole = reader.rest.is_empty() || reader.rest.starts_with(',');
        read.extend(member.filter(|_| whole));
        reader.skip_to_comma();
    }
    read
}

struct Reader<'a> {
    rest: &'a str,
}

impl<'a> Reader<'a> {
    fn member(&mut self) -> Option<Member> {
        let before = self.rest;
        let name = self.take(is_key_byte);
        let key = if !name.is_empty() && self.starts("=") {
            Some(name.into())
        } else {
            self.rest = before;
            None
        };
        let item = self.item()?;
        let mut parameters = Vec::new();
        loop {
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            if !self.starts(";") {
                return Some(Member { key, item, parameters });
            }
            self.rest = self.rest.trim_start_matches([' ', '\t']);
            let name = self.take(is_key_byte);
            if name.is_empty() {
                return None;
            }
            let item = if self.starts("=") { self.item()? } else { Item::Other };
            if parameters.len() < PARAMETERS {
                parameters.push((name.into(), item));
            }
        }
    }

    fn item(&mut self) -> Option<Item> {
        match *self.rest.as_bytes().first()? {
            b'"' => self.string().map(Item::Text),
            b'-' | b'0'..=b'9' => Some(Item::Number(self.take(|byte| matches!(byte, b'-' | b'.' | b'0'..=b'9')).into())),
            b'?' | b'@' => {
                self.take(|byte| matches!(byte, b'?' | b'@' | b'-' | b'0'..=b'9'));
                Some(Item::Other)
            }
            b':' => {
                let (_, after) = self.rest[1..].split_once(':')?;
                self.rest = after;
                Some(Item::Other)
            }
            byte if byte.is_ascii_alphabetic() || byte == b'*' => Some(Item::Text(self.take(is_word_byte).into())),
            _ => None,
        }
    }

    /// RFC 9651 section 4.2.5, without its ban on anything but ASCII.
    fn string(&mut self) -> Option<String> {
        let mut text = String::new();
        let mut chars = self.rest.char_indices().skip(1);
        while let Some((at, char)) = chars.next() {
            match char {
                '"' => {
                    self.rest = &self.rest[at + 1..];
                    return Some(text);
                }
                '\\' => text.push(chars.next()?.1),
                other => text.push(other),
            }
        }
        self.rest = "";
        None
    }

    fn starts(&mut self, prefix: &str) -> bool {
        let stripped = self.rest.strip_prefix(prefix);
        self.rest = stripped.unwrap_or(self.rest);
        stripped.is_some()
    }

    fn take(&mut self, fits: impl Fn(u8) -> bool) -> &'a str {
        let length = self.rest.bytes().position(|byte| !fits(byte)).unwrap_or(self.rest.len());
        let (taken, rest) = self.rest.split_at(length);
        self.rest = rest;
        taken
    }

    fn skip_to_comma(&mut self) {
        self.rest = self.rest.split_once(',').map_or("", |(_, after)| after);
    }
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"_-.*".contains(&byte)
}

fn is_word_byte(byte: u8) -> bool {
    is_token_byte(byte) || matches!(byte, b':' | b'/')
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::format;

    #[test]
    fn reads_lists_and_dictionaries_with_parameters() {
        let read = members(r#""burst";q=100;w=60;pk=:YQ==:, daily; q=1000;w=86400;x,5"#);
        assert_eq!(read.len(), 3);
        assert_eq!(read[0].item, Item::Text("burst".into()));
        assert_eq!((read[0].whole("q"), read[0].whole("w"), read[0].parameter("pk")), (Some(100), Some(60), Some(&Item::Other)));
        assert_eq!((read[1].whole("w"), read[1].parameter("x")), (Some(86_400), Some(&Item::Other)));
        assert_eq!(read[2].item.whole(), Some(5));
        let read = members("limit=100, remaining=-1;a=\"b\", reset=1.5");
        assert_eq!((read[0].key.as_deref(), read[0].item.whole()), (Some("limit"), Some(100)));
        assert_eq!((read[1].item.whole(), &read[2].item), (None, &Item::Number("1.5".into())));
    }

    #[test]
    fn what_is_garbage_costs_only_its_own_member() {
        for (text, count) in [("(1 2), 3", 1), ("\"open", 0), ("a b, 3", 1), (";;;,3;=,4", 1), ("é, 3", 1), (", ,,", 0), (":abc, 3", 1)] {
            assert_eq!(members(text).len(), count, "{text}");
        }
        assert_eq!(members(&"1,".repeat(100_000)).len(), MEMBERS);
    }

    #[test]
    fn a_member_keeps_so_many_parameters_and_no_more() {
        let read = members(&format!("a{}, b", ";p=1".repeat(PARAMETERS + 4)));
        assert_eq!((read.len(), read[0].parameters.len()), (2, PARAMETERS));
        assert_eq!(members(&"1,".repeat(MEMBERS)).len(), MEMBERS);
    }

    #[test]
    fn what_is_no_number_or_text_is_still_a_member_if_it_is_a_value() {
        let read = members("?1, @1764000000, a");
        assert_eq!(read.iter().map(|member| &member.item).collect::<Vec<_>>(), [&Item::Other, &Item::Other, &Item::Text("a".into())]);
        assert_eq!(members("!abc, 3").len(), 1);
        assert_eq!(members("*a")[0].item, Item::Text("*a".into()));
    }
}
