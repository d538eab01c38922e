use std::sync::atomic::Ordering;

use serde_json::{Value, json};

use super::numeric_state::{Client, Numeric, Token};
use super::{Outcome, refuse};
use crate::limits::Admitted;
use crate::net::{Reply, Request, basic_credentials, form_fields, plus_decoded};
use crate::service::Service;
use crate::shared::Shared;

type Fields = Vec<(String, String)>;

/// An OAuth error answer in the making (RFC 6749 section 5.2).
struct Wrong {
    status: u16,
    code: &'static str,
    why: String,
    challenge: bool,
}

fn wrong(code: &'static str, why: impl Into<String>) -> Wrong {
    Wrong { status: 400, code, why: why.into(), challenge: false }
}

impl Wrong {
    fn outcome(self) -> Outcome {
        let body = json!({"error": self.code, "error_description": self.why});
        let mut reply = no_store(Reply::json(self.status, &body));
        if self.challenge {
            reply = reply.with("WWW-Authenticate", "Basic realm=\"numeric\"");
        }
        if self.status == 405 {
            reply = reply.with("Allow", "POST");
        }
        Outcome::new(reply, format!("{}: {}", self.code, self.why))
    }
}

fn no_store(reply: Reply) -> Reply {
    reply.with("Cache-Control", "no-store").with("Pragma", "no-cache")
}

/// `POST /oauth/token` and `POST /oauth2/token`.
pub(super) fn token(shared: &Shared, request: &Request) -> Outcome {
    match exchange(shared, request) {
        Ok(outcome) => outcome,
        Err(wrong) => wrong.outcome(),
    }
}

fn exchange(shared: &Shared, request: &Request) -> Result<Outcome, Wrong> {
    if request.method != "POST" {
        return Err(Wrong { status: 405, ..wrong("invalid_request", "the token endpoint takes POST only") });
    }
    let fields = read_form(request)?;
    let mut numeric = shared.numeric.lock();
    let (client_id, client) = authenticate(&numeric, request, &fields)?;
    let permit = match shared.limiter(Service::NumericAuth).admit(&client_id, shared.now()) {
        Ok(Admitted { permit, .. }) => permit,
        Err(refused) => return Ok(refuse(shared, Service::NumericAuth, request, &refused)),
    };
    let grant = value(&fields, "grant_type").ok_or_else(|| wrong("invalid_request", "grant_type is missing"))?;
    let mut outcome = match grant {
        "client_credentials" => {
            let scopes = wanted_scopes(&fields, &client.scopes)?;
            mint(shared, &mut numeric, &client_id, &client, scopes, &fields, None)
        }
        "refresh_token" => refresh(shared, &mut numeric, &client_id, &client, &fields)?,
        other => {
            return Err(wrong("unsupported_grant_type", format!("grant type {other} is not offered")));
        }
    };
    outcome.permit = permit;
    Ok(outcome)
}

fn read_form(request: &Request) -> Result<Fields, Wrong> {
    let content_type = request.header("content-type").unwrap_or("");
    let media_type = content_type.split(';').next().unwrap_or("").trim();
    if !media_type.eq_ignore_ascii_case("application/x-www-form-urlencoded") {
        return Err(wrong("invalid_request", "the body must be application/x-www-form-urlencoded"));
    }
    let fields = form_fields(&request.body).ok_or_else(|| wrong("invalid_request", "the body is no well-formed form"))?;
    for (place, (name, _)) in fields.iter().enumerate() {
        if fields[..place].iter().any(|(earlier, _)| earlier == name) {
            return Err(wrong("invalid_request", format!("{name} is given twice")));
        }
    }
    Ok(fields)
}

/// Parameters sent without a value are treated as if they were omitted (RFC 6749 section 3.2).
fn value<'a>(fields: &'a Fields, name: &str) -> Option<&'a str> {
    fields.iter().find(|(field, _)| field == name).map(|(_, value)| value.as_str()).filter(|value| !value.is_empty())
}

