use std::path::PathBuf;

use clap::Parser;

/// Four accounting APIs on loopback, as documented, with made-up keys.
///
/// Numeric, Numora, Accounting Data as a Service (ADaaS, once Railz) and Finora Business: each gets its own port on
/// 127.0.0.1 and behaves as its public documentation says, limits included. At start the program prints base URLs,
/// keys made up for this run, and one curl line per system that works as it stands; then one line per request with
/// the reason for its answer.
#[derive(Debug, Parser)]
#[command(version)]
#[expect(clippy::struct_excessive_bools, reason = "one switch of the command line each")]
pub(crate) struct Arguments {
    /// Serve plain HTTP instead of HTTPS.
    #[arg(long)]
    pub(crate) http: bool,

    /// First of nine consecutive ports (eight services, then control); 0 takes any free ones.
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) port: u16,

    /// Write the CA certificate (PEM) there. Without it: a file in the temporary folder, removed at the end.
    #[arg(long, value_name = "PATH")]
    pub(crate) ca_file: Option<PathBuf>,

    /// Print one line of JSON (urls, keys, `ca_file`, `ca_pem`, `control_url`); live lines go to stderr.
    #[arg(long)]
    pub(crate) json: bool,

    /// Make keys and tokens that repeat from run to run.
    #[arg(long, value_name = "NUMBER")]
    pub(crate) seed: Option<u64>,

    /// Do not enforce the documented request limits.
    #[arg(long)]
    pub(crate) no_limits: bool,

    /// Demand a client certificate (see GET /client-identity at the control URL).
    #[arg(long)]
    pub(crate) client_auth: bool,

    /// No live line per request.
    #[arg(long)]
    pub(crate) quiet: bool,

    /// Stop when stdin closes, so that a test program that dies takes this one with it.
    #[arg(long)]
    pub(crate) until_stdin_closes: bool,
}

/// What stands below the options.
pub(super) fn examples(name: &str) -> String {
    format!(
        "Faults, the clock, the log and new keys: the control URL printed at start takes JSON; GET it to see how.\n\n\
         Examples:\n  {name}\n  {name} --http --port 4000\n  {name} --json --quiet --until-stdin-closes   # for test programs"
    )
}
