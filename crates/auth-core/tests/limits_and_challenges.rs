//! What answers say of challenges, waits, limits and failures: the shared vectors, and what no vector can foresee.

mod support;

use auth_core::{
    ApiKey, Call, Challenge, Connection, Credential, Exchange, Failure, Outcome, Provider, Response, Session, Step, UnixTime, challenges,
    limits, wait_until,
};
use proptest::prelude::*;
use serde_json::{Value, json};
use std::sync::Arc;
use std::time::{Duration, Instant};
use support::START;
use support::vectors::{headers, text, vectors};

/// A profile that says nothing of errors and limits.
const OWN: &str = "name = \"own\"\ntitle = \"Own\"\n[[environment]]\nname = \"production\"\nbase_url = \"https://api.own.example\"\n[key]\n[[key.format]]\nprefix = \"own_\"\nalphabet = \"hex\"\nlength = 8\n";

fn own(more: &str) -> Provider {
    Provider::from_toml(&format!("{OWN}{more}")).unwrap()
}

/// What becomes of a POST that is answered so, however often it is sent.
fn failure(provider: Provider, response: &Response<'_>) -> Option<Failure> {
    let key = match provider.name() {
        "finora" => format!("live_sk_{}", "1".repeat(48)),
        "numora" => "sk_live_0123456789abcdef".into(),
        _ => "own_01234567".into(),
    };
    let credential = Credential::Keys(vec![ApiKey::parse(&provider, key).unwrap()]);
    let mut builder = Connection::builder(provider).environment("production");
    if builder.provider().name() == "numora" {
        builder = builder.base_url("https://acme.numora.test");
    }
    let connection = Arc::new(builder.build(&credential).unwrap());
    let call = Call::new(&connection, "POST", "/v1/x").unwrap();
    let (mut session, mut exchange, mut now) = (Session::new(connection, credential, false), Exchange::new(call, 1), START);
    loop {
        match exchange.poll(&mut session, now) {
            Step::Send(_) => exchange.handle_response(&mut session, now, response),
            Step::Load => exchange.handle_loaded(&mut session, now, None),
            Step::Look => exchange.handle_looked(&mut session, now, None),
            Step::Pause(_) => {}
            Step::Wait(until) => now = until,
            Step::Done(Outcome::Answered(failure)) => return failure,
            other => panic!("{other:?}"),
        }
    }
}

fn shown(challenge: &Challenge) -> Value {
    let parameters: Vec<[&str; 2]> = challenge.parameters().map(|(name, value)| [name, value]).collect();
    let mut shown = json!({"scheme": challenge.scheme(), "parameters": parameters});
    if let Some(token) = challenge.token68() {
        shown["token68"] = token.into();
    }
    shown
}

#[test]
fn challenges_are_read() {
    for vector in &vectors("challenges", 45) {
        let name = text(vector, "name");
        let fields: Vec<(&str, &str)> =
            vector["fields"].as_array().unwrap().iter().map(|value| ("WWW-Authenticate", value.as_str().unwrap())).collect();
        let read = challenges(&fields.as_slice());
        let shown: Vec<Value> = read.iter().map(shown).collect();
        assert_eq!(Value::from(shown), vector["challenges"], "{name}");
        for (what, wanted) in vector["read"].as_object().into_iter().flatten() {
            let first = &read[0];
            let value = match what.as_str() {
                "realm" => json!(first.realm()),
                "scope" => json!(first.scope()),
                "error" => json!(first.error()),
                "error_description" => json!(first.error_description()),
                "error_uri" => json!(first.error_uri()),
                "acr_values" => json!(first.acr_values()),
                "max_age" => json!(first.max_age().map(|age| age.as_secs())),
                "claims" => json!(first.claims()),
                "resource_metadata" => json!(first.resource_metadata()),
                other => panic!("{other}"),
            };
            assert_eq!(&value, wanted, "{name}: {what}");
        }
    }
}

