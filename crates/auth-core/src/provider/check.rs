//! What a profile may not say: fields that are each well formed and contradict each other.

use super::error::ProfileError;
use super::profile::{ClientAuth, FormatFacts, KeyFacts, Profile, TokenFacts, TokenRequestForm};
use crate::origin::Url;
use alloc::format;
use core::ops::Range;
use toml::Spanned;

/// Refuses a profile whose fields contradict each other.
pub(super) fn contradictions(text: &str, profile: &Profile) -> Result<(), ProfileError> {
    let refuse = |span: Range<usize>, reason: &str| Err(ProfileError::at(text, &span, reason));
    let name = profile.name.get_ref();
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return refuse(profile.name.span(), "a name is made of a-z, 0-9 and '-'");
    }
    if profile.environment.is_empty() {
        return refuse(profile.name.span(), "no [[environment]] is given: a credential needs to know which hosts it may go to");
    }
    if profile.key.is_none() && profile.token.is_none() {
        return refuse(profile.name.span(), "neither [key] nor [token] is given: nothing says how this API is authenticated to");
    }
    environments(text, profile)?;
    if !is_token(profile.attach.header.get_ref()) {
        return refuse(profile.attach.header.span(), "not a header name (RFC 9110 section 5.1)");
    }
    let scheme = profile.attach.scheme.get_ref();
    if !scheme.is_empty() && !is_token(scheme) {
        return refuse(profile.attach.scheme.span(), "not an authentication scheme (RFC 9110 section 11.1); leave it empty for none");
    }
    if let Some(key) = &profile.key {
        keys(text, profile, key)?;
    }
    if let Some(token) = &profile.token {
        tokens(text, profile, token)?;
    }
    if let Some(check) = &profile.check
        && !check.path.get_ref().starts_with('/')
    {
        return refuse(check.path.span(), "a path starts with '/'");
    }
    for wait in &profile.wait {
        if wait.get_ref().header.is_some() == wait.get_ref().body.is_some() {
            return refuse(wait.span(), "a wait stands either in a `header` or in the `body`");
        }
    }
    for meaning in &profile.error.meaning {
        if meaning.get_ref().status.is_none() && meaning.get_ref().code.is_none() {
            return refuse(meaning.span(), "a meaning needs a `status`, a `code` or both");
        }
    }
    Ok(())
}

fn environments(text: &str, profile: &Profile) -> Result<(), ProfileError> {
    for (index, environment) in profile.environment.iter().enumerate() {
        let facts = environment.get_ref();
        if profile.environment[..index].iter().any(|earlier| earlier.get_ref().name == facts.name) {
            return Err(ProfileError::at(text, &environment.span(), &format!("a second environment named {:?}", facts.name)));
        }
        for url in facts.base_url.iter().chain(&facts.token_url) {
            let parsed = Url::parse(url.get_ref()).map_err(|error| ProfileError::at(text, &url.span(), &error))?;
            if !parsed.origin().is_secure() {
                return Err(ProfileError::at(text, &url.span(), "https only: a credential would travel in the clear"));
            }
        }
        match (&facts.token_url, &profile.token) {
            (Some(url), None) => return Err(ProfileError::at(text, &url.span(), "a token_url without a [token] that says how to ask it")),
            (None, Some(_)) if facts.base_url.is_some() => {
                return Err(ProfileError::at(text, &environment.span(), "a [token] is given, but this environment names no token_url"));
            }
            _ => {}
        }
    }
    Ok(())
}

fn keys(text: &str, profile: &Profile, key: &Spanned<KeyFacts>) -> Result<(), ProfileError> {
    if key.get_ref().format.is_empty() {
        return Err(ProfileError::at(
            text,
            &key.span(),
            "a [key] without a [[key.format]]: say at least prefix = \"\" and alphabet = \"visible\"",
        ));
    }
    formats(text, profile, &key.get_ref().format)
}

fn tokens(text: &str, profile: &Profile, token: &Spanned<TokenFacts>) -> Result<(), ProfileError> {
    let facts = token.get_ref();
    if facts.grants.is_empty() {
        return Err(ProfileError::at(text, &token.span(), "a [token] without any grant"));
    }
    if facts.request == TokenRequestForm::Get && facts.client_auth == ClientAuth::ClientSecretPost {
        return Err(ProfileError::at(
            text,
            &token.span(),
            "client_secret_post puts the secret into a form body, and request = \"get\" has no body",
        ));
    }
    if facts.lifetime_seconds == Some(0) {
        return Err(ProfileError::at(
            text,
            &token.span(),
            "lifetime_seconds = 0: no token would ever be valid; leave it out if it is not known",
        ));
    }
    formats(text, profile, &facts.secret_format)
}

