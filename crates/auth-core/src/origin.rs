//! The guard of the door: what is a URL here, and may this credential go to it?
//!
//! Every URL is parsed once, strictly (RFC 3986, no user information, no oddities that two parsers could read in two ways), and the
//! shell sends to the text of the *parsed* URL, never to the text that somebody passed in.

use crate::shown::looks_like_a_key;
use alloc::borrow::ToOwned;
use alloc::format;
use alloc::string::{String, ToString};
use alloc::sync::Arc;
use core::fmt;
use core::net::{Ipv4Addr, Ipv6Addr};
use fluent_uri::{Uri, UriRef};

/// `Origin` is scheme, host and port of a URL (RFC 6454): the unit a credential is bound to.
#[derive(Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Origin {
    secure: bool,
    host: Arc<str>,
    port: u16,
}

impl Origin {
    /// Reads a host (`files.example`), a host with its port (`files.example:8443`) or an origin (`https://files.example`); https if no scheme is said.
    ///
    /// # Errors
    /// A [`UrlError`] if it is none of these, or says more than an origin: a path, a query, a user.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let url = if text.contains("://") { Url::parse(text) } else { Url::parse(&["https://", text].concat()) }?;
        let rest = &url.as_str()[url.path_start..];
        if rest.is_empty() || rest == "/" { Ok(url.origin) } else { Err(UrlError::new("it says more than a host".to_owned())) }
    }

    /// The host in lower case; an IPv6 address stands in brackets.
    pub fn host(&self) -> &str {
        &self.host
    }

    /// The port, the scheme's own one if the URL named none.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Whether the scheme is https.
    pub fn is_secure(&self) -> bool {
        self.secure
    }

    /// Whether the host is this very machine by name or address: `localhost`, `127.0.0.0/8` or `[::1]`.
    pub fn is_loopback(&self) -> bool {
        let is_loopback_v4 = || self.host.parse::<Ipv4Addr>().is_ok_and(|address| address.is_loopback());
        matches!(&*self.host, "localhost" | "[::1]") || is_loopback_v4()
    }
}

impl fmt::Display for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (scheme, usual) = if self.secure { ("https", 443) } else { ("http", 80) };
        write!(f, "{scheme}://{}", self.host)?;
        if self.port == usual { Ok(()) } else { write!(f, ":{}", self.port) }
    }
}

impl fmt::Debug for Origin {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `Url` is an absolute http or https URL that was read strictly.
///
/// `Display` and `Debug` leave the query out, because keys and codes travel in queries; [`Url::as_str`] is the whole text.
#[derive(Clone, PartialEq, Eq, Hash)]
pub struct Url {
    text: Arc<str>,
    origin: Origin,
    path_start: usize,
}

impl Url {
    /// Reads an absolute URL.
    ///
    /// # Errors
    /// A [`UrlError`] that names the reason: not RFC 3986, no scheme or host, user information, a scheme
    /// that is neither http nor https, a port of 0 or beyond 65535, a host that another parser could
    /// take for another, a path with `.` or `..` as a segment. A fragment is dropped: it never travels.
    pub fn parse(text: &str) -> Result<Self, UrlError> {
        let uri = Uri::parse(text).map_err(|error| UrlError::new(format!("{error}")))?;
        Self::from_uri(uri.strip_fragment())
    }

