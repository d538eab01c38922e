//! What a profile may not say: fields that are each well formed and contradict each other.

use super::error::Fault;
use super::profile::{
    ClientAuth, FormatFacts, GrantKind, KeyFacts, Profile, RefreshFacts, Rotation, TokenErrorFacts, TokenErrorMeaning, TokenFacts,
    TokenRequestForm,
};
use crate::headers::{is_of_the_frame, is_token};
use crate::origin::Url;
use alloc::format;
use alloc::string::{String, ToString as _};
use toml::Spanned;

/// Refuses a profile whose fields contradict each other.
pub(super) fn contradictions(profile: &Profile) -> Result<(), Fault> {
    let name = profile.name.get_ref();
    if name.is_empty() || !name.bytes().all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-') {
        return refuse(&profile.name, "a name is made of a-z, 0-9 and '-'");
    }
    if profile.environment.is_empty() {
        return refuse(&profile.name, "no [[environment]] is given: a credential needs to know which hosts it may go to");
    }
    if profile.key.is_none() && profile.token.is_none() {
        return refuse(&profile.name, "neither [key] nor [token] is given: nothing says how this API is authenticated to");
    }
    environments(profile)?;
    if !is_token(profile.attach.header.get_ref()) {
        return refuse(&profile.attach.header, "not a header name (RFC 9110 section 5.1)");
    }
    if is_of_the_frame(profile.attach.header.get_ref()) {
        return refuse(&profile.attach.header, "this field frames a message or belongs to one connection (RFC 9110 section 7.6.1)");
    }
    let scheme = profile.attach.scheme.get_ref();
    if !scheme.is_empty() && !is_token(scheme) {
        return refuse(&profile.attach.scheme, "not an authentication scheme (RFC 9110 section 11.1); leave it empty for none");
    }
    if let Some(key) = &profile.key {
        keys(profile, key)?;
    }
    if let Some(token) = &profile.token {
        tokens(profile, token)?;
    }
    if let Some(check) = &profile.check
        && !check.path.get_ref().starts_with('/')
    {
        return refuse(&check.path, "a path starts with '/'");
    }
    for wait in &profile.wait {
        if wait.get_ref().header.is_some() == wait.get_ref().body.is_some() {
            return refuse(wait, "a wait stands either in a `header` or in the `body`");
        }
    }
    for meaning in &profile.error.meaning {
        if meaning.get_ref().status.is_none() && meaning.get_ref().code.is_none() {
            return refuse(meaning, "a meaning needs a `status`, a `code` or both");
        }
        if meaning.get_ref().processed.is_some() && meaning.get_ref().source.is_none() {
            return refuse(meaning, "`processed` needs a `source`: a wrong word there books twice");
        }
    }
    for requirement in &profile.requirement {
        let facts = requirement.get_ref();
        if facts.paths.is_empty() || facts.paths.iter().any(|path| !path.starts_with('/')) {
            return refuse(requirement, "a requirement needs `paths`, each starting with '/'");
        }
        if facts.needs_one_of.is_empty() {
            return refuse(requirement, "a requirement without any permission in `needs_one_of`: no credential could ever meet it");
        }
    }
    Ok(())
}

fn refuse<T>(value: &Spanned<T>, reason: impl Into<String>) -> Result<(), Fault> {
    Err(Fault::at(value, reason))
}

