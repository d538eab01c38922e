use serde_json::{Value, json};

use super::numeric_state::Token;
use super::{Outcome, refuse};
use crate::keys::Environment;
use crate::net::{Reply, Request};
use crate::service::Service;
use crate::shared::Shared;

/// Numeric publishes no error body; this shape is ours.
pub(super) fn failure(status: u16, code: &str, message: &str) -> Outcome {
    let body = json!({"error": {"code": code, "message": message}});
    Outcome::new(Reply::json(status, &body), format!("{status} {code}: {message}"))
}

fn unauthorized(scheme: &str, why: &str) -> Outcome {
    let mut outcome = failure(401, "unauthorized", why);
    outcome.reply =
        outcome.reply.with("WWW-Authenticate", format!("{scheme} realm=\"numeric\", error=\"invalid_token\", error_description=\"{why}\""));
    outcome
}

pub(super) fn api(shared: &Shared, service: Service, request: &Request) -> Outcome {
    let environment = match service {
        Service::NumericSandboxApi => Environment::Test,
        _ => Environment::Live,
    };
    let scheme = shared.settings.numeric_scheme.read().clone();
    if request.header("authorization").is_none() {
        // RFC 6750 section 3.1: no error code when the request had no authentication at all.
        let mut outcome = failure(401, "unauthorized", "the Authorization header is missing");
        outcome.reply = outcome.reply.with("WWW-Authenticate", format!("{scheme} realm=\"numeric\""));
        return outcome;
    }
    let Some(given) = request.credential(&scheme) else {
        return unauthorized(&scheme, "the Authorization header is malformed");
    };
    let now = shared.now();
    let mut numeric = shared.numeric.lock();
    let (owner, scopes) = match numeric.tokens.get(given) {
        None => return unauthorized(&scheme, "the token is unknown or revoked"),
        Some(token) if has_expired(token, now) => {
            return unauthorized(&scheme, "the token has expired");
        }
        Some(token) if token.environment != environment => {
            return unauthorized(&scheme, "the token belongs to the other environment");
        }
        Some(token) => (token.owner.clone(), token.scopes.clone()),
    };
    let admitted = match shared.limiter(service).admit(&owner, now) {
        Ok(admitted) => admitted,
        Err(refused) => return refuse(shared, service, request, &refused),
    };
    let asked = Asked { environment, owner: &owner, scopes: &scopes, scheme: &scheme };
    let mut outcome = asked.routed(shared, request, &mut numeric.tasks);
    outcome.permit = admitted.permit;
    outcome
}

fn has_expired(token: &Token, now: u64) -> bool {
    token.expires_at.is_some_and(|end| now >= end)
}

struct Asked<'a> {
    environment: Environment,
    owner: &'a str,
    scopes: &'a [String],
    scheme: &'a str,
}

impl Asked<'_> {
    fn routed(&self, shared: &Shared, request: &Request, tasks: &mut Vec<(Environment, Value)>) -> Outcome {
        let sample = match self.environment {
            Environment::Live => "production",
            Environment::Test => "sandbox",
        };
        let (needed, allowed) = match request.path.as_str() {
            "/v1/health" => ("", "GET"),
            "/v1/trial-balance" | "/v1/reports" => ("read", "GET"),
            "/v1/tasks" if request.verb() == "GET" => ("read", "GET, POST"),
            "/v1/tasks" => ("write", "GET, POST"),
            path if path == "/v1/admin" || path.starts_with("/v1/admin/") => ("admin", "GET"),
            _ => return failure(404, "not_found", "no such endpoint"),
        };
        if !allowed.split(", ").any(|method| method == request.verb()) {
            let mut outcome = failure(405, "method_not_allowed", "the endpoint has no such method");
            outcome.reply = outcome.reply.with("Allow", allowed);
            return outcome;
        }
        if !needed.is_empty() && !self.scopes.iter().any(|scope| scope == needed) {
            return self.forbidden(needed);
        }
        let body = match (request.path.as_str(), request.verb()) {
            ("/v1/health", _) => json!({"status": "ok", "environment": sample}),
            ("/v1/trial-balance", _) => json!({"data": [
                {"account": "1000 Cash", "debit": "1200.00", "credit": "0.00", "environment": sample},
                {"account": "3000 Equity", "debit": "0.00", "credit": "1200.00", "environment": sample},
            ]}),
            ("/v1/reports", _) => {
                json!({"data": [{"id": format!("rep_{sample}_1"), "name": "Flux report"}]})
            }
            ("/v1/tasks", "GET") => {
                let own: Vec<&Value> =
                    tasks.iter().filter(|(environment, _)| *environment == self.environment).map(|(_, task)| task).collect();
                json!({ "data": own })
            }
            ("/v1/tasks", _) => return self.create_task(shared, request, tasks),
            _ => json!({"data": {"environment": sample}}),
        };
        Outcome::new(Reply::json(200, &body), format!("token of {} is valid", self.owner))
    }

    fn forbidden(&self, needed: &str) -> Outcome {
        let mut outcome = failure(403, "forbidden", "the token lacks a scope");
        outcome.reply = outcome
            .reply
            .with("WWW-Authenticate", format!("{} realm=\"numeric\", error=\"insufficient_scope\", scope=\"{needed}\"", self.scheme));
        outcome.decision = format!("403: the token of {} lacks scope {needed}", self.owner);
        outcome
    }

    fn create_task(&self, shared: &Shared, request: &Request, tasks: &mut Vec<(Environment, Value)>) -> Outcome {
        let Ok(Value::Object(mut task)) = serde_json::from_slice(&request.body) else {
            return failure(400, "invalid_request", "the body is no JSON object");
        };
        let id = format!("task_{}", shared.dice.hex(16));
        task.insert("id".to_owned(), Value::String(id.clone()));
        let task = Value::Object(task);
        tasks.push((self.environment, task.clone()));
        Outcome::new(Reply::json(201, &task), format!("task {id} created")).acted()
    }
}
