//! PKCE: the proof that who redeems an authorization code is who asked for it (RFC 7636).

use crate::credential::Secret;
use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use sha2::{Digest as _, Sha256};

/// A code verifier: 43 characters from 32 random bytes, as RFC 7636 section 4.1 recommends.
pub(crate) fn verifier(random: &[u8]) -> Secret {
    Secret::new(URL_SAFE_NO_PAD.encode(random))
}

/// Its challenge by `S256` (RFC 7636 section 4.2); `plain` is never used, because whoever sees the request could redeem the code.
pub(crate) fn challenge(verifier: &Secret) -> alloc::string::String {
    URL_SAFE_NO_PAD.encode(Sha256::digest(verifier.expose()))
}

#[cfg(test)]
mod tests {
    use super::*;

    /// RFC 7636 appendix B.
    #[test]
    fn derives_verifier_and_challenge_as_in_the_rfcs_example() {
        let octets = [
            116, 24, 223, 180, 151, 153, 224, 37, 79, 250, 96, 125, 216, 173, 187, 186, 22, 212, 37, 77, 105, 214, 191, 240, 91, 88, 5, 88,
            83, 132, 141, 121,
        ];
        let verifier = verifier(&octets);
        assert_eq!(verifier.expose(), "dBjftJeZ4CVP-mB92K27uhbUJU1p1r_wW1gFWFOEjXk");
        assert_eq!(challenge(&verifier), "E9Melhoa2OwvFrEMTJguCHaoeK1t8URWbuGJSstw-cM");
    }
}
