//! Options of a client
//!
//! Zero the struct, set its size, and set what is known; what is zero has a default from the
//! provider's profile. Only provider and credential have to be set.
//!
//!     ledgerauth_client_options options = {.size = sizeof options};
//!     options.provider = LEDGERAUTH_STR("finora");
//!     options.credential = credential;
//!
//! What says whom to trust, who one is, and where tokens are kept may not be a text of length 0
//! that is not NULL: an empty file or variable would then decide it. That is LEDGERAUTH_SETTING.
//!
//! Texts and structs that it points to are read while the client is made, and not kept. What a
//! userdata points to has to live until the client is freed.

use crate::audit::{ledgerauth_audit_fn, ledgerauth_log_fn, listen};
use crate::credential::ledgerauth_credential;
use crate::error::{Fault, misuse};
use crate::gate::Gate;
use crate::given::missing;
use crate::input::{get, list, sized};
use crate::kept::place;
use crate::provider::{chosen, ledgerauth_provider};
use crate::store::ledgerauth_store;
use crate::text::{ledgerauth_str, texts};
use crate::transport::{ledgerauth_transport, with_transport};
use auth_http::{Client, ClientAuth, ClientBuilder};
use std::ffi::c_void;
use std::sync::Arc;
use std::time::Duration;

/// Everything that can be said about a client before it is made.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_client_options {
    /// sizeof(ledgerauth_client_options).
    pub size: usize,
    /// The name of a shipped provider, such as "finora".
    pub provider: ledgerauth_str,
    /// A provider of the program's own, instead of a shipped one.
    pub own_provider: *const ledgerauth_provider,
    /// What to authenticate with.
    pub credential: *const ledgerauth_credential,
    /// The environment, such as "sandbox", where neither key nor host tells it.
    pub environment: ledgerauth_str,
    /// Send here instead of to the profile's base URL: a workspace's own, a gateway, a test server.
    pub base_url: ledgerauth_str,
    /// Fetch tokens here instead of at the profile's endpoint.
    pub token_url: ledgerauth_str,
    /// How to authenticate at the token endpoint, instead of the profile's way, by the names of
    /// RFC 7591: "client_secret_basic", "client_secret_post", "private_key_jwt" and others.
    pub client_auth: ledgerauth_str,
    /// The authorization server's name (RFC 8414), instead of the profile's.
    pub issuer: ledgerauth_str,
    /// Not 0 to ask the issuer, while the client is made, for the endpoints that the
    /// profile does not name (RFC 8414).
    pub discover: i32,
    /// Send the credential in this header instead of the profile's.
    pub header: ledgerauth_str,
    /// Put this word before the credential instead of the profile's; a text of length 0 that is
    /// not NULL for none.
    pub scheme: ledgerauth_str,
    /// Allow http without TLS to this very machine, and to nothing else: for tests. Not 0 for yes.
    pub insecure_loopback: i32,
    /// The name under which a shared store keeps the tokens: a readable beginning of the record's id, which
    /// names the provider, the environment, the client and the hosts as well. So one name may serve several
    /// of those; two accounts of one client need two.
    pub name: ledgerauth_str,
    /// The name of the integration that uses the credential: what audit events say.
    pub integration: ledgerauth_str,
    /// How long a call may take with all its waits and repeats, in milliseconds; 90000 if 0,
    /// because the commonest limit is a count per minute and a call should be able to sit one out.
    pub deadline_ms: u64,
    /// How often a call is sent at most; 4 times if 0, because three repeats bridge a restart.
    pub max_attempts: u32,
    /// Where tokens are kept; in a memory of the client's own if none of this, store_folder and
    /// store_redis is set.
    pub store: *const ledgerauth_store,
    /// Keep tokens in this folder, which all processes of this host and user may share; it is made
    /// if it is not there.
    pub store_folder: ledgerauth_str,
    /// Keep tokens in this Redis server, which all hosts may share: "rediss://user:password@host:6379".
    /// LEDGERAUTH_UNSUPPORTED in a library that was built without Redis.
    pub store_redis: ledgerauth_str,
    /// Trust these certificate authorities (PEM) of the Redis server and no others; those that the
    /// operating system trusts if not said.
    pub store_ca_pem: ledgerauth_str,
    /// Encrypt what is kept in store_folder or store_redis with this key: 32 bytes in base64 or
    /// hexadecimal.
    pub store_key: ledgerauth_str,
    /// How requests are sent; by the library's own HTTP if NULL.
    pub transport: *const ledgerauth_transport,
    /// Not 0 to start no threads: the call that finds a token due then gets it before it goes on. Its
    /// deadline ends each wait, but no single step of the store, which needs a time limit of its own;
    /// that of store_folder is 3 seconds.
    pub no_threads: i32,
    /// Called for every audit event.
    pub on_audit: ledgerauth_audit_fn,
    /// Handed to on_audit.
    pub audit_userdata: *mut c_void,
    /// Called with a line for every audit event.
    pub on_log: ledgerauth_log_fn,
    /// Handed to on_log.
    pub log_userdata: *mut c_void,
    /// 32 bytes: the key under which audit events tell credentials apart. A random one of this
    /// process if NULL, so that a credential has another fingerprint after a restart.
    pub fingerprint_key: *const u8,
    /// Own HTTP: how long the server may take to begin its answer, and may pause within it, in
    /// milliseconds; 60000 if 0, because reports over a year's ledger take tens of seconds.
    pub timeout_ms: u64,
    /// Own HTTP: how long connecting may take, in milliseconds; 10000 if 0, because a host that has
    /// not answered by then is not there.
    pub connect_timeout_ms: u64,
    /// Own HTTP: connect through this proxy, such as "http://user:password@host:3128". If not
    /// said: https_proxy, HTTPS_PROXY, all_proxy or ALL_PROXY, the first that is set, but for the
    /// hosts in no_proxy or NO_PROXY, as curl and requests read them. Plain http is sent to this
    /// machine alone, and always directly.
    pub proxy: ledgerauth_str,
    /// Own HTTP: not 0 to connect directly, whatever the variables say.
    pub no_proxy: i32,
    /// Own HTTP: not 0 to trust the authorities that the operating system trusts instead of
    /// Mozilla's list.
    pub platform_roots: i32,
    /// Own HTTP: trust these certificate authorities (PEM) and no others.
    pub ca_pem: ledgerauth_str,
    /// Own HTTP: show this certificate chain (PEM) to servers that ask for one.
    pub identity_chain_pem: ledgerauth_str,
    /// Own HTTP: the key to that certificate (PEM).
    pub identity_key_pem: ledgerauth_str,
    /// Own HTTP: what the program is called in the User-Agent header; "ledgerauth/VERSION" if not
    /// said.
    pub user_agent: ledgerauth_str,
    /// Hosts whose answers count as the API's where a redirect leads there, such as that of signed
    /// downloads: "files.example", "files.example:8443". The credential goes to none of them; the
    /// answer of any other host is LEDGERAUTH_REDIRECTED_ELSEWHERE.
    pub allow_redirect_to: *const ledgerauth_str,
    /// How many of them.
    pub allow_redirect_to_count: usize,
    /// Own HTTP: the longest body that is read into memory, in bytes, counted unpacked; 268435456 (256
    /// MiB) if 0, because a MiB of gzip can unpack to a GiB. One that is read in pieces has no limit.
    pub max_body: u64,
    /// Not 0 to call on_audit in the thread in which an event happens, and to wait for it.
    pub audit_blocks: i32,
    /// Where a person consents in a browser, instead of the profile's authorization endpoint.
    pub authorization_url: ledgerauth_str,
    /// Where a login on another device begins (RFC 8628), instead of the profile's endpoint.
    pub device_authorization_url: ledgerauth_str,
    /// Where tokens are revoked (RFC 7009), instead of at the profile's endpoint.
    pub revocation_url: ledgerauth_str,
    /// What the credential may do, in the vendor's words, such as "retail": calls that the profile
    /// says need more are then refused before they are sent. If not said, it is what the keys' notes
    /// or the grant's scopes say.
    pub permissions: *const ledgerauth_str,
    /// How many of them.
    pub permission_count: usize,
    /// Own HTTP: the path of a file with the certificate chain (PEM), instead of
    /// identity_chain_pem. It and identity_key_file are read again when they change; while one of
    /// them does not fit the other, the old pair goes on. Audit events tell both
    /// ("identity_replaced", "identity_kept").
    pub identity_chain_file: ledgerauth_str,
    /// Own HTTP: the path of a file with the key to that certificate (PEM).
    pub identity_key_file: ledgerauth_str,
}
sized!(ledgerauth_client_options, audit_blocks: i32);

