use serde::{Deserialize, Serialize};

/// One of the loopback services; each listens on its own port and therefore is its own origin.
///
/// In JSON the names are `snake_case` (`numeric_api`, `adaas_auth`, ...).
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Service {
    /// Numeric's production API (`api.numeric.io` in life).
    NumericApi,
    /// Numeric's sandbox API (`api.sandbox.numeric.io`).
    NumericSandboxApi,
    /// Numeric's authorization server (`auth.numeric.io`), shared by both environments.
    NumericAuth,
    /// Numora's public API.
    Numora,
    /// The API of Accounting Data as a Service (`api.railz.ai`), one host for both environments.
    AdaasApi,
    /// The token host of Accounting Data as a Service (`auth.railz.ai`).
    AdaasAuth,
    /// Finora Business (`api.finorabusiness.com`).
    Finora,
    /// A host that belongs to nobody: it answers 200 `{"stranger":true}` to anything and logs what it was sent.
    /// Point redirects at it to see which credentials a client carries to a foreign origin.
    Stranger,
}

impl Service {
    /// All services, in the order in which they take consecutive ports.
    pub const ALL: [Self; 8] = [
        Self::NumericApi,
        Self::NumericSandboxApi,
        Self::NumericAuth,
        Self::Numora,
        Self::AdaasApi,
        Self::AdaasAuth,
        Self::Finora,
        Self::Stranger,
    ];

    /// The name used in JSON and in live log lines, such as `numeric_api`.
    pub fn name(self) -> &'static str {
        match self {
            Self::NumericApi => "numeric_api",
            Self::NumericSandboxApi => "numeric_sandbox_api",
            Self::NumericAuth => "numeric_auth",
            Self::Numora => "numora",
            Self::AdaasApi => "adaas_api",
            Self::AdaasAuth => "adaas_auth",
            Self::Finora => "finora",
            Self::Stranger => "stranger",
        }
    }

    pub(crate) fn index(self) -> usize {
        self as usize
    }
}

impl std::fmt::Display for Service {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.name())
    }
}
