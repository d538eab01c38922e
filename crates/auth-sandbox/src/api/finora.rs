use serde_json::{Value, json};

use super::finora_routes::{Caller, routed};
use super::finora_state::Finora;
use super::{Outcome, refuse, shown, with_window};
use crate::clock::date_time;
use crate::keys::{Environment, Tier};
use crate::limits::{Admitted, MinuteWindow};
use crate::net::{Reply, Request};
use crate::service::Service;
use crate::shared::Shared;

/// The documented error body: `{success:false,error:{code,message,requestId}}`.
pub(super) fn failure(shared: &Shared, status: u16, code: &str, message: &str) -> Outcome {
    let request_id = format!("req_{}", shared.dice.hex(16));
    let body = json!({
        "success": false,
        "error": {"code": code, "message": message, "requestId": request_id},
    });
    let mut outcome = Outcome::new(Reply::json(status, &body), format!("{status} {code}: {message}"));
    outcome.request_id = Some(request_id);
    outcome
}

/// A failure that names the fields at fault.
pub(super) fn failure_with_details(shared: &Shared, code: &str, message: &str, details: &[(&str, &str)]) -> Outcome {
    let mut outcome = failure(shared, 400, code, message);
    let details: Vec<Value> = details.iter().map(|(field, message)| json!({"field": field, "message": message})).collect();
    if let Ok(mut body) = serde_json::from_slice::<Value>(&outcome.reply.body) {
        body["error"]["details"] = Value::Array(details);
        outcome.reply.body = body.to_string().into_bytes();
    }
    outcome
}

/// The documented success body with `meta`.
pub(super) fn success(shared: &Shared, caller: &Caller<'_>, status: u16, data: &Value) -> Outcome {
    let request_id = format!("req_{}", shared.dice.hex(16));
    let mut meta = json!({"requestId": request_id, "timestamp": date_time(caller.now)});
    if let Some(MinuteWindow { limit, remaining, reset_millis }) = caller.minute {
        meta["rateLimit"] = json!({
            "limit": limit, "remaining": remaining, "reset": date_time(reset_millis),
        });
    }
    let body = json!({"success": true, "data": data, "meta": meta});
    let mut outcome = Outcome::new(Reply::json(status, &body), "");
    outcome.request_id = Some(request_id);
    outcome
}

pub(super) fn api(shared: &Shared, request: &Request) -> Outcome {
    let fail = |status, code, message| failure(shared, status, code, message);
    let Some(key) = bearer(request) else {
        return fail(401, "UNAUTHORIZED", "The Authorization header is missing or malformed");
    };
    let now = shared.now();
    let mut finora = shared.finora.lock();
    let caller = match admitted_key(&finora, key, now) {
        Ok((business, environment, tier)) => Caller { key, business, environment, tier, now, minute: None },
        Err((401, code, why)) => {
            let mut outcome = fail(401, code, INVALID_KEY);
            // The log tells what the answer does not.
            outcome.decision = format!("401 {code}: {why}");
            return outcome;
        }
        Err((status, code, message)) => return fail(status, code, message),
    };
    let Admitted { minute, permit } = match shared.limiter(Service::Finora).admit(key, now) {
        Ok(admitted) => admitted,
        Err(refused) => return refuse(shared, Service::Finora, request, &refused),
    };
    let caller = Caller { minute, ..caller };
    note_use(&mut finora, &caller);
    let mut outcome = routed(shared, &mut finora, request, &caller);
    if outcome.decision.is_empty() {
        outcome.decision = format!("key {} is valid", shown(key));
    }
    outcome.reply = with_window(Service::Finora, outcome.reply, minute, now);
    outcome.permit = permit;
    outcome
}

/// The key, when the header is `Bearer live_sk_...` or `Bearer test_sk_...`.
fn bearer(request: &Request) -> Option<&str> {
    request.credential("Bearer").filter(|key| key.starts_with("live_sk_") || key.starts_with("test_sk_"))
}

/// One text for unknown, revoked and expired keys, as there is one code for the three.
const INVALID_KEY: &str = "The API key is invalid, revoked or expired";

type Refusal = (u16, &'static str, &'static str);

fn admitted_key(finora: &Finora, key: &str, now: u64) -> Result<(String, Environment, Tier), Refusal> {
    let found = finora.keys.get(key).ok_or((401, "INVALID_API_KEY", "The API key is not known"))?;
    if found.revoked {
        return Err((401, "INVALID_API_KEY", "The API key was revoked"));
    }
    if now >= found.expires_at() {
        return Err((401, "INVALID_API_KEY", "The API key has expired (90 days)"));
    }
    let business = finora.businesses.get(&found.business).ok_or((403, "FORBIDDEN", "The key has no business"))?;
    if business.suspended {
        return Err((403, "BUSINESS_SUSPENDED", "The business is suspended"));
    }
    if business.tier == Tier::Free {
        return Err((403, "PREMIUM_REQUIRED", "API keys are a Premium-tier feature"));
    }
    Ok((found.business.clone(), found.environment, business.tier))
}

/// Counts the call; live calls cost one kobo of credit (the price is ours).
fn note_use(finora: &mut Finora, caller: &Caller<'_>) {
    if let Some(key) = finora.keys.get_mut(caller.key) {
        key.last_used = Some(caller.now);
        key.total_calls += 1;
    }
    if caller.environment == Environment::Live
        && let Some(business) = finora.businesses.get_mut(&caller.business)
    {
        business.balance_kobo -= 1;
    }
}