/// Builds a client.
///
/// # Safety
/// Whatever the options point to is there.
pub(crate) unsafe fn build(options: &ledgerauth_client_options, gate: &Arc<Gate>) -> Result<Client, Fault> {
    // SAFETY: the caller's promise, here and below.
    let provider = unsafe { chosen(options.provider, options.own_provider) }?;
    if options.credential.is_null() {
        return Err(missing());
    }
    // SAFETY: as above.
    let credential = unsafe { get(options.credential, "credential") }?.for_client(gate)?;
    let builder = Client::builder(provider).credential(credential);
    // SAFETY: as above.
    let builder = unsafe { connection(builder, options) }?;
    // SAFETY: as above.
    let builder = unsafe { surroundings(builder, options, gate) }?;
    // SAFETY: as above.
    let mut builder = unsafe { own_http(builder, options) }?;
    if options.discover != 0 {
        builder = builder.discover()?;
    }
    Ok(builder.build()?)
}

/// The ways to authenticate at a token endpoint.
const WAYS: [ClientAuth; 6] = [
    ClientAuth::ClientSecretBasic,
    ClientAuth::ClientSecretPost,
    ClientAuth::ClientSecretJwt,
    ClientAuth::PrivateKeyJwt,
    ClientAuth::TlsClientAuth,
    ClientAuth::None,
];

