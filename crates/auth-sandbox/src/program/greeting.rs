use std::fmt::Write as _;
use std::path::Path;

use crate::{Entry, Sandbox, Service};
use serde_json::{Map, Value, json};

/// What `--json` prints.
pub(crate) fn as_json(sandbox: &Sandbox, ca_file: Option<&Path>) -> Value {
    let urls: Map<String, Value> = Service::ALL.iter().map(|service| (service.name().to_owned(), json!(sandbox.url(*service)))).collect();
    json!({
        "urls": urls,
        "keys": sandbox.keys(),
        "ca_file": ca_file.map(Path::to_string_lossy),
        "ca_pem": sandbox.ca_pem(),
        "control_url": sandbox.control_url(),
    })
}

/// What a person sees at start.
pub(crate) fn as_text(sandbox: &Sandbox, ca_file: Option<&Path>) -> String {
    let keys = sandbox.keys();
    let mut text = String::from("Made-up accounting APIs on loopback\n\nBase URLs\n");
    let mut line = |label: &str, value: &str| {
        let _ = writeln!(text, "  {label:<20} {value}");
    };
    for service in Service::ALL {
        line(service.name(), &sandbox.url(service));
    }
    line("control", sandbox.control_url().unwrap_or("off"));
    if let Some(path) = ca_file {
        line("CA certificate", &path.to_string_lossy());
    }
    text.push_str("\nKeys (made up for this run)\n");
    let pairs = [
        ("Finora live", keys.finora_live.clone()),
        ("Finora test", keys.finora_test.clone()),
        ("Numora", keys.numora.clone()),
        ("ADaaS production", pair(&keys.adaas.client_id, &keys.adaas.secret)),
        ("ADaaS sandbox", pair(&keys.adaas_sandbox.client_id, &keys.adaas_sandbox.secret)),
        ("Numeric production", pair(&keys.numeric.client_id, &keys.numeric.client_secret)),
        ("Numeric sandbox", pair(&keys.numeric_sandbox.client_id, &keys.numeric_sandbox.client_secret)),
        ("Numeric static", keys.numeric_static.clone()),
    ];
    for (label, value) in &pairs {
        let _ = writeln!(text, "  {label:<20} {value}");
    }
    text.push_str("\nTry\n");
    for command in commands(sandbox, ca_file) {
        let _ = writeln!(text, "  {command}");
    }
    text.push_str("\nCtrl-C stops it. Requests from here on:");
    text
}

fn pair(id: &str, secret: &str) -> String {
    format!("{id}  {secret}")
}

/// One curl line per system that works as it stands.
fn commands(sandbox: &Sandbox, ca_file: Option<&Path>) -> Vec<String> {
    let keys = sandbox.keys();
    let url = |service| sandbox.url(service);
    let curl = ca_file.map_or_else(|| "curl -sS".to_owned(), |path| format!("curl -sS --cacert '{}'", path.display()));
    vec![
        format!("{curl} {}/v1/invoices -H 'Authorization: Bearer {}'", url(Service::Finora), keys.finora_test),
        format!(
            "{curl} {}/v1/documents -H 'Authorization: Bearer {}' -H 'Content-Type: application/json' \
             -d '{{\"schema\":\"invoice_v2\",\"file_url\":\"https://example.com/1.pdf\",\"external_id\":\"ap-1\"}}'",
            url(Service::Numora),
            keys.numora
        ),
        format!("{curl} {}/getAccess -u '{}:{}'", url(Service::AdaasAuth), keys.adaas_sandbox.client_id, keys.adaas_sandbox.secret),
        format!(
            "{curl} {}/oauth/token -d grant_type=client_credentials -d client_id={} -d client_secret={}",
            url(Service::NumericAuth),
            keys.numeric.client_id,
            keys.numeric.client_secret
        ),
    ]
}

/// One request in one line: time (UTC), service, request, status, reason.
pub(crate) fn live_line(entry: &Entry) -> String {
    let seconds = entry.at_millis / 1000;
    let (hour, minute, second) = (seconds / 3600 % 24, seconds / 60 % 60, seconds % 60);
    let millis = entry.at_millis % 1000;
    let status = entry.status.map_or_else(|| "cut".to_owned(), |status| status.to_string());
    format!(
        "{hour:02}:{minute:02}:{second:02}.{millis:03} {:<19} {:<6} {} -> {status}  {}{}",
        entry.service.name(),
        printable(&entry.method),
        printable(&entry.path),
        if entry.acted { "[acted] " } else { "" },
        printable(&entry.decision),
    )
}

/// Control characters from a client do not reach the terminal.
fn printable(text: &str) -> String {
    text.chars().map(|c| if c.is_control() { '?' } else { c }).collect()
}
