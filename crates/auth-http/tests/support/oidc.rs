//! A real authorization server for tests: node-oidc-provider (OpenID-certified, not ours), with rotating refresh tokens and detection of their reuse.
//!
//! ```ignore
//! let Some(oidc) = Oidc::start(&json!({"access_token_seconds": 1})) else { return };   // SKIPPED, aloud, without node
//! let token = oidc.seed("native", 1).remove(0);
//! let client = oidc.client().credential(Credential::refresh_token("web", SECRET, token)).build()?;
//! assert_eq!(client.get("/api/ledger").send()?.status(), 200);
//! assert_eq!((oidc.stats()["refreshes"].as_u64(), oidc.stats()["invalid_grants"].as_u64()), (Some(1), Some(0)));
//! ```

use super::server::{Server, folder, lacks, skipped};
use auth_http::{Client, ClientBuilder, Credential, Provider};
use serde_json::{Value, json};
use std::ops::Deref;
use std::process::Command;

/// The secret of every client of the server that has one.
pub const SECRET: &str = "test-only-secret-of-32-characters";

/// What a profile says of the server; tests set the URLs, which are known when it has started.
pub const PROFILE: &str = r#"
name = "oidc"
title = "the test's authorization server"

[[environment]]
name = "test"
base_url = "https://ledger.example"
token_url = "https://login.ledger.example/token"

[token]
grants = ["client_credentials", "refresh_token"]
request = "form"
client_auth = "client_secret_basic"
"#;

/// A running server, ended when this is dropped.
pub struct Oidc {
    server: Server,
    ready: Value,
}

impl Oidc {
    /// Starts a server with some of the options at the head of `tests/servers/oidc/server.mjs` set, such as `access_token_seconds`,
    /// `refresh_token_seconds`, `rotate`. `None`, said aloud, if there is no node or its packages are not installed.
    pub fn start(options: &Value) -> Option<Self> {
        let folder = folder("oidc");
        let untested = "no OAuth was tested against oidc-provider";
        if lacks("node", untested) {
            return None;
        }
        if !folder.join("node_modules/oidc-provider").exists() {
            skipped("node", &format!("{untested}: its packages are not installed"));
            return None;
        }
        let node = Some(folder.join("node_modules/.bin/node")).filter(|own| own.exists()).unwrap_or_else(|| "node".into());
        let mut command = Command::new(node);
        command.arg(folder.join("server.mjs"));
        let (server, ready) = Server::start(command, options);
        Some(Self { server, ready })
    }

    /// Its issuer: scheme, host and port.
    pub fn issuer(&self) -> &str {
        self.ready["issuer"].as_str().expect("it has an issuer")
    }

    /// The private key (PEM) of the client `key-ALG` in lower case, as `pkcs8` or in its `traditional` form; needs the option `client_keys`.
    pub fn key(&self, algorithm: &str, form: &str) -> &str {
        self.ready["keys"][algorithm][form].as_str().expect("a key of that form")
    }

    /// What it says of itself.
    pub fn metadata(&self) -> Value {
        self.get("/.well-known/openid-configuration")
    }

    /// A builder for clients of its resource `/api/ledger`; the credential is still to be said.
    pub fn client(&self) -> ClientBuilder {
        Client::builder(Provider::from_toml(PROFILE).expect("a profile"))
            .environment("test")
            .base_url(self.issuer())
            .token_url(format!("{}/token", self.issuer()))
            .insecure_loopback(true)
            .no_proxy()
    }

    /// The same for a client without secret whose persons log in, with the server's own word on its endpoints.
    pub fn person(&self, client: &str) -> ClientBuilder {
        let credential = Credential::public_client(client).stored().scopes(["openid", "offline_access", "ledger.read"]);
        self.client().issuer(self.issuer()).credential(credential).discover().expect("the server tells its endpoints")
    }

    /// Answers the next `times` requests to a path so; status 0 cuts the connection.
    pub fn fail(&self, path: &str, times: u32, status: u16, headers: &Value, body: &str) {
        self.post("/__fail", &json!({"path": path, "times": times, "status": status, "headers": headers, "body": body}));
    }
}

impl Deref for Oidc {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}
