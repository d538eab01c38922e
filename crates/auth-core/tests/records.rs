//! The durable form of a record: the vectors that all languages share, and any record there and back.

mod support;

use auth_core::{MAX_RECORD, Place, Record, Refusal, Secret, Spending, UnixTime};
use proptest::prelude::*;
use serde_json::Value;
use support::vectors::vectors;

/// A vector's text, grown as it says.
fn text(vector: &Value) -> String {
    let part = |name: &str| vector[name].as_str().unwrap_or_default();
    let times = usize::try_from(vector["times"].as_u64().unwrap_or(0)).unwrap();
    format!("{}{}{}", part("text"), part("repeat").repeat(times), part("end"))
}

fn check_fields(name: &str, record: &Record, expected: &Value) {
    let hex = |value: &Value| u64::from_str_radix(value.as_str().unwrap(), 16).unwrap();
    assert_eq!(Some(record.generation), expected["generation"].as_u64(), "{name}");
    assert_eq!(record.grant, hex(&expected["grant"]), "{name}");
    assert_eq!(record.access_token.as_ref().map(Secret::expose), expected["access_token"].as_str(), "{name}");
    assert_eq!(Some(record.expires_at.as_millis()), expected["expires_at_ms"].as_u64(), "{name}");
    assert_eq!(Some(record.minted_at.as_millis()), expected["minted_at_ms"].as_u64(), "{name}");
    assert_eq!(record.refresh_token.as_ref().map(Secret::expose), expected["refresh_token"].as_str(), "{name}");
    assert_eq!(record.refresh_ends_at.map(UnixTime::as_millis), expected["refresh_ends_at_ms"].as_u64(), "{name}");
    assert_eq!(record.consented_at.map(UnixTime::as_millis), expected["consented_at_ms"].as_u64(), "{name}");
    let millis = |value: &Value| UnixTime::from_millis(value.as_u64().unwrap());
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let spending = expected["spending"].as_object().map(|entry| Spending {
        mark: hex(&entry["mark"]),
        since: millis(&entry["since_ms"]),
        attempt: entry["attempt"].as_u64().unwrap().try_into().unwrap(),
    });
    assert_eq!(record.spending, spending, "{name}");
    let place = expected["place"].as_object().map(|place| Place {
        provider: text(&place["provider"]).unwrap(),
        environment: text(&place["environment"]).unwrap(),
        client_id: text(&place["client_id"]).unwrap(),
        set: place["set"].as_object().unwrap().iter().map(|(name, value)| (name.as_str().into(), text(value).unwrap())).collect(),
    });
    assert_eq!(record.place.as_deref(), place.as_ref(), "{name}");
    let refusal = expected["refusal"].as_object().map(|refusal| Refusal {
        status: refusal["status"].as_u64().unwrap().try_into().unwrap(),
        code: text(&refusal["code"]),
        message: text(&refusal["message"]),
        since: millis(&refusal["since_ms"]),
        probe_at: millis(&refusal["probe_at_ms"]),
        ends_at: millis(&refusal["ends_at_ms"]),
    });
    assert_eq!(record.refusal.as_deref(), refusal.as_ref(), "{name}");
}

#[test]
fn vectors_are_read_and_written_or_refused() {
    for vector in &vectors("records", 63) {
        let name = vector["name"].as_str().unwrap();
        let text = text(vector);
        match (Record::from_bytes(text.as_bytes()), vector["error"].as_str()) {
            (Ok(record), None) => {
                if vector["record"].is_object() {
                    check_fields(name, &record, &vector["record"]);
                }
                if let Some(length) = vector["length"].as_u64() {
                    assert_eq!(record.access_token.as_ref().map(|token| token.expose().len() as u64), Some(length), "{name}");
                }
                let written = record.to_bytes();
                if let Some(expected) = vector["written"].as_str() {
                    assert_eq!(std::str::from_utf8(&written).unwrap().len(), expected.len(), "{name}");
                    assert_eq!(
                        serde_json::from_slice::<Value>(&written).unwrap(),
                        serde_json::from_str::<Value>(expected).unwrap(),
                        "{name}"
                    );
                }
                assert_eq!(Record::from_bytes(&written).unwrap().to_bytes(), written, "{name}");
            }
            (Err(error), Some(expected)) => {
                assert_eq!(error.name(), expected, "{name}: {error}");
                let words = error.to_string();
                assert!(words.contains(vector["says"].as_str().unwrap_or("")), "{name}: {words}");
                assert!(!words.contains("secret") && !words.contains('\n') && words.len() < 200, "{name}: {words}");
            }
            (Ok(_), Some(expected)) => panic!("{name}: read, but {expected} was expected"),
            (Err(error), None) => panic!("{name}: {error}"),
        }
    }
}

