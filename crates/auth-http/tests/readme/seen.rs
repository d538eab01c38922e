//! What the examples see as `auth_http`: the real thing, but for clients that are pointed at the sandbox, and stores in a folder of this test's.

use auth_http::TokenStore;
pub(crate) use auth_http::{Credential, Error, Provider, SealKey};
use std::env::var;
use std::path::Path;
use std::sync::Arc;

pub(crate) struct Client;

impl Client {
    /// As the parent test says by the provider's variables; a provider without any is left as it is.
    pub(crate) fn builder(provider: Provider) -> ClientBuilder {
        let of = |what: &str| var(format!("README_{}_{what}", provider.name().to_uppercase()));
        let (base_url, environment, token_url) = (of("URL"), of("ENVIRONMENT"), of("TOKEN_URL"));
        let mut builder = auth_http::Client::builder(provider).no_proxy();
        if let (Ok(url), Ok(ca)) = (base_url, var("README_CA")) {
            builder = builder.base_url(url).ca(ca);
        }
        if let Ok(name) = environment {
            builder = builder.environment(name);
        }
        if let Ok(url) = token_url {
            builder = builder.token_url(url);
        }
        ClientBuilder(builder)
    }
}

pub(crate) struct ClientBuilder(auth_http::ClientBuilder);

impl ClientBuilder {
    pub(crate) fn environment(self, name: &str) -> Self {
        Self(self.0.environment(name))
    }

    /// The reader's own address is the sandbox's here.
    pub(crate) fn base_url(self, _: &str) -> Self {
        self
    }

    pub(crate) fn credential(self, credential: Credential) -> Self {
        Self(self.0.credential(credential))
    }

    pub(crate) fn store(self, store: Arc<dyn TokenStore>) -> Self {
        Self(self.0.store(store))
    }

    pub(crate) fn build(self) -> Result<auth_http::Client, Error> {
        self.0.build()
    }
}

pub(crate) struct FileStore;

impl FileStore {
    pub(crate) fn open(path: &str) -> Result<auth_http::FileStore, Error> {
        let folder = var("README_FOLDER").expect("set by the parent test");
        auth_http::FileStore::open(Path::new(&folder).join(path.trim_start_matches('/')))
    }
}
