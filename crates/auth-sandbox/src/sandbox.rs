use std::io;
use std::net::TcpStream;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde_json::Value;

use crate::clock::{Clock, saturating_millis};
use crate::control;
use crate::fault::{Fault, FaultId};
use crate::journal::Entry;
use crate::keys::Keys;
use crate::limits::RateLimits;
use crate::net::{Certificates, Listening, Surroundings, serve};
use crate::options::Options;
use crate::serve::Served;
use crate::service::Service;
use crate::shared::Shared;
use crate::stop::Stop;

/// Four accounting systems on loopback ports, running until it is dropped.
///
/// Every method takes `&self` and may be called from any thread. Dropping it closes every connection and joins
/// every thread; that takes a few milliseconds.
pub struct Sandbox {
    pub(crate) shared: Arc<Shared>,
    keys: Keys,
    certificates: Certificates,
    control_url: Option<String>,
    stop: Arc<Stop>,
    listening: Vec<Listening>,
}

impl Sandbox {
    /// Starts every service.
    ///
    /// # Errors
    /// When a port is taken, when there is no randomness, or when certificates cannot be made.
    pub fn start(options: Options) -> io::Result<Self> {
        let shared = Arc::new(Shared::new(&options)?);
        let keys = crate::issue::ready_made(&shared)?;
        let certificates = Certificates::make(options.client_auth)?;
        let stop = Arc::new(Stop::default());
        let tls = options.tls.then(|| Arc::clone(&certificates.server));
        let mut listening = Vec::with_capacity(9);
        let wanted = u16::try_from(Service::ALL.len()).unwrap_or(u16::MAX) + u16::from(options.control);
        if options.ports != 0 && options.ports.checked_add(wanted - 1).is_none() {
            let most = u16::MAX - (wanted - 1);
            let reason = format!(
                "{wanted} consecutive ports from {} do not fit: begin at {most} or lower, or at 0 for any free ones",
                options.ports
            );
            return Err(io::Error::new(io::ErrorKind::InvalidInput, reason));
        }
        let mut next_port = options.ports;
        let mut take_port = || {
            let port = next_port;
            if port != 0 {
                next_port = port.checked_add(1).unwrap_or(0);
            }
            port
        };
        for service in Service::ALL {
            let around = Surroundings {
                tls: tls.clone(),
                handler: Arc::new(Served { service, shared: Arc::clone(&shared) }),
                stop: Arc::clone(&stop),
            };
            listening.push(Listening::start(
                take_port(),
                service.name(),
                &stop,
                Arc::new(move |socket: Arc<TcpStream>| serve(socket, &around)),
            )?);
        }
        let scheme = if options.tls { "https" } else { "http" };
        let urls = Service::ALL.map(|service| {
            let port = listening[service.index()].port();
            format!("{scheme}://localhost:{port}")
        });
        drop(shared.urls.set(urls));
        let mut control_url = None;
        if options.control {
            let around = Surroundings {
                tls: None,
                handler: Arc::new(control::Control::new(&shared, &keys, &certificates)),
                stop: Arc::clone(&stop),
            };
            let control = Listening::start(take_port(), "control", &stop, Arc::new(move |socket: Arc<TcpStream>| serve(socket, &around)))?;
            control_url = Some(format!("http://127.0.0.1:{}", control.port()));
            listening.push(control);
        }
        Ok(Self { shared, keys, certificates, control_url, stop, listening })
    }

    /// The base URL of a service, such as `https://localhost:40123`, without a slash at the end.
    pub fn url(&self, service: Service) -> String {
        self.shared.url(service)
    }

    /// The base URL of the control service; `None` when [`Options::control`] is off.
    pub fn control_url(&self) -> Option<&str> {
        self.control_url.as_deref()
    }

    /// The CA certificate of this start, as PEM.
    pub fn ca_pem(&self) -> &str {
        &self.certificates.ca_pem
    }

    /// A client certificate signed by the CA and its private key, as PEM, for [`Options::client_auth`].
    pub fn client_identity(&self) -> (String, String) {
        (self.certificates.client_cert_pem.clone(), self.certificates.client_key_pem.clone())
    }

    /// The ready-made credentials.
    pub fn keys(&self) -> &Keys {
        &self.keys
    }

    /// Does what the control service does with such a request, without a socket: for bindings to other languages, whether or not
    /// [`Options::control`] is on. `body` is JSON; `GET /` lists what there is.
    ///
    /// # Errors
    /// The reason, if the service would answer with an error.
    pub fn steer(&self, method: &str, target: &str, body: &str) -> Result<Value, String> {
        control::Control::new(&self.shared, &self.keys, &self.certificates).steer(method, target, body).map_err(|(_, why)| why)
    }

    /// The server's clock.
    pub fn clock(&self) -> Clock {
        self.shared.clock.clone()
    }

