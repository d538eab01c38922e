//! `Language`: how options are called where the program is written, so that advice names what its author can set.
//!
//! This is the one table of names that differ. What is called the same everywhere (`base_url`, `token_url`, `proxy`, `user_agent`) is not in it.

/// `Language` is what the program that uses the library is written in. Advice about TLS names options as they are called there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
pub enum Language {
    /// Methods of [`ClientBuilder`](crate::ClientBuilder).
    #[default]
    Rust,
    /// Fields of `ledgerauth_client_options`, and of `ledgerauth::Options` in C++.
    C,
    /// Arguments of `ledgerauth.Client`.
    Python,
    /// Arguments of the command `ledgerauth`.
    CommandLine,
}

/// An option that is not called the same everywhere.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Named {
    /// The authorities to trust, and no others.
    Ca,
    /// To trust those that the operating system trusts.
    Platform,
    /// The client's own certificate.
    Certificate,
    /// The key to it.
    Key,
}

impl Language {
    /// How the option is called.
    pub(crate) const fn name(self, option: Named) -> &'static str {
        match (option, self) {
            (Named::Ca, Self::Rust) => "ca",
            (Named::Ca, Self::C) => "ca_pem",
            (Named::Ca, Self::Python) => "ca_file",
            (Named::Ca, Self::CommandLine) => "--ca-file",
            (Named::Platform, Self::Rust | Self::C) => "platform_roots",
            (Named::Platform, Self::Python) => "trust=\"platform\"",
            (Named::Platform, Self::CommandLine) => "--trust platform",
            (Named::Certificate, Self::Rust) => "identity",
            (Named::Certificate, Self::C) => "identity_chain_pem",
            (Named::Certificate, Self::Python) => "client_certificate",
            (Named::Certificate, Self::CommandLine) => "--client-certificate",
            (Named::Key, Self::Rust) => "the key of identity",
            (Named::Key, Self::C) => "identity_key_pem",
            (Named::Key, Self::Python) => "client_key",
            (Named::Key, Self::CommandLine) => "--client-key",
        }
    }
}
