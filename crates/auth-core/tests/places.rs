//! A record belongs to one place: what it is to a session, under which id it stands, and that another's is neither used nor overwritten.

mod support;

use auth_core::{
    Claimed, ClientCredentials, ConnectOutcome, Connection, Credential, FailureKind, Grant, Outcome, Provider, Record, Session, Step,
    UnixTime,
};
use serde_json::Value;
use std::sync::Arc;
use support::vectors::vectors;
use support::{START, Scenario, failure, rotated};

/// A session of "client-1" with settings of the program's own.
fn session(provider: &str, environment: &str, settings: &[(&str, &str)], grant: impl FnOnce(ClientCredentials) -> Grant) -> Session {
    session_of(Provider::builtin(provider).unwrap(), environment, settings, grant)
}

fn session_of(provider: Provider, environment: &str, settings: &[(&str, &str)], grant: impl FnOnce(ClientCredentials) -> Grant) -> Session {
    let client = ClientCredentials::parse(&provider, "client-1", "client-secret-1").unwrap();
    let credential = Credential::Grant(grant(client));
    let builder = settings.iter().fold(Connection::builder(provider).environment(environment), |builder, (name, url)| match *name {
        "base_url" => builder.base_url(*url),
        "token_url" => builder.token_url(*url),
        "issuer" => builder.issuer(*url),
        other => panic!("{other}"),
    });
    Session::new(Arc::new(builder.build(&credential).unwrap()), credential, false)
}

