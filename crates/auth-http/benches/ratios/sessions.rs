//! 100,000 sessions, one a tenant, beside a bare map of prepared headers.

use crate::measure::pair;
use crate::table::{Bar, Row};
use auth_http::core::{Claimed, ClientCredentials, Connection, Credential, Exchange, Grant, Response, Saved, Session, Step};
use auth_http::{Provider, UnixTime};
use std::collections::HashMap;
use std::error::Error;
use std::hint::black_box;
use std::process::Command;
use std::sync::Arc;

const TENANTS: u32 = 100_000;
/// A token as long as a signed one with a few claims.
const TOKEN: usize = 1_024;
/// How many are looked up in a round.
const CALLS: u32 = 20_000;
const NOW: UnixTime = UnixTime::from_secs(1_764_000_000);

type Sessions = HashMap<String, Session>;
type Headers = HashMap<String, String>;

fn tenant(number: u32) -> String {
    format!("tenant-{number:06}")
}

fn token(number: u32) -> String {
    format!("{number:0TOKEN$}")
}

/// A session for each tenant, with a client id and secret of its own and a token that was granted to it.
fn sessions() -> Result<Sessions, Box<dyn Error>> {
    let provider = Provider::builtin("numeric")?;
    let credential = |number: u32| {
        let client = ClientCredentials::parse(&provider, &tenant(number), format!("secret-of-{number:016}"))?;
        Ok::<_, Box<dyn Error>>(Credential::Grant(Grant::client_credentials(client)))
    };
    let connection = Arc::new(Connection::builder(provider.clone()).environment("production").build(&credential(0)?)?);
    let mut sessions = Sessions::with_capacity(TENANTS as usize);
    for number in 0..TENANTS {
        let mut session = Session::new(Arc::clone(&connection), credential(number)?, false);
        grant(&mut session, number)?;
        sessions.insert(tenant(number), session);
    }
    Ok(sessions)
}

/// Drives a renewal with a token endpoint that answers at once.
fn grant(session: &mut Session, number: u32) -> Result<(), Box<dyn Error>> {
    let mut renewal = session.begin_renewal(NOW, u64::from(number)).ok_or("no token is wanted")?;
    while drive(&mut renewal, session, number) {}
    let _ = renewal.abandon(session);
    session.fresh().ok_or("no token was granted")?;
    Ok(())
}

/// One step; `false` at the end.
fn drive(renewal: &mut Exchange, session: &mut Session, number: u32) -> bool {
    // A real answer tells the server's time, of which a session keeps the difference.
    let headers: &[(&str, &str)] = &[("date", "Mon, 24 Nov 2025 15:59:10 GMT")];
    match renewal.poll(session, NOW) {
        Step::Claim(_) => renewal.handle_claimed(session, NOW, Claimed::Granted(None)),
        Step::Save(_) => renewal.handle_saved(session, NOW, Saved::Durable),
        Step::Fetch(_) => {
            let body = format!(r#"{{"access_token": "{}", "token_type": "Bearer", "expires_in": 3600}}"#, token(number));
            renewal.handle_response(session, NOW, &Response { status: 200, headers: &headers, body: body.as_bytes() });
        }
        Step::Release(_) => {}
        _ => return false,
    }
    true
}

/// The floor: the header's value by tenant.
fn headers() -> Headers {
    let mut headers = Headers::with_capacity(TENANTS as usize);
    for number in 0..TENANTS {
        headers.insert(tenant(number), format!("Bearer {}", token(number)));
    }
    headers
}

/// The memory that this process has in use, in bytes, as the system counts it.
fn resident() -> Result<u64, Box<dyn Error>> {
    let pages = std::fs::read_to_string("/proc/self/statm")?;
    Ok(pages.split_whitespace().nth(1).ok_or("statm has no second field")?.parse::<u64>()? * 4_096)
}

/// In a process of its own: makes one of the maps and prints how much memory that took.
pub(crate) fn child(kind: &str) -> Result<(), Box<dyn Error>> {
    let before = resident()?;
    let (ours, floor) = if kind == "ours" { (Some(sessions()?), None) } else { (None, Some(headers())) };
    println!("{}", resident()? - before);
    drop((ours, floor));
    Ok(())
}

fn bytes_each(kind: &str) -> Result<f64, Box<dyn Error>> {
    let output = Command::new(std::env::current_exe()?).args(["--sessions", kind]).output()?;
    Ok(String::from_utf8(output.stdout)?.trim().parse::<f64>()? / f64::from(TENANTS))
}

pub(crate) fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    let mut rows = Vec::new();
    if cfg!(target_os = "linux") {
        let bytes = Row::new(
            "100,000 sessions, resident bytes each / a map of headers",
            "B",
            bytes_each("ours")?,
            bytes_each("floor")?,
            Bar::Ratio(1.2),
        );
        rows.push(bytes);
    }
    rows.push(look_up(&sessions()?, &headers()));
    Ok(rows)
}

/// A tenant's header, tenants in random order; both sides touch the header's first byte, as whoever sends it would.
fn look_up(ours: &Sessions, floor: &Headers) -> Row {
    let mut dice = fastrand::Rng::with_seed(1);
    let names: Vec<String> = (0..CALLS).map(|_| tenant(dice.u32(..TENANTS))).collect();
    let mine = |_| {
        for name in &names {
            let authorization = ours.get(name).and_then(|session| session.fresh_at(NOW));
            black_box(authorization.map(|authorization| authorization.value().expose().as_bytes().first().copied()));
        }
    };
    let least = |_| {
        for name in &names {
            black_box(floor.get(name).map(|value| value.as_bytes().first().copied()));
        }
    };
    pair("100,000 sessions, look-up by tenant / the map's", Bar::Ratio(1.3), CALLS, mine, least)
}
