//! What the error codes of OAuth mean, and what a person can do about them.

use crate::provider::{GrantKind, Provider};
use crate::verdict::failure::FailureKind;
use crate::verdict::retry::Cause;

/// What a code says at a token endpoint.
#[derive(Debug)]
pub(crate) enum Meaning {
    /// The grant or the client is refused.
    Refused(FailureKind, &'static str),
    /// The server has trouble of its own, after which the same request may succeed.
    Trouble(Cause),
}

/// The advice about a code that no RFC names.
pub(crate) const LOOK_IT_UP: &str = "look the code up in the API's documentation";

/// What a code of an RFC means at a token endpoint, whatever the status (RFC 6749 section 5.2, RFC 8628 section 3.5, RFC 6749 section 4.1.2.1 where servers
/// borrow from it); `None` for any other code.
pub(crate) fn at_token_endpoint(provider: &Provider, asked: GrantKind, code: &str) -> Option<Meaning> {
    use FailureKind::{ConsentRequired, GrantRefused, MissingScope};
    let (kind, advice) = match (code, asked) {
        ("invalid_client", _) => (
            GrantRefused,
            "the client is unknown here or could not prove itself: check its id, its secret, key or certificate, client_auth, and the environment that they were issued for",
        ),
        ("invalid_grant", GrantKind::AuthorizationCode) => {
            (ConsentRequired, "the code has expired, was used already or belongs to another client or redirect address: log in again, once")
        }
        ("invalid_grant", GrantKind::DeviceCode) => (ConsentRequired, "the device code is unknown or was used already: start again"),
        ("invalid_grant", GrantKind::JwtBearer) => (
            GrantRefused,
            "the assertion is not accepted: compare issuer, subject and audience with what is registered, the key with the public one, and this machine's clock with the server's",
        ),
        ("invalid_grant", GrantKind::RefreshToken) if provider.refresh_rules().single_active_grant => (
            ConsentRequired,
            "the refresh token is expired, revoked or already used: see whether somebody connected the same account elsewhere, which ends this connection; else a person has to connect it again",
        ),
        ("invalid_grant", GrantKind::RefreshToken) => {
            (ConsentRequired, "the refresh token is expired, revoked or already used: a person has to connect the account again")
        }
        ("invalid_grant", GrantKind::ClientCredentials) => {
            (GrantRefused, "client credentials are not accepted here: check that the client is active and of this environment")
        }
        ("unauthorized_client" | "unsupported_grant_type", _) => {
            (GrantRefused, "this client may not use this grant: have it allowed where the client is registered")
        }
        ("invalid_scope", _) => (MissingScope, "a scope is unknown, or not allowed for this client: ask for fewer"),
        ("invalid_target", _) => {
            (GrantRefused, "the resource that was asked for is unknown or not allowed (RFC 8707): compare it with the API's documentation")
        }
        ("invalid_request", _) => (
            GrantRefused,
            "the endpoint misses something or wants the client authenticated in another way: compare client_auth and token_url with its documentation",
        ),
        ("access_denied", _) => (ConsentRequired, "access was denied: a person has to consent"),
        ("expired_token", _) => (ConsentRequired, "the code ended before a person confirmed it: start again, and enter it sooner"),
        ("interaction_required" | "login_required" | "consent_required", _) => {
            (ConsentRequired, "a person has to sign in and consent again")
        }
        ("invalid_dpop_proof" | "use_dpop_nonce", _) => (
            GrantRefused,
            "the server binds tokens to a key (DPoP, RFC 9449), which is not spoken here: register the client for bearer tokens",
        ),
        // What a device asks with goes on being asked with; the code itself says how.
        ("authorization_pending" | "slow_down", GrantKind::DeviceCode) => (GrantRefused, "ask again, as the code says"),
        // The one says that the request was not taken on, the other nothing of what became of it.
        ("temporarily_unavailable", _) => return Some(Meaning::Trouble(Cause::Unprocessed)),
        ("server_error", _) => return Some(Meaning::Trouble(Cause::ServerError)),
        _ => return None,
    };
    Some(Meaning::Refused(kind, advice))
}

/// What an error in a redirect means (RFC 6749 section 4.1.2.1, OIDC Core section 3.1.2.6).
pub(crate) fn in_redirect(code: &str) -> (FailureKind, &'static str) {
    use FailureKind::{ConsentRequired, GrantRefused, MissingScope, ServerError, StepUpRequired};
    match code {
        "access_denied" => {
            (ConsentRequired, "the person or the server said no: log in again and consent, or ask an administrator of the account")
        }
        "invalid_request" => (
            GrantRefused,
            "the authorization request misses something: compare authorization_url and authorization_parameters with the documentation",
        ),
        "unauthorized_client" => {
            (GrantRefused, "this client may not ask for a code: have the authorization code grant allowed where the client is registered")
        }
        "unsupported_response_type" => {
            (GrantRefused, "this server gives no codes to this client: compare the client's registration with the documentation")
        }
        "invalid_scope" => (MissingScope, "a scope is unknown, or not allowed for this client: ask for fewer"),
        "server_error" => (ServerError, "the fault is on the server's side: log in again later"),
        "temporarily_unavailable" => (ServerError, "the server is too busy or in maintenance: log in again later"),
        "login_required" | "interaction_required" | "account_selection_required" | "consent_required" => {
            (StepUpRequired, "the person has to sign in or consent, and the request did not let them: leave prompt=none out")
        }
        _ => (GrantRefused, LOOK_IT_UP),
    }
}
