use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::numora_state::{Document, Numora};
use super::{Outcome, refuse, shown, with_window};
use crate::limits::Admitted;
use crate::net::{Reply, Request};
use crate::service::Service;
use crate::shared::Shared;

/// The client's `x-request-id`, or one made up.
fn request_id(shared: &Shared, request: &Request) -> String {
    request.header("x-request-id").filter(|id| !id.is_empty()).map_or_else(|| format!("req_{}", shared.dice.hex(16)), str::to_owned)
}

fn success(shared: &Shared, request: &Request, status: u16, body: &Value) -> Outcome {
    let id = request_id(shared, request);
    let reply = Reply::json(status, body).with("x-request-id", id.as_str());
    let mut outcome = Outcome::new(reply, "");
    outcome.request_id = Some(id);
    outcome
}

pub(super) fn failure(shared: &Shared, request: &Request, status: u16, code: &str, message: &str) -> Outcome {
    let id = request_id(shared, request);
    let body = json!({"error": {"code": code, "message": message, "request_id": id}});
    let reply = Reply::json(status, &body).with("x-request-id", id.as_str());
    let mut outcome = Outcome::new(reply, format!("{status} {code}: {message}"));
    outcome.request_id = Some(id);
    outcome
}

pub(super) fn api(shared: &Shared, request: &Request) -> Outcome {
    let fail = |status, code, message| failure(shared, request, status, code, message);
    let Some(key) = request.credential("Bearer") else {
        return fail(401, "unauthorized", "Authorization: Bearer <api_key> is missing");
    };
    let now = shared.now();
    let mut numora = shared.numora.lock();
    let scopes = match numora.keys.get(key) {
        None => return fail(401, "unauthorized", "the API key is unknown"),
        Some(found) if found.revoked => {
            return fail(401, "unauthorized", "the API key is revoked");
        }
        Some(found) => found.scopes.clone(),
    };
    let Admitted { minute, permit } = match shared.limiter(Service::Numora).admit(key, now) {
        Ok(admitted) => admitted,
        Err(refused) => return refuse(shared, Service::Numora, request, &refused),
    };
    let mut outcome = routed(shared, &mut numora, request, &scopes);
    if outcome.decision.is_empty() {
        outcome.decision = format!("key {} is valid", shown(key));
    }
    outcome.reply = with_window(Service::Numora, outcome.reply, minute, now);
    outcome.permit = permit;
    outcome
}

fn routed(shared: &Shared, numora: &mut Numora, request: &Request, scopes: &[String]) -> Outcome {
    let fail = |status, code, message| failure(shared, request, status, code, message);
    let not_found = || fail(404, "not_found", "no such endpoint or document");
    let Some(rest) = request.path.strip_prefix("/v1/documents") else {
        return not_found();
    };
    let parts: Vec<&str> = rest.split('/').skip(1).collect();
    let needed = if request.verb() == "GET" { "documents:read" } else { "documents:write" };
    if !rest.is_empty() && !rest.starts_with('/') {
        return not_found();
    }
    if !scopes.iter().any(|scope| scope == needed) {
        return fail(403, "forbidden", "the API key lacks a permission");
    }
    match (request.verb(), parts.as_slice()) {
        ("POST", []) => create(shared, numora, request),
        ("GET", []) => list(shared, numora, request),
        ("GET", [id]) => match numora.by_id(id) {
            Some(document) => {
                document.polls = document.polls.saturating_add(1);
                let patience = shared.settings.documents_ready_after.load(Ordering::Relaxed);
                document.ready |= document.polls > patience;
                success(shared, request, 200, &document.as_json())
            }
            None => not_found(),
        },
        ("GET", [id, "result"]) => {
            let patience = shared.settings.documents_ready_after.load(Ordering::Relaxed);
            match numora.by_id(id) {
                Some(document) if document.ready || patience == 0 => {
                    document.ready = true;
                    let body = json!({
                        "id": document.id,
                        "schema": document.schema,
                        "result": {"invoice_number": "INV-001", "total": "1200.00", "currency": "EUR"},
                    });
                    success(shared, request, 200, &body)
                }
                Some(_) => fail(409, "conflict", "the document is still processing"),
                None => not_found(),
            }
        }
        _ => not_found(),
    }
}

fn text(body: &Value, name: &str) -> Option<String> {
    body[name].as_str().filter(|text| !text.is_empty()).map(str::to_owned)
}

fn create(shared: &Shared, numora: &mut Numora, request: &Request) -> Outcome {
    let fail = |status, code, message| failure(shared, request, status, code, message);
    let body: Value = match serde_json::from_slice(&request.body) {
        Ok(body @ Value::Object(_)) => body,
        _ => return fail(422, "invalid_payload", "the body is no JSON object"),
    };
    let Some(schema) = text(&body, "schema") else {
        return fail(422, "invalid_schema", "schema is missing");
    };
    let Some(file_url) = text(&body, "file_url") else {
        return fail(422, "invalid_payload", "file_url is missing");
    };
    let external_id = text(&body, "external_id");
    let known = external_id.as_deref().and_then(|external_id| numora.by_external_id(external_id));
    if let Some(document) = known {
        if document.schema != schema || document.file_url != file_url {
            return fail(409, "conflict", "external_id belongs to a document with another schema or file");
        }
        let mut outcome = success(shared, request, 200, &document.as_json());
        outcome.decision = format!("external_id known: {} returned, nothing created", document.id);
        return outcome;
    }
    let document = Document {
        id: format!("doc_{}", shared.dice.ulid_like()),
        schema,
        file_url,
        external_id,
        metadata: body["metadata"].clone(),
        polls: 0,
        ready: false,
    };
    // The answer to a creation is the example's five fields and no more.
    let id = &document.id;
    let answer = json!({
        "id": id,
        "status": "processing",
        "schema": document.schema,
        "status_url": format!("/v1/documents/{id}"),
        "result_url": format!("/v1/documents/{id}/result"),
    });
    let mut outcome = success(shared, request, 201, &answer).acted();
    outcome.decision = format!("document {id} created");
    numora.add(document);
    outcome
}

fn list(shared: &Shared, numora: &Numora, request: &Request) -> Outcome {
    let limit = match request.query_value("limit").map(|text| text.parse::<usize>()) {
        None => 50,
        Some(Ok(limit @ 1..=100)) => limit,
        Some(_) => {
            return failure(shared, request, 422, "invalid_payload", "limit is 1 to 100");
        }
    };
    let start = match request.query_value("cursor") {
        None => 0,
        Some(cursor) => match cursor.strip_prefix("cur_").and_then(|at| at.parse().ok()) {
            Some(start) => start,
            None => {
                return failure(shared, request, 422, "invalid_payload", "no such cursor");
            }
        },
    };
    let page: Vec<Value> = numora.documents.iter().skip(start).take(limit).map(Document::as_json).collect();
    let next = start.saturating_add(page.len());
    let next_cursor = (next < numora.documents.len()).then(|| format!("cur_{next}"));
    let body = json!({"data": page, "next_cursor": next_cursor});
    success(shared, request, 200, &body)
}
