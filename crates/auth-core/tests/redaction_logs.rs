//! Ten megabytes of logs as programs write them, without secrets: nearly nothing may be taken out. And hostile text: the time is linear.

mod support;

use auth_core::Redactor;
use std::fmt::Write as _;
use std::time::Duration;

/// How much is made, in bytes.
const SIZE: usize = 10_000_000;
/// The marks that are allowed in a megabyte.
const MARKS_PER_MEGABYTE: usize = 1;

/// The length of hostile text, in bytes; four times as much is tried, too.
const SHORT: usize = 16 * 1024;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self, below: u64) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0 % below
    }

    fn of<'a>(&mut self, list: &[&'a str]) -> &'a str {
        list[usize::try_from(self.next(list.len() as u64)).unwrap()]
    }

    fn digits(&mut self, alphabet: &str, length: usize) -> String {
        let alphabet = alphabet.as_bytes();
        (0..length).map(|_| char::from(alphabet[usize::try_from(self.next(alphabet.len() as u64)).unwrap()])).collect()
    }

    fn hex(&mut self, length: usize) -> String {
        self.digits("0123456789abcdef", length)
    }

    fn base64(&mut self, length: usize) -> String {
        self.digits("ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/", length)
    }

    fn uuid(&mut self) -> String {
        let hex = self.hex(32);
        format!("{}-{}-4{}-a{}-{}", &hex[..8], &hex[8..12], &hex[13..16], &hex[17..20], &hex[20..])
    }
}

const WORDS: [&str; 24] = [
    "ledger",
    "token",
    "tokens",
    "password",
    "invoice",
    "cookie",
    "bearer",
    "secret",
    "key",
    "code",
    "session",
    "basic",
    "authorization",
    "refresh",
    "client",
    "account",
    "certificate",
    "private",
    "expired",
    "passed",
    "monkey",
    "secretary",
    "cookies",
    "keyboard",
];
const PATHS: [&str; 6] = [
    "/v1/invoices",
    "/oauth/token",
    "/static/js/main.js",
    "/v2/accounts/secrets",
    "/api/password-reset",
    "/login?next=%2Fhome%3Ftab%3Dkeys",
];

