use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::adaas_state::{Adaas, Token};
use super::{Outcome, refuse, with_window};
use crate::keys::{AdaasScope, Environment};
use crate::limits::Admitted;
use crate::net::{Reply, Request, basic_credentials};
use crate::service::Service;
use crate::shared::Shared;

/// The documented error body: `{error:{statusCode,message:[text],error},payload:{}}`.
pub(super) fn failure(status: u16, error: &str, message: &str) -> Outcome {
    let body = json!({
        "error": {"statusCode": status, "message": [message], "error": error},
        "payload": {},
    });
    Outcome::new(Reply::json(status, &body), format!("{status}: {message}"))
}

fn unauthorized(why: &str) -> Outcome {
    let mut outcome = failure(401, "Unauthorized", "Unauthorized");
    outcome.decision = format!("401: {why}");
    outcome
}

fn not_found(request: &Request) -> Outcome {
    let message = format!("Cannot {} {}", request.method, request.path);
    failure(404, "Not Found", &message)
}

/// `GET /getAccess` with Basic client id and secret.
pub(super) fn get_access(shared: &Shared, request: &Request) -> Outcome {
    if request.path != "/getAccess" {
        return not_found(request);
    }
    if request.verb() != "GET" {
        let mut outcome = failure(405, "Method Not Allowed", "Method Not Allowed");
        outcome.reply = outcome.reply.with("Allow", "GET");
        return outcome;
    }
    // Nothing is documented about form-encoding here: both halves are taken as they are.
    let Some((client_id, secret)) = request.credential("Basic").and_then(basic_credentials) else {
        return unauthorized("no Basic credentials");
    };
    let now = shared.now();
    let mut adaas = shared.adaas.lock();
    let Some(key) = adaas.keys.get_mut(&client_id) else {
        return unauthorized("the client id is unknown or its key was deleted");
    };
    if key.secret != secret {
        return unauthorized("the secret is wrong");
    }
    let permit = match shared.limiter(Service::AdaasAuth).admit(&client_id, now) {
        Ok(Admitted { permit, .. }) => permit,
        Err(refused) => return refuse(shared, Service::AdaasAuth, request, &refused),
    };
    key.last_used = Some(now);
    let seconds = shared.settings.adaas_token_seconds.load(Ordering::Relaxed);
    let expires_at = now.saturating_add(seconds.saturating_mul(1000));
    let text = shared.dice.jwt_like(&json!({
        "sub": client_id,
        "sandbox": key.environment == Environment::Test,
        "iat": now / 1000,
        "exp": expires_at / 1000,
        "jti": shared.dice.hex(16),
    }));
    let body = json!({"access_token": text});
    let decision = format!("token for client {client_id} minted, {seconds} s");
    adaas.tokens.insert(text, Token { client_id, expires_at });
    let mut outcome = Outcome::new(Reply::json(200, &body), decision).acted();
    outcome.permit = permit;
    outcome
}

pub(super) fn api(shared: &Shared, request: &Request) -> Outcome {
    let Some(given) = request.credential("Bearer") else {
        return unauthorized("the Authorization header is missing or not Bearer");
    };
    let now = shared.now();
    let mut adaas = shared.adaas.lock();
    let client_id = match adaas.tokens.get(given) {
        None => return unauthorized("the token is unknown"),
        Some(token) if now >= token.expires_at => return unauthorized("the token has expired"),
        Some(token) => token.client_id.clone(),
    };
    let Some(key) = adaas.keys.get_mut(&client_id) else {
        return unauthorized("the key of the token was deleted");
    };
    key.last_used = Some(now);
    let (environment, scopes) = (key.environment, key.scopes.clone());
    // The limit is per team and environment, and this account is one team.
    let subject = match environment {
        Environment::Live => "production",
        Environment::Test => "sandbox",
    };
    let admitted = shared.limiter(Service::AdaasApi).admit(subject, now);
    let Admitted { minute, permit } = match admitted {
        Ok(admitted) => admitted,
        Err(refused) => return refuse(shared, Service::AdaasApi, request, &refused),
    };
    let mut outcome = routed(shared, &mut adaas, request, environment, &scopes);
    if outcome.decision.is_empty() {
        outcome.decision = format!("token of client {client_id} is valid");
    }
    outcome.reply = with_window(Service::AdaasApi, outcome.reply, minute, now);
    outcome.permit = permit;
    outcome
}

