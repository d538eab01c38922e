//! Prefixes: how keys begin, at every vendor whose documentation says so.

/// What follows a prefix in a key, as far as it has to be known to tell a key from a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Body {
    /// Sixteen characters of base64url or more.
    Long,
    /// Sixteen characters or more that are mixed: digits and letters of both cases, or a UUID. The
    /// prefix is so short that it stands before many names, too.
    Mixed,
    /// Forty hexadecimal digits or more.
    Hex,
}

/// The prefixes, each with what follows it; vendors' pages as of November 2026.
///
/// A publishable key (`pk_…` of Stripe) is not secret.
pub(super) const PREFIXES: [(&str, Body); 20] = [
    ("live_sk_", Body::Long),            // Finora
    ("test_sk_", Body::Long),            // Finora
    ("sk_live_", Body::Long),            // Numora, Stripe
    ("sk_test_", Body::Long),            // Stripe
    ("rk_live_", Body::Long),            // Stripe, restricted
    ("rk_test_", Body::Long),            // Stripe, restricted
    ("whsec_", Body::Long),              // webhook secrets of Stripe and others
    ("bxt_", Body::Long),                // Brex
    ("mercury_production_", Body::Long), // Mercury, after `secret-token:`
    ("pat_", Body::Long),                // personal access tokens
    ("shpat_", Body::Long),              // Shopify, admin
    ("shpca_", Body::Long),              // Shopify, custom app
    ("shppa_", Body::Long),              // Shopify, private app
    ("sq0cgb-", Body::Long),             // Square, authorization code
    ("access-sandbox-", Body::Long),     // Plaid
    ("access-production-", Body::Long),  // Plaid
    ("ck_", Body::Hex),                  // WooCommerce, consumer key
    ("cs_", Body::Hex),                  // WooCommerce, consumer secret
    ("SB_", Body::Mixed),                // Railz / FIS ADaaS, sandbox
    ("ID_", Body::Mixed),                // Railz / FIS ADaaS, production
];

/// Whether characters are as mixed as no identifier is: a digit, both cases, no word of a name.
pub(super) fn is_mixed(body: &[u8]) -> bool {
    let has = |which: fn(&u8) -> bool| body.iter().any(which);
    is_uuid(body) || (has(u8::is_ascii_digit) && has(u8::is_ascii_lowercase) && has(u8::is_ascii_uppercase))
}

fn is_uuid(body: &[u8]) -> bool {
    let joint = |at: usize| matches!(at, 8 | 13 | 18 | 23);
    body.len() == 36 && body.iter().enumerate().all(|(at, byte)| if joint(at) { *byte == b'-' } else { byte.is_ascii_hexdigit() })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::provider::Provider;

    #[test]
    fn every_shipped_profile_is_covered() {
        for name in Provider::builtin_names() {
            let provider = Provider::builtin(name).unwrap();
            for format in provider.key_formats().chain(provider.secret_formats()) {
                let covered = PREFIXES.iter().any(|(prefix, _)| *prefix == format.prefix);
                assert!(format.prefix.is_empty() || covered, "{name}: {}", format.prefix);
            }
        }
    }

    #[test]
    fn names_are_not_mixed() {
        for (body, mixed) in [
            ("ADMIN_ROLE_NUMBER_1", false),
            ("5f2c9a1be07d4c3880aa", false),
            ("aB3dE5fG7hJ9kL1m", true),
            ("550e8400-e29b-41d4-a716-446655440000", true),
        ] {
            assert_eq!(is_mixed(body.as_bytes()), mixed, "{body}");
        }
    }
}
