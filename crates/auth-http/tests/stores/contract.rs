//! What every store promises, whatever it keeps its records in.

use crate::places::Place;
use auth_http::UnixTime;
use auth_http::core::Spending;
use auth_http::store::{Claim, Claimed, Lease, Record, Save, Saved, SharedPause, TokenStore};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

type Rule = fn(&dyn Place);

/// Everything, at a place that nobody else uses.
pub(crate) fn all(place: &dyn Place) {
    let rules: [(&str, Rule); 12] = [
        ("a lease has one holder", a_lease_has_one_holder),
        ("a lease ends by itself", a_lease_ends_by_itself),
        ("a late holder can neither save nor release", a_late_holder_can_neither_save_nor_release),
        ("a save replaces the generation it names", a_save_replaces_the_generation_it_names),
        ("a save without a lease needs a free credential", a_save_without_a_lease_needs_a_free_credential),
        ("every field comes back", every_field_comes_back),
        ("what was saved is there when the store is opened again", what_was_saved_is_there_when_the_store_is_opened_again),
        ("the longest tokens fit", the_longest_tokens_fit),
        ("ids are kept apart whatever they hold", ids_are_kept_apart_whatever_they_hold),
        ("a pause is shared", a_pause_is_shared),
        ("the holder is known", the_holder_is_known),
        ("threads never overwrite each other", threads_never_overwrite_each_other),
    ];
    for (name, rule) in rules {
        println!("{name}");
        rule(place);
    }
}

const LONG: Duration = Duration::from_mins(1);

pub(crate) fn record(generation: u64) -> Record {
    let token = |kind: &str| Some(format!("{kind}-{generation}").into());
    Record { generation, grant: 7, access_token: token("at"), refresh_token: token("rt"), ..Record::default() }
}

/// The lease and the record, if the lease could be had.
pub(crate) fn claim(store: &dyn TokenStore, id: &str, owner: u64, span: Duration) -> Option<(Lease, Option<Record>)> {
    match store.claim(id, &Claim { owner, span }) {
        Claimed::Granted(record) | Claimed::TakenOver(record) => Some((Lease { owner }, record)),
        Claimed::Busy => None,
        Claimed::Down(why) => panic!("{why}"),
    }
}

pub(crate) fn save(store: &dyn TokenStore, id: &str, lease: Option<&Lease>, replaces: u64, record: Record) -> Saved {
    store.save(id, &Save { record, replaces, lease: lease.cloned() })
}

pub(crate) fn generation(store: &dyn TokenStore, id: &str) -> Option<u64> {
    store.load(id).unwrap().map(|record| record.generation)
}

fn a_lease_has_one_holder(place: &dyn Place) {
    let (one, other) = (place.open(), place.open());
    let (first, record) = claim(&*one, "lease/a", 1, LONG).unwrap();
    assert!(record.is_none());
    assert!(claim(&*other, "lease/a", 2, LONG).is_none());
    assert!(claim(&*one, "lease/a", 2, LONG).is_none());
    assert!(claim(&*other, "lease/b", 2, LONG).is_some());
    // Its holder may take it again, and then for longer.
    assert!(claim(&*one, "lease/a", 1, LONG).is_some());
    other.release("lease/a", &Lease { owner: 2 });
    assert!(claim(&*other, "lease/a", 2, LONG).is_none());
    one.release("lease/a", &first);
    assert!(claim(&*other, "lease/a", 2, LONG).is_some());
    // Given back twice, it is still the other's.
    one.release("lease/a", &first);
    assert!(claim(&*one, "lease/a", 3, LONG).is_none());
}

fn a_lease_ends_by_itself(place: &dyn Place) {
    let (one, other) = (place.open(), place.open());
    let span = Duration::from_millis(300);
    claim(&*one, "ends", 1, span).unwrap();
    assert!(claim(&*other, "ends", 2, LONG).is_none());
    thread::sleep(span + Duration::from_millis(50));
    assert!(claim(&*other, "ends", 2, LONG).is_some());
    assert!(claim(&*one, "ends", 1, LONG).is_none());
}

fn a_late_holder_can_neither_save_nor_release(place: &dyn Place) {
    let (one, other) = (place.open(), place.open());
    let span = Duration::from_millis(100);
    let (late, _) = claim(&*one, "late", 1, span).unwrap();
    thread::sleep(span + Duration::from_millis(50));
    // Not even before somebody else has come.
    assert_eq!(save(&*one, "late", Some(&late), 0, record(1)), Saved::Superseded);
    let (current, _) = claim(&*other, "late", 2, LONG).unwrap();
    assert_eq!(save(&*one, "late", Some(&late), 0, record(1)), Saved::Superseded);
    one.release("late", &late);
    assert!(claim(&*one, "late", 3, LONG).is_none());
    assert_eq!(generation(&*one, "late"), None);
    assert_eq!(save(&*other, "late", Some(&current), 0, record(1)), Saved::Durable);
}