fn environments(profile: &Profile) -> Result<(), Fault> {
    for (index, environment) in profile.environment.iter().enumerate() {
        let facts = environment.get_ref();
        if profile.environment[..index].iter().any(|earlier| earlier.get_ref().name == facts.name) {
            return refuse(environment, format!("a second environment named {:?}", facts.name));
        }
        let endpoints = [&facts.token_url, &facts.issuer, &facts.authorization_url, &facts.device_authorization_url, &facts.revocation_url];
        for url in endpoints.into_iter().chain([&facts.base_url]).flatten() {
            let parsed = Url::parse(url.get_ref()).map_err(|error| Fault::at(url, error.to_string()))?;
            if !parsed.origin().is_secure() {
                return refuse(url, "https only: a credential would travel in the clear");
            }
        }
        match (&facts.token_url, &profile.token) {
            (Some(url), None) => return refuse(url, "a token_url without a [token] that says how to ask it"),
            (None, Some(_)) if facts.base_url.is_some() && facts.issuer.is_none() => {
                let reason = "a [token] is given, but this environment names neither token_url nor an issuer to discover it from";
                return refuse(environment, reason);
            }
            _ => {}
        }
        if let Some(issuer) = facts.issuer.as_ref().filter(|issuer| issuer.get_ref().contains(['?', '#'])) {
            return refuse(issuer, "an issuer has neither query nor fragment (RFC 8414 section 2)");
        }
    }
    Ok(())
}

fn keys(profile: &Profile, key: &Spanned<KeyFacts>) -> Result<(), Fault> {
    if key.get_ref().format.is_empty() {
        return refuse(key, "a [key] without a [[key.format]]: say at least prefix = \"\" and alphabet = \"visible\"");
    }
    formats(profile, &key.get_ref().format)
}

fn tokens(profile: &Profile, token: &Spanned<TokenFacts>) -> Result<(), Fault> {
    let facts = token.get_ref();
    if facts.grants.is_empty() {
        return refuse(token, "a [token] without any grant");
    }
    if facts.request == TokenRequestForm::Get && facts.client_auth != ClientAuth::ClientSecretBasic {
        let reason = format!("{} puts something into a form body, and request = \"get\" has no body", facts.client_auth.name());
        return refuse(token, reason);
    }
    if let Some(name) = facts.authorization_parameters.iter().map(|(name, _)| name).find(|name| RESERVED.contains(&name.as_str())) {
        let reason = format!("authorization_parameters may not set {name}: the machine does");
        return refuse(token, reason);
    }
    if facts.lifetime_seconds == Some(0) {
        return refuse(token, "lifetime_seconds = 0: no token would ever be valid; leave it out if it is not known");
    }
    if let Some(refresh) = &facts.refresh {
        refreshing(facts, refresh)?;
    }
    for (index, error) in facts.error.iter().enumerate() {
        token_error(facts, error, &facts.error[..index])?;
    }
    formats(profile, &facts.secret_format)
}

/// What the machine itself puts into an authorization request (RFC 6749 section 4.1.1, RFC 7636 section 4.3).
pub(crate) const RESERVED: [&str; 7] =
    ["response_type", "client_id", "redirect_uri", "scope", "state", "code_challenge", "code_challenge_method"];

fn refreshing(token: &TokenFacts, refresh: &Spanned<RefreshFacts>) -> Result<(), Fault> {
    let facts = refresh.get_ref();
    if !token.grants.contains(&GrantKind::RefreshToken) {
        return refuse(refresh, "rules for refresh tokens, but \"refresh_token\" is not among the grants");
    }
    if facts.rotation == Rotation::Never && facts.reuse_grace_seconds.is_some() {
        return refuse(refresh, "a reuse grace for refresh tokens that never change: every one may be used again");
    }
    if facts
        .earliest_seconds_before_end
        .is_some_and(|earliest| earliest < 2 || token.lifetime_seconds.is_none_or(|lifetime| lifetime < earliest))
    {
        return refuse(
            refresh,
            "`earliest_seconds_before_end` must be at least 2 and within `lifetime_seconds`: else no renewal would fit into it",
        );
    }
    if facts.resend_in_doubt == Some(false) && facts.source.is_none() {
        return refuse(
            refresh,
            "`resend_in_doubt = false` ends connections that could live, so it needs a `source`: the vendor's page that forbids it",
        );
    }
    if facts.idle_lifetime_days == Some(0) || facts.total_lifetime_days == Some(0) {
        return refuse(refresh, "a lifetime of 0 days: leave it out if it is not known");
    }
    Ok(())
}

/// The longest `come_back_seconds`: a day, because no longer moment is kept in full.
const LONGEST_COME_BACK: u64 = 86_400;

