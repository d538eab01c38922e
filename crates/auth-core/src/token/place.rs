//! `Place`: the one account system that a record's tokens may be sent to.

use alloc::boxed::Box;
use alloc::collections::BTreeMap;
use alloc::string::String;
use core::fmt;

/// `Place` says where a record's tokens belong: a provider, its environment, a client and the hosts that the program set itself.
///
/// The profile's own hosts are not part of it, because a vendor that moves a host ends no connection. Hosts that a server's answer or its metadata
/// named are not part of it either. Nothing in it is secret.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Place {
    /// The provider's short name.
    pub provider: String,
    /// The environment's name.
    pub environment: String,
    /// The client id; empty for a client without one.
    pub client_id: String,
    /// The settings that the program gave instead of the profile's, by their names: `base_url`, `token_url` and `issuer`, each as an origin.
    pub set: BTreeMap<Box<str>, String>,
}

/// One line without quotes around it, such as `xero/production of the client "id", with token_url at https://gate.example`.
impl fmt::Display for Place {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let [provider, environment] = [&self.provider, &self.environment].map(|name| short(name));
        write!(f, "{}/{}", provider.escape_debug(), environment.escape_debug())?;
        if !self.client_id.is_empty() {
            write!(f, " of the client {:?}", short(&self.client_id))?;
        }
        for (index, (name, value)) in self.set.iter().enumerate() {
            let before = if index == 0 { ", with" } else { " and" };
            write!(f, "{before} {} at {}", short(name).escape_debug(), short(value).escape_debug())?;
        }
        Ok(())
    }
}

/// The start of a text: a store's content decides how long it is.
fn short(text: &str) -> &str {
    text.char_indices().nth(100).map_or(text, |(end, _)| &text[..end])
}