/// One entry of a log, by the kind of program that writes it.
#[expect(clippy::many_single_char_names, reason = "they stand for words and numbers without a meaning")]
fn entry(dice: &mut Dice, kind: u64) -> String {
    let (n, m) = (dice.next(100_000), dice.next(900));
    let (uuid, hex, path) = (dice.uuid(), dice.hex(40), dice.of(&PATHS));
    let time = format!("2026-11-{:02}T{:02}:{:02}:{:02}.{m:03}Z", 1 + dice.next(28), dice.next(24), dice.next(60), dice.next(60));
    let [a, b, c] = [(); 3].map(|()| dice.of(&WORDS));
    match kind {
        // nginx: access and error
        0 => format!(
            r#"203.0.113.{m} - - [12/Nov/2026:10:11:12 +0000] "GET {path}?page={n}&sort_key=created_at&status_code={m} HTTP/2.0" 200 {n} "https://app.example/?tab={a}" "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36""#
        ),
        1 => format!(
            r#"2026/11/12 10:11:12 [error] {n}#0: *{m} open() "/usr/share/nginx/html{path}" failed (2: No such file or directory), client: 203.0.113.7, server: app.example, request: "POST {path} HTTP/1.1""#
        ),
        // JSON
        2 => format!(
            r#"{{"ts":"{time}","level":"info","msg":"{a} {b} done","request_id":"{uuid}","token_type":"Bearer","expires_in":3600,"code":{m},"key":"{a}_{b}"}}"#
        ),
        3 => format!(
            r#"{{"time":"{time}","severity":"ERROR","error":{{"code":"token_expired","message":"the {a} token has expired","trace":"{hex}"}},"next_page_token":"{}"}}"#,
            dice.base64(24)
        ),
        4 => format!(r#"{{"d":"{a}","k":"{b}","p":{n},"q":"{a} {c}","etag":"W/\"{}\"","sha256":"{}"}}"#, dice.base64(27), dice.hex(64)),
        // tracing
        5 => format!(
            "\x1b[2m{time}\x1b[0m \x1b[32m INFO\x1b[0m \x1b[1mrequest\x1b[0m{{\x1b[3mmethod\x1b[0m\x1b[2m=\x1b[0mGET \x1b[3muri\x1b[0m\x1b[2m=\x1b[0m{path}}} \x1b[3mtoken_type\x1b[0m\x1b[2m=\x1b[0mbearer {a} {b}"
        ),
        6 => format!(
            "\x1b[2m{time}\x1b[0m \x1b[33m WARN\x1b[0m ledger::sync\x1b[2m:\x1b[0m {a} token expired, asking for another \x1b[3mattempt\x1b[0m\x1b[2m=\x1b[0m{m}"
        ),
        // Java
        7 => format!(
            "{time} INFO  [http-nio-8080-exec-{m}] c.e.ledger.Filter - headers {{Accept=[*/*], Host=[api.example], X-Request-Id=[{uuid}], Content-Length=[{n}]}}"
        ),
        8 => format!(
            "java.lang.IllegalStateException: {a} {b} must not be null\n\tat com.example.ledger.TokenService.refreshToken(TokenService.java:{m})\n\tat com.example.auth.PasswordEncoder.encode(PasswordEncoder.java:{m})\n\t... {m} more"
        ),
        // Python
        9 => format!(
            "2026-11-12 10:11:12,{m:03} - ledger.{a} - WARNING - {b} token: unexpected end of {c}, password: must be long, code: {m}"
        ),
        10 => format!(
            "Traceback (most recent call last):\n  File \"/srv/app/{a}.py\", line {m}, in get_token\n    token = self.{b}_token({c}={c})\nKeyError: '{a}_{b}'"
        ),
        // curl -v
        11 => format!(
            "* Connected to api.example (203.0.113.7) port 443\n* SSL connection using TLSv1.3 / TLS_AES_256_GCM_SHA384\n> GET {path} HTTP/2\n> Host: api.example\n> user-agent: curl/8.5.0\n> accept: */*\n< HTTP/2 401\n< www-authenticate: Bearer realm=\"{a}\", error=\"invalid_token\"\n< x-request-id: {uuid}\n< content-length: {n}"
        ),
        // SQL
        12 => format!(
            "SELECT id, token_type, {a}_key FROM {b}s WHERE tenant_id = '{uuid}' AND created_at > '{time}' AND code = {m} ORDER BY sort_key LIMIT {n}"
        ),
        13 => format!("INSERT INTO sessions (id, user_id, expires) VALUES ('{uuid}', {n}, '{time}'); -- {a} password column was dropped"),
        // systems
        14 => format!(
            "Nov 12 10:11:12 host sshd[{n}]: Accepted publickey for ada from 203.0.113.7 port {n} ssh2: ED25519 SHA256:{}",
            dice.base64(43)
        ),
        15 => format!("Nov 12 10:11:12 host sshd[{n}]: Failed password for invalid user admin from 203.0.113.{m} port {n} ssh2"),
        16 => format!("#1{m} sha256:{} {n}B / {n}B done\nPulled ghcr.io/ledger/{a}@sha256:{}", dice.hex(64), dice.hex(64)),
        17 => format!(
            "commit {hex}\nAuthor: Ada <ada@example.com>\n    Rename the {a} {b}, refs #{m}\nindex {}..{} 100644",
            dice.hex(7),
            dice.hex(7)
        ),
        18 => format!(
            "    \"integrity\": \"sha512-{}==\",\n    \"resolved\": \"https://npm.example/{a}/-/{a}-1.{m}.0.tgz\",",
            dice.base64(86)
        ),
        // tools
        19 => format!("PWD=/srv/{a} OLDPWD=/srv/{b} HOME=/root SHLVL=1 LANG=C.UTF-8; docker run -u 1000:1000 --user {n}:{n} img {c}"),
        20 => format!("test auth::{a}_{b}_is_left ... ok\ntests passed={n} failed=0 pass: {m} fail: 0 tests_pass={m}"),
        21 => format!(
            "    let {a} = config.{b}_key(\"{c}\"); // the {a} key is read from the environment\n    if token == expected || code != {m} {{ return }}"
        ),
        22 => format!(
            "usage: ledger [--token TOKEN] [--client-secret SECRET] [--password string] {a}\n  --token TOKEN    the token to use, ${{LEDGER_TOKEN}} if not given"
        ),
        23 => format!(
            "name: {b}\ntoken:\n  issuer: https://issuer.example\n  lifetime: {m}\npassword:\n  minimum: 12\nsecret:\n  name: {c}-{m}"
        ),
        // OAuth
        24 => format!(
            r#"{{"issuer":"https://i.example","token_endpoint":"https://i.example/token","grant_types_supported":["authorization_code","refresh_token"],"token_endpoint_auth_methods_supported":["client_secret_basic","private_key_jwt"],"jwks_uri":"https://i.example/{a}"}}"#
        ),
        25 => format!(
            r#"{{"kty":"RSA","use":"sig","kid":"{}","n":"{}","e":"AQAB"}}"#,
            dice.hex(16),
            dice.digits("ABCDEFGHIJKLMNOPabcdefghijklmnop0123456789-_", 86)
        ),
        26 => format!(
            "grant_type=authorization_code&state={}&redirect_uri=https%3A%2F%2Fa.example%2Fcb&code_challenge_method=S256 {a}",
            dice.hex(8)
        ),
        27 => format!("-----BEGIN CERTIFICATE-----\n{}\n{}\n-----END CERTIFICATE-----", dice.base64(64), dice.base64(64)),
        28 => format!("Authorization: Bearer $TOKEN, Authorization: Bearer YOUR_ACCESS_TOKEN, Authorization: Bearer ***, {a} [REDACTED]"),
        29 => format!(
            "{n};{uuid};{a};{b};\"{c} of {m}\";2026-11-12;{}.{:02}\nID_{}_{m} SB_ADMIN_{n} USER_ID_{hex}",
            n,
            m % 100,
            a.to_uppercase()
        ),
        30 => format!("Cookie: we use {a} cookies to count visits. See /cookie-policy?lang=en. Set-Cookie is a header, cookies: {m}"),
        _ => format!(
            "{time} booked {m} lines of journal {n} for business {} in {m} ms; {a} {b} {c}; s3://bucket-{a}/{hex}/part-{m}.parquet",
            &hex[..12]
        ),
    }
}

/// So much of a log, and the kinds that are in it.
fn log(size: usize) -> String {
    let mut dice = Dice(0x9e37_79b9_7f4a_7c15);
    let mut text = String::with_capacity(size + 4096);
    while text.len() < size {
        let kind = dice.next(32);
        let entry = entry(&mut dice, kind);
        writeln!(text, "{entry}").unwrap();
    }
    text
}

#[test]
fn logs_without_secrets_stay_as_they_are() {
    let redactor = Redactor::new();
    let text = log(SIZE);
    let places = redactor.places(text.as_bytes());
    let lines: Vec<String> = places
        .iter()
        .take(40)
        .map(|place| {
            let start = text[..place.start].rfind('\n').map_or(0, |at| at + 1);
            format!("{:?} in {:?}", &text[place.clone()], text[start..].lines().next().unwrap_or_default())
        })
        .collect();
    assert!(places.len() <= MARKS_PER_MEGABYTE * SIZE / 1_000_000, "{} marks, such as\n{}", places.len(), lines.join("\n"));
}

#[test]
fn hostile_text_takes_time_in_proportion_to_its_length() {
    let redactor = Redactor::new();
    let time = |text: &str| support::cpu::time(|| drop(std::hint::black_box(redactor.redact(text))));
    let mut slow = Vec::new();
    let file = support::vectors::file("redaction_hostile");
    let shapes: Vec<&str> = file["shapes"].as_array().unwrap().iter().filter_map(|shape| shape.as_str()).collect();
    assert!(shapes.len() >= 77, "{}", shapes.len());
    for shape in shapes {
        let of = |size: usize| shape.repeat(size / shape.len());
        let (short, long) = (of(SHORT), of(4 * SHORT));
        let (mut short, mut long) = (time(&short), time(&long));
        // Linear is four; what is quadratic is sixteen. A clock that ticks is asked again.
        let is_slow = |short: Duration, long: Duration| long > 8 * short + Duration::from_millis(20);
        for _ in 0..2 {
            if is_slow(short, long) {
                (short, long) = (short.min(time(&of(SHORT))), long.min(time(&of(4 * SHORT))));
            }
        }
        if is_slow(short, long) {
            slow.push(format!("{shape:?}: {short:?}, four times as much {long:?}"));
        }
    }
    assert!(slow.is_empty(), "{}", slow.join("\n"));
}
