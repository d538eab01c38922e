//! Decides which proxy a request goes through, as curl and requests read the environment.
//!
//! Plain http is sent to this machine alone, so it never goes through a proxy: a proxy would see the
//! credential in the clear. `HTTP_PROXY` is therefore not read at all, in a CGI program or elsewhere.

use super::ureq::setting;
use crate::error::Error;
use ipnet::IpNet;
use std::ffi::OsString;
use std::net::IpAddr;
use ureq::http::Uri;
use ureq::{Proxy, ProxyProtocol};

/// The port of an http or SOCKS proxy whose URL names none: 1080, because curl takes it.
const USUAL_PORT: u16 = 1080;

/// The variables for https, in the order in which they are asked: the lower case first and the
/// specific one before the general one, because curl asks so.
const VARIABLES: [&str; 4] = ["https_proxy", "HTTPS_PROXY", "all_proxy", "ALL_PROXY"];

/// The variables for the exceptions.
const EXCEPTIONS: [&str; 2] = ["no_proxy", "NO_PROXY"];

/// The proxy of a client, and the hosts that are reached without it.
pub(crate) struct Proxies {
    pub(crate) proxy: Proxy,
    /// Where the proxy was named: a variable or the setting.
    named_by: &'static str,
    exceptions: Exceptions,
}

impl Proxies {
    /// The proxy that the environment names for https; `None` if it names none.
    ///
    /// # Errors
    /// [`Error::Setting`] that names the variable whose value is no proxy URL. The value may hold a
    /// password, so it is not shown.
    pub(crate) fn from_environment(variable: impl Fn(&str) -> Option<OsString>) -> Result<Option<Self>, Error> {
        // An empty variable counts as not set, as in curl.
        let set = |name: &&str| variable(name).filter(|value| !value.is_empty());
        let Some(named_by) = VARIABLES.into_iter().find(|name| set(name).is_some()) else { return Ok(None) };
        let value = set(&named_by).and_then(|value| value.into_string().ok()).unwrap_or_default();
        let exceptions = EXCEPTIONS.iter().find_map(set).and_then(|value| value.into_string().ok());
        let proxy = read(named_by, &value)?;
        Ok(Some(Self { proxy, named_by, exceptions: Exceptions::read(&exceptions.unwrap_or_default()) }))
    }

    /// The proxy that the program named, for every host.
    ///
    /// # Errors
    /// [`Error::Setting`] if it is no proxy URL.
    pub(crate) fn named(url: &str) -> Result<Self, Error> {
        Ok(Self { proxy: read("proxy", url)?, named_by: "proxy", exceptions: Exceptions::default() })
    }

    /// Whether requests to this URL go through the proxy.
    pub(crate) fn serve(&self, url: &Uri) -> bool {
        let secure = url.scheme_str() == Some("https");
        let host = url.host().unwrap_or_default();
        secure && !self.exceptions.include(host, url.port_u16())
    }

    /// The proxy in words for an error: host and port, and where they come from. It holds no password.
    pub(crate) fn in_words(&self) -> String {
        format!("the proxy {}:{}, named by {}", self.proxy.host(), self.proxy.port(), self.named_by)
    }
}

/// Reads a proxy URL; one without a scheme is an http proxy, as in curl.
fn read(name: &'static str, url: &str) -> Result<Proxy, Error> {
    let unusable = || setting(name, "not a proxy URL such as http://user:password@host:3128 or socks5://host:1080");
    let proxy = Proxy::new(url).map_err(|_| unusable())?;
    let names_port = proxy.uri().port().is_some();
    if names_port || proxy.host().is_empty() || proxy.protocol() != ProxyProtocol::Http {
        return if proxy.host().is_empty() { Err(unusable()) } else { Ok(proxy) };
    }
    let mut with_port = Proxy::builder(proxy.protocol()).host(proxy.host()).port(USUAL_PORT);
    if let Some(user) = proxy.username() {
        with_port = with_port.username(user);
    }
    if let Some(password) = proxy.password() {
        with_port = with_port.password(password);
    }
    with_port.build().map_err(|_| unusable())
}

