//! Service accounts
//!
//! A service account has no person and no secret on the wire: a private key signs who asks, on
//! whose behalf and for whom, and that is exchanged for access tokens (RFC 7523). Each request gets
//! a new assertion, good for a minute.
//!
//!     ledgerauth_assertion account = {.size = sizeof account};
//!     account.issuer = LEDGERAUTH_STR("books@acme.example");
//!     account.algorithm = LEDGERAUTH_STR("ES256");
//!     account.key_pem = pem;
//!     status = ledgerauth_credential_from_service_account(&account, &credential, &error);

use crate::credential::ledgerauth_credential;
use crate::error::{Fault, ledgerauth_error, misuse};
use crate::given::{Material, given, of_client, signer};
use crate::guard::guard;
use crate::input::{read_sized, sized};
use crate::text::ledgerauth_str;
use auth_http::{Assertion, Credential};

/// What a service account asserts. Zero it, set size, issuer, algorithm and key_pem, and what is
/// needed. It is read during the call and not kept.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_assertion {
    /// sizeof(ledgerauth_assertion).
    pub size: usize,
    /// Who asserts (iss): the service account's name, or a client id.
    pub issuer: ledgerauth_str,
    /// On whose behalf (sub), if not the issuer's own: the account that the token is for.
    pub subject: ledgerauth_str,
    /// For whom (aud), instead of what the profile says.
    pub audience: ledgerauth_str,
    /// How the key signs: "RS256", "PS256", "ES256" or "EdDSA".
    pub algorithm: ledgerauth_str,
    /// The private key (PEM).
    pub key_pem: ledgerauth_str,
    /// The name under which the server knows the key (kid).
    pub key_id: ledgerauth_str,
    /// Not 0 to name the scopes inside, in the claim "scope", and not beside it: some servers read
    /// them only there.
    pub scope_claim: i32,
}
sized!(ledgerauth_assertion, scope_claim: i32);

/// A service account's signed assertion, exchanged for access tokens (RFC 7523 section 2.1).
/// LEDGERAUTH_SETTING for a key that cannot be used, LEDGERAUTH_UNSUPPORTED in a library without
/// HTTP. The caller frees it.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_from_service_account(
    assertion: *const ledgerauth_assertion,
    credential_out: *mut *mut ledgerauth_credential,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    given(credential_out, error_out, || {
        // SAFETY: by the contract.
        let assertion = unsafe { asserted(assertion) }?;
        Ok(Material::from(Credential::service_account(assertion)))
    })
}

/// Exchanges a signed assertion, where the server wants a client named beside it: the credential is
/// that client's. LEDGERAUTH_MISUSE for keys and callbacks.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_credential_set_assertion(
    credential: *mut ledgerauth_credential,
    assertion: *const ledgerauth_assertion,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || unsafe {
        let assertion = asserted(assertion)?;
        of_client(credential, |client| client.with_assertion(assertion))
    })
}

/// The assertion of a caller's struct.
///
/// # Safety
/// The struct is NULL or there, with what it points to.
unsafe fn asserted(said: *const ledgerauth_assertion) -> Result<Assertion, Fault> {
    // SAFETY: the caller's promise, here and below.
    let said = unsafe { read_sized(said, "assertion") }?;
    // SAFETY: as above.
    let Some(issuer) = unsafe { said.issuer.given("issuer") }? else {
        return Err(misuse("the assertion names no issuer", "set issuer to the service account's name, or to the client id"));
    };
    // SAFETY: as above.
    let (algorithm, pem, key_id) =
        unsafe { (said.algorithm.text("algorithm")?, said.key_pem.bytes("key_pem")?, said.key_id.given("key_id")?) };
    let mut assertion = Assertion::new(issuer, signer(algorithm, pem, key_id)?);
    // SAFETY: as above.
    if let Some(subject) = unsafe { said.subject.given("subject") }? {
        assertion = assertion.subject(subject);
    }
    // SAFETY: as above.
    if let Some(audience) = unsafe { said.audience.given("audience") }? {
        assertion = assertion.audience(audience);
    }
    Ok(if said.scope_claim == 0 { assertion } else { assertion.with_scope_claim() })
}