fn authenticate(numeric: &Numeric, request: &Request, fields: &Fields) -> Result<(String, Client), Wrong> {
    let refused = |challenge: bool, why: &str| Wrong { status: 401, challenge, ..wrong("invalid_client", why) };
    let in_body = value(fields, "client_secret");
    let (id, secret, by_header) = if request.header("authorization").is_some() {
        let (id, secret) = request
            .credential("Basic")
            .and_then(basic_credentials)
            .ok_or_else(|| refused(true, "the Authorization header is not Basic"))?;
        // RFC 6749 section 2.3.1: both halves are form-encoded before they are joined.
        let id = plus_decoded(&id).ok_or_else(|| refused(true, "the client id is not form-encoded"))?;
        let secret = plus_decoded(&secret).ok_or_else(|| refused(true, "the client secret is not form-encoded"))?;
        if in_body.is_some() {
            return Err(wrong("invalid_request", "two ways of client authentication"));
        }
        if value(fields, "client_id").is_some_and(|other| other != id) {
            return Err(wrong("invalid_request", "two different client ids"));
        }
        (id, secret, true)
    } else {
        let id = value(fields, "client_id").ok_or_else(|| refused(false, "no client authentication"))?;
        let secret = in_body.ok_or_else(|| refused(false, "no client secret"))?;
        (id.to_owned(), secret.to_owned(), false)
    };
    match numeric.clients.get(&id) {
        Some(client) if client.secret == secret => Ok((id, client.clone())),
        Some(_) => Err(refused(by_header, "the client secret is wrong")),
        None => Err(refused(by_header, "no such client")),
    }
}

fn wanted_scopes(fields: &Fields, allowed: &[String]) -> Result<Vec<String>, Wrong> {
    let Some(wanted) = value(fields, "scope") else {
        return Ok(allowed.to_vec());
    };
    let wanted: Vec<String> = wanted.split(' ').map(str::to_owned).collect();
    match wanted.iter().find(|scope| !allowed.contains(scope)) {
        Some(scope) => Err(wrong("invalid_scope", format!("the client may not have {scope}"))),
        None => Ok(wanted),
    }
}

fn mint(
    shared: &Shared,
    numeric: &mut Numeric,
    client_id: &str,
    client: &Client,
    scopes: Vec<String>,
    fields: &Fields,
    family: Option<u64>,
) -> Outcome {
    let seconds = shared.settings.numeric_token_seconds.load(Ordering::Relaxed);
    let text = shared.dice.word(43);
    let mut body = json!({"access_token": text, "token_type": "Bearer", "expires_in": seconds});
    if value(fields, "scope").is_some() {
        body["scope"] = Value::String(scopes.join(" "));
    }
    numeric.tokens.insert(
        text,
        Token {
            environment: client.environment,
            scopes,
            expires_at: Some(shared.now().saturating_add(seconds.saturating_mul(1000))),
            owner: client_id.to_owned(),
            family,
        },
    );
    Outcome::new(no_store(Reply::json(200, &body)), format!("token for client {client_id} minted, {seconds} s")).acted()
}

fn refresh(shared: &Shared, numeric: &mut Numeric, client_id: &str, client: &Client, fields: &Fields) -> Result<Outcome, Wrong> {
    let text = value(fields, "refresh_token").ok_or_else(|| wrong("invalid_request", "refresh_token is missing"))?;
    let now = shared.now();
    let known = numeric
        .refresh_tokens
        .get_mut(text)
        .filter(|refresh| refresh.client == client_id)
        .ok_or_else(|| wrong("invalid_grant", "no such refresh token for this client"))?;
    let (family, granted) = (known.family, known.scopes.clone());
    if numeric.dead_families.contains(&family) {
        return Err(wrong("invalid_grant", "the refresh token is revoked"));
    }
    let scopes = wanted_scopes(fields, &granted)?;
    if !shared.settings.rotate_refresh_tokens.load(Ordering::Relaxed) {
        let family = Some(family);
        return Ok(mint(shared, numeric, client_id, client, scopes, fields, family));
    }
    let grace = shared.settings.reuse_grace_seconds.load(Ordering::Relaxed);
    match known.used_at {
        Some(used_at) if now > used_at.saturating_add(grace.saturating_mul(1000)) || grace == 0 => {
            numeric.revoke_family(family);
            return Err(wrong("invalid_grant", "the refresh token was used before: the whole family is revoked"));
        }
        Some(_) => {}
        None => known.used_at = Some(now),
    }
    let next = numeric.add_refresh(&shared.dice, client_id, granted, family);
    let family = Some(family);
    let mut outcome = mint(shared, numeric, client_id, client, scopes, fields, family);
    if let Ok(mut body) = serde_json::from_slice::<Value>(&outcome.reply.body) {
        body["refresh_token"] = Value::String(next);
        outcome.reply.body = body.to_string().into_bytes();
    }
    outcome.decision.push_str(", refresh token rotated");
    Ok(outcome)
}
