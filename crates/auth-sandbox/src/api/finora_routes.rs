use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::Outcome;
use super::finora::{failure, failure_with_details, success};
use super::finora_state::Finora;
use crate::keys::{Environment, Tier};
use crate::limits::MinuteWindow;
use crate::net::Request;
use crate::shared::Shared;

/// Whose key it is.
pub(super) struct Caller<'a> {
    pub(super) key: &'a str,
    pub(super) business: String,
    pub(super) environment: Environment,
    pub(super) tier: Tier,
    pub(super) now: u64,
    pub(super) minute: Option<MinuteWindow>,
}

/// Retail modules besides those with a story of their own. Invoices and webhooks are spelled as published; the
/// other spellings are ours.
const RETAIL: [&str; 15] = [
    "receipts",
    "suppliers",
    "products",
    "expenses",
    "bills",
    "quotations",
    "loans",
    "petty-cash",
    "payroll",
    "journal-entries",
    "chart-of-accounts",
    "reports",
    "tax",
    "documents",
    "webhooks",
];

/// Modules that need enterprise provisioning, by their published paths; that of branch analytics is ours.
const ENTERPRISE: [&str; 4] = ["enterprise", "lending", "officers", "branch-analytics"];

/// The same, below `/v1/businesses/{businessId}`.
const ENTERPRISE_OF_A_BUSINESS: [&str; 3] = ["ai", "intelligence", "payments"];

/// The enterprise module that a path leads to.
fn enterprise_module<'a>(parts: &[&'a str]) -> Option<&'a str> {
    match parts {
        ["businesses", _, module, ..] if ENTERPRISE_OF_A_BUSINESS.contains(module) => Some(module),
        [module, ..] if ENTERPRISE.contains(module) => Some(module),
        _ => None,
    }
}

pub(super) fn routed(shared: &Shared, finora: &mut Finora, request: &Request, caller: &Caller<'_>) -> Outcome {
    let not_found = || failure(shared, 404, "NOT_FOUND", "No such endpoint or record");
    let parts: Vec<&str> = request.path.split('/').skip(1).collect();
    let (version, parts) = match parts.as_slice() {
        [version, rest @ ..] => (*version, rest),
        [] => return not_found(),
    };
    if version != "v1" {
        let is_version = version.strip_prefix('v').is_some_and(|number| number.parse::<u32>().is_ok());
        return if is_version { failure(shared, 400, "INVALID_VERSION", "The API version is v1") } else { not_found() };
    }
    if parts.is_empty() {
        return not_found();
    }
    if let Some(module) = enterprise_module(parts) {
        return enterprise(shared, request, caller, module);
    }
    if let Some(refusal) = wrong_business(shared, request, caller) {
        return refusal;
    }
    match (request.verb(), parts) {
        ("GET", ["invoices"]) => list_invoices(shared, finora, caller),
        ("POST", ["invoices"]) => create_invoice(shared, finora, request, caller),
        ("GET", ["customers"]) => {
            let name = match caller.environment {
                Environment::Live => "Live Customer Ltd",
                Environment::Test => "Test Customer Ltd",
            };
            success(shared, caller, 200, &json!([{"id": "cus_1", "name": name}]))
        }
        ("GET", ["api-keys"]) => {
            let keys = finora.list_keys(&caller.business, caller.now);
            success(shared, caller, 200, &Value::Array(keys))
        }
        ("DELETE", ["api-keys", key_id]) => delete_key(shared, finora, caller, key_id),
        ("GET", ["usage"]) => usage(shared, finora, caller),
        ("GET", [module]) if RETAIL.contains(module) => success(shared, caller, 200, &json!([])),
        (_, ["invoices"]) => wrong_method(shared, "GET, POST"),
        (_, ["api-keys", _]) => wrong_method(shared, "DELETE"),
        (_, ["customers" | "api-keys" | "usage"]) => wrong_method(shared, "GET"),
        (_, [module]) if RETAIL.contains(module) => wrong_method(shared, "GET"),
        _ => not_found(),
    }
}

fn wrong_method(shared: &Shared, allowed: &str) -> Outcome {
    let text = "The endpoint has no such method";
    let mut outcome = failure(shared, 405, "METHOD_NOT_ALLOWED", text);
    outcome.reply = outcome.reply.with("Allow", allowed);
    outcome
}

fn enterprise(shared: &Shared, request: &Request, caller: &Caller<'_>, module: &str) -> Outcome {
    if caller.tier != Tier::Enterprise {
        let text = "The module needs enterprise provisioning";
        return failure(shared, 403, "ENTERPRISE_ONLY", text);
    }
    if request.verb() != "GET" {
        return wrong_method(shared, "GET");
    }
    success(shared, caller, 200, &json!({"module": module}))
}

/// `businessId` must be the key's own; whether it must be there at all is a setting.
fn wrong_business(shared: &Shared, request: &Request, caller: &Caller<'_>) -> Option<Outcome> {
    match request.query_value("businessId") {
        Some(business) if business == caller.business => None,
        Some(_) => Some(failure(shared, 403, "FORBIDDEN", "The key has no access to this business")),
        None if shared.settings.require_business_id.load(Ordering::Relaxed) => {
            Some(failure(shared, 400, "MISSING_BUSINESS_ID", "The businessId query parameter is missing"))
        }
        None => None,
    }
}

fn list_invoices(shared: &Shared, finora: &Finora, caller: &Caller<'_>) -> Outcome {
    let own: Vec<Value> = finora
        .invoices
        .iter()
        .filter(|(business, environment, _)| *business == caller.business && *environment == caller.environment)
        .map(|(_, _, invoice)| invoice.clone())
        .collect();
    success(shared, caller, 200, &Value::Array(own))
}

fn create_invoice(shared: &Shared, finora: &mut Finora, request: &Request, caller: &Caller<'_>) -> Outcome {
    let Ok(Value::Object(mut invoice)) = serde_json::from_slice(&request.body) else {
        let text = "The body is no JSON object";
        return failure(shared, 400, "INVALID_REQUEST", text);
    };
    if invoice.is_empty() {
        return failure_with_details(shared, "VALIDATION_ERROR", "The invoice has no fields", &[("customerId", "is required")]);
    }
    let id = format!("inv_{}", shared.dice.hex(16));
    invoice.insert("id".to_owned(), Value::String(id.clone()));
    let invoice = Value::Object(invoice);
    let mut outcome = success(shared, caller, 201, &invoice).acted();
    outcome.decision = format!("invoice {id} created");
    finora.invoices.push((caller.business.clone(), caller.environment, invoice));
    outcome
}

fn delete_key(shared: &Shared, finora: &mut Finora, caller: &Caller<'_>, key_id: &str) -> Outcome {
    let owned = finora.keys.values().any(|key| key.id == key_id && key.business == caller.business);
    if !owned {
        return failure(shared, 404, "NOT_FOUND", "No such API key");
    }
    finora.delete(key_id);
    let mut outcome = success(shared, caller, 200, &json!({"keyId": key_id, "deleted": true}));
    outcome.decision = format!("API key {key_id} deleted for good");
    outcome.acted()
}

fn usage(shared: &Shared, finora: &Finora, caller: &Caller<'_>) -> Outcome {
    let balance = finora.businesses.get(&caller.business).map_or(0, |business| business.balance_kobo);
    let body = json!({"mode": "credits", "trialCallsLeft": 0, "balanceKobo": balance});
    success(shared, caller, 200, &body)
}