/// Where the credential goes, and how patiently.
unsafe fn connection(mut builder: ClientBuilder, options: &ledgerauth_client_options) -> Result<ClientBuilder, Fault> {
    type Set = fn(ClientBuilder, String) -> ClientBuilder;
    let settings: [(&str, ledgerauth_str, Set); 10] = [
        ("environment", options.environment, ClientBuilder::environment),
        ("base_url", options.base_url, ClientBuilder::base_url),
        ("token_url", options.token_url, ClientBuilder::token_url),
        ("issuer", options.issuer, ClientBuilder::issuer),
        ("header", options.header, ClientBuilder::header),
        ("name", options.name, ClientBuilder::name),
        ("integration", options.integration, ClientBuilder::integration),
        ("authorization_url", options.authorization_url, ClientBuilder::authorization_url),
        ("device_authorization_url", options.device_authorization_url, ClientBuilder::device_authorization_url),
        ("revocation_url", options.revocation_url, ClientBuilder::revocation_url),
    ];
    for (name, text, set) in settings {
        // SAFETY: the caller's promise.
        if let Some(text) = unsafe { text.given(name) }? {
            builder = set(builder, text.to_owned());
        }
    }
    if !options.scheme.data.is_null() {
        // SAFETY: the caller's promise.
        builder = builder.scheme(unsafe { options.scheme.text("scheme") }?);
    }
    // SAFETY: the caller's promise.
    match unsafe { options.client_auth.given("client_auth") }? {
        None => {}
        Some(name) => {
            let known = WAYS.into_iter().find(|way| way.name() == name);
            builder = builder
                .client_auth(known.ok_or_else(|| misuse("client_auth is no way that is known", "take a name of RFC 7591 section 2"))?);
        }
    }
    builder = builder.insecure_loopback(options.insecure_loopback != 0);
    // SAFETY: the caller's promise.
    for host in unsafe { list(options.allow_redirect_to, options.allow_redirect_to_count, "allow_redirect_to") }? {
        // SAFETY: the caller's promise.
        builder = builder.allow_redirect_to([unsafe { host.text("a host of allow_redirect_to") }?]);
    }
    // SAFETY: the caller's promise.
    let permissions = unsafe { texts(options.permissions, options.permission_count, "permissions") }?;
    if !permissions.is_empty() {
        builder = builder.permissions(permissions);
    }
    if options.deadline_ms > 0 {
        builder = builder.deadline(Duration::from_millis(options.deadline_ms));
    }
    if options.max_attempts > 0 {
        builder = builder.max_attempts(options.max_attempts);
    }
    if !options.fingerprint_key.is_null() {
        // SAFETY: the caller's promise.
        let key = unsafe { list(options.fingerprint_key, 32, "fingerprint_key") }?;
        builder = builder.fingerprint_key(std::array::from_fn(|at| key[at]));
    }
    Ok(builder)
}

