//! The requests to an authorization server.

use crate::connection::Connection;
use crate::credential::{ClientCredentials, Grant, Secret};
use crate::oauth::assertion::Unsigned;
use crate::origin::Url;
use crate::provider::{ClientAuth, GrantKind, TokenRequestForm};
use crate::step::{Transport, Unanswered};
use crate::time::UnixTime;
use alloc::format;
use alloc::string::String;
use alloc::vec::Vec;
use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use core::time::Duration;
use form_urlencoded::{Serializer, byte_serialize};

/// The type of an assertion that is a JWT (RFC 7523 section 2.2).
const JWT_BEARER: &str = "urn:ietf:params:oauth:client-assertion-type:jwt-bearer";

/// Room for one signed assertion: the largest signature (RSA, 4096 bits) in base64, and its field's name.
const ROOM_TO_SIGN: usize = 768;

/// `TokenRequest` is a request to an authorization server, mostly to its token endpoint: to be signed ([`TokenRequest::sign`]), then sent exactly as it is; a
/// redirect must not be followed.
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
    unsigned: Vec<Unsigned>,
}

impl TokenRequest {
    /// A GET.
    pub(crate) fn get(url: Url, headers: Vec<(&'static str, Secret)>, timeout: Duration) -> Self {
        Self { method: "GET", url, headers, body: None, timeout, unsigned: Vec::new() }
    }

    /// Signs the assertions of the request, if it has any. Call it before sending, outside of every lock, because a key may be behind a network; a second
    /// call does nothing.
    ///
    /// # Errors
    /// A [`Transport`] to report as if the request had not been sent: it was not.
    pub fn sign(&mut self) -> Result<(), Transport> {
        for unsigned in &self.unsigned {
            let what = |why| format!("the assertion could not be signed: {why}");
            let advice = "look at the key, or at the module or service that holds it";
            let signed = unsigned.sign().map_err(|why| Transport { how: Unanswered::NotSent, what: what(why), advice: advice.into() })?;
            let body = self.body.take().unwrap_or_default();
            let joint = if body.is_empty() { "" } else { "&" };
            // The alphabet of a JWT (RFC 7515 section 3.1) needs no encoding in a form.
            self.body = Some(Secret::new([body.expose(), joint, unsigned.field, "=", signed.expose()].concat()));
        }
        self.unsigned.clear();
        Ok(())
    }

    /// What will be signed: a server may say it back.
    pub(crate) fn to_sign(&self) -> impl Iterator<Item = &Secret> {
        self.unsigned.iter().map(Unsigned::input)
    }
}

/// The moment at which a request is made: the server's time, and dice.
pub(crate) struct Moment<'a> {
    pub(crate) servers: UnixTime,
    pub(crate) dice: &'a mut fastrand::Rng,
}

/// The request for a grant, or for its refresh, and which of them it is; `None` if the connection has no token endpoint.
pub(crate) fn build(
    connection: &Connection,
    grant: &Grant,
    refresh_token: Option<&Secret>,
    moment: &mut Moment<'_>,
) -> Option<(GrantKind, TokenRequest)> {
    let url = connection.endpoints().token.as_ref()?;
    let (form, _) = connection.provider().token_request()?;
    if form == TokenRequestForm::Get {
        let headers = Vec::from([("Accept", Secret::new("application/json")), ("Authorization", basic(&grant.client)?)]);
        return Some((GrantKind::ClientCredentials, TokenRequest::get(url.clone(), headers, connection.policy().fetch_timeout)));
    }
    let scopes = grant.scopes().join(" ");
    let scope = Some(scopes.as_str()).filter(|scopes| !scopes.is_empty());
    let (kind, mut parameters, scope) = match (refresh_token, grant.assertion()) {
        // RFC 6749 section 6.
        (Some(token), _) => {
            let parameters = Vec::from([("grant_type", "refresh_token"), ("refresh_token", token.expose())]);
            (GrantKind::RefreshToken, parameters, scope.filter(|_| !grant.is_stored()))
        }
        // RFC 7523 section 2.1; the assertion itself follows when it is signed.
        (None, Some(assertion)) => {
            let parameters = Vec::from([("grant_type", "urn:ietf:params:oauth:grant-type:jwt-bearer")]);
            (GrantKind::JwtBearer, parameters, scope.filter(|_| !assertion.names_scopes()))
        }
        // RFC 6749 section 4.4.2.
        (None, None) => (GrantKind::ClientCredentials, Vec::from([("grant_type", "client_credentials")]), scope),
    };
    parameters.extend(scope.map(|scope| ("scope", scope)));
    let mut request = post(connection, &grant.client, url, &parameters, moment);
    if let (GrantKind::JwtBearer, Some(assertion)) = (kind, grant.assertion()) {
        request.unsigned.push(assertion.unsigned(&scopes, &connection.endpoints().audience, moment.servers, moment.dice));
    }
    Some((kind, request))
}

/// A form, sent by a client that authenticates as the connection says.
pub(crate) fn post(
    connection: &Connection,
    client: &ClientCredentials,
    url: &Url,
    parameters: &[(&str, &str)],
    moment: &mut Moment<'_>,
) -> TokenRequest {
    let method = connection.client_auth().unwrap_or(ClientAuth::None);
    let secret = client.secret_text().unwrap_or_default();
    let mut headers = Vec::with_capacity(3);
    headers.push(("Accept", Secret::new("application/json")));
    headers.push(("Content-Type", Secret::new("application/x-www-form-urlencoded")));
    // Room for everything at once, so that no copy of a secret is left behind by a growing buffer.
    let length: usize = parameters.iter().map(|(name, value)| name.len() + value.len()).sum();
    let mut form = Serializer::new(String::with_capacity(256 + ROOM_TO_SIGN + 3 * (length + client.id().len() + secret.len())));
    form.extend_pairs(parameters);
    let mut unsigned = Vec::new();
    // Basic names the client by itself; whoever else has a name says it, because some servers want it beside an assertion too (RFC 7521 section 4.2).
    if method != ClientAuth::ClientSecretBasic && !client.id().is_empty() {
        form.append_pair("client_id", client.id());
    }
    match (method, client.signer()) {
        (ClientAuth::ClientSecretBasic, _) => headers.extend(basic(client).map(|value| ("Authorization", value))),
        (ClientAuth::ClientSecretPost, _) => {
            form.append_pair("client_secret", secret);
        }
        (ClientAuth::ClientSecretJwt | ClientAuth::PrivateKeyJwt, Some(signer)) => {
            form.append_pair("client_assertion_type", JWT_BEARER);
            let audience = &connection.endpoints().audience;
            unsigned.push(Unsigned::proof_of(client.id(), &signer, audience, moment.servers, moment.dice));
        }
        (ClientAuth::ClientSecretJwt | ClientAuth::PrivateKeyJwt | ClientAuth::TlsClientAuth | ClientAuth::None, _) => {}
    }
    let body = Some(Secret::new(form.finish()));
    TokenRequest { method: "POST", url: url.clone(), headers, body, timeout: connection.policy().fetch_timeout, unsigned }
}

/// RFC 6749 section 2.3.1: id and secret are form-encoded each, then RFC 7617; `None` without a secret.
pub(crate) fn basic(client: &ClientCredentials) -> Option<Secret> {
    let encode = |text: &str| Secret::new(byte_serialize(text.as_bytes()).collect::<String>());
    let pair = Secret::new(format!("{}:{}", encode(client.id()).expose(), encode(client.secret_text()?).expose()));
    Some(Secret::new(format!("Basic {}", STANDARD.encode(pair.expose()))))
}