/// What a session makes of a record: the failure of a call, or the refresh token that it would send.
fn with_record(session: &mut Session, record: &Record, is_by_id: bool, now: UnixTime) -> Result<String, auth_core::Failure> {
    let call = auth_core::Call::new(session.connection(), "GET", "/v1/health").unwrap();
    let mut exchange = auth_core::Exchange::new(call, 1);
    loop {
        let claimed = Claimed::Granted(Some(record.clone()));
        match exchange.poll(session, now) {
            Step::Claim(_) if is_by_id => exchange.handle_claimed_by_id(session, now, claimed),
            Step::Claim(_) => exchange.handle_claimed(session, now, claimed),
            Step::Save(_) => exchange.handle_saved(session, now, auth_core::Saved::Durable),
            Step::Connect(_) => exchange.handle_connected(session, now, ConnectOutcome::NotSupported),
            Step::Release(_) => {}
            Step::Fetch(request) => return Ok(request.body.unwrap().expose().to_owned()),
            Step::Done(Outcome::Failed(failure)) => return Err(failure),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn vectors_say_what_a_record_is_to_a_session() {
    let mut judged = 0;
    for vector in &vectors("records", 74) {
        let (name, Some(belongs)) = (vector["name"].as_str().unwrap(), vector["belongs"].as_str()) else { continue };
        let part = |field: &str| vector[field].as_str().unwrap_or_default();
        let times = usize::try_from(vector["times"].as_u64().unwrap_or(0)).unwrap();
        let text = format!("{}{}{}", part("text"), part("repeat").repeat(times), part("end"));
        let record = Record::from_bytes(text.as_bytes()).unwrap();
        for is_by_id in [true, false] {
            let mut session = session("numeric", "production", &[], |client| Grant::refresh_token(client, "made-up"));
            let is_refused = match belongs {
                "ours" | "nothing_to_lose" => false,
                "another_place" | "unproven" => true,
                "another_grant" => is_by_id,
                other => panic!("{other}"),
            };
            match with_record(&mut session, &record, is_by_id, START) {
                Err(failure) => {
                    assert!(is_refused && failure.kind() == FailureKind::Store, "{name}: {failure}");
                    let words = failure.to_string();
                    let says = vector["says"].as_str().unwrap_or_default();
                    assert!(words.contains(says) && words.contains("numeric/production of the client \"client-1\""), "{name}: {words}");
                    assert!(words.contains("neither used nor overwritten") && !words.contains("rt-7"), "{name}: {words}");
                }
                Ok(sent) => {
                    assert!(!is_refused, "{name}: {sent}");
                    assert_eq!(sent.contains("rt-7"), belongs == "ours", "{name}: {sent}");
                    assert_eq!(sent.contains("made-up"), belongs != "ours", "{name}: {sent}");
                }
            }
        }
        judged += 1;
    }
    assert!(judged >= 25, "{judged}");
}

/// The record that a session saves when it is granted tokens for the first time.
fn saved_by(session: &mut Session) -> Record {
    let call = auth_core::Call::new(session.connection(), "GET", "/v1/health").unwrap();
    let mut exchange = auth_core::Exchange::new(call, 1);
    let mut last = None;
    loop {
        match exchange.poll(session, START) {
            Step::Claim(_) => exchange.handle_claimed_by_id(session, START, Claimed::Granted(last.clone())),
            Step::Save(save) => {
                last = Some(save.record);
                exchange.handle_saved(session, START, auth_core::Saved::Durable);
            }
            Step::Release(_) => {}
            Step::Connect(_) => exchange.handle_connected(session, START, ConnectOutcome::NotSupported),
            Step::Fetch(_) => {
                let body = rotated("access", "refresh-2");
                let response = auth_core::Response { status: 200, headers: &&[("x", "y")][..], body: body.as_bytes() };
                exchange.handle_response(session, START, &response);
            }
            Step::Send(_) => return last.unwrap(),
            other => panic!("{other:?}"),
        }
    }
}

#[test]
fn a_record_of_one_place_is_refused_at_every_other() {
    let grant = |client| Grant::refresh_token(client, "refresh-1");
    let gate = [("base_url", "https://gate.example/a"), ("token_url", "https://login.example/token")];
    let other_gate = [("base_url", "https://gate.example/a"), ("token_url", "https://login.example:8443/token")];
    let places = [
        ("numeric", "production", &[][..]),
        ("numeric", "sandbox", &[]),
        ("xero", "production", &[]),
        ("numeric", "production", &gate),
        ("numeric", "production", &other_gate),
    ];
    let at = |(provider, environment, settings)| session(provider, environment, settings, grant);
    for (owner, place) in places.into_iter().enumerate() {
        let record = saved_by(&mut at(place));
        let written = Record::from_bytes(&record.to_bytes()).unwrap();
        for (reader, other) in places.into_iter().enumerate() {
            let session = &mut at(other);
            assert_eq!(session.store_id(Some("acme")) == at(place).store_id(Some("acme")), reader == owner);
            // Later, so that no token is held.
            let later = START.after(std::time::Duration::from_hours(24));
            match with_record(session, &written, false, later) {
                Ok(sent) => assert!(reader == owner && sent.contains("refresh-2"), "{owner} read by {reader}: {sent}"),
                Err(failure) => {
                    assert!(reader != owner && failure.kind() == FailureKind::Store, "{owner} read by {reader}: {failure}");
                    assert_eq!(failure.to_string().matches("of the client \"client-1\"").count(), 2, "{failure}");
                }
            }
        }
    }
}

#[test]
fn the_profiles_own_hosts_are_no_part_of_the_place() {
    let profile = include_str!("../providers/xero.toml");
    let moved = profile.replace("identity.xero.com", "identity.new.xero.test").replace("api.xero.com", "api.new.xero.test");
    assert_ne!(profile, moved);
    let grant = |client| Grant::refresh_token(client, "refresh-1");
    let mut before = session_of(Provider::from_toml(profile).unwrap(), "production", &[], grant);
    let mut after = session_of(Provider::from_toml(&moved).unwrap(), "production", &[], grant);
    assert_eq!(before.store_id(None), after.store_id(None));
    let record = saved_by(&mut before);
    let later = START.after(std::time::Duration::from_hours(24));
    assert!(with_record(&mut after, &record, true, later).unwrap().contains("refresh-2"));
    // Said again by the program, they are still the profile's.
    let said = [("base_url", "https://api.xero.com/other"), ("token_url", "https://identity.xero.com/connect/token")];
    let mut said = session("xero", "production", &said, grant);
    assert_eq!(said.store_id(None), before.store_id(None));
    assert!(with_record(&mut said, &record, true, later).unwrap().contains("refresh-2"));
}

#[test]
fn scopes_in_another_order_or_changed_are_the_same_refresh_grant() {
    let asking = |scopes: &[&str]| {
        let scopes: Vec<String> = scopes.iter().map(ToString::to_string).collect();
        session("xero", "production", &[], |client| Grant::refresh_token(client, "refresh-1").with_scopes(scopes))
    };
    let record = saved_by(&mut asking(&["a", "b", "c"]));
    let later = START.after(std::time::Duration::from_hours(24));
    for scopes in [&["a", "b", "c"][..], &["c", "a", "b"], &["c b", "a", "a"], &["b"], &[]] {
        let mut session = asking(scopes);
        assert_eq!(session.store_id(None), asking(&[]).store_id(None));
        assert!(with_record(&mut session, &record, true, later).unwrap().contains("refresh-2"), "{scopes:?}");
    }
}

/// FNV-1a as version 1 made its numbers.
fn former_number(texts: &[&str]) -> u64 {
    let bytes = texts.iter().flat_map(|text| text.bytes().chain([0]));
    bytes.fold(0xcbf2_9ce4_8422_2325, |hash, byte| (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3))
}

fn of_version_1(number: u64) -> Record {
    Record { generation: 3, grant: number, refresh_token: Some("rt-of-before".into()), ..Record::default() }
}

#[test]
fn what_a_login_of_before_left_is_taken_for_production_and_the_profiles_hosts() {
    let record = of_version_1(former_number(&["client-1", "\u{1}"]));
    let own = [("token_url", "https://login.example/token")];
    for (provider, environment, settings, is_ours) in [
        ("xero", "production", &[][..], true),
        ("quickbooks", "production", &[], true),
        ("quickbooks", "sandbox", &[], false),
        ("quickbooks", "production", &own, false),
    ] {
        let mut session = session(provider, environment, settings, Grant::stored);
        match with_record(&mut session, &record, true, START) {
            Ok(sent) => assert!(is_ours && sent.contains("rt-of-before"), "{provider}/{environment}: {sent}"),
            Err(failure) => assert!(!is_ours && failure.to_string().contains("log in once"), "{provider}/{environment}: {failure}"),
        }
        assert_eq!(session.looks_at_former(&record, true), is_ours);
        assert!(session.looks_at_former(&record, false), "nothing shows that it is another's");
    }
    // Once written again, it names its place and is nobody else's.
    let mut owner = session("quickbooks", "production", &[], Grant::stored);
    let mut scenario = Scenario::new("quickbooks", "production", |provider| {
        Credential::Grant(Grant::stored(ClientCredentials::parse(provider, "client-1", "client-secret-1").unwrap()))
    });
    scenario.stored = Some(record);
    let mut call = scenario.call("GET", "/v3/company/1");
    scenario.grant(&mut call, &rotated("access", "refresh-2"));
    scenario.to_send(&mut call);
    let kept = scenario.stored.unwrap();
    assert_eq!((kept.generation, kept.place.as_ref().unwrap().environment.as_str()), (4, "production"));
    let later = START.after(std::time::Duration::from_hours(24));
    assert!(with_record(&mut owner, &kept, true, later).unwrap().contains("refresh-2"));
    let sandbox = session("quickbooks", "sandbox", &[], Grant::stored);
    assert!(!sandbox.looks_at_former(&kept, false) && owner.looks_at_former(&kept, false));
}

#[test]
fn the_former_id_is_the_one_of_version_1() {
    let given = |client| Grant::refresh_token(client, "refresh-1");
    let of = |grant: fn(ClientCredentials) -> Grant, name| session("numeric", "production", &[], grant).former_store_id(name);
    assert_eq!(of(Grant::stored, None).as_deref(), Some("numeric/production/client-1"));
    assert_eq!(of(Grant::stored, Some("acme")).as_deref(), Some("acme"));
    assert_eq!(of(given, None).as_deref(), Some("numeric/production/client-1/b7a802da2b3d1cfd"));
    assert_eq!(of(given, Some("acme")).as_deref(), Some("acme/b7a802da2b3d1cfd"));
    assert_eq!(of(Grant::client_credentials, None), None, "a new access token costs nothing");
}

#[test]
fn a_client_without_a_refresh_token_spoils_no_record_with_one() {
    let mut scenario = Scenario::client_credentials();
    let theirs = of_version_1(7);
    scenario.stored = Some(theirs.clone());
    let mut call = scenario.call("GET", "/v1/health");
    let outcome = scenario.to_done(&mut call);
    assert_eq!(failure(&outcome).kind(), FailureKind::Store);
    assert_eq!(scenario.stored.unwrap().to_bytes(), theirs.to_bytes());
    // One without a refresh token has nothing to lose.
    let mut scenario = Scenario::client_credentials();
    scenario.stored = Some(Record { refresh_token: None, ..theirs });
    let mut call = scenario.call("GET", "/v1/health");
    scenario.grant(&mut call, r#"{"access_token":"access","expires_in":60}"#);
    scenario.to_send(&mut call);
    assert_eq!(scenario.stored.unwrap().generation, 4);
}

#[test]
fn a_place_in_words_is_short_and_shows_no_control_characters() {
    let vector: Value = serde_json::json!({"version": 2, "generation": 1, "grant": "00000000000000ff", "expires_at_ms": 0, "minted_at_ms": 0,
        "place": {"provider": "x\u{1b}[2J\n", "environment": "e".repeat(9_000), "client_id": "c\u{202e}", "set": {"base_url": "u".repeat(9_000)}}});
    let record = Record::from_bytes(vector.to_string().as_bytes()).unwrap();
    let words = record.place.unwrap().to_string();
    assert!(words.len() < 400 && !words.contains(['\u{1b}', '\n', '\u{202e}']), "{words}");
}
