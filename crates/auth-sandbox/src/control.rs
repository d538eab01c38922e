use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::fault::Fault;
use crate::issue;
use crate::keys::{AdaasKey, FinoraKey, Keys, NumericClient, NumericToken, NumoraKey};
use crate::limits::RateLimits;
use crate::net::{Certificates, Delivery, Handler, Reply, Request};
use crate::service::Service;
use crate::shared::Shared;

/// The JSON service through which other languages steer the sandbox. It logs nothing.
pub(crate) struct Control {
    shared: Arc<Shared>,
    keys: Value,
    ca_pem: String,
    client_cert_pem: String,
    client_key_pem: String,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Move {
    advance_seconds: f64,
}

#[derive(Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
enum NewKey {
    Finora(FinoraKey),
    Numora(NumoraKey),
    Adaas(AdaasKey),
    Numeric(NumericClient),
    NumericToken(NumericToken),
    RefreshToken { client_id: String },
    Revoke { key: String },
    Delete { key: String },
}

#[derive(Deserialize, Default)]
#[serde(default, deny_unknown_fields)]
struct Changes {
    numeric_token_lifetime: Option<u64>,
    adaas_token_lifetime: Option<u64>,
    token_delay_ms: Option<u64>,
    rotate_refresh_tokens: Option<bool>,
    reuse_grace_seconds: Option<u64>,
    documents_ready_after: Option<u32>,
    require_business_id: Option<bool>,
    numeric_scheme: Option<String>,
    date_skew_seconds: Option<i64>,
    limits: Vec<(Service, RateLimits)>,
    suspend_business: Option<String>,
    resume_business: Option<String>,
    revoke_tokens: Option<Service>,
}

type Answer = Result<Value, (u16, String)>;

impl Control {
    pub(crate) fn new(shared: &Arc<Shared>, keys: &Keys, certificates: &Certificates) -> Self {
        Self {
            shared: Arc::clone(shared),
            keys: serde_json::to_value(keys).unwrap_or_default(),
            ca_pem: certificates.ca_pem.clone(),
            client_cert_pem: certificates.client_cert_pem.clone(),
            client_key_pem: certificates.client_key_pem.clone(),
        }
    }

    /// What the service answers to a request with that body, without a socket.
    pub(crate) fn steer(&self, method: &str, target: &str, body: &str) -> Answer {
        let (path, query) = target.split_once('?').unwrap_or((target, ""));
        let (method, path, query) = (method.to_owned(), path.to_owned(), query.to_owned());
        self.answer(&Request { method, path, query, body: body.as_bytes().to_vec(), ..Request::default() })
    }

    fn answer(&self, request: &Request) -> Answer {
        let shared = &*self.shared;
        match (request.verb(), request.path.as_str()) {
            ("GET", "/") => Ok(self.about()),
            ("GET", "/log") => {
                let since = match request.query_value("since") {
                    None => 0,
                    Some(text) => text.parse().map_err(|_| bad("since is a number"))?,
                };
                Ok(json!({"entries": shared.journal.since(since)}))
            }
            ("DELETE", "/log") => {
                shared.journal.clear();
                Ok(json!({"cleared": true}))
            }
            ("GET", "/clock") => Ok(self.time()),
            ("POST", "/clock") => {
                let Move { advance_seconds } = parse(request)?;
                let by = Duration::try_from_secs_f64(advance_seconds.abs()).map_err(|_| bad("advance_seconds is too far"))?;
                if advance_seconds < 0.0 {
                    shared.clock.rewind(by);
                } else {
                    shared.clock.advance(by);
                }
                Ok(self.time())
            }
            ("GET", "/faults") => Ok(json!({"left": shared.faults.left()})),
            ("POST", "/faults") => {
                let fault: Fault = parse(request)?;
                Ok(json!({"id": shared.faults.inject(fault)}))
            }
            ("DELETE", "/faults") => {
                shared.faults.clear();
                Ok(json!({"cleared": true}))
            }
            ("POST", "/settings") => self.change(parse(request)?),
            ("GET", "/keys") => Ok(self.keys.clone()),
            ("POST", "/keys") => self.key(parse(request)?),
            ("GET", "/client-identity") => Ok(json!({
                "certificate_pem": self.client_cert_pem, "private_key_pem": self.client_key_pem,
            })),
            _ => Err((404, "no such endpoint; GET / lists them".to_owned())),
        }
    }

