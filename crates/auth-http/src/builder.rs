//! `ClientBuilder`: everything that can be said about a client before it is built.

use crate::audit::{Audit, Heard};
use crate::client::Client;
use crate::clock::Clock;
use crate::credential::Credential;
use crate::error::Error;
use crate::interrupt::Interrupt;
#[cfg(feature = "ureq")]
use crate::language::Language;
use crate::response::MAX_BODY;
use crate::shared::{Shared, Surroundings};
use crate::store::{MemoryStore, TokenStore};
use crate::transport::Transport;
#[cfg(feature = "ureq")]
use crate::transport::tls::{Identity, Roots};
#[cfg(feature = "ureq")]
use crate::transport::ureq::{ProxyChoice, Wire};
#[cfg(feature = "ureq")]
use crate::transport::watch::News;
use auth_core::{AuditEvent, ClientAuth, Connection, ConnectionBuilder, Failure, FailureKind, Provider, Session, retry::Policy};
#[cfg(feature = "ureq")]
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};
use std::time::Duration;

/// `ClientBuilder` gathers what a client needs; only the credential has to be said, the rest has defaults from the provider's profile.
///
/// A clone builds another client of the same credential and, if one was named, the same store.
#[derive(Clone)]
#[must_use]
pub struct ClientBuilder {
    pub(crate) connection: ConnectionBuilder,
    credential: Option<Credential>,
    store: Option<Arc<dyn TokenStore>>,
    name: Option<String>,
    policy: Policy,
    transport: Option<Arc<dyn Transport>>,
    #[cfg(feature = "ureq")]
    wire: Wire,
    clock: Option<Arc<dyn Clock>>,
    interrupt: Option<Interrupt>,
    renews_beside: bool,
    max_body: u64,
    audit: Audit,
    fingerprint_key: Option<[u8; 32]>,
}

impl ClientBuilder {
    pub(crate) fn new(provider: Provider) -> Self {
        Self {
            connection: Connection::builder(provider),
            credential: None,
            store: None,
            name: None,
            policy: Policy::default(),
            transport: None,
            #[cfg(feature = "ureq")]
            wire: Wire::default(),
            clock: None,
            interrupt: None,
            renews_beside: true,
            max_body: MAX_BODY,
            audit: Audit::default(),
            fingerprint_key: None,
        }
    }

    /// What to authenticate with.
    pub fn credential(mut self, credential: Credential) -> Self {
        self.credential = Some(credential);
        self
    }

    /// Declares the environment, such as `sandbox`: needed where neither key nor host tells it.
    pub fn environment(mut self, name: impl Into<String>) -> Self {
        self.connection = self.connection.environment(name);
        self
    }

    /// Declares what the credential may do, in the vendor's words, such as `retail` or `Visualization SDK`: calls that the profile says need more are then
    /// refused before they are sent, and [`Client::check`] names them. If not said, it is what the keys' notes or the grant's scopes say.
    pub fn permissions<S: Into<String>>(mut self, permissions: impl IntoIterator<Item = S>) -> Self {
        self.connection = self.connection.permissions(permissions);
        self
    }

    /// Sends to this base URL instead of the profile's: a workspace's own, a gateway, a test server.
    pub fn base_url(mut self, url: impl Into<String>) -> Self {
        self.connection = self.connection.base_url(url);
        self
    }

    /// Takes the answers of these hosts for the API's where a redirect leads there, such as the host of signed downloads: `files.example`,
    /// `files.example:8443`. The credential goes to none of them. The answer of any other host is a failure of kind `RedirectedElsewhere`.
    pub fn allow_redirect_to<S: Into<String>>(mut self, hosts: impl IntoIterator<Item = S>) -> Self {
        self.connection = self.connection.allow_redirect_to(hosts);
        self
    }

    /// Fetches tokens here instead of at the profile's endpoint.
    pub fn token_url(mut self, url: impl Into<String>) -> Self {
        self.connection = self.connection.token_url(url);
        self
    }

    /// Authenticates at the token endpoint in this way instead of the profile's.
    pub fn client_auth(mut self, method: ClientAuth) -> Self {
        self.connection = self.connection.client_auth(method);
        self
    }