/// What the program brings along.
unsafe fn surroundings(mut builder: ClientBuilder, options: &ledgerauth_client_options, gate: &Arc<Gate>) -> Result<ClientBuilder, Fault> {
    // SAFETY: the caller's promise, here and below.
    if let Some(store) = unsafe { place(options, gate) }? {
        builder = builder.store(store);
    }
    // SAFETY: as above.
    builder = unsafe { with_transport(builder, options.transport, gate) }?;
    if options.no_threads != 0 {
        builder = builder.no_threads();
    }
    if options.max_body > 0 {
        builder = builder.max_body(options.max_body);
    }
    builder = builder.audit_blocks(options.audit_blocks != 0);
    Ok(listen(builder, (options.on_audit, options.audit_userdata), (options.on_log, options.log_userdata), gate))
}

/// What is said of the library's own HTTP.
#[cfg(feature = "http")]
unsafe fn own_http(mut builder: ClientBuilder, options: &ledgerauth_client_options) -> Result<ClientBuilder, Fault> {
    builder = builder.language(auth_http::Language::C);
    if options.timeout_ms > 0 {
        builder = builder.timeout(Duration::from_millis(options.timeout_ms));
    }
    if options.connect_timeout_ms > 0 {
        builder = builder.connect_timeout(Duration::from_millis(options.connect_timeout_ms));
    }
    // SAFETY: the caller's promise, here and below.
    let (proxy, user_agent) = unsafe { (options.proxy.given("proxy")?, options.user_agent.given("user_agent")?) };
    if let Some(proxy) = proxy {
        builder = builder.proxy(proxy);
    }
    if let Some(name) = user_agent {
        builder = builder.user_agent(name);
    }
    if options.no_proxy != 0 {
        builder = builder.no_proxy();
    }
    if options.platform_roots != 0 {
        builder = builder.platform_roots();
    }
    // SAFETY: as above.
    if let Some(pem) = unsafe { options.ca_pem.filled("ca_pem") }? {
        builder = builder.ca(pem);
    }
    // SAFETY: as above.
    let (chain, key) =
        unsafe { (options.identity_chain_pem.filled("identity_chain_pem")?, options.identity_key_pem.filled("identity_key_pem")?) };
    // SAFETY: as above.
    let (chain_file, key_file) = unsafe {
        (options.identity_chain_file.filled_text("identity_chain_file")?, options.identity_key_file.filled_text("identity_key_file")?)
    };
    match (chain, key, chain_file, key_file) {
        (None, None, None, None) => Ok(builder),
        (Some(chain), Some(key), None, None) => Ok(builder.identity(chain, key)),
        (None, None, Some(chain), Some(key)) => Ok(builder.identity_files(chain, key)),
        _ => Err(misuse(
            "of the client certificate and its key only one is set, or one of them twice",
            "set identity_chain_pem and identity_key_pem, or identity_chain_file and identity_key_file",
        )),
    }
}

/// The same in a build without HTTP.
#[cfg(not(feature = "http"))]
unsafe fn own_http(builder: ClientBuilder, options: &ledgerauth_client_options) -> Result<ClientBuilder, Fault> {
    let identity = [options.identity_chain_pem, options.identity_key_pem, options.identity_chain_file, options.identity_key_file];
    let mut texts = [options.proxy, options.ca_pem, options.user_agent].into_iter().chain(identity);
    let said = texts.any(|text| text.len > 0)
        || options.timeout_ms > 0
        || options.connect_timeout_ms > 0
        || options.no_proxy != 0
        || options.platform_roots != 0;
    if said {
        return Err(crate::error::at_the_boundary(
            crate::status::LEDGERAUTH_UNSUPPORTED,
            "the options say something of the library's own HTTP, and it was built without",
            "say it to the transport, or use a library with HTTP",
        ));
    }
    Ok(builder)
}
