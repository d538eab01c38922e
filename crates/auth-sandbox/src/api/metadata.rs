use serde_json::json;

use super::Outcome;
use crate::net::{Reply, Request};
use crate::service::Service;
use crate::shared::Shared;

/// Numeric's published discovery documents, with this run's address in place of the issuer's.
///
/// The RFC 8414 document leaves `client_credentials` out and the OIDC one lists it, as published.
pub(super) fn published(shared: &Shared, request: &Request) -> Outcome {
    let issuer = shared.url(Service::NumericAuth);
    let mut grants = vec!["authorization_code", "refresh_token", "urn:ietf:params:oauth:grant-type:device_code"];
    match (request.verb(), request.path.as_str()) {
        ("GET", "/.well-known/oauth-authorization-server") => {}
        ("GET", "/.well-known/openid-configuration") => grants.push("client_credentials"),
        _ => {
            let body = json!({"error": "not_found", "error_description": "no such endpoint"});
            return Outcome::new(Reply::json(404, &body), "404: no such endpoint");
        }
    }
    let body = json!({
        "issuer": issuer,
        "authorization_endpoint": format!("{issuer}/oauth2/authorize"),
        "token_endpoint": format!("{issuer}/oauth2/token"),
        "grant_types_supported": grants,
        "response_types_supported": ["code"],
        "code_challenge_methods_supported": ["S256"],
        "scopes_supported": ["openid", "profile", "email", "offline_access"],
        "token_endpoint_auth_methods_supported": ["none", "client_secret_post", "client_secret_basic"],
    });
    Outcome::new(Reply::json(200, &body), "published metadata")
}