fn token_error(token: &TokenFacts, error: &Spanned<TokenErrorFacts>, earlier: &[Spanned<TokenErrorFacts>]) -> Result<(), Fault> {
    use TokenErrorMeaning::{ClientRefused, ConsentRequired, TooEarly};
    let facts = error.get_ref();
    let texts = [&facts.code, &facts.text];
    if facts.status.is_none() && texts.iter().all(|text| text.is_none()) {
        return refuse(error, "a [[token.error]] needs a `status`, a `code` or a `text`: else it would be about every answer");
    }
    if texts.into_iter().flatten().any(|text| text.trim().is_empty()) {
        return refuse(error, "an empty `code` or `text`: leave it out");
    }
    if facts.status.is_some_and(|status| !matches!(status, 200..300 | 400..600)) {
        return refuse(error, "no answer with that `status` is read: it is from 200 to 299 or from 400 to 599");
    }
    let by_person = [GrantKind::RefreshToken, GrantKind::AuthorizationCode, GrantKind::DeviceCode];
    if facts.means == ConsentRequired && !by_person.iter().any(|grant| token.grants.contains(grant)) {
        return refuse(error, "means = \"consent_required\", but none of the grants is one that a person consents to");
    }
    match (facts.means, facts.come_back_seconds) {
        (TooEarly, None) => {
            return refuse(error, "means = \"too_early\" needs `come_back_seconds`: else nobody knows when it is no longer");
        }
        (ConsentRequired | ClientRefused, Some(_)) => return refuse(error, "`come_back_seconds`, but by its meaning no waiting helps"),
        (_, Some(seconds)) if seconds == 0 || seconds > LONGEST_COME_BACK => {
            return refuse(error, format!("`come_back_seconds` is from 1 to {LONGEST_COME_BACK}, a day"));
        }
        _ => {}
    }
    // Whatever fits this table fits an earlier one, which counts.
    let lower = |text: &Option<String>| text.as_ref().map(|text| text.to_lowercase());
    let covers = |other: &TokenErrorFacts| {
        other.status.is_none_or(|status| facts.status == Some(status))
            && lower(&other.code).is_none_or(|code| lower(&facts.code) == Some(code))
            && lower(&other.text).is_none_or(|text| lower(&facts.text).is_some_and(|own| own.contains(&text)))
    };
    if earlier.iter().any(|other| covers(other.get_ref())) {
        return refuse(
            error,
            "an earlier [[token.error]] is about the same answers and more, and counts: put this one before it, or leave it out",
        );
    }
    Ok(())
}