    /// Sends the credential in this header instead of the profile's.
    pub fn header(mut self, name: impl Into<String>) -> Self {
        self.connection = self.connection.header(name);
        self
    }

    /// Puts this scheme word before the credential instead of the profile's; empty for none.
    pub fn scheme(mut self, word: impl Into<String>) -> Self {
        self.connection = self.connection.scheme(word);
        self
    }

    /// Allows http without TLS to this very machine, and to nothing else: for tests.
    pub fn insecure_loopback(mut self, allowed: bool) -> Self {
        self.connection = self.connection.insecure_loopback(allowed);
        self
    }

    /// Keeps tokens here; in a memory of the client's own if not said.
    pub fn store(mut self, store: Arc<dyn TokenStore>) -> Self {
        self.store = Some(store);
        self
    }

    /// The name with which a shared store's id for this connection's tokens begins. Default: none, because provider, environment, client id and what was
    /// granted follow anyway ([`Session::store_id`]).
    ///
    /// One name may serve several providers and environments: each keeps a record of its own. Where logins put the refresh token into the store, two accounts
    /// of one client need names of their own.
    pub fn name(mut self, name: impl Into<String>) -> Self {
        self.name = Some(name.into());
        self
    }

    /// Names the integration that uses the credential: what audit events say.
    pub fn integration(mut self, name: impl Into<String>) -> Self {
        self.connection = self.connection.integration(name);
        self
    }

    /// Calls this for every audit event, in order, on a thread of the client's, so that a slow function holds no call up. Events hold no secret.
    ///
    /// Up to 16,384 events wait for it; what finds no room is counted, and the number is an event ([`auth_core::Audited::EventsDropped`]). [`Client::close`], and the end of
    /// the last clone of the client, wait five seconds at most for what is left; [`crate::drain_audit`] waits for all clients. A function that calls its own client is
    /// refused with [`FailureKind::Misuse`]. A client without threads calls it in the thread in which an event happens.
    ///
    /// The same events go to `tracing`, under the target `ledgerauth`, in the thread in which they happen.
    pub fn on_audit(mut self, callback: impl Fn(&AuditEvent) + Send + Sync + 'static) -> Self {
        self.audit = self.audit.listened(callback);
        self
    }

    /// Calls the function of [`ClientBuilder::on_audit`] in the thread in which an event happens, and waits for it: for programs that would rather wait than lose an
    /// event.
    pub fn audit_blocks(mut self, blocks: bool) -> Self {
        self.audit.blocks = blocks;
        self
    }

    /// Does not wait for undelivered events when the last clone of the client ends: for bindings to languages whose lock the thread that drops it holds. They
    /// call [`crate::drain_audit`] instead.
    pub fn audit_outlives(mut self, outlives: bool) -> Self {
        self.audit.outlives = outlives;
        self
    }

    /// Calls this for every audit event in the thread in which it happens: for loggers. Keep it short.
    pub fn on_audit_log(mut self, callback: impl Fn(&AuditEvent) + Send + Sync + 'static) -> Self {
        self.audit = self.audit.logged(callback);
        self
    }

    /// Only what somebody listens to: `heard` is asked at each call, and what it does not name is not even made.
    pub fn audit_as_heard(mut self, heard: impl Fn() -> Heard + Send + Sync + 'static) -> Self {
        self.audit = self.audit.heard_by(heard);
        self
    }

    /// The key under which audit events tell credentials apart; a random one of this process if not said, so that the same credential has
    /// another fingerprint after a restart. Keep one of your own to follow a credential for longer.
    pub fn fingerprint_key(mut self, key: [u8; 32]) -> Self {
        self.fingerprint_key = Some(key);
        self
    }

    /// How long a call may take with all its waits and repeats; 90 seconds if not said.
    pub fn deadline(mut self, span: Duration) -> Self {
        self.policy.deadline = span;
        self
    }

    /// How often a call is sent at most; 4 times if not said.
    pub fn max_attempts(mut self, attempts: u32) -> Self {
        self.policy.max_attempts = attempts;
        self
    }