    /// The URL of `path` under this base: the base's own path, if it has one, stays in front.
    ///
    /// # Errors
    /// A [`UrlError`] if `path` does not start with one `/` (or with `?`), leaves the base's path by `..`,
    /// or holds what a URL may not.
    pub fn join(&self, path: &str) -> Result<Self, UrlError> {
        if !path.starts_with(['/', '?']) {
            return Err(UrlError::new("a path starts with '/'".to_owned()));
        }
        if path.starts_with("//") {
            return Err(UrlError::new("a path that starts with '//' names a host (RFC 3986 section 4.2)".to_owned()));
        }
        let base = self.text.split('?').next().unwrap_or_default();
        let base = if path.starts_with('/') { base.trim_end_matches('/') } else { base };
        let text = [base, path].concat();
        if path.starts_with('/') && path.bytes().all(is_plain) && !path.contains("/.") {
            return Ok(Self { text: text.into(), origin: self.origin.clone(), path_start: self.path_start });
        }
        let joined = Self::parse(&text)?;
        if joined.origin == self.origin { Ok(joined) } else { Err(UrlError::new("the path leads to another host".to_owned())) }
    }

    /// The URL that a `Location` header names, seen from this one (RFC 9110 section 10.2.2).
    ///
    /// # Errors
    /// A [`UrlError`] if it is no URL reference or leads to no http or https URL.
    pub fn follow(&self, location: &str) -> Result<Self, UrlError> {
        let reference = UriRef::parse(location.trim()).map_err(|error| UrlError::new(format!("{error}")))?;
        let base = Uri::parse(&*self.text).map_err(|error| UrlError::new(format!("{error}")))?;
        let resolved = reference.resolve_against(&base).map_err(|error| UrlError::new(format!("{error}")))?;
        Self::from_uri(resolved.strip_fragment())
    }

    /// The whole URL, query included: what to send to, and what not to print.
    pub fn as_str(&self) -> &str {
        &self.text
    }

    /// Scheme, host and port.
    pub fn origin(&self) -> &Origin {
        &self.origin
    }

    /// The path without the query; `/` if the URL has none.
    pub fn path(&self) -> &str {
        let path = self.text[self.path_start..].split('?').next().unwrap_or_default();
        if path.is_empty() { "/" } else { path }
    }

    fn from_uri(uri: Uri<&str>) -> Result<Self, UrlError> {
        let secure = match uri.scheme().as_str() {
            scheme if scheme.eq_ignore_ascii_case("https") => true,
            scheme if scheme.eq_ignore_ascii_case("http") => false,
            _ => return Err(UrlError::new("the scheme is neither https nor http".to_owned())),
        };
        let authority = uri.authority().ok_or_else(|| UrlError::new("there is no host in it".to_owned()))?;
        if authority.has_userinfo() {
            return Err(UrlError::new("it carries a user name or password before the host".to_owned()));
        }
        let host = read_host(authority.host())?;
        if looks_like_a_key(&host) {
            return Err(UrlError::new("its host begins as a key does".to_owned()));
        }
        let port = match authority.port().map(fluent_uri::pct_enc::EStr::as_str) {
            None | Some("") if secure => 443,
            None | Some("") => 80,
            Some(digits) => match digits.parse::<u16>() {
                Ok(port) if port > 0 => port,
                _ => return Err(UrlError::new("its port is not between 1 and 65535".to_owned())),
            },
        };
        if uri.path().as_str().split('/').any(is_dots) {
            return Err(UrlError::new("its path has '.' or '..' as a segment: give the path that is meant".to_owned()));
        }
        let origin = Origin { secure, host: host.into(), port };
        let mut text = origin.to_string();
        let path_start = text.len();
        text.push_str(uri.path().as_str());
        if let Some(query) = uri.query() {
            text.push('?');
            text.push_str(query.as_str());
        }
        Ok(Self { text: text.into(), origin, path_start })
    }
}

/// Reads a host: a name of letters, digits, `-`, `_` and `.`, an IPv4 address of four decimal numbers, or
/// an IPv6 address in brackets.
///
/// The WHATWG URL standard reads `127.1`, `0x7f.1` and `127.0.0.01` as addresses, RFC 3986 as names; so
/// they are refused.
fn read_host(host: &str) -> Result<String, UrlError> {
    let refused = |why: &str| Err(UrlError::new(why.to_owned()));
    if let Some(address) = host.strip_prefix('[').and_then(|rest| rest.strip_suffix(']')) {
        let address = address.parse::<Ipv6Addr>();
        return address.map_or_else(|_| refused("its host is no IPv6 address"), |address| Ok(format!("[{address}]")));
    }
    let host = host.to_ascii_lowercase();
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'_' | b'.');
    if host.is_empty() || host.ends_with('.') || !host.bytes().all(is_plain) {
        return refused("its host is empty, ends with a dot or has characters that no host name has");
    }
    let last = host.rsplit('.').next().unwrap_or_default();
    let is_number = last.starts_with("0x") || last.bytes().all(|byte| byte.is_ascii_digit());
    if is_number && host.parse::<Ipv4Addr>().is_err() {
        return refused("its host is a number, but no IPv4 address of four decimal numbers");
    }
    Ok(host)
}

