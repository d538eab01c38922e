//! Why a credential is refused, where the answer's code alone does not tell: by the server's own words, by the key's age, by what the profile asks of the path.

use super::failure::{Failure, FailureKind};
use crate::credential::KeyAge;
use crate::provider::Requirement;
use alloc::format;
use alloc::string::String;

/// A refused key, told apart. The server's words are taken where they say one thing only (`invalid, revoked or expired` says nothing); else an expired key is
/// surely why, and for a younger one it is a guess, and called one.
pub(crate) fn told_apart(failure: Failure, age: KeyAge) -> Failure {
    if failure.kind() != FailureKind::KeyRefused {
        return failure;
    }
    if let Some((kind, more)) = by_words(&failure) {
        return failure.restated(kind, more);
    }
    match age {
        KeyAge::Expired { ended } => failure.restated(FailureKind::KeyExpired, &format!("the key expired on {ended}")),
        KeyAge::Active { ends } | KeyAge::Expiring { ends, .. } => failure.restated(
            FailureKind::KeyRefused,
            &format!("by its age the key is good until {ends}, so it is probably unknown or revoked (a guess)"),
        ),
        KeyAge::Unlimited | KeyAge::Unknown => failure,
    }
}

/// The one thing that code and message of an answer say about the key.
fn by_words(failure: &Failure) -> Option<(FailureKind, &'static str)> {
    const WORDS: [(&[&str], FailureKind, &str); 4] = [
        (&["expired"], FailureKind::KeyExpired, "by the server's words it has expired"),
        (&["revoked", "deleted", "deactivated"], FailureKind::KeyRevoked, "by the server's words it was revoked"),
        (&["malformed", "badly formed"], FailureKind::CredentialMalformed, "by the server's words it did not arrive as it was issued"),
        (&["invalid", "unknown", "not found", "incorrect", "wrong"], FailureKind::KeyRefused, "by the server's words it does not know it"),
    ];
    // The code is the vendor's one word for several things, so the message goes before it.
    let said = failure.message().or(failure.code())?.to_ascii_lowercase();
    let mut named = WORDS.iter().filter(|(words, ..)| words.iter().any(|word| said.contains(word)));
    match (named.next(), named.next()) {
        (Some((_, kind, more)), None) if *kind != FailureKind::KeyRefused => Some((*kind, more)),
        _ => None,
    }
}

/// A 403 for a call of which the profile knows what it needs: said with that, and as what the vendor calls it where the answer itself does not say.
pub(crate) fn with_requirement(failure: Failure, requirement: &Requirement) -> Failure {
    let vague = matches!(failure.kind(), FailureKind::PermissionDenied | FailureKind::RequestRefused);
    let kind = if vague { requirement.means } else { failure.kind() };
    let needed = requirement.needs_one_of.join(" or ");
    let failure = failure.restated(kind, &format!("calls of this path need the permission {needed}"));
    if vague { failure.advised(String::from(&*requirement.advice)) } else { failure }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::time::UnixTime;
    use alloc::string::ToString;

    fn refused(message: &str) -> Failure {
        let refusal = Failure::new(FailureKind::KeyRefused, "finora does not accept the credential", "generate a new one");
        refusal.with_answer(401, Some("INVALID_API_KEY".into()), Some(message.into()), None)
    }

    #[test]
    fn the_servers_words_count_where_they_say_one_thing() {
        let young = KeyAge::Active { ends: UnixTime::from_secs(1_764_000_000) };
        let kind = |message: &str| told_apart(refused(message), young).kind();
        assert_eq!(kind("The API key has expired"), FailureKind::KeyExpired);
        assert_eq!(kind("This key was revoked on Monday"), FailureKind::KeyRevoked);
        assert_eq!(kind("key deleted"), FailureKind::KeyRevoked);
        assert_eq!(kind("Malformed API key"), FailureKind::CredentialMalformed);
        for said in ["Invalid or revoked API key", "The key is invalid, revoked or expired", "Unauthorized", "no such key"] {
            let told = told_apart(refused(said), young);
            assert_eq!(told.kind(), FailureKind::KeyRefused, "{said}");
            assert!(told.to_string().contains("(a guess)"), "{told}");
        }
    }

    #[test]
    fn an_expired_key_is_why_where_the_words_do_not_tell() {
        let told = told_apart(refused("Invalid or revoked API key"), KeyAge::Expired { ended: UnixTime::from_secs(1_764_000_000) });
        assert_eq!(told.kind(), FailureKind::KeyExpired);
        assert!(told.to_string().contains("expired on 2025-11-24"), "{told}");
    }

    #[test]
    fn another_kind_of_failure_is_left_alone() {
        let other = Failure::new(FailureKind::Suspended, "finora has suspended the account", "").with_answer(
            401,
            None,
            Some("expired".into()),
            None,
        );
        assert_eq!(told_apart(other.clone(), KeyAge::Unknown), other);
    }

    #[test]
    fn a_word_for_what_is_known_already_adds_nothing() {
        for said in ["The key is invalid", "unknown key", "key not found"] {
            assert_eq!(by_words(&refused(said)), None, "{said}");
        }
    }
}