fn routed(shared: &Shared, adaas: &mut Adaas, request: &Request, environment: Environment, scopes: &[AdaasScope]) -> Outcome {
    let Some(rest) = request.path.strip_prefix("/v2/") else {
        return not_found(request);
    };
    let (needed, known): (&[AdaasScope], bool) = match rest {
        "invoices" => (&[AdaasScope::Api], matches!(request.verb(), "GET" | "POST")),
        "bills" | "accounts" | "customers" => (&[AdaasScope::Api], request.verb() == "GET"),
        _ if rest.starts_with("reports/") => (&[AdaasScope::Api, AdaasScope::VisualizationSdk], request.verb() == "GET"),
        _ if rest.starts_with("visualizations/") => (&[AdaasScope::VisualizationSdk], request.verb() == "GET"),
        _ => return not_found(request),
    };
    if !known {
        return not_found(request);
    }
    if !needed.iter().any(|scope| scopes.contains(scope)) {
        return failure(403, "Forbidden", "Forbidden resource");
    }
    match request.query_value("state").as_deref() {
        Some("pending") => {
            return Outcome::new(Reply::json(202, &json!({})), "202: still being extracted");
        }
        Some("empty") => return Outcome::new(Reply::empty(204), "204: nothing there"),
        _ => {}
    }
    let world = match environment {
        Environment::Live => "production",
        Environment::Test => "sandbox",
    };
    match (rest, request.verb()) {
        ("invoices", "POST") => create_invoice(shared, adaas, request, environment),
        ("invoices", _) => {
            let mut invoices = vec![json!({"id": format!("{world}-invoice-1"), "total": 1200})];
            let own = |(owner, _): &&(Environment, Value)| *owner == environment;
            invoices.extend(adaas.invoices.iter().filter(own).map(|(_, invoice)| invoice.clone()));
            page(request, &invoices)
        }
        ("bills" | "accounts" | "customers", _) => page(request, &[json!({"id": format!("{world}-{rest}-1")})]),
        _ => {
            let report = json!({"meta": {"environment": world}, "data": [{"report": rest}]});
            Outcome::new(Reply::json(200, &report), "")
        }
    }
}

fn create_invoice(shared: &Shared, adaas: &mut Adaas, request: &Request, environment: Environment) -> Outcome {
    let Ok(Value::Object(mut invoice)) = serde_json::from_slice(&request.body) else {
        return failure(400, "Bad Request", "body must be a JSON object");
    };
    let id = format!("inv_{}", shared.dice.hex(16));
    invoice.insert("id".to_owned(), Value::String(id.clone()));
    let invoice = Value::Object(invoice);
    adaas.invoices.push((environment, invoice.clone()));
    Outcome::new(Reply::json(201, &json!({ "data": invoice })), format!("invoice {id} created")).acted()
}

/// Offset and limit paging: default 100, at most 500.
fn page(request: &Request, all: &[Value]) -> Outcome {
    let number = |name: &str, otherwise: usize| match request.query_value(name) {
        None => Ok(otherwise),
        Some(text) => text.parse::<usize>().map_err(|_| format!("{name} must be a number")),
    };
    let (offset, limit) = match (number("offset", 0), number("limit", 100)) {
        (Ok(_), Ok(limit)) if limit > 500 => {
            return failure(400, "Bad Request", "limit must not be greater than 500");
        }
        (Ok(offset), Ok(limit)) => (offset, limit),
        (Err(why), _) | (_, Err(why)) => return failure(400, "Bad Request", &why),
    };
    let records: Vec<&Value> = all.iter().skip(offset).take(limit).collect();
    let body = json!({
        "meta": {"count": all.len(), "offset": offset, "limit": limit},
        "data": records,
    });
    Outcome::new(Reply::json(200, &body), "")
}