/// Whether a segment of a path is `.` or `..`, percent-encoded or not: other parsers take it away
/// together with what stands before it (RFC 3986 section 5.2.4).
fn is_dots(segment: &str) -> bool {
    let mut rest = segment;
    let mut dots = 0;
    while let Some(after) = rest.strip_prefix('.').or_else(|| rest.strip_prefix("%2e")).or_else(|| rest.strip_prefix("%2E")) {
        (rest, dots) = (after, dots + 1);
    }
    rest.is_empty() && (1..=2).contains(&dots)
}

/// Whether a byte means the same wherever it stands behind the slash that begins a path, in the path or in its query (RFC 3986 sections 3.3 and 3.4): a base
/// that was read strictly stays so with such bytes behind it. Anything else is read as a whole.
fn is_plain(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'/' | b'-' | b'.' | b'_' | b'~' | b'?' | b'=' | b'&' | b',' | b':' | b'+')
}

impl fmt::Display for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}{}", self.origin, self.path())
    }
}

impl fmt::Debug for Url {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

/// `UrlError` says why a text is no URL that a credential could go to; it never repeats the text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct UrlError(String);

impl UrlError {
    fn new(reason: String) -> Self {
        Self(reason)
    }
}

impl fmt::Display for UrlError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "not a URL that can be used: {}", self.0)
    }
}

impl core::error::Error for UrlError {}