    /// The longest body that is read into memory, in bytes, counted unpacked. Default: 256 MiB, because a year's ledger has tens of MiB, and a MiB of gzip can
    /// unpack to a GiB. A longer one is an [`Error::Failure`] of the kind `Body`; one that is read as a stream has no limit.
    pub fn max_body(mut self, bytes: u64) -> Self {
        self.max_body = bytes;
        self
    }

    /// Sets how patient the client is in every respect.
    pub fn policy(mut self, policy: Policy) -> Self {
        self.policy = policy;
        self
    }

    /// Sends through this instead of the client's own HTTP. What is said of time-outs, proxies, certificates and user agent is then the transport's own affair.
    pub fn transport(mut self, transport: Arc<dyn Transport>) -> Self {
        self.transport = Some(transport);
        self
    }

    /// Takes time, sleep and dice from this instead of the system.
    pub fn clock(mut self, clock: Arc<dyn Clock>) -> Self {
        self.clock = Some(clock);
        self
    }

    /// Starts no threads: the call that finds a token due gets it before it goes on. If not said, tokens are renewed on a thread of their own.
    ///
    /// The call's deadline then ends each wait, but no single step of the store: without a thread nothing can leave a step behind that
    /// blocks. A step of [`FileStore`](crate::FileStore) blocks for 3 seconds at most, one of a Redis server for as long as its own time limits
    /// say; a store of your own needs a limit of its own. A token request that spends a refresh token is heard out.
    pub fn no_threads(mut self) -> Self {
        self.renews_beside = false;
        self
    }

    /// Checks everything against everything, and makes the client. Nothing is sent.
    ///
    /// # Errors
    /// [`Error::Key`] for a malformed credential, [`Error::Failure`] for an environment, host or scheme that does not fit, [`Error::Setting`] for certificates or
    /// a proxy that cannot be used.
    pub fn build(self) -> Result<Client, Error> {
        #[cfg(feature = "ureq")]
        let news = Arc::new(News::default());
        let transport = self.way_out(
            #[cfg(feature = "ureq")]
            &news,
        )?;
        let source = self
            .credential
            .ok_or_else(|| Failure::new(FailureKind::Misuse, "the client has no credential", "give it one with credential(…)"))?;
        let credential = source.parse(self.connection.provider())?;
        let key = self.fingerprint_key.unwrap_or_else(key_of_this_process);
        let connection = Arc::new(self.connection.policy(self.policy).fingerprint_key(key).build(&credential)?);
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        let session = Session::new(connection, credential, source.is_reloadable());
        let session = if store.shares_pauses() { session.sharing_pauses() } else { session };
        let around = Surroundings {
            transport,
            renews_beside: self.renews_beside,
            store,
            max_body: self.max_body,
            name: self.name,
            audit: self.audit.of_client(self.renews_beside),
            clock: self.clock,
            interrupt: self.interrupt,
        };
        let exposure = source.exposure();
        let shared = Arc::new(Shared::new(session, source, around));
        #[cfg(feature = "ureq")]
        {
            let client = Arc::downgrade(&shared);
            news.tell_to(move |what, decision| {
                if let Some(shared) = client.upgrade() {
                    shared.audit.deliver(&[AuditEvent::of_identity(&shared.connection, shared.now(), what, decision)]);
                }
            });
        }
        if let Some(exposure) = exposure {
            shared.audit.deliver(&[AuditEvent::credential_exposed(&shared.connection, shared.now(), exposure)]);
        }
        Ok(Client { shared })
    }

    /// What requests are sent through.
    #[cfg_attr(
        not(feature = "ureq"),
        expect(clippy::unnecessary_wraps, reason = "only the client's own HTTP has settings that can be wrong")
    )]
    pub(crate) fn way_out(&self, #[cfg(feature = "ureq")] news: &Arc<News>) -> Result<Arc<dyn Transport>, Error> {
        match &self.transport {
            Some(own) => Ok(Arc::clone(own)),
            #[cfg(feature = "ureq")]
            None => Ok(Arc::new(self.wire.transport(self.interrupt.as_ref(), news)?)),
            #[cfg(not(feature = "ureq"))]
            None => Ok(Arc::new(crate::transport::Nowhere)),
        }
    }
}

