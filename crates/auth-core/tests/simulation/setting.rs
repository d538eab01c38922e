//! What many runs share: providers whose refresh tokens are spent by their first use, with and without a reuse grace, and one connection to each.

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
device_authorization_url = "https://auth.simulated.test/device"
source = "https://www.rfc-editor.org/rfc/rfc6749"

[attach]
header = "Authorization"
scheme = "Bearer"
source = "https://www.rfc-editor.org/rfc/rfc6750"

[token]
grants = ["refresh_token"]
request = "form"
client_auth = "client_secret_post"
source = "https://www.rfc-editor.org/rfc/rfc6749"

[token.refresh]
rotation = "each_use"
source = "https://www.rfc-editor.org/rfc/rfc9700"
"#;

/// The reuse graces of the providers, in seconds; 0 for none.
pub(crate) const GRACES: [u64; 3] = [0, 120, 1_800];

/// A provider and a connection to it.
pub(crate) struct Setting {
    pub(crate) connection: Arc<Connection>,
    client: ClientCredentials,
    /// For how many milliseconds the provider says that a spent refresh token may come again.
    pub(crate) grace: u64,
    /// Whether a refresh token in doubt is sent again.
    pub(crate) resends: bool,
}

/// The setting of a provider with this place in [`GRACES`], with or without the rule on refresh tokens in doubt.
pub(crate) fn setting(grace: usize, resends: bool) -> &'static Setting {
    &SETTINGS[usize::from(resends)][grace]
}

static SETTINGS: LazyLock<[[Setting; 3]; 2]> = LazyLock::new(|| [false, true].map(settings));

fn settings(resends: bool) -> [Setting; 3] {
    GRACES.map(|grace| {
        let grace_line = if grace > 0 { format!("reuse_grace_seconds = {grace}\n") } else { String::new() };
        let lines = format!("{PROFILE}resend_in_doubt = {resends}\n{grace_line}");
        let provider = Provider::from_toml(&lines).expect("a profile");
        let client = ClientCredentials::parse(&provider, "client-1", "client-secret-1").expect("client credentials");
        let credential = Credential::Grant(Grant::refresh_token(client.clone(), refresh_text(0)));
        let connection = Connection::builder(provider).build(&credential).expect("a connection");
        Setting { connection: Arc::new(connection), client, grace: grace * 1_000, resends }
    })
}

impl Setting {
    /// What stands in the configuration: a refresh token, or that it is in the store.
    pub(crate) fn credential(&self, token: Option<RefreshToken>) -> Credential {
        let client = self.client.clone();
        Credential::Grant(
            token.map_or_else(|| Grant::stored(client.clone()), |token| Grant::refresh_token(client.clone(), refresh_text(token))),
        )
    }
}