fn formats(profile: &Profile, formats: &[Spanned<FormatFacts>]) -> Result<(), Fault> {
    for (index, format) in formats.iter().enumerate() {
        let facts = format.get_ref();
        if let Some(named) = &facts.environment
            && !profile.environment.iter().any(|environment| environment.get_ref().name == **named.get_ref())
        {
            let reason = format!("the environment {:?} is not among the [[environment]] tables", named.get_ref());
            return refuse(named, reason);
        }
        if facts.length.is_some() && facts.min_length.is_some() {
            return refuse(format, "`length` and `min_length` together: one says exactly, the other at least");
        }
        if facts.length == Some(0) || (facts.prefix.is_empty() && facts.length.or(facts.min_length).is_none()) {
            return refuse(format, "nothing of the key is left to check: give a prefix, a `length` or a `min_length` of at least 1");
        }
        if formats[..index].iter().any(|earlier| earlier.get_ref().prefix == facts.prefix) {
            return refuse(format, format!("a second format with the prefix {:?}", facts.prefix));
        }
    }
    Ok(())
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
        assert!(reason.contains("a whole number is expected"), "{reason}");
    }

    #[test]
    fn what_a_token_endpoint_says_has_one_meaning() {
        const TOKEN: &str = "name = \"own\"\ntitle = \"Own\"\n\n[[environment]]\nname = \"production\"\nbase_url = \"https://api.own.example\"\ntoken_url = \"https://api.own.example/token\"\n\n[token]\ngrants = [\"refresh_token\"]\nrequest = \"form\"\nclient_auth = \"client_secret_post\"\n";
        let of = |tables: &[&str]| {
            let tables = tables.join("\n[[token.error]]\n");
            Provider::from_toml(&alloc::format!("{TOKEN}[[token.error]]\n{tables}\n")).map_err(|error| error.to_string())
        };
        let good = [
            "status = 400\ncode = \"a\"\ntext = \"Old Token\"\nmeans = \"consent_required\"",
            "code = \"a\"\nmeans = \"client_refused\"",
            "text = \"b\"\nmeans = \"too_early\"\ncome_back_seconds = 570",
            "status = 430\nmeans = \"rate_limited\"",
        ];
        assert!(of(&good).is_ok());
        for (tables, told) in [
            (&["means = \"server_error\""][..], "needs a `status`, a `code` or a `text`"),
            (&["code = \" \"\nmeans = \"server_error\""], "an empty `code` or `text`"),
            (&["status = 302\nmeans = \"server_error\""], "no answer with that `status` is read"),
            (&["code = \"a\"\nmeans = \"gone\""], "unknown word \"gone\", expected one of `consent_required`, `too_early`"),
            (&["code = \"a\"\nmean = \"server_error\""], "unknown field `mean`"),
            (&["code = \"a\"\nmeans = \"too_early\""], "needs `come_back_seconds`"),
            (&["code = \"a\"\nmeans = \"consent_required\"\ncome_back_seconds = 5"], "no waiting helps"),
            (&["code = \"a\"\nmeans = \"rate_limited\"\ncome_back_seconds = 0"], "from 1 to 86400"),
            (&["code = \"a\"\nmeans = \"rate_limited\"\ncome_back_seconds = 86401"], "from 1 to 86400"),
            (&[good[1], good[1]], "an earlier [[token.error]]"),
            (&[good[1], good[0]], "an earlier [[token.error]]"),
            (&["text = \"old\"\nmeans = \"server_error\"", good[0]], "an earlier [[token.error]]"),
        ] {
            let error = of(tables).unwrap_err();
            assert!(error.contains(told), "{tables:?}: {error}");
        }
        let clients =
            TOKEN.replace("refresh_token", "client_credentials") + "[[token.error]]\ncode = \"a\"\nmeans = \"consent_required\"\n";
        assert!(Provider::from_toml(&clients).unwrap_err().to_string().contains("none of the grants"));
    }

    #[test]
    fn contradictions_are_refused_with_line_and_reason() {
        for (from, to, line, words) in [
            ("https://api", "http://api", 6, "https only"),
            ("[key]\n", "[attach]\nheader = \"Transfer-Encoding\"\nscheme = \"\"\n[key]\n", 9, "frames a message"),
            ("length = 8", "length = 8\nmin_length = 4", 9, "together"),
            ("length = 8", "length = 8\nenvironment = \"moon\"", 13, "moon"),
            ("name = \"own\"", "name = \"Own One\"", 1, "a name is made of"),
            (
                "[key]\n",
                "[[requirement]]\npaths = [\"x\"]\nneeds_one_of = [\"x\"]\nmeans = \"missing_scope\"\nadvice = \"a\"\n[key]\n",
                8,
                "starting with",
            ),
            (
                "[key]\n",
                "[[requirement]]\npaths = [\"/\"]\nneeds_one_of = []\nmeans = \"missing_scope\"\nadvice = \"a\"\n[key]\n",
                8,
                "no credential",
            ),
            (
                "[key]\n",
                "[token]\ngrants = [\"client_credentials\"]\nrequest = \"get\"\nclient_auth = \"client_secret_post\"\n[key]\n",
                4,
                "neither token_url",
            ),
        ] {
            let changed = GOOD.replacen(from, to, 1);
            let error = Provider::from_toml(&changed).unwrap_err();
            assert_eq!(error.line(), Some(line), "{error}");
            assert!(error.reason().contains(words), "{error}");
        }
    }
}