    /// Makes the `Date` header, and nothing else, wrong by so many seconds; 0 ends it.
    pub fn set_date_skew(&self, seconds: i64) {
        let skew = &self.shared.settings.date_skew_seconds;
        skew.store(seconds, Ordering::Relaxed);
    }

    /// All entries kept, oldest first.
    pub fn log(&self) -> Vec<Entry> {
        self.shared.journal.since(0)
    }

    /// The entries with a number greater than this one.
    pub fn log_since(&self, number: u64) -> Vec<Entry> {
        self.shared.journal.since(number)
    }

    /// Forgets all entries; numbers go on.
    pub fn clear_log(&self) {
        self.shared.journal.clear();
    }

    /// How many entries are wanted. The log is locked meanwhile: do not call the sandbox from inside.
    pub fn count(&self, wanted: impl FnMut(&Entry) -> bool) -> usize {
        self.shared.journal.count(wanted)
    }

    /// Calls this for every entry from now on, in the thread that serves the request and before its answer goes
    /// out: keep it short. Several observers may be set; they stay for the life of the sandbox.
    pub fn on_entry(&self, observer: impl Fn(&Entry) + Send + Sync + 'static) {
        self.shared.journal.observe(Arc::new(observer));
    }

    /// Adds a fault behind those that wait already.
    pub fn inject(&self, fault: Fault) -> FaultId {
        self.shared.faults.inject(fault)
    }

    /// Takes all faults back.
    pub fn clear_faults(&self) {
        self.shared.faults.clear();
    }

    /// How many hits are still to come, over all faults.
    pub fn faults_left(&self) -> usize {
        self.shared.faults.left()
    }

    /// How long tokens minted from now on live, in seconds. Counts for [`Service::NumericAuth`] and
    /// [`Service::AdaasAuth`]; other services have no tokens and ignore it.
    pub fn token_lifetime(&self, service: Service, seconds: u64) {
        self.shared.settings.set_token_lifetime(service, seconds);
    }

    /// Delays the answers of token endpoints (real time). The server acts at once.
    pub fn token_delay(&self, delay: Duration) {
        let setting = &self.shared.settings.token_delay_millis;
        setting.store(saturating_millis(delay), Ordering::Relaxed);
    }

    /// Does Numeric answer each refresh with a new refresh token, the old one being used up? Default: no.
    pub fn rotate_refresh_tokens(&self, rotate: bool) {
        let setting = &self.shared.settings.rotate_refresh_tokens;
        setting.store(rotate, Ordering::Relaxed);
    }

    /// How long a used refresh token still works, in seconds on the server's clock. Reuse after that revokes the
    /// whole family, access tokens included. Default: 0.
    pub fn reuse_grace(&self, seconds: u64) {
        let setting = &self.shared.settings.reuse_grace_seconds;
        setting.store(seconds, Ordering::Relaxed);
    }

    /// For how many status polls a Numora document stays `processing`. Default: 1.
    pub fn documents_ready_after(&self, polls: u32) {
        let setting = &self.shared.settings.documents_ready_after;
        setting.store(polls, Ordering::Relaxed);
    }

    /// Must Finora's retail routes carry `businessId`? Default: no, but a wrong one is refused.
    pub fn require_business_id(&self, required: bool) {
        let setting = &self.shared.settings.require_business_id;
        setting.store(required, Ordering::Relaxed);
    }

    /// The authorization scheme of Numeric's API, such as `Token`. Default: `Bearer`.
    pub fn numeric_scheme(&self, scheme: &str) {
        scheme.clone_into(&mut self.shared.settings.numeric_scheme.write());
    }

    /// Sets the requests per minute of a service, `None` for no limit, and forgets what was used.
    pub fn set_limit(&self, service: Service, per_minute: Option<u32>) {
        let limiter = self.shared.limiter(service);
        limiter.change(|limits| limits.per_minute = per_minute);
    }

    /// Sets how many requests a service serves at the same time for one credential; forgets what was used.
    pub fn set_concurrency(&self, service: Service, concurrent: Option<u32>) {
        let limiter = self.shared.limiter(service);
        limiter.change(|limits| limits.concurrent = concurrent);
    }

    /// Sets every limit of a service and forgets what was used.
    pub fn set_limits(&self, service: Service, limits: RateLimits) {
        self.shared.limiter(service).change(|now| *now = limits);
    }

    /// The limits in force for a service.
    pub fn limits(&self, service: Service) -> RateLimits {
        self.shared.limiter(service).limits()
    }
}

impl Drop for Sandbox {
    fn drop(&mut self) {
        self.stop.stop();
        self.listening.clear();
    }
}

impl std::fmt::Debug for Sandbox {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Sandbox").field("urls", &self.shared.urls.get()).field("control_url", &self.control_url).finish_non_exhaustive()
    }
}
