//! A second real authorization server for tests, independent of the first: django-oauth-toolkit in several processes over one database.

use super::oidc::PROFILE;
use super::server::{Server, folder, lacks, skipped};
use auth_http::{Client, ClientBuilder, Credential, Provider};
use serde_json::Value;
use std::ops::Deref;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::sync::atomic::{AtomicU32, Ordering};

/// A running server, ended when this is dropped.
pub struct Django {
    server: Server,
    issuer: String,
    folder: PathBuf,
}

impl Django {
    /// Starts a server with some of the DEFAULTS of `tests/servers/django/server.py` changed. `None`, said aloud, if it is not installed.
    pub fn start(mut options: Value) -> Option<Self> {
        static STARTED: AtomicU32 = AtomicU32::new(0);
        let python = Path::new(env!("CARGO_MANIFEST_DIR")).join("../../target/servers/django/bin/python");
        let untested = "no OAuth was tested against django-oauth-toolkit";
        if lacks("python", untested) {
            return None;
        }
        if !python.with_file_name("gunicorn").exists() {
            skipped("python", &format!("{untested}: it is not installed"));
            return None;
        }
        let name = format!("django-{}-{}", std::process::id(), STARTED.fetch_add(1, Ordering::Relaxed));
        let own = Path::new(env!("CARGO_TARGET_TMPDIR")).join(name);
        std::fs::create_dir_all(&own).expect("a folder for the database");
        options["folder"] = own.to_str().into();
        let mut command = Command::new(python);
        command.arg(folder("django").join("server.py")).env("PYTHONDONTWRITEBYTECODE", "1");
        let (server, ready) = Server::start(command, &options);
        let issuer = ready["issuer"].as_str().expect("it has an issuer").to_owned();
        Some(Self { server, issuer, folder: own })
    }

    /// Its issuer, which has a path.
    pub fn issuer(&self) -> &str {
        &self.issuer
    }

    /// A builder for clients of its resource `/api/ledger`, with the server's own word on its endpoints; the credential is still to be said.
    pub fn client(&self) -> ClientBuilder {
        let profile = PROFILE.replace("token_url = \"https://login.ledger.example/token\"", "issuer = \"https://login.ledger.example/o\"");
        Client::builder(Provider::from_toml(&profile).expect("a profile"))
            .environment("test")
            .base_url(self.root())
            .issuer(self.issuer())
            .device_authorization_url(format!("{}/device-authorization/", self.issuer()))
            .insecure_loopback(true)
            .no_proxy()
            .discover()
            .expect("the server tells its endpoints")
    }

    /// The same for a client without secret whose persons log in.
    pub fn person(&self, client: &str) -> ClientBuilder {
        self.client().credential(Credential::public_client(client).stored().scopes(["ledger.read"]))
    }
}

impl Deref for Django {
    type Target = Server;

    fn deref(&self) -> &Server {
        &self.server
    }
}

impl Drop for Django {
    fn drop(&mut self) {
        self.server.end();
        drop(std::fs::remove_dir_all(&self.folder));
    }
}