/// What is said of the client's own HTTP.
#[cfg(feature = "ureq")]
impl ClientBuilder {
    /// How long the server may take to begin its answer, and may pause within it; 60 seconds if not said.
    pub fn timeout(mut self, span: Duration) -> Self {
        self.wire.timeout = span;
        self
    }

    /// How long connecting may take, with name resolution and TLS; 10 seconds if not said.
    pub fn connect_timeout(mut self, span: Duration) -> Self {
        self.wire.connect_timeout = span;
        self
    }

    /// Connects through this proxy: `http://user:password@host:port`, `https://…` or `socks5://…`.
    ///
    /// Default: `https_proxy`, `HTTPS_PROXY`, `all_proxy` or `ALL_PROXY`, the first that is set, but for
    /// the hosts in `no_proxy` or `NO_PROXY`, because curl and requests read them so. Token requests take
    /// the same way. Plain http is sent to this machine alone, and always directly.
    pub fn proxy(mut self, url: impl Into<String>) -> Self {
        self.wire.proxy = ProxyChoice::Url(url.into());
        self
    }

    /// Connects directly, whatever the environment says.
    pub fn no_proxy(mut self) -> Self {
        self.wire.proxy = ProxyChoice::Direct;
        self
    }

    /// Trusts these certificate authorities (PEM) and no others.
    pub fn ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.wire.roots = Roots::Own(pem.into());
        self
    }

    /// Trusts the authorities that the operating system trusts (on Linux also `SSL_CERT_FILE` and `SSL_CERT_DIR`); Mozilla's list if not said.
    pub fn platform_roots(mut self) -> Self {
        self.wire.roots = Roots::Platform;
        self
    }

    /// Shows this client certificate (PEM chain and key) to servers that ask for one: mutual TLS.
    pub fn identity(mut self, chain_pem: impl Into<Vec<u8>>, key_pem: impl Into<Vec<u8>>) -> Self {
        self.wire.identity = Some(Identity::Given(chain_pem.into(), key_pem.into().into()));
        self
    }

    /// The same from two files, which are read again when they change: certificates for mutual TLS are short-lived, and a client is not. While the two do not
    /// belong together, because one of them is written first, the old pair goes on. Audit events tell both: [`auth_core::Audited::IdentityReplaced`],
    /// [`auth_core::Audited::IdentityKept`]. The files are looked at once a second at most, when something is sent.
    pub fn identity_files(mut self, chain: impl Into<PathBuf>, key: impl Into<PathBuf>) -> Self {
        self.wire.identity = Some(Identity::Files(chain.into(), key.into()));
        self
    }

    /// What the program is written in, for bindings: advice then names options as they are called there.
    pub fn language(mut self, language: Language) -> Self {
        self.wire.language = language;
        self
    }

    /// Asks this about twenty times a second, in the thread that waits (for a token, a pause, a connection, an answer), whether to give up: `true` ends the call
    /// with [`Error::Interrupted`]. For languages whose signals are handled between instructions of their own.
    ///
    /// A token request is never given up: the answer to a single-use refresh token must be heard.
    pub fn interrupt(mut self, wanted: impl Fn() -> bool + Send + Sync + 'static) -> Self {
        self.interrupt = Some(Arc::new(wanted));
        self
    }

    /// Names the program to the server; `ledgerauth/VERSION` if not said.
    pub fn user_agent(mut self, name: impl Into<String>) -> Self {
        self.wire.user_agent = name.into();
        self
    }
}

/// A random key, the same for the whole process.
fn key_of_this_process() -> [u8; 32] {
    static KEY: OnceLock<[u8; 32]> = OnceLock::new();
    *KEY.get_or_init(|| {
        let mut key = [0; 32];
        // Without randomness of the system's, fingerprints are made from what the standard library's hash maps use.
        if getrandom::fill(&mut key).is_err() {
            key.fill_with(|| fastrand::u8(..));
        }
        key
    })
}
