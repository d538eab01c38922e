//! What the redactor takes out and what it leaves: the vectors that all languages share, and properties.

mod support;

use auth_core::{MAX_LINE, Provider, RedactStream, Redactor, Secret};
use proptest::prelude::*;
use serde_json::Value;
use std::borrow::Cow;
use std::sync::LazyLock;

static REDACTOR: LazyLock<Redactor> = LazyLock::new(Redactor::new);

fn texts(vector: &Value, name: &str) -> Vec<String> {
    vector[name].as_array().into_iter().flatten().map(|text| text.as_str().unwrap().to_owned()).collect()
}

/// The text through a stream, cut after each of the lengths in turn.
fn streamed(redactor: &Redactor, text: &[u8], lengths: &[usize]) -> Vec<u8> {
    let (mut stream, mut out, mut rest) = (redactor.stream(), Vec::new(), text);
    for length in lengths.iter().cycle() {
        if rest.is_empty() {
            break;
        }
        let (piece, after) = rest.split_at((*length).clamp(1, rest.len()));
        stream.push(piece, &mut out);
        rest = after;
    }
    stream.finish(&mut out);
    out
}

#[test]
fn vectors() {
    let mut wrong = Vec::new();
    for vector in &support::vectors::vectors("redaction", 120) {
        let [name, given, wanted] = ["name", "in", "out"].map(|field| vector[field].as_str().unwrap());
        assert!(!name.starts_with("left: ") || given == wanted, "{name}");
        let mut redactor = REDACTOR.clone();
        for header in texts(vector, "headers") {
            redactor = redactor.with_header(&header);
        }
        for secret in texts(vector, "secrets") {
            redactor = redactor.with_secret(&Secret::new(secret));
        }
        let result = redactor.redact(given);
        if result != wanted {
            wrong.push(format!("{name}\n     in: {given}\n    out: {result}\n wanted: {wanted}"));
            continue;
        }
        assert_eq!(matches!(result, Cow::Borrowed(_)), given == wanted, "{name}");
        assert_eq!(redactor.redact(wanted), wanted, "{name}: redacted twice");
        for length in 1..=given.len().min(9) {
            assert_eq!(streamed(&redactor, given.as_bytes(), &[length]), wanted.as_bytes(), "{name} in pieces of {length}");
        }
    }
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}

#[test]
fn debug_shows_no_secret_and_everything_crosses_threads() {
    fn crosses<T: Send + Sync>(_: &T) {}
    let redactor = Redactor::new().with_secret(&Secret::new("hunter2hunter2")).with_header("X-Mine");
    let mut stream = redactor.stream();
    stream.push(b"hunter2hunter2", &mut Vec::new());
    crosses(&redactor);
    crosses::<RedactStream>(&stream);
    assert!(!format!("{redactor:?} {stream:?}").contains("hunter2"));
}

#[test]
fn a_provider_of_ones_own_brings_its_keys() {
    let text = Provider::builtin_text("finora").unwrap().replace("live_sk_", "acme_prod_").replace("Authorization", "X-Acme-Pass");
    let redactor = Redactor::new().with_provider(&Provider::from_toml(&text).unwrap());
    assert_eq!(redactor.redact("acme_prod_0123456789abcdef01 x"), "acme_prod_[redacted] x");
    assert_eq!(redactor.redact("x-acme-pass: abc"), "x-acme-pass: [redacted]");
}

#[test]
fn a_known_secret_is_found_where_an_opening_begins_too() {
    let redactor = REDACTOR.clone().with_secret(&Secret::new("!0k://"));
    assert_eq!(redactor.redact("x !0k:// y"), "x [redacted] y");
    let redactor = REDACTOR.clone().with_secret(&Secret::new("0AAaAs"));
    assert_eq!(redactor.redact("X-API-Key0AAaAsaccess_token:!"), "X-API-Key[redacted]access_token:[redacted]");
}

#[test]
fn hundreds_of_known_secrets_are_all_taken_out() {
    let secrets: Vec<Secret> = (0..500).map(|n| Secret::new(format!("plain-{n}-{}", n * 7919))).collect();
    let redactor = Redactor::new().with_secrets(&secrets);
    for secret in &secrets {
        assert_eq!(redactor.redact(&format!("<{}>", secret.expose())), "<[redacted]>");
    }
}

