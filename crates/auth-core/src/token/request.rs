//! The request to a token endpoint.

use crate::connection::Connection;
use crate::credential::{Grant, Secret};
use crate::origin::Url;
use crate::provider::{ClientAuth, TokenRequestForm};
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::time::Duration;
use form_urlencoded::{Serializer, byte_serialize};

/// `TokenRequest` is a request to the token endpoint, to be sent exactly as it is; a redirect must not be followed.
#[derive(Clone, Debug)]
pub struct TokenRequest {
    /// `GET` or `POST`.
    pub method: &'static str,
    /// Where to.
    pub url: Url,
    /// The header fields, in order.
    pub headers: Vec<(&'static str, Secret)>,
    /// The form body, if there is one.
    pub body: Option<Secret>,
    /// How long the whole request may take.
    pub timeout: Duration,
}

/// The request for a grant; `None` if the connection has no token endpoint.
pub(crate) fn build(connection: &Connection, grant: &Grant, refresh_token: Option<&Secret>) -> Option<TokenRequest> {
    let url = connection.token_url()?.clone();
    let (form, _) = connection.provider().token_request()?;
    let client_auth = connection.client_auth()?;
    let mut headers: Vec<(&'static str, Secret)> = Vec::with_capacity(3);
    headers.push(("Accept", Secret::new("application/json")));
    if client_auth == ClientAuth::ClientSecretBasic {
        headers.push(("Authorization", basic(grant)));
    }
    let body = (form == TokenRequestForm::Form).then(|| form_body(grant, client_auth, refresh_token));
    if body.is_some() {
        headers.push(("Content-Type", Secret::new("application/x-www-form-urlencoded")));
    }
    let method = if body.is_some() { "POST" } else { "GET" };
    Some(TokenRequest { method, url, headers, body, timeout: connection.policy().fetch_timeout })
}

/// RFC 6749 section 2.3.1: id and secret are form-encoded each, then RFC 7617.
pub(crate) fn basic(grant: &Grant) -> Secret {
    let encode = |text: &str| byte_serialize(text.as_bytes()).collect::<String>();
    let pair = Secret::new(format!("{}:{}", encode(grant.client.id()), encode(grant.client.secret_text())));
    Secret::new(format!("Basic {}", STANDARD.encode(pair.expose())))
}

/// RFC 6749 sections 4.4.2 and 6.
fn form_body(grant: &Grant, client_auth: ClientAuth, refresh_token: Option<&Secret>) -> Secret {
    // Room for everything at once, so that no copy of a secret is left behind by a growing buffer.
    let secrets = grant.client.secret_text().len() + refresh_token.map_or(0, |token| token.expose().len());
    let names: usize = grant.client.id().len() + grant.scopes().iter().map(|scope| scope.len() + 1).sum::<usize>();
    let mut form = Serializer::new(String::with_capacity(128 + 3 * (secrets + names)));
    match refresh_token {
        Some(token) => form.append_pair("grant_type", "refresh_token").append_pair("refresh_token", token.expose()),
        None => form.append_pair("grant_type", "client_credentials"),
    };
    if client_auth == ClientAuth::ClientSecretPost {
        form.append_pair("client_id", grant.client.id()).append_pair("client_secret", grant.client.secret_text());
    }
    if !grant.scopes().is_empty() {
        form.append_pair("scope", &grant.scopes().join(" "));
    }
    Secret::new(form.finish())
}