#[test]
fn waits_are_read() {
    for vector in &vectors("dates", 25) {
        let mut headers = vec![("Retry-After", text(vector, "value"))];
        headers.extend(vector["date"].as_str().map(|date| ("Date", date)));
        let at = wait_until(&own(""), &Response { status: 429, headers: &headers.as_slice(), body: b"" }, START);
        assert_eq!(at.map(since_start), vector["in_ms"].as_u64(), "{}", vector["name"]);
    }
}

fn since_start(at: UnixTime) -> u64 {
    at.as_millis() - START.as_millis()
}

#[test]
fn limits_are_read() {
    for vector in &vectors("limits", 50) {
        let name = text(vector, "name");
        let headers = headers(vector);
        let shown: Vec<Value> = limits(&headers.as_slice(), START)
            .into_iter()
            .map(|limit| {
                let mut shown = json!({
                    "name": limit.name,
                    "window_s": limit.window.map(|window| window.as_secs()),
                    "quota": limit.quota,
                    "remaining": limit.remaining,
                    "resets_in_ms": limit.resets_at.map(since_start),
                });
                shown.as_object_mut().unwrap().retain(|_, value| !value.is_null());
                shown
            })
            .collect();
        assert_eq!(Value::from(shown), vector["limits"], "{name}");
        let provider = own(vector["profile"].as_str().unwrap_or_default());
        let status = u16::try_from(vector["status"].as_u64().unwrap()).unwrap();
        let response = Response { status, headers: &headers.as_slice(), body: vector["body"].as_str().unwrap_or_default().as_bytes() };
        assert_eq!(wait_until(&provider, &response, START).map(since_start), vector["wait_ms"].as_u64(), "{name}");
        let failure = failure(provider, &response);
        assert_eq!(failure.as_ref().and_then(Failure::limit), vector["text"].as_str(), "{name}");
        if let Some(failure) = failure.filter(|failure| failure.limit().is_some()) {
            assert!(failure.to_string().contains("the limit is"), "{failure}");
        }
    }
}

#[test]
fn failures_are_understood() {
    for vector in &vectors("failures", 40) {
        let name = text(vector, "name");
        let provider = match text(vector, "provider") {
            "own" => own(vector["profile"].as_str().unwrap_or_default()),
            shipped => Provider::builtin(shipped).unwrap(),
        };
        let headers = headers(vector);
        let body = text(vector, "body").repeat(vector["repeat"].as_u64().map_or(1, |n| usize::try_from(n).unwrap()));
        let status = u16::try_from(vector["status"].as_u64().unwrap()).unwrap();
        let failure = failure(provider, &Response { status, headers: &headers.as_slice(), body: body.as_bytes() }).expect(name);
        assert_eq!(failure.kind().name(), text(vector, "kind"), "{name}: {failure}");
        assert_eq!(failure.status(), Some(status), "{name}");
        assert_eq!(failure.code(), vector["code"].as_str(), "{name}: {failure}");
        assert_eq!(failure.message(), vector["message"].as_str(), "{name}: {failure}");
        assert_eq!(failure.server_request_id(), vector["request_id"].as_str(), "{name}");
        assert_eq!(failure.processed().name(), text(vector, "processed"), "{name}: {failure}");
        assert_eq!(Some(failure.is_retryable()), vector["retryable"].as_bool(), "{name}: {failure}");
    }
}

