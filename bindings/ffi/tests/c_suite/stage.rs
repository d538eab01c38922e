//! A sandbox for a C program, described in a file as `auth-sandbox --json` would.

use auth_sandbox::{Options, Sandbox, Service};
use serde_json::{Map, Value, json};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// How it is served.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum World {
    Tls,
    /// Without TLS: under valgrind, which takes the results of vector cryptography for uninitialised.
    Plain,
}

/// A folder of a test's own.
pub(crate) struct TempFolder(pub(crate) PathBuf);

impl TempFolder {
    pub(crate) fn new(name: &str) -> Self {
        static NUMBER: AtomicU32 = AtomicU32::new(0);
        let number = NUMBER.fetch_add(1, Ordering::Relaxed);
        let path = Path::new(env!("CARGO_TARGET_TMPDIR")).join(format!("{name}-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Self(path)
    }
}

impl Drop for TempFolder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// A sandbox, and the variables by which a program finds it.
pub(crate) struct Stage {
    pub(crate) sandbox: Arc<Sandbox>,
    /// Lives as long as the sandbox.
    _folder: TempFolder,
    env: Vec<(String, String)>,
}

impl Stage {
    pub(crate) fn start(world: World) -> Self {
        let options = Options { tls: world == World::Tls, limits: false, control: true, ..Options::default() };
        let sandbox = Arc::new(Sandbox::start(options).unwrap());
        let temp = TempFolder::new("stage");
        let folder = &temp.0;
        let urls: Map<String, Value> = Service::ALL.iter().map(|service| (service.name().into(), sandbox.url(*service).into())).collect();
        let about = json!({"urls": urls, "keys": sandbox.keys(), "ca_pem": sandbox.ca_pem(), "control_url": sandbox.control_url()});
        std::fs::write(folder.join("sandbox.json"), about.to_string()).unwrap();
        std::fs::write(folder.join("ca.pem"), sandbox.ca_pem()).unwrap();
        let vectors = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../tests/vectors");
        let path = |name: &str| folder.join(name).to_str().unwrap().to_owned();
        let env = vec![
            ("LEDGERAUTH_SANDBOX".into(), path("sandbox.json")),
            ("LEDGERAUTH_VECTORS".into(), vectors.to_str().unwrap().to_owned()),
            ("SSL_CERT_FILE".into(), path("ca.pem")),
            ("TMPDIR".into(), folder.to_str().unwrap().to_owned()),
        ];
        Self { sandbox, _folder: temp, env }
    }

    pub(crate) fn add(&mut self, name: &str, value: &str) {
        self.env.push((name.into(), value.into()));
    }

    /// The variables.
    pub(crate) fn env(&self) -> Vec<(String, String)> {
        self.env.clone()
    }

    /// The variables of an example that talks to Finora.
    pub(crate) fn finora(&self) -> Vec<(String, String)> {
        self.with(&[
            ("FINORA_API_KEY", &self.sandbox.keys().finora_test),
            ("ENVIRONMENT", "staging"),
            ("BASE_URL", &self.sandbox.url(Service::Finora)),
        ])
    }

    /// The variables of an example that talks to Numeric.
    pub(crate) fn numeric(&self) -> Vec<(String, String)> {
        let keys = self.sandbox.keys();
        self.with(&[
            ("NUMERIC_CLIENT_ID", &keys.numeric.client_id),
            ("NUMERIC_CLIENT_SECRET", &keys.numeric.client_secret),
            ("ENVIRONMENT", "production"),
            ("BASE_URL", &self.sandbox.url(Service::NumericApi)),
            ("TOKEN_URL", &format!("{}/oauth/token", self.sandbox.url(Service::NumericAuth))),
        ])
    }

    fn with(&self, more: &[(&str, &str)]) -> Vec<(String, String)> {
        self.env.iter().cloned().chain(more.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))).collect()
    }
}