/// Whether a header of the caller's own may travel to another host when a redirect leads there.
///
/// Only fields that say what answer is wanted may: any other, whatever its name, can carry a credential. The fields that the machine adds stay behind by
/// construction. Names are compared without regard to case (RFC 9110 section 5.1).
pub fn may_go_anywhere(name: &str) -> bool {
    const HARMLESS: [&str; 7] = ["accept", "accept-charset", "accept-encoding", "accept-language", "cache-control", "range", "user-agent"];
    HARMLESS.iter().any(|harmless| harmless.eq_ignore_ascii_case(name))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn refuses_what_two_parsers_could_read_in_two_ways() {
        for text in [
            "",
            "api.example.com",
            "https://",
            "https:///v1",
            "https://user:pw@host/",
            "https://host\\@evil/",
            "https://host:0/",
            "https://host:65536/",
            "https://ho st/",
            "https://host/\n",
            "ftp://host/",
            "https://host%2eevil/",
            "https://host./",
            "https://hôst/",
            "javascript:alert(1)",
            "https://127.1/",
            "https://0x7f.0.0.1/",
            "https://127.0.0.01/",
            "https://127.+0.+0.+1/",
            "https://2130706433/",
            "https://a!b/",
            "https://[v1.x]/",
            "https://[fe80::1%25eth0]/",
            "https://host/a/../b",
            "https://host/%2e%2E/b",
            "https://host/.",
        ] {
            assert!(Url::parse(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn normalises_scheme_host_and_port() {
        let url = Url::parse("HTTPS://API.Example.COM:443/v1?a=b#c").unwrap();
        assert_eq!(url.as_str(), "https://api.example.com/v1?a=b");
        assert_eq!(url.to_string(), "https://api.example.com/v1");
        assert_eq!(url.path(), "/v1");
        assert_eq!(Url::parse("https://[::1]:8443").unwrap().origin().to_string(), "https://[::1]:8443");
    }

    #[test]
    fn a_path_stays_under_its_base() {
        let base = Url::parse("https://gate.example/finora/").unwrap();
        assert_eq!(base.join("/v1/invoices?page=2").unwrap().as_str(), "https://gate.example/finora/v1/invoices?page=2");
        for path in ["//evil.example/", "/../x", "/%2e%2e/x", "/v1/.%2E", "/./x", "/\\evil.example/", "/v1?/../x"] {
            assert_eq!(base.join(path).is_ok(), path == "/v1?/../x", "{path}");
        }
        assert!(base.join("@evil.example/").is_err());
        assert!(base.join(".evil.example/").is_err());
        assert!(Url::parse("https://gate.example").unwrap().join("/a b").is_err());
    }

    #[test]
    fn a_plain_path_is_joined_as_the_parser_would_read_it() {
        for base in ["https://a.example", "https://a.example/", "https://a.example:8443/gate//", "https://[::1]/x?y=1"] {
            let base = Url::parse(base).unwrap();
            for path in ["/", "/v1/a-b_c~d.e", "/.x/...", "/a?x=1&y=2,3:4+5", "/?a?b", "/v1//"] {
                let whole = format!("{}{path}", base.as_str().split('?').next().unwrap().trim_end_matches('/'));
                assert!(base.join(path).unwrap() == Url::parse(&whole).unwrap(), "{whole}");
            }
        }
    }

    #[test]
    fn a_location_is_resolved_as_rfc_3986_says() {
        let url = Url::parse("https://a.example/v1/x?q=1").unwrap();
        assert_eq!(url.follow("/v2").unwrap().as_str(), "https://a.example/v2");
        assert_eq!(url.follow("y").unwrap().as_str(), "https://a.example/v1/y");
        assert_eq!(url.follow("//b.example/z").unwrap().origin().host(), "b.example");
        assert!(url.follow("http://a b/").is_err());
        assert!(url.follow("data:text/plain,x").is_err());
    }

    #[test]
    fn an_origin_is_a_host_and_no_more() {
        for (text, origin) in [
            ("Files.Example", "https://files.example"),
            ("files.example:8443", "https://files.example:8443"),
            ("https://files.example/", "https://files.example"),
            ("http://127.0.0.1:81", "http://127.0.0.1:81"),
        ] {
            assert_eq!(Origin::parse(text).unwrap().to_string(), origin, "{text}");
        }
        for text in ["", "files.example/x", "files.example?x", "u:p@files.example", "ftp://files.example", "https://", "*.example"] {
            assert!(Origin::parse(text).is_err(), "{text}");
        }
    }

    #[test]
    fn loopback_is_this_machine_and_nothing_that_looks_like_it() {
        for (text, loopback) in [
            ("http://localhost:1", true),
            ("http://127.0.0.1", true),
            ("http://127.9.8.7", true),
            ("http://[::1]", true),
            ("http://[0:0:0:0:0:0:0:1]", true),
            ("http://127.0.0.1.evil.example", false),
            ("http://localhost.evil.example", false),
            ("http://[::2]", false),
            ("http://10.0.0.1", false),
        ] {
            assert_eq!(Url::parse(text).unwrap().origin().is_loopback(), loopback, "{text}");
        }
    }

    #[test]
    fn only_what_asks_for_an_answer_goes_anywhere() {
        assert!(may_go_anywhere("Accept") && may_go_anywhere("user-agent"));
        for name in ["Authorization", "X-API-Key", "Cookie", "X-JWT-Assertion", "X-Session-Id", "X-Trace", "Referer", ""] {
            assert!(!may_go_anywhere(name), "{name}");
        }
    }
}
