//! A made-up log: one line in 20 has a secret, in eight shapes; the others hold what only looks like one.

use std::fmt::Write as _;

/// What stands in every secret, so that one that was left is found.
pub(crate) const SIGN: &str = "5eC7e7";
/// The same for the shape whose alphabet has no capitals.
pub(crate) const SMALL_SIGN: &str = "live_sk_5";

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

/// A log of at least that many bytes, the same in every run.
pub(crate) fn log(size: usize) -> Vec<u8> {
    let (mut dice, mut text, mut at) = (Dice(0x9e37_79b9_7f4a_7c15), String::with_capacity(size + 512), 0_usize);
    while text.len() < size {
        let line = if at.is_multiple_of(20) { secret_line(&mut dice, at / 20 % 8, at) } else { clean_line(&mut dice, at) };
        text.push_str(&line);
        text.push('\n');
        at += 1;
    }
    text.into_bytes()
}
