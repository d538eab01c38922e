//! What is the same in every run: a provider whose refresh tokens are spent by their first use, and one connection to it.

use crate::endpoint::{RefreshToken, refresh_text};
use auth_core::{ClientCredentials, Connection, Credential, Grant, Provider};
use std::sync::{Arc, LazyLock};

const PROFILE: &str = r#"
name = "simulated"
title = "Simulated"

[[environment]]
name = "production"
base_url = "https://api.simulated.test"
token_url = "https://auth.simulated.test/token"
source = "https://www.rfc-editor.org/rfc/rfc6749"

[attach]
header = "Authorization"
scheme = "Bearer"
source = "https://www.rfc-editor.org/rfc/rfc6750"

[token]
grants = ["refresh_token"]
request = "form"
client_auth = "client_secret_post"
rotating = true
source = "https://www.rfc-editor.org/rfc/rfc9700"
"#;

pub(crate) struct Setting {
    pub(crate) connection: Arc<Connection>,
    client: ClientCredentials,
}

pub(crate) static SETTING: LazyLock<Setting> = LazyLock::new(|| {
    let provider = Provider::from_toml(PROFILE).expect("a profile");
    let client = ClientCredentials::parse(&provider, "client-1", "client-secret-1").expect("client credentials");
    let credential = Credential::Grant(Grant::refresh_token(client.clone(), refresh_text(0)));
    let connection = Connection::builder(provider).build(&credential).expect("a connection");
    Setting { connection: Arc::new(connection), client }
});

impl Setting {
    /// What a person's consent puts into the configuration.
    pub(crate) fn credential(&self, token: RefreshToken) -> Credential {
        Credential::Grant(Grant::refresh_token(self.client.clone(), refresh_text(token)))
    }
}
