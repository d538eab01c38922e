//! How fast secrets are taken out of a log, beside floors and a rival measured in the same run.
//!
//! `REDACTION_MB=100 cargo bench -p auth-core --features std --bench redaction`; 20 MB without the variable.
//!
//! The log is made up at run time: one line in 20 has a secret, in eight shapes; the others hold what only looks like one. The rival is one alternation
//! of the `regex` crate over the whole buffer. Rounds are interleaved, so that whatever else the machine does meets all of them; medians count.

use auth_core::Redactor;
use regex::bytes::Regex;
use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

const ROUNDS: usize = 7;

/// What stands in every secret, so that one that was left is found.
const SIGN: &str = "5eC7e7";

/// The same forms as one regular expression, as a program without this library would have it; the groups are what has to stay.
const ALTERNATION: &str = r#"(?xi-u)
    ((?:proxy-)?authorization\\*["']?\s*[:=]\s*\\*["']?(?:bearer|basic|token)\s+)[A-Za-z0-9._~+/=-]+
  | (\bbearer\s+)[A-Za-z0-9._~+/=-]{16,}
  | ((?:x-api-key|x-auth-token|api-key)\\*["']?\s*[:=]\s*\\*["']?)[^\s"',&]+
  | (\b(?:set-)?cookie:\s*)[^\r\n]+
  | (live_sk_|test_sk_|sk_live_)[A-Za-z0-9_-]{16,}
  | (["'](?:access_token|refresh_token|id_token|client_secret|api_key|password|secret|assertion)\\*["']\s*:\s*\\*["'])(?:[^"'\\]|\\.)+
  | ((?:access_token|refresh_token|client_secret|api_key|password|token|[?&]code|[?&]key)=)[^&\s"]+
  | ()eyJ[A-Za-z0-9_-]+\.eyJ[A-Za-z0-9_-]+\.[A-Za-z0-9_-]*
  | (://[^/\s:@]*:)[^/\s@]+(@)"#;

/// Numbers that are the same in every run.
struct Dice(u64);

impl Dice {
    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    fn hex(&mut self, length: usize) -> String {
        let mut text = String::new();
        while text.len() < length {
            let _ = write!(text, "{:016x}", self.next());
        }
        text.truncate(length);
        text
    }
}

fn secret_line(dice: &mut Dice, shape: usize, at: usize) -> String {
    let secret = format!("{SIGN}{}", dice.hex(34));
    let time = format!("2026-03-31T23:{:02}:{:02}.{:03}Z", at / 60 % 60, at % 60, dice.next() % 1000);
    match shape {
        0 => format!("{time} DEBUG http > GET /v1/invoices HTTP/1.1 Authorization: Bearer {secret}"),
        1 => format!("{time} DEBUG http > X-API-Key: {secret}"),
        2 => format!("{time} INFO  token endpoint said {{\"access_token\":\"{secret}\",\"token_type\":\"Bearer\",\"expires_in\":3600}}"),
        3 => format!("{time} WARN  key live_sk_{}{} is 88 days old", "5ec7e7", dice.hex(42)),
        4 => format!("{time} DEBUG body grant_type=client_credentials&client_id=ledger&client_secret={secret}&scope=read"),
        5 => format!("{time} INFO  connecting to postgres://ledger:{secret}@db.internal.example:5432/books"),
        6 => format!("{time} DEBUG jwt eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiI{secret}.{secret}{secret}"),
        _ => format!("{time} DEBUG http < Set-Cookie: session={secret}; Path=/; HttpOnly"),
    }
}

fn clean_line(dice: &mut Dice, at: usize) -> String {
    let time = format!("2026-03-31T23:{:02}:{:02}.{:03}Z", at / 60 % 60, at % 60, dice.next() % 1000);
    let (id, hash) = (dice.hex(32), dice.hex(40));
    let uuid = format!("{}-{}-4{}-a{}-{}", &id[..8], &id[8..12], &id[13..16], &id[17..20], &id[20..]);
    match dice.next() % 12 {
        0 => format!("{time} INFO  GET https://api.ledger.example/v1/invoices/{uuid} 200 in {} ms", dice.next() % 900),
        1 => format!("{time} INFO  commit {hash} deployed to production by pipeline {}", dice.next() % 100_000),
        2 => format!("{time} WARN  token expired, asking for another; attempt {} of 3", dice.next() % 3),
        3 => format!("{time} INFO  account moved from Basic plan to Premium plan, workspace {uuid}"),
        4 => format!("{time} DEBUG request_id={uuid} status=200 bytes={} cache=miss", dice.next() % 99_999),
        5 => format!("{time} INFO  {{\"level\":\"info\",\"token_type\":\"Bearer\",\"expires_in\":3600,\"request_id\":\"{id}\"}}"),
        6 => format!("{time} ERROR 401 from upstream: a Bearer token is required here, request {id}"),
        7 => format!("{time} INFO  md5 {id} sha1 {hash} of month-end-{}.csv", dice.next() % 12),
        _ => format!("{time} INFO  booked {} lines of journal {} for business {}", dice.next() % 500, dice.next() % 9999, &hash[..12]),
    }
}

fn log(size: usize) -> Vec<u8> {
    let (mut dice, mut text, mut at) = (Dice(0x9e37_79b9_7f4a_7c15), String::with_capacity(size + 512), 0_usize);
    while text.len() < size {
        let line = if at.is_multiple_of(20) { secret_line(&mut dice, at / 20 % 8, at) } else { clean_line(&mut dice, at) };
        text.push_str(&line);
        text.push('\n');
        at += 1;
    }
    text.into_bytes()
}

fn timed<T>(work: impl FnOnce() -> T) -> (Duration, T) {
    let start = Instant::now();
    let result = black_box(work());
    (start.elapsed(), result)
}

fn median(times: &mut [Duration]) -> Duration {
    times.sort_unstable();
    times[times.len() / 2]
}

fn main() {
    let megabytes: usize = std::env::var("REDACTION_MB").ok().and_then(|text| text.parse().ok()).unwrap_or(20);
    let text = log(megabytes * 1_000_000);
    let redactor = Redactor::new();
    let regex = Regex::new(ALTERNATION).expect("a regular expression");
    let names = [
        "ours, redact_bytes",
        "ours, redact_into",
        "ours, stream of 64 KiB pieces",
        "regex, replace_all",
        "memchr newline count",
        "memcpy",
    ];
    let mut times: [Vec<Duration>; 6] = Default::default();
    let (mut copy, mut streamed) = (vec![0; text.len()], Vec::with_capacity(text.len()));
    for _ in 0..ROUNDS {
        let (time, clean) = timed(|| redactor.redact_bytes(black_box(&text)).into_owned());
        times[0].push(time);
        let clean = String::from_utf8(clean).expect("still UTF-8");
        assert!(!clean.contains(SIGN) && !clean.contains("live_sk_5"), "a secret was left");
        assert_eq!(
            clean.matches("[redacted]").count(),
            text.split(|byte| *byte == b'\n').count() / 20 + 1,
            "one for each secret and no more"
        );

        streamed.clear();
        times[1].push(timed(|| redactor.redact_into(black_box(&text), &mut streamed)).0);
        assert!(streamed == clean.as_bytes(), "appending says something else");
        streamed.clear();
        let (time, ()) = timed(|| {
            let mut stream = redactor.stream();
            for piece in black_box(&text).chunks(64 * 1024) {
                stream.push(piece, &mut streamed);
            }
            stream.finish(&mut streamed);
        });
        times[2].push(time);
        assert!(streamed == clean.as_bytes(), "the stream says something else");

        times[3].push(
            timed(|| regex.replace_all(black_box(&text), &b"${1}${2}${3}${4}${5}${6}${7}${8}${9}[redacted]${10}"[..]).into_owned()).0,
        );
        times[4].push(timed(|| memchr::memchr_iter(b'\n', black_box(&text)).count()).0);
        times[5].push(timed(|| copy.copy_from_slice(black_box(&text))).0);
    }
    let medians = times.map(|mut times| median(&mut times).as_secs_f64());
    println!("redaction of {megabytes} MB, one line in 20 with a secret, medians of {ROUNDS} interleaved rounds");
    println!("{:<32} {:>10} {:>10} {:>16}", "", "ms", "GB/s", "times the regex");
    for (name, median) in names.iter().zip(medians) {
        #[expect(clippy::cast_precision_loss, reason = "a size in bytes, for people")]
        let speed = text.len() as f64 / median / 1e9;
        println!("{name:<32} {:>10.2} {speed:>10.2} {:>16.2}", median * 1e3, medians[3] / median);
    }
}