#[test]
fn lines_beyond_the_bound_let_no_secret_through() {
    let filler = |length: usize| "lorem ipsum, dolor ".repeat(length / 19 + 1);
    for before in [MAX_LINE - 9000, MAX_LINE - 8200, MAX_LINE - 100, MAX_LINE, 3 * MAX_LINE + 7] {
        for length in [30, 3000, 9000, 200_000] {
            let secret = "S3cr3t".repeat(length / 6);
            for (open, close) in [
                ("\"access_token\":\"", "\""),
                ("Authorization: Bearer ", " "),
                ("x-api-key: ", " "),
                ("&password=", "&"),
                ("s://u:", "@h "),
            ] {
                let text = format!("{}{open}{secret}{close}{}\nnext line", filler(before), filler(before));
                for piece in [977, 1 << 20] {
                    let out = String::from_utf8(streamed(&REDACTOR, text.as_bytes(), &[piece])).unwrap();
                    assert!(!out.contains("S3cr3t"), "{open} of {length} after {before}");
                    assert!(out.ends_with("\nnext line"), "{open} of {length} after {before}");
                }
            }
        }
    }
}

#[test]
fn a_known_secret_across_the_border_of_a_long_line_is_not_cut() {
    let secret = Secret::new("plain~".repeat(500));
    let redactor = REDACTOR.clone().with_secret(&secret);
    for before in (MAX_LINE - 16_000..MAX_LINE + 4000).step_by(331) {
        let text = format!("{}{}{}", "a, ".repeat(before / 3), secret.expose(), "b, ".repeat(9000));
        let out = String::from_utf8(streamed(&redactor, text.as_bytes(), &[4096])).unwrap();
        assert!(!out.contains("plain"), "{before}");
        assert_eq!(out, redactor.redact(&text), "{before}");
    }
}

#[test]
fn hostile_text_takes_linear_time() {
    let shapes = [
        "eyJ",
        "tok",
        "code=",
        "token=",
        "://",
        "://a:",
        "Bearer ",
        "\"token\":\"",
        "\\",
        "password=[redacted]",
        "authorization:",
        "i-key\\\"",
        "eyJ.",
        "Basic A",
    ];
    for shape in shapes {
        let text = shape.repeat(1_000_000 / shape.len());
        let start = std::time::Instant::now();
        let once = REDACTOR.redact(&text).into_owned();
        assert!(REDACTOR.redact(&once) == once, "{shape}");
        assert!(start.elapsed().as_secs() < 20, "{shape} took {:?}", start.elapsed());
    }
}

/// Pieces of which trouble is made.
const PIECES: &[&str] = &[
    "Authorization",
    "authorization",
    "Bearer ",
    "Basic ",
    "Token ",
    ": ",
    ":",
    "=",
    "&",
    "?",
    "\"",
    "'",
    "\\\"",
    "\\",
    "\n",
    "\r\n",
    " ",
    ", ",
    "access_token",
    "password",
    "client_secret",
    "api_key",
    "X-API-Key",
    "Cookie",
    "code",
    "key",
    "live_sk_",
    "sk_live_",
    "eyJ",
    ".",
    "://",
    "@",
    "user:",
    "[redacted]",
    "[",
    "]",
    "{",
    "}",
    "%20",
    "%26",
    "%3D",
    "dXNlcjpmYWtl",
    "0123456789abcdef",
    "Some(",
    "<",
    ">",
    "/",
    "#",
    "(",
];

fn piece() -> impl Strategy<Value = String> {
    prop_oneof![4 => proptest::sample::select(PIECES).prop_map(str::to_owned), 1 => "[ -~]{0,12}", 1 => "\\PC{0,4}"]
}

fn trouble() -> impl Strategy<Value = String> {
    prop::collection::vec(piece(), 0..40).prop_map(|pieces| pieces.concat())
}

/// What stands around a secret and says nothing about it.
fn surroundings() -> impl Strategy<Value = String> {
    prop_oneof![
        Just(String::new()),
        "[a-z]{1,8}( [a-z0-9]{1,8}){0,6}",
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}",
        "\\{\"a\":[0-9]{1,5},",
        Just("x\n".to_owned())
    ]
}

