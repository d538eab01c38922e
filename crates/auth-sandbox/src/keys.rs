use serde::{Deserialize, Serialize};

/// Which of a system's two worlds a credential belongs to; their records are kept apart.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Environment {
    /// Production: Numeric production, ADaaS `ID_`, Finora `live_sk_`.
    #[default]
    Live,
    /// Test: Numeric sandbox, ADaaS `SB_`, Finora `test_sk_`.
    Test,
}

/// A Finora subscription.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Default, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Tier {
    /// Answered with 403 even when it has a key.
    Free,
    /// The retail surface.
    #[default]
    Premium,
    /// The retail surface and the enterprise modules.
    Enterprise,
}

/// A Finora key to be issued.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct FinoraKey {
    /// Live or test.
    pub environment: Environment,
    /// How long ago the key was made, in days on the server's clock. From 90 on it has expired.
    pub age_days: u32,
    /// The subscription of its business.
    pub tier: Tier,
    /// The business it belongs to; empty means the business of the ready-made keys.
    pub business: String,
}

/// A Numora key to be issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NumoraKey {
    /// What the key may do: `documents:read`, `documents:write` (names are ours; Numora publishes none).
    pub scopes: Vec<String>,
    /// Issue it as already revoked.
    pub revoked: bool,
}

impl Default for NumoraKey {
    fn default() -> Self {
        Self { scopes: vec!["documents:read".to_owned(), "documents:write".to_owned()], revoked: false }
    }
}

/// What an ADaaS key may call.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum AdaasScope {
    /// Common, Accounting, Banking, Commerce and Analytics APIs, read and write.
    Api,
    /// Visualization Report APIs, read.
    VisualizationSdk,
}

/// An ADaaS key to be issued.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct AdaasKey {
    /// The name shown in the list of keys.
    pub name: String,
    /// Production (`ID_`) or sandbox (`SB_`).
    pub environment: Environment,
    /// What it may call.
    pub scopes: Vec<AdaasScope>,
}

impl Default for AdaasKey {
    fn default() -> Self {
        Self { name: "integration".to_owned(), environment: Environment::Live, scopes: vec![AdaasScope::Api] }
    }
}

/// An ADaaS client id with its secret. The prefix of the secret tells the environment.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct AdaasCredentials {
    /// The client id.
    pub client_id: String,
    /// The secret key: `ID_...` or `SB_...`.
    pub secret: String,
}

/// The documented answer to a sixth ADaaS key: an account has at most five.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct KeyLimitReached {
    /// The documented limit, 5.
    pub limit: usize,
}

impl std::fmt::Display for KeyLimitReached {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "You can create up to {} API keys per team/account", self.limit)
    }
}

impl std::error::Error for KeyLimitReached {}

/// A Numeric OAuth client to be registered.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NumericClient {
    /// The environment that its tokens open.
    pub environment: Environment,
    /// What it may ask for: `read`, `write`, `admin` (names are ours; each deployment has its own).
    pub scopes: Vec<String>,
    /// A client id of your choice, with odd characters for instance; `None` makes one up.
    pub client_id: Option<String>,
    /// A client secret of your choice; `None` makes one up.
    pub client_secret: Option<String>,
}

impl Default for NumericClient {
    fn default() -> Self {
        Self { environment: Environment::Live, scopes: vec!["read".to_owned(), "write".to_owned()], client_id: None, client_secret: None }
    }
}

/// A Numeric client id with its secret.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct NumericCredentials {
    /// The client id.
    pub client_id: String,
    /// The client secret.
    pub client_secret: String,
}

/// A Numeric static token to be issued: opaque, without expiry.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, deny_unknown_fields)]
pub struct NumericToken {
    /// The environment it opens.
    pub environment: Environment,
    /// What it may do: `read`, `write`, `admin`.
    pub scopes: Vec<String>,
}

impl Default for NumericToken {
    fn default() -> Self {
        Self { environment: Environment::Live, scopes: vec!["read".to_owned(), "write".to_owned()] }
    }
}

/// The ready-made credentials of a start. All are made up.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct Keys {
    /// Finora, live, premium, new.
    pub finora_live: String,
    /// Finora, test, premium, new.
    pub finora_test: String,
    /// Numora, read and write.
    pub numora: String,
    /// ADaaS, production (`ID_`), API scope.
    pub adaas: AdaasCredentials,
    /// ADaaS, sandbox (`SB_`), API scope.
    pub adaas_sandbox: AdaasCredentials,
    /// Numeric OAuth client, production.
    pub numeric: NumericCredentials,
    /// Numeric OAuth client, sandbox.
    pub numeric_sandbox: NumericCredentials,
    /// Numeric static token, production.
    pub numeric_static: String,
}
