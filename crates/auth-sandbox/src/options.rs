/// How a [`Sandbox`](crate::Sandbox) is started.
///
/// ```
/// let options = auth_sandbox::Options { tls: false, ..Default::default() };
/// assert!(options.limits);
/// ```
#[derive(Debug, Clone, Copy)]
#[expect(clippy::struct_excessive_bools, reason = "four independent switches of a start, each off or on")]
pub struct Options {
    /// Serve HTTPS with a CA made at start (true), or plain HTTP (false). Default: true.
    pub tls: bool,
    /// Makes keys and tokens repeat from run to run; `None` draws fresh ones. Certificates are always fresh.
    pub seed: Option<u64>,
    /// The first of eight consecutive ports (nine with `control`), or 0 for any free ones. Default: 0.
    pub ports: u16,
    /// Demand a client certificate signed by the sandbox's CA on every TLS service. Default: false.
    pub client_auth: bool,
    /// Enforce the documented request limits. Switch off for benchmarks. Default: true.
    pub limits: bool,
    /// Open the JSON control service on one more loopback port, always plain HTTP. Default: false.
    pub control: bool,
    /// How many log entries are kept; older ones are forgotten, numbers go on. Default: 100,000.
    pub log_capacity: usize,
}

impl Default for Options {
    fn default() -> Self {
        Self { tls: true, seed: None, ports: 0, client_auth: false, limits: true, control: false, log_capacity: 100_000 }
    }
}