fn a_save_replaces_the_generation_it_names(place: &dyn Place) {
    let store = place.open();
    let (lease, _) = claim(&*store, "fenced", 1, LONG).unwrap();
    assert_eq!(save(&*store, "fenced", Some(&lease), 1, record(2)), Saved::Superseded);
    assert_eq!(save(&*store, "fenced", Some(&lease), 0, record(1)), Saved::Durable);
    assert_eq!(save(&*store, "fenced", Some(&lease), 0, record(9)), Saved::Superseded);
    // The journal's entry keeps the generation, and may be taken back.
    let spending = Some(Spending { mark: 5, since: UnixTime::from_secs(1), attempt: 1 });
    assert_eq!(save(&*store, "fenced", Some(&lease), 1, Record { spending, ..record(1) }), Saved::Durable);
    assert_eq!(store.load("fenced").unwrap().unwrap().spending, spending);
    assert_eq!(save(&*store, "fenced", Some(&lease), 1, record(1)), Saved::Durable);
    assert_eq!(store.load("fenced").unwrap().unwrap().spending, None);
    assert_eq!(save(&*store, "fenced", Some(&Lease { owner: 2 }), 1, record(2)), Saved::Superseded);
    store.release("fenced", &lease);
    assert_eq!(save(&*store, "fenced", Some(&lease), 1, record(2)), Saved::Superseded);
    // Whoever comes next adopts what is there.
    let (_, adopted) = claim(&*place.open(), "fenced", 3, LONG).unwrap();
    assert_eq!(adopted.unwrap().access_token.unwrap().expose(), "at-1");
}

fn a_save_without_a_lease_needs_a_free_credential(place: &dyn Place) {
    let store = place.open();
    assert_eq!(save(&*store, "free", None, 0, record(1)), Saved::Durable);
    let (lease, _) = claim(&*store, "free", 1, LONG).unwrap();
    assert_eq!(save(&*store, "free", None, 1, record(2)), Saved::Superseded);
    store.release("free", &lease);
    assert_eq!(save(&*store, "free", None, 0, record(2)), Saved::Superseded);
    assert_eq!(save(&*store, "free", None, 1, record(2)), Saved::Durable);
}

fn every_field_comes_back(place: &dyn Place) {
    let store = place.open();
    let (lease, _) = claim(&*store, "fields", 1, LONG).unwrap();
    let whole = Record {
        generation: 1,
        grant: u64::MAX,
        access_token: Some("at \"quoted\" \\ \u{1} ü".into()),
        expires_at: UnixTime::from_millis(1_764_003_600_123),
        minted_at: UnixTime::from_millis(1_764_000_000_456),
        refresh_token: Some("rt".into()),
        refresh_ends_at: Some(UnixTime::from_millis(1_772_000_000_000)),
        consented_at: Some(UnixTime::from_millis(1_763_000_000_000)),
        spending: Some(Spending { mark: u64::MAX, since: UnixTime::from_millis(1_764_000_000_789), attempt: 3 }),
        place: Some(Box::new(auth_http::core::Place {
            provider: "xero".into(),
            environment: "production".into(),
            client_id: "client \"1\"".into(),
            set: [("base_url".into(), "https://gate.example".into())].into(),
        })),
        refusal: Some(Box::new(auth_http::core::Refusal {
            status: 400,
            code: Some("invalid_grant".into()),
            message: Some("Token is \"gone\"".into()),
            since: UnixTime::from_secs(1),
            probe_at: UnixTime::from_secs(2),
            ends_at: UnixTime::from_secs(3),
        })),
    };
    assert_eq!(save(&*store, "fields", Some(&lease), 0, whole.clone()), Saved::Durable);
    let back = place.open().load("fields").unwrap().unwrap();
    assert_eq!(back.to_bytes(), whole.to_bytes());
}

fn what_was_saved_is_there_when_the_store_is_opened_again(place: &dyn Place) {
    for round in 0..5 {
        let store = place.open();
        let (lease, found) = claim(&*store, "reopened", round + 1, LONG).unwrap();
        assert_eq!(found.map_or(0, |record| record.generation), round);
        assert_eq!(save(&*store, "reopened", Some(&lease), round, record(round + 1)), Saved::Durable);
        store.release("reopened", &lease);
    }
}

fn the_longest_tokens_fit(place: &dyn Place) {
    let store = place.open();
    let (lease, _) = claim(&*store, "long", 1, LONG).unwrap();
    let token = |c: &str| Some(c.repeat(1 << 19).into());
    let long = Record { access_token: token("a"), refresh_token: token("\""), ..record(1) };
    assert_eq!(save(&*store, "long", Some(&lease), 0, long), Saved::Durable);
    let back = place.open().load("long").unwrap().unwrap();
    assert_eq!(back.access_token.unwrap().expose().len(), 1 << 19);
    assert_eq!(back.refresh_token.unwrap().expose(), "\"".repeat(1 << 19));
}