fn formats(text: &str, profile: &Profile, formats: &[Spanned<FormatFacts>]) -> Result<(), ProfileError> {
    for (index, format) in formats.iter().enumerate() {
        let facts = format.get_ref();
        let refuse = |reason: &str| Err(ProfileError::at(text, &format.span(), reason));
        if let Some(named) = &facts.environment
            && !profile.environment.iter().any(|environment| environment.get_ref().name == **named.get_ref())
        {
            let reason = format!("the environment {:?} is not among the [[environment]] tables", named.get_ref());
            return Err(ProfileError::at(text, &named.span(), &reason));
        }
        if facts.length.is_some() && facts.min_length.is_some() {
            return refuse("`length` and `min_length` together: one says exactly, the other at least");
        }
        if facts.length == Some(0) || (facts.prefix.is_empty() && facts.length.or(facts.min_length).is_none()) {
            return refuse("nothing of the key is left to check: give a prefix, a `length` or a `min_length` of at least 1");
        }
        if formats[..index].iter().any(|earlier| earlier.get_ref().prefix == facts.prefix) {
            return refuse(&format!("a second format with the prefix {:?}", facts.prefix));
        }
    }
    Ok(())
}

/// RFC 9110 section 5.6.2.
pub(crate) fn is_token(text: &str) -> bool {
    !text.is_empty() && text.bytes().all(|b| b.is_ascii_alphanumeric() || b"!#$%&'*+-.^_`|~".contains(&b))
}

#[cfg(test)]
mod tests {
    use crate::Provider;
    use alloc::string::{String, ToString};

    const GOOD: &str = "name = \"own\"\ntitle = \"Own\"\n\n[[environment]]\nname = \"production\"\nbase_url = \"https://api.own.example\"\n\n[key]\n[[key.format]]\nprefix = \"own_\"\nalphabet = \"hex\"\nlength = 8\n";

    fn refusal(change: impl Fn(&str) -> String) -> (Option<usize>, Option<String>, String) {
        let error = Provider::from_toml(&change(GOOD)).unwrap_err();
        (error.line(), error.field().map(ToString::to_string), error.reason().to_string())
    }

    #[test]
    fn a_profile_of_ones_own_is_read() {
        let provider = Provider::from_toml(GOOD).unwrap();
        assert_eq!((provider.name(), provider.title()), ("own", "Own"));
    }

    #[test]
    fn an_unknown_field_is_refused_with_its_line() {
        let (line, field, reason) = refusal(|good| good.replace("length = 8", "lenght = 8"));
        assert_eq!((line, field.as_deref()), (Some(12), Some("lenght")));
        assert!(reason.contains("unknown field") && reason.contains("min_length"), "{reason}");
    }

    #[test]
    fn a_wrong_type_is_refused_with_its_line() {
        let (line, field, reason) = refusal(|good| good.replace("length = 8", "length = \"8\""));
        assert_eq!((line, field.as_deref()), (Some(12), Some("length")));
        assert!(reason.contains("expected usize"), "{reason}");
    }

    #[test]
    fn contradictions_are_refused_with_line_and_reason() {
        for (from, to, line, words) in [
            ("https://api", "http://api", 6, "https only"),
            ("length = 8", "length = 8\nmin_length = 4", 9, "together"),
            ("length = 8", "length = 8\nenvironment = \"moon\"", 13, "moon"),
            ("name = \"own\"", "name = \"Own One\"", 1, "a name is made of"),
            (
                "[key]\n",
                "[token]\ngrants = [\"client_credentials\"]\nrequest = \"get\"\nclient_auth = \"client_secret_post\"\n[key]\n",
                4,
                "no token_url",
            ),
        ] {
            let changed = GOOD.replacen(from, to, 1);
            let error = Provider::from_toml(&changed).unwrap_err();
            assert_eq!(error.line(), Some(line), "{error}");
            assert!(error.reason().contains(words), "{error}");
        }
    }
}
