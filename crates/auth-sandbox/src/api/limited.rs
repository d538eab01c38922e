use serde_json::json;

use super::{Outcome, adaas, finora, numeric, numora};
use crate::clock::{date_time, http_date};
use crate::fault::LimitStyle;
use crate::limits::{MinuteWindow, Refused};
use crate::net::{Reply, Request};
use crate::service::Service;
use crate::shared::Shared;

const DOCUMENTED_WAIT: u64 = 30;

/// The documented 429 for a limit that was used up.
pub(crate) fn refuse(shared: &Shared, service: Service, request: &Request, refused: &Refused) -> Outcome {
    let seconds = refused.retry_after_seconds;
    let mut outcome = documented(shared, service, request, seconds, refused.minute);
    outcome.decision = format!("429: {}", refused.why);
    outcome
}

/// A 429 on demand.
pub(crate) fn too_many(shared: &Shared, service: Service, request: &Request, style: LimitStyle) -> Outcome {
    let now = shared.now();
    let mut outcome = match style {
        LimitStyle::Documented => {
            let window = empty_window(shared, service, now, DOCUMENTED_WAIT);
            documented(shared, service, request, DOCUMENTED_WAIT, Some(window))
        }
        LimitStyle::InBody(seconds) => body_only(shared, service, request, Some(seconds)),
        LimitStyle::RetryAfterSeconds(seconds) => {
            let mut outcome = body_only(shared, service, request, None);
            outcome.reply = outcome.reply.with("Retry-After", seconds.to_string());
            outcome
        }
        LimitStyle::RetryAfterDate(seconds) => {
            let at = now.saturating_add(seconds.saturating_mul(1000));
            let mut outcome = body_only(shared, service, request, None);
            outcome.reply = outcome.reply.with("Retry-After", http_date(at));
            outcome
        }
        LimitStyle::RateLimitReset(seconds) => {
            let window = empty_window(shared, service, now, seconds);
            let mut outcome = body_only(shared, service, request, None);
            outcome.reply = with_window(service, outcome.reply, Some(window), now);
            outcome
        }
    };
    outcome.decision = format!("429 {style:?}");
    outcome
}

fn empty_window(shared: &Shared, service: Service, now: u64, seconds: u64) -> MinuteWindow {
    MinuteWindow {
        limit: shared.limiter(service).limits().per_minute.unwrap_or(60),
        remaining: 0,
        reset_millis: now.saturating_add(seconds.saturating_mul(1000)),
    }
}

fn documented(shared: &Shared, service: Service, request: &Request, seconds: u64, window: Option<MinuteWindow>) -> Outcome {
    let in_body = (service == Service::Finora).then_some(seconds);
    let mut outcome = body_only(shared, service, request, in_body);
    if service == Service::Numora {
        outcome.reply = outcome.reply.with("retry-after", seconds.to_string());
    }
    // Numeric documents the status and nothing else.
    if matches!(service, Service::Finora | Service::Numora | Service::AdaasApi | Service::AdaasAuth) {
        outcome.reply = with_window(service, outcome.reply, window, shared.now());
    }
    outcome
}

/// The system's 429 body, with the wait in it or without.
fn body_only(shared: &Shared, service: Service, request: &Request, retry_after: Option<u64>) -> Outcome {
    const TEXT: &str = "Too many requests";
    let mut outcome = match service {
        Service::Finora => finora::failure(shared, 429, "RATE_LIMIT", TEXT),
        Service::Numora => numora::failure(shared, request, 429, "rate_limited", TEXT),
        Service::AdaasApi | Service::AdaasAuth => adaas::failure(429, "Too Many Requests", TEXT),
        Service::NumericApi | Service::NumericSandboxApi => numeric::failure(429, "rate_limited", TEXT),
        Service::NumericAuth => Outcome::new(Reply::json(429, &json!({"error": "temporarily_unavailable", "error_description": TEXT})), ""),
        Service::Stranger => Outcome::new(Reply::text(429, "text/plain", TEXT), ""),
    };
    if let Some(seconds) = retry_after {
        put_in_body(&mut outcome.reply, seconds);
    }
    outcome
}

fn put_in_body(reply: &mut Reply, seconds: u64) {
    let mut body: serde_json::Value = serde_json::from_slice(&reply.body).unwrap_or_else(|_| json!({}));
    if !body["error"].is_object() {
        body["error"] = json!({});
    }
    body["error"]["retryAfter"] = json!(seconds);
    reply.body = body.to_string().into_bytes();
}

/// Adds the system's limit headers.
pub(crate) fn with_window(service: Service, reply: Reply, window: Option<MinuteWindow>, now: u64) -> Reply {
    let Some(window) = window else {
        return reply;
    };
    let seconds_left = window.reset_millis.saturating_sub(now).div_ceil(1000);
    let (prefix, reset) = match service {
        Service::Finora => ("X-RateLimit-", date_time(window.reset_millis)),
        Service::Numora => ("x-rate-limit-", seconds_left.to_string()),
        _ => ("X-RateLimit-", seconds_left.to_string()),
    };
    let names = if service == Service::Numora { ["limit", "remaining", "reset"] } else { ["Limit", "Remaining", "Reset"] };
    reply
        .with(&format!("{prefix}{}", names[0]), window.limit.to_string())
        .with(&format!("{prefix}{}", names[1]), window.remaining.to_string())
        .with(&format!("{prefix}{}", names[2]), reset)
}