/// The hosts of `NO_PROXY`.
#[derive(Default)]
struct Exceptions {
    all: bool,
    entries: Vec<Entry>,
}

/// One entry of `NO_PROXY`, with the port that it is limited to.
struct Entry {
    hosts: Hosts,
    port: Option<u16>,
}

enum Hosts {
    /// A host and all names below it.
    Domain(String),
    /// The addresses of a network, or a single one.
    Network(IpNet),
}

impl Exceptions {
    /// Reads a list whose entries are separated by commas or blanks; `*` alone is every host.
    fn read(list: &str) -> Self {
        let entries = list.split(|c: char| c == ',' || c.is_ascii_whitespace()).filter_map(Entry::read);
        Self { all: list.trim() == "*", entries: entries.collect() }
    }

    /// `port` is the one that the URL names; an entry with a port asks for it, as in requests.
    fn include(&self, host: &str, port: Option<u16>) -> bool {
        self.all || self.entries.iter().any(|entry| entry.includes(host, port))
    }
}

impl Entry {
    fn read(text: &str) -> Option<Self> {
        let (host, port) = match text.rsplit_once(':') {
            // An IPv6 address has more colons, and no port.
            Some((host, port)) if !host.contains(':') => (host, Some(port.parse().ok()?)),
            _ => (text, None),
        };
        let network = host.parse().ok().or_else(|| host.parse::<IpAddr>().ok().map(IpNet::from));
        let domain = host.trim_matches('.').to_ascii_lowercase();
        let has_host = !domain.is_empty();
        let hosts = network.map_or(Hosts::Domain(domain), Hosts::Network);
        has_host.then_some(Self { hosts, port })
    }

    fn includes(&self, host: &str, port: Option<u16>) -> bool {
        let bare = host.trim_start_matches('[').trim_end_matches(']');
        let is_host = match (&self.hosts, bare.parse::<IpAddr>()) {
            (Hosts::Network(network), Ok(address)) => network.contains(&address),
            // Domains end at the borders of labels: `corp.example` is not `mycorp.example`.
            (Hosts::Domain(domain), Err(_)) => {
                let host = bare.to_ascii_lowercase();
                host.strip_suffix(domain).is_some_and(|before| before.is_empty() || before.ends_with('.'))
            }
            _ => false,
        };
        is_host && (self.port.is_none() || self.port == port)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::Value;

    #[test]
    fn every_environment_is_read_as_the_vector_says() {
        let file: Value = serde_json::from_str(include_str!("../../../../tests/vectors/proxies.json")).unwrap();
        let vectors = file["vectors"].as_array().unwrap();
        assert!(vectors.len() >= 30, "{} environments", vectors.len());
        for vector in vectors {
            let environment = vector["environment"].as_object().unwrap();
            let variable = |name: &str| environment.get(name).map(|value| value.as_str().unwrap().into());
            let url: Uri = vector["url"].as_str().unwrap().parse().unwrap();
            let expected = vector["expect"].as_str().unwrap();
            let found = match Proxies::from_environment(variable) {
                Err(error) => {
                    let error = error.to_string();
                    assert!(VARIABLES.iter().any(|name| error.contains(name)), "{error}");
                    "error".to_owned()
                }
                Ok(Some(proxies)) if proxies.serve(&url) => {
                    format!("{}:{}", proxies.proxy.host(), proxies.proxy.port())
                }
                Ok(_) => "direct".to_owned(),
            };
            assert_eq!(found, expected, "{vector}");
            let differs = ["curl", "requests"].iter().any(|program| vector[*program] != vector["expect"]);
            assert_eq!(differs, vector["because"].is_string(), "each difference has its reason: {vector}");
        }
    }

    #[test]
    fn a_password_stands_in_no_error() {
        for url in ["http://user:hunter2@", "hunter2 hunter2", "ftp://hunter2@host"] {
            let error = Proxies::named(url).err().map(|error| error.to_string());
            assert!(error.as_ref().is_some_and(|error| !error.contains("hunter2")), "{error:?}");
        }
        let words = Proxies::named("http://user:hunter2@host:1").unwrap().in_words();
        assert_eq!(words, "the proxy host:1, named by proxy");
    }
}