fn place<'a>(client_id: &str, hosts: impl IntoIterator<Item = &'a str>) -> Place {
    let set = hosts.into_iter().enumerate().map(|(index, host)| (format!("host_{index}").into(), host.into()));
    Place { provider: "xero".into(), environment: "production".into(), client_id: client_id.into(), set: set.collect() }
}

fn refusal(message: Option<String>, since: u64) -> Refusal {
    let [since, later] = [since, since.saturating_add(9)].map(UnixTime::from_millis);
    Refusal { status: 400, code: message.clone(), message, since, probe_at: later, ends_at: later }
}

#[test]
fn every_record_that_is_cut_off_is_refused() {
    let record = Record {
        generation: 3,
        access_token: Some("at".into()),
        refresh_token: Some("rt".into()),
        spending: Some(Spending { mark: 1, since: UnixTime::from_secs(1), attempt: 1 }),
        place: Some(Box::new(place("client", ["https://a.example"]))),
        refusal: Some(Box::new(refusal(Some("invalid_grant".into()), 7))),
        ..Record::default()
    };
    let bytes = record.to_bytes();
    for length in 0..bytes.len() {
        assert!(Record::from_bytes(&bytes[..length]).is_err(), "{length}");
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(256))]

    #[test]
    fn any_record_comes_back_as_it_was(
        generation in 0_u64..1 << 53, grant: u64, access in proptest::option::of(".*"), refresh in proptest::option::of(".*"),
        expires: u64, minted: u64, spending in proptest::option::of(any::<(u64, u64, u32)>()), client in ".*",
        hosts in proptest::collection::vec(".*", 0..3), said in proptest::option::of(".*"),
    ) {
        let record = Record {
            generation,
            grant,
            access_token: access.clone().map(Secret::new),
            expires_at: UnixTime::from_millis(expires),
            minted_at: UnixTime::from_millis(minted),
            refresh_token: refresh.clone().map(Secret::new),
            refresh_ends_at: spending.map(|(mark, ..)| UnixTime::from_millis(mark)),
            consented_at: spending.map(|(_, since, _)| UnixTime::from_millis(since)),
            spending: spending.map(|(mark, since, attempt)| Spending { mark, since: UnixTime::from_millis(since), attempt }),
            place: Some(Box::new(place(&client, hosts.iter().map(String::as_str)))),
            refusal: said.as_ref().map(|said| Box::new(refusal(Some(said.clone()), minted))),
        };
        let bytes = record.to_bytes();
        prop_assert!(bytes.len() <= MAX_RECORD);
        let read = Record::from_bytes(&bytes).unwrap();
        prop_assert_eq!((read.generation, read.grant, read.expires_at, read.minted_at, read.spending),
            (generation, grant, record.expires_at, record.minted_at, record.spending));
        prop_assert_eq!((&read.place, &read.refusal), (&record.place, &record.refusal));
        prop_assert_eq!((read.refresh_ends_at, read.consented_at), (record.refresh_ends_at, record.consented_at));
        prop_assert_eq!(read.access_token.as_ref().map(|token| token.expose().to_owned()), access);
        prop_assert_eq!(read.refresh_token.as_ref().map(|token| token.expose().to_owned()), refresh);
    }
}