    fn about(&self) -> Value {
        let urls: serde_json::Map<String, Value> =
            Service::ALL.iter().map(|service| (service.name().to_owned(), json!(self.shared.url(*service)))).collect();
        json!({
            "what": "Control of an auth-sandbox: made-up accounting APIs on loopback. All keys are made up.",
            "urls": urls,
            "ca_pem": self.ca_pem,
            "endpoints": {
                "GET /log?since=N": "entries with a number greater than N",
                "DELETE /log": "forget all entries",
                "GET /clock": "the server's time",
                "POST /clock": {"advance_seconds": 90},
                "GET /faults": "hits still to come",
                "POST /faults": {"service": "finora", "times": 1, "after": 0, "kind": {"status": {"code": 503}}},
                "DELETE /faults": "take all faults back",
                "POST /settings": {"numeric_token_lifetime": 2, "adaas_token_lifetime": 2, "token_delay_ms": 50,
                    "rotate_refresh_tokens": true, "reuse_grace_seconds": 0, "documents_ready_after": 1,
                    "require_business_id": false, "numeric_scheme": "Bearer", "date_skew_seconds": 0,
                    "limits": [["finora", {"per_minute": 60}]], "suspend_business": "id or key",
                    "resume_business": "id or key", "revoke_tokens": "numeric_auth"},
                "GET /keys": "the ready-made credentials",
                "POST /keys": [{"finora": {"age_days": 89}}, {"numora": {}}, {"adaas": {}}, {"numeric": {}},
                    {"numeric_token": {}}, {"refresh_token": {"client_id": "..."}},
                    {"revoke": {"key": "..."}}, {"delete": {"key": "..."}}],
                "GET /client-identity": "client certificate and key for mutual TLS",
            },
        })
    }

    fn time(&self) -> Value {
        let clock = &self.shared.clock;
        json!({"now_millis": clock.now_millis(), "offset_millis": clock.offset_millis()})
    }

    fn change(&self, changes: Changes) -> Answer {
        let settings = &self.shared.settings;
        if let Some(seconds) = changes.numeric_token_lifetime {
            settings.set_token_lifetime(Service::NumericAuth, seconds);
        }
        if let Some(seconds) = changes.adaas_token_lifetime {
            settings.set_token_lifetime(Service::AdaasAuth, seconds);
        }
        if let Some(millis) = changes.token_delay_ms {
            settings.token_delay_millis.store(millis, Ordering::Relaxed);
        }
        if let Some(rotate) = changes.rotate_refresh_tokens {
            settings.rotate_refresh_tokens.store(rotate, Ordering::Relaxed);
        }
        if let Some(seconds) = changes.reuse_grace_seconds {
            settings.reuse_grace_seconds.store(seconds, Ordering::Relaxed);
        }
        if let Some(polls) = changes.documents_ready_after {
            settings.documents_ready_after.store(polls, Ordering::Relaxed);
        }
        if let Some(required) = changes.require_business_id {
            settings.require_business_id.store(required, Ordering::Relaxed);
        }
        if let Some(scheme) = changes.numeric_scheme {
            *settings.numeric_scheme.write() = scheme;
        }
        if let Some(seconds) = changes.date_skew_seconds {
            settings.date_skew_seconds.store(seconds, Ordering::Relaxed);
        }
        for (service, limits) in changes.limits {
            self.shared.limiter(service).change(|now| *now = limits);
        }
        for (business, suspended) in [(changes.suspend_business, true), (changes.resume_business, false)] {
            if let Some(business) = business
                && !self.shared.finora.lock().suspend(&business, suspended)
            {
                return Err((404, "no such business".to_owned()));
            }
        }
        let revoked = changes.revoke_tokens.map(|service| issue::revoke_tokens(&self.shared, service));
        Ok(json!({"changed": true, "revoked_tokens": revoked}))
    }

    fn key(&self, new: NewKey) -> Answer {
        let shared = &*self.shared;
        Ok(match new {
            NewKey::Finora(key) => json!({"key": issue::finora(shared, key)}),
            NewKey::Numora(key) => json!({"key": issue::numora(shared, key)}),
            NewKey::Adaas(key) => {
                json!(issue::adaas(shared, key).map_err(|error| (409, error.to_string()))?)
            }
            NewKey::Numeric(client) => json!(issue::numeric(shared, client)),
            NewKey::NumericToken(token) => json!({"key": issue::numeric_token(shared, token)}),
            NewKey::RefreshToken { client_id } => {
                let token = issue::refresh_token(shared, &client_id);
                json!({"refresh_token": token.ok_or((404, "no such client".to_owned()))?})
            }
            NewKey::Revoke { key } => json!({"revoked": issue::revoke(shared, &key)}),
            NewKey::Delete { key } => json!({"deleted": issue::delete(shared, &key)}),
        })
    }
}

fn bad(why: impl Into<String>) -> (u16, String) {
    (400, why.into())
}

fn parse<T: serde::de::DeserializeOwned>(request: &Request) -> Result<T, (u16, String)> {
    serde_json::from_slice(&request.body).map_err(|error| bad(error.to_string()))
}

/// Keeps web pages out: they send an `Origin`, or reach us by a name of their own.
fn from_a_web_page(request: &Request) -> bool {
    let host = request.header("host").unwrap_or("localhost");
    let name = host.rsplit_once(':').map_or(host, |(name, _)| name);
    request.header("origin").is_some() || !matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

impl Handler for Control {
    fn handle(&self, request: Request) -> Delivery {
        let answer = if from_a_web_page(&request) { Err((403, "not for web pages".to_owned())) } else { self.answer(&request) };
        Delivery::plain(match answer {
            Ok(body) => Reply::json(200, &body),
            Err((status, why)) => Reply::json(status, &json!({ "error": why })),
        })
    }

    fn date(&self) -> String {
        self.shared.date()
    }
}