fn ids_are_kept_apart_whatever_they_hold(place: &dyn Place) {
    let store = place.open();
    let long = "x".repeat(10_000);
    let ids = [
        "a",
        "A",
        "a/b",
        "a-b",
        "../../x",
        "..",
        ".",
        "",
        "/etc/passwd",
        "-rf",
        "a\0b",
        "a\nb",
        "a b",
        "{a}",
        "*",
        "%n",
        "ü",
        "\u{202e}",
        &long,
        "'; DROP TABLE",
        "$(id)",
    ];
    for (generation, id) in (1..).zip(ids) {
        let (lease, found) = claim(&*store, id, generation, LONG).unwrap();
        assert!(found.is_none(), "{id:?}");
        assert_eq!(save(&*store, id, Some(&lease), 0, record(generation)), Saved::Durable, "{id:?}");
    }
    for (expected, id) in (1..).zip(ids) {
        assert_eq!(generation(&*store, id), Some(expected), "{id:?}");
        store.release(id, &Lease { owner: expected });
        assert!(claim(&*store, id, 1_000, LONG).is_some(), "{id:?}");
    }
}

fn now() -> UnixTime {
    UnixTime::default().after(SystemTime::now().duration_since(UNIX_EPOCH).unwrap())
}

fn a_pause_is_shared(place: &dyn Place) {
    let (one, other) = (place.open(), place.open());
    assert_eq!(other.paused("pause"), None);
    let pause = |span: Duration, why: &str| SharedPause { until: now().after(span), why: why.into() };
    let first = pause(Duration::from_secs(20), "429, \"slow down\"\u{1}");
    one.pause("pause", &first);
    let met = other.paused("pause").unwrap();
    assert_eq!(met.why, first.why);
    let difference = met.until.since(first.until).max(first.until.since(met.until));
    assert!(difference < Duration::from_millis(500), "{difference:?}");
    other.pause("pause", &pause(Duration::from_secs(5), "a shorter one"));
    assert_eq!(one.paused("pause").unwrap().why, first.why);
    other.pause("pause", &pause(Duration::from_secs(40), "a longer one"));
    assert_eq!(one.paused("pause").unwrap().why, "a longer one");
    assert_eq!(one.paused("another"), None);
    // It ends, and does not touch the record or the lease.
    one.pause("short", &pause(Duration::from_millis(200), "short"));
    assert!(one.paused("short").is_some());
    assert!(claim(&*one, "short", 1, LONG).is_some());
    thread::sleep(Duration::from_millis(300));
    assert_eq!(one.paused("short"), None);
    one.pause("past", &SharedPause { until: UnixTime::from_secs(1), why: "over".into() });
    assert_eq!(one.paused("past"), None);
}

fn the_holder_is_known(place: &dyn Place) {
    let (one, other) = (place.open(), place.open());
    assert_eq!(other.holder("held"), None);
    let (lease, _) = claim(&*one, "held", u64::MAX, Duration::from_secs(20)).unwrap();
    let held = other.holder("held").unwrap();
    assert_eq!(held.owner, u64::MAX);
    let left = held.until.since(now());
    assert!(left > Duration::from_secs(19) && left < Duration::from_secs(21), "{left:?}");
    one.release("held", &lease);
    assert_eq!(other.holder("held"), None);
    claim(&*one, "held", 1, Duration::from_millis(100)).unwrap();
    thread::sleep(Duration::from_millis(150));
    assert_eq!(other.holder("held"), None);
}

/// Adds one generation, however often it has to ask for the lease; how often it was told that somebody was faster although it held the lease.
pub(crate) fn add_one(store: &dyn TokenStore, id: &str, owner: u64) -> u64 {
    let mut superseded = 0;
    loop {
        let Some((lease, found)) = claim(store, id, owner, LONG) else {
            thread::sleep(Duration::from_millis(1));
            continue;
        };
        let before = found.map_or(0, |record| record.generation);
        let saved = save(store, id, Some(&lease), before, record(before + 1));
        store.release(id, &lease);
        match saved {
            Saved::Durable => return superseded,
            Saved::Superseded => superseded += 1,
            Saved::Down(why) => panic!("{why}"),
        }
    }
}

fn threads_never_overwrite_each_other(place: &dyn Place) {
    const THREADS: u64 = 8;
    const ROUNDS: u64 = 25;
    let shared = place.open();
    let inside = AtomicUsize::new(0);
    let work = |number: u64| {
        // Half of them share one store, the others have their own.
        let own = place.open();
        let store = if number.is_multiple_of(2) { &*shared } else { &*own };
        for round in 0..ROUNDS {
            let owner = 1 + number * ROUNDS + round;
            assert_eq!(add_one(store, "threads", owner), 0);
            while claim(store, "alone", owner, LONG).is_none() {
                thread::yield_now();
            }
            assert_eq!(inside.fetch_add(1, Ordering::SeqCst), 0, "two hold one lease");
            inside.fetch_sub(1, Ordering::SeqCst);
            store.release("alone", &Lease { owner });
        }
    };
    thread::scope(|scope| {
        for number in 0..THREADS {
            let work = &work;
            scope.spawn(move || work(number));
        }
    });
    assert_eq!(generation(&*shared, "threads"), Some(THREADS * ROUNDS));
}