#[test]
fn what_is_demanded_is_named_in_the_advice() {
    for (status, header, words) in [
        (403, r#"Bearer error="insufficient_scope", scope="reports.read""#, &["reports.read", "scope"][..]),
        (401, r#"Bearer error="insufficient_user_authentication", acr_values="gold", max_age="300""#, &["gold", "300 s", "acr_values"]),
        (401, r#"Bearer error="insufficient_claims", claims="eyJhY2Nlc3NfdG9rZW4iOnt9fQ==""#, &[r#"{"access_token":{}}"#]),
    ] {
        let failure = failure(own(""), &Response { status, headers: &&[("www-authenticate", header)][..], body: b"" }).unwrap();
        assert!(!failure.is_retryable(), "{failure}");
        for word in words {
            assert!(failure.advice().contains(word), "{word}: {failure}");
        }
    }
}

#[test]
fn a_key_that_a_server_echoes_is_not_shown() {
    let key = "own_01234567";
    for name in ["scope", "error_description", "acr_values", "error", "claims"] {
        for error in ["insufficient_scope", "insufficient_user_authentication", "invalid_token"] {
            let header = format!(r#"Bearer {name}="{{\"x\":\"{key}\"}}", error="{error}""#);
            for status in [401, 403] {
                let headers = [("www-authenticate", header.as_str())];
                let failure = failure(own(""), &Response { status, headers: &&headers[..], body: b"" }).unwrap();
                assert!(!format!("{failure} {failure:?} {:?}", challenges(&&headers[..])).contains(key), "{failure:?}");
            }
        }
    }
    let headers = [("x-rate-limit-problem", key), ("ratelimit", "\"own_01234567\";r=0;t=1")];
    for headers in [&headers[..1], &headers[1..]] {
        let failure = failure(own(""), &Response { status: 429, headers: &headers, body: b"" }).unwrap();
        assert!(failure.limit().is_some() && !format!("{failure} {failure:?}").contains(key), "{failure:?}");
    }
}

/// Every header that is read, with the same value.
fn everywhere(value: &[u8]) -> Vec<(&'static str, &[u8])> {
    let names = [
        "www-authenticate",
        "retry-after",
        "date",
        "ratelimit",
        "ratelimit-policy",
        "ratelimit-limit",
        "ratelimit-reset",
        "x-ratelimit-limit",
        "x-ratelimit-remaining",
        "x-ratelimit-reset",
        "x-rate-limit-problem",
        "x-request-id",
    ];
    names.into_iter().map(|name| (name, value)).collect()
}

fn read_everything(value: &[u8]) {
    let headers = everywhere(value);
    let headers = headers.as_slice();
    for challenge in challenges(&headers) {
        let _ = (challenge.claims(), challenge.max_age(), format!("{challenge:?}"));
    }
    for limit in limits(&headers, START) {
        let _ = limit.to_string();
    }
    for status in [401, 403, 429, 503] {
        let response = Response { status, headers: &headers, body: value };
        let _ = wait_until(&own(""), &response, UnixTime::NEVER);
        let _ = failure(own(""), &response);
    }
}

#[test]
fn a_hundred_kilobytes_of_anything_take_no_time() {
    let start = Instant::now();
    for piece in [
        "a",
        "1",
        "9,",
        ",",
        "\"",
        "\\",
        "=",
        "a=",
        "a =",
        "a ",
        "a b=",
        "(\"",
        "@\" ",
        "a=\"b\" ",
        "a;b",
        "\"a\";r=0;t=1,",
        ":",
        ";",
        "<a ",
        "<a><![CDATA[",
        "<a b='",
        "[",
        "{\"error\":",
        "{\"error\":{\"a\":1},",
        "é",
        "\u{0}",
        "-",
        "1e",
        "a  ",
        "&lt;",
    ] {
        read_everything(piece.repeat(100_000 / piece.len()).as_bytes());
    }
    // A second each would still be linear; what is quadratic takes minutes.
    assert!(start.elapsed() < Duration::from_secs(30), "{:?}", start.elapsed());
}

/// A token of RFC 9110 that is no scheme or name of another test.
fn token() -> impl Strategy<Value = String> {
    "[A-Za-z!#$%&'*+.^_`|~-][A-Za-z0-9!#$%&'*+.^_`|~-]{0,8}"
}

/// A challenge, and how it may be written.
fn challenge() -> impl Strategy<Value = (Value, String)> {
    let spaces = || "[ \t]{0,2}";
    let value = prop_oneof![
        token().prop_map(|token| (token.clone(), token)),
        (".{0,12}", any::<u64>()).prop_map(|(value, escapes)| {
            let mut quoted = String::from("\"");
            for (index, char) in value.chars().enumerate() {
                if matches!(char, '"' | '\\') || (escapes >> (index % 64)).trailing_zeros() >= 3 {
                    quoted.push('\\');
                }
                quoted.push(char);
            }
            (value, quoted + "\"")
        }),
    ];
    let parameter = (token(), value, spaces(), spaces()).prop_map(|(name, (value, written), before, after)| {
        (json!([name.to_ascii_lowercase(), value]), format!("{name}{before}={after}{written}"))
    });
    let separator = "[ \t]{0,2},[ \t]{0,2}(,[ \t]){0,2}";
    let parameters = prop::collection::vec((parameter, separator), 0..5).prop_map(|parameters| {
        let mut written = String::new();
        for (index, ((_, parameter), separator)) in parameters.iter().enumerate() {
            written += if index == 0 { " " } else { separator };
            written += parameter;
        }
        let values: Vec<Value> = parameters.into_iter().map(|((value, _), _)| value).collect();
        (json!({"parameters": values}), written)
    });
    let token68 = "[A-Za-z0-9._~+/-]{1,12}={0,2}"
        .prop_filter("an empty realm", |token| !token.eq_ignore_ascii_case("realm="))
        .prop_map(|token| (json!({"parameters": [], "token68": token}), format!(" {token}")));
    (token(), prop_oneof![4 => parameters, 1 => token68]).prop_map(|(scheme, (mut value, written))| {
        value["scheme"] = scheme.clone().into();
        (value, scheme + &written)
    })
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 512, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_bytes_are_survived(bytes in prop::collection::vec(any::<u8>(), 0..300)) {
        read_everything(&bytes);
    }

    #[test]
    fn any_likely_bytes_are_survived(text in r#"([ ,;="\\<>:/{}\[\]@?*é\t-]|Bearer|realm|error|claims|q=1|w=|r=0|"a"|1764000000|<Error|code|1e9){0,60}"#) {
        read_everything(text.as_bytes());
    }

    #[test]
    fn challenges_written_in_any_legal_way_are_read_back(list in prop::collection::vec((challenge(), any::<bool>()), 0..6)) {
        let mut fields: Vec<(&str, String)> = Vec::new();
        for (index, ((_, written), own_field)) in list.iter().enumerate() {
            match fields.last_mut() {
                Some((_, field)) if !own_field => field.extend([" , ", written.as_str()]),
                _ => fields.push(("www-authenticate", format!("{}{written}", ",".repeat(index % 2)))),
            }
        }
        let read: Vec<Value> = challenges(&fields.as_slice()).iter().map(shown).collect();
        let wanted: Vec<Value> = list.into_iter().map(|((value, _), _)| value).collect();
        prop_assert_eq!(read, wanted, "{:?}", fields);
    }

    #[test]
    fn no_reset_lies_more_than_a_year_ahead(value in "[0-9]{1,40}(\\.[0-9]{1,5})?", policy in "\"a\";r=0;t=[0-9]{1,25}") {
        let headers = [("x-ratelimit-reset", value.as_str()), ("ratelimit", policy.as_str()), ("retry-after", value.as_str())];
        let year = START.after(Duration::from_hours(366 * 24));
        prop_assert!(limits(&&headers[..], START).iter().all(|limit| limit.resets_at.is_none_or(|at| at >= START && at <= year)));
        let at = wait_until(&own(""), &Response { status: 429, headers: &&headers[..], body: b"" }, START);
        prop_assert!(at.is_some_and(|at| at >= START && at <= year));
    }
}
