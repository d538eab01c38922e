//! What each system does with a request, as far as it is documented.

mod adaas;
mod adaas_state;
mod finora;
mod finora_routes;
mod finora_state;
mod limited;
mod metadata;
mod numeric;
mod numeric_state;
mod numeric_token;
mod numora;
mod numora_state;

pub(crate) use adaas_state::Adaas;
pub(crate) use finora_state::Finora;
pub(crate) use limited::{refuse, too_many, with_window};
pub(crate) use numeric_state::Numeric;
pub(crate) use numora_state::{Document, Numora};

use serde_json::json;

use crate::limits::Permit;
use crate::net::{Reply, Request};
use crate::service::Service;
use crate::shared::Shared;

/// An answer with its reasons.
pub(crate) struct Outcome {
    pub(crate) reply: Reply,
    pub(crate) decision: String,
    pub(crate) acted: bool,
    pub(crate) request_id: Option<String>,
    pub(crate) permit: Option<Permit>,
}

impl Outcome {
    pub(crate) fn new(reply: Reply, decision: impl Into<String>) -> Self {
        Self { reply, decision: decision.into(), acted: false, request_id: None, permit: None }
    }

    pub(crate) fn acted(mut self) -> Self {
        self.acted = true;
        self
    }
}

/// Is this a request to a token endpoint?
pub(crate) fn is_token_request(service: Service, path: &str) -> bool {
    match service {
        Service::NumericAuth => matches!(path, "/oauth/token" | "/oauth2/token"),
        Service::AdaasAuth => path == "/getAccess",
        _ => false,
    }
}

pub(crate) fn route(shared: &Shared, service: Service, request: &Request) -> Outcome {
    match service {
        Service::NumericApi | Service::NumericSandboxApi => numeric::api(shared, service, request),
        Service::NumericAuth if is_token_request(service, &request.path) => numeric_token::token(shared, request),
        Service::NumericAuth => metadata::published(shared, request),
        Service::Numora => numora::api(shared, request),
        Service::AdaasApi => adaas::api(shared, request),
        Service::AdaasAuth => adaas::get_access(shared, request),
        Service::Finora => finora::api(shared, request),
        Service::Stranger => Outcome::new(
            Reply::json(200, &json!({"stranger": true})),
            match request.header("authorization") {
                Some(_) => "the stranger was given an Authorization header",
                None => "the stranger was given no Authorization header",
            },
        ),
    }
}

/// The beginning of a secret, for log lines.
pub(crate) fn shown(secret: &str) -> String {
    let mut start: String = secret.chars().take(12).collect();
    if start.len() < secret.len() {
        start.push('…');
    }
    start
}
