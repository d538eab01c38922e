//! Documents in place of JSON: the code and message of an XML error, the title of a web page.

use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::String;

/// Code and message of a document that starts with `<`. The message is never empty: of a web page it is the title, of anything else a word on what it is.
pub(super) fn said(text: &str, codes: &[&str], messages: &[&str]) -> (Option<String>, String) {
    let page = is_page(text);
    let (mut code, mut title): (Option<String>, Option<String>) = (None, None);
    // The place of the message's name among `messages`, and the message: the most telling name counts.
    let mut message: Option<(usize, String)> = None;
    for Element { name, attributes, content } in Elements::of(text) {
        let is = |known: &&str| known.eq_ignore_ascii_case(name);
        if name.eq_ignore_ascii_case("title") {
            title = title.or_else(|| plain(content));
        }
        if codes.iter().any(is) {
            code = code.or_else(|| plain(content));
        } else if let Some(place) = messages.iter().position(is)
            && message.as_ref().is_none_or(|(best, _)| place < *best)
        {
            message = plain(content).map(|text| (place, text)).or(message);
        }
        // Intuit: <Error code="3001">.
        if !page && code.is_none() {
            code = attribute(attributes, "code");
        }
    }
    match (page, title, message) {
        (true, Some(title), _) => (None, format!("an HTML page titled {title:?}")),
        (true, None, _) => (None, "an HTML page".to_owned()),
        (false, _, Some((_, message))) => (code, message),
        (false, Some(title), None) => (code, title),
        (false, None, None) => (code, "an XML document".to_owned()),
    }
}

/// What a web page begins with, where it does not begin as it should.
const PAGE: [&str; 6] = ["html", "head", "body", "title", "h1", "center"];

/// Whether a document is a web page: it says so in its first tags, or is a piece of one.
pub(super) fn is_page(text: &str) -> bool {
    let starts = |prefix: &str| text.get(..prefix.len()).is_some_and(|start| start.eq_ignore_ascii_case(prefix));
    if starts("<!doctype html") || starts("<html") {
        return true;
    }
    let first = Elements::of(text).next().map_or("", |element| element.name);
    PAGE.iter().any(|name| name.eq_ignore_ascii_case(first))
}

/// An element: its name without prefix, its attributes, and the text up to the next tag.
struct Element<'a> {
    name: &'a str,
    attributes: &'a str,
    content: &'a str,
}

/// Every element that is opened, in order, however wrongly they are nested.
struct Elements<'a> {
    rest: &'a str,
}

impl<'a> Elements<'a> {
    fn of(rest: &'a str) -> Self {
        Self { rest }
    }
}

impl<'a> Iterator for Elements<'a> {
    type Item = Element<'a>;

    fn next(&mut self) -> Option<Element<'a>> {
        loop {
            let (_, after) = self.rest.split_once('<')?;
            let Some((tag, content)) = after.split_once('>') else {
                self.rest = "";
                return None;
            };
            self.rest = content;
            if tag.starts_with(|c: char| c.is_ascii_alphabetic() || c == '_') {
                let (name, attributes) = tag.split_once(|c: char| c.is_ascii_whitespace()).unwrap_or((tag, ""));
                let name = name.rsplit(':').next().unwrap_or(name).trim_end_matches('/');
                let content = match content.strip_prefix("<![CDATA[") {
                    Some(inner) => {
                        let (inner, after) = inner.split_once("]]>").unwrap_or((inner, ""));
                        self.rest = after;
                        inner
                    }
                    None => content.split('<').next().unwrap_or_default(),
                };
                return Some(Element { name, attributes, content });
            }
        }
    }
}

/// The value of an attribute.
fn attribute(attributes: &str, name: &str) -> Option<String> {
    let mut rest = attributes;
    while let Some((head, tail)) = rest.split_once('=') {
        let named = head.trim().eq_ignore_ascii_case(name);
        let tail = tail.trim_start();
        let quote = tail.chars().next().filter(|c| matches!(c, '"' | '\''))?;
        let (value, after) = tail[1..].split_once(quote)?;
        if named {
            return plain(value);
        }
        rest = after;
    }
    None
}

/// Text without white space around it and with the five characters that XML escapes (XML 1.0 section 4.6).
fn plain(text: &str) -> Option<String> {
    let text = text.trim();
    let escapes = [("&lt;", "<"), ("&gt;", ">"), ("&quot;", "\""), ("&apos;", "'"), ("&amp;", "&")];
    let plain = escapes.iter().fold(text.to_owned(), |text, (from, to)| text.replace(from, to));
    (!plain.is_empty()).then_some(plain)
}

#[cfg(test)]
mod tests {
    use super::*;
    use alloc::string::ToString;
    use alloc::vec::Vec;

    fn read(text: &str) -> (Option<String>, String) {
        said(text, &["code", "faultcode"], &["message", "detail", "faultstring"])
    }

    #[test]
    fn reads_codes_and_messages_wherever_they_stand() {
        for (text, code, message) in [
            (r#"<?xml version="1.0"?><F><Error a="b" code="3001"><Message>m &amp; n</Message></Error></F>"#, Some("3001"), "m & n"),
            ("<Error><Code>AccessDenied</Code><Detail>d</Detail><Message>m</Message></Error>", Some("AccessDenied"), "m"),
            ("<s:Fault><faultcode>s:Client</faultcode><faultstring>bad</faultstring></s:Fault>", Some("s:Client"), "bad"),
            ("<e:Error><e:message><![CDATA[a < b]]></e:message></e:Error>", None, "a < b"),
            ("<HTML><TITLE>502</TITLE><code>x</code>", None, "an HTML page titled \"502\""),
            ("<a><b/></a>", None, "an XML document"),
            ("<", None, "an XML document"),
            ("<é>ü</é><message/>", None, "an XML document"),
        ] {
            assert_eq!(read(text), (code.map(ToString::to_string), message.to_string()), "{text}");
        }
    }

    #[test]
    fn a_long_document_of_broken_tags_is_read_in_one_pass() {
        for piece in ["<", "<a", "<a ", "<a>", "<a b=", "<a b='", "<![CDATA[", "<a><![CDATA["] {
            read(&piece.repeat(20_000));
        }
    }

    #[test]
    fn a_page_is_known_by_its_first_words_or_its_first_element() {
        for text in ["<!DOCTYPE html><p>x", "<html", "<HTML lang=\"en\">", "<body>x", "<!-- x --><title>502</title>"] {
            assert!(is_page(text), "{text}");
        }
        for text in ["<!doctype books><p>x", "<htm>", "<p>x", "html"] {
            assert!(!is_page(text), "{text}");
        }
    }

    #[test]
    fn only_what_opens_is_an_element() {
        let names: Vec<&str> = Elements::of("<_a x=\"1\"></_a><!-- --><?x?><b/><é>").map(|element| element.name).collect();
        assert_eq!(names, ["_a", "b"]);
    }
}