/// Redacted by the caller, who was told the places.
fn by_places(bytes: &[u8]) -> Vec<u8> {
    let (mut out, mut copied) = (Vec::new(), 0);
    for place in REDACTOR.places(bytes) {
        assert!(place.start < place.end && (copied == 0 || copied < place.start), "places touch");
        out.extend_from_slice(&bytes[copied..place.start]);
        out.extend_from_slice(Redactor::MARK);
        copied = place.end;
    }
    out.extend_from_slice(&bytes[copied..]);
    out
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn any_text_twice_is_once_and_pieces_are_the_whole(text in trouble(), lengths in prop::collection::vec(1_usize..40, 1..8)) {
        let once = REDACTOR.redact(&text).into_owned();
        prop_assert_eq!(REDACTOR.redact(&once), once.as_str(), "in: {:?}", text);
        prop_assert_eq!(by_places(text.as_bytes()), once.as_bytes());
        prop_assert_eq!(String::from_utf8(streamed(&REDACTOR, text.as_bytes(), &lengths)).unwrap(), once);
    }

    #[test]
    fn any_bytes_twice_is_once(bytes in prop::collection::vec(any::<u8>(), 0..300), lengths in prop::collection::vec(1_usize..40, 1..8)) {
        let once = REDACTOR.redact_bytes(&bytes).into_owned();
        prop_assert_eq!(REDACTOR.redact_bytes(&once), once.as_slice());
        prop_assert_eq!(by_places(&bytes), once.as_slice());
        prop_assert_eq!(streamed(&REDACTOR, &bytes, &lengths), once);
    }

    #[test]
    fn a_secret_in_its_place_never_survives(
        before in surroundings(), after in surroundings(), body in "[A-Za-z]{4}[0-9][A-Za-z0-9]{20,40}", form in 0_usize..20, length in 1_usize..30,
    ) {
        let forms = [
            "Authorization: Bearer @", "authorization: Token @", "Bearer @", "X-API-Key: @", "x-auth-token: @", "live_sk_@", "sk_live_@", "{\"access_token\":\"@\"}",
            "{\\\"refresh_token\\\":\\\"@\\\"}", "{'client_secret': '@'}", "&access_token=@&", "?code=@&", "&password=@", "?key=@", "https://user:@@host",
            "eyJhbGciOiJub25lIn0.eyJ@.sig", "Cookie: sid=@", "\"api_key\" : \"@\"", "token=@", "\"assertion\":\"@",
        ];
        let place = forms[form].replacen('@', &body, 1);
        let text = format!("{before} {place} {after}");
        prop_assert!(!REDACTOR.redact(&text).contains(&body), "{}", text);
        let out = streamed(&REDACTOR, text.as_bytes(), &[length]);
        prop_assert_eq!(String::from_utf8(out).unwrap(), REDACTOR.redact(&text));
    }

    #[test]
    fn a_known_secret_never_survives(before in trouble(), after in trouble(), secret in r"[!-Z\\^-`bf-qsu-~][!-~]{4,28}[!-Z\\^-`bf-qsu-~]", length in 1_usize..30) {
        let redactor = REDACTOR.clone().with_secret(&Secret::new(secret.as_str()));
        let text = format!("{before}{secret}{after}");
        prop_assert!(!redactor.redact(&text).contains(&secret), "{:?}", text);
        let out = streamed(&redactor, text.as_bytes(), &[length]);
        prop_assert_eq!(String::from_utf8(out).unwrap(), redactor.redact(&text));
    }

    #[test]
    fn what_only_looks_alike_is_left(words in prop::collection::vec(prop_oneof![
        "[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}", "[0-9a-f]{32}", "[0-9a-f]{40}", "[0-9a-f]{64}", "[a-z]{1,12}", "[0-9]{1,12}",
        "20[0-9]{2}-[01][0-9]-[0-3][0-9]T[0-2][0-9]:[0-5][0-9]:[0-5][0-9]Z", Just("token expired".to_owned()), Just("Bearer token".to_owned()), Just("Basic plan".to_owned()),
        Just("key=value".to_owned()), Just("bearer of".to_owned()), Just("\"token\": null,".to_owned()), Just("https://api.example.com:443/v1".to_owned()),
    ], 0..20)) {
        // A number or a hash right after a scheme word stands where a credential stands.
        let text = words.join(", ");
        prop_assert!(matches!(REDACTOR.redact(&text), Cow::Borrowed(_)), "{}", text);
    }
}
