//! `RedisStore` over a real server: three ways to it, restarts, damage, and words that hold no password.

use crate::contract::{self, claim, generation, record, save};
use crate::down::{self, Breakable};
use crate::places::{Place, random_key};
use crate::processes;
use crate::redis_server::{At, Server, Way};
use auth_http::store::{Claim, Claimed, Lease, Saved, SealKey, TokenStore};
use auth_http::{RedisSettings, RedisStore};
use rustix::process::Signal;
use std::sync::Arc;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_mins(1);
const DURABLE: [&str; 4] = ["--appendonly", "yes", "--appendfsync", "always"];

/// Why the store does not work.
fn down(store: &dyn TokenStore) -> String {
    match store.claim("a", &Claim { owner: 99, span: LONG }) {
        Claimed::Down(why) => why,
        other => panic!("{other:?}"),
    }
}

fn at(server: &Server, settings: impl FnOnce(RedisSettings) -> RedisSettings) -> RedisStore {
    RedisStore::with(settings(RedisSettings::new(server.url(Way::Tcp, None)))).unwrap()
}

#[test]
fn redis() {
    for way in [Way::Tcp, Way::Tls, Way::Socket] {
        let Some(server) = Server::start(&[]) else { return };
        let place = At { server: &server, way };
        contract::all(&place);
        processes::all(&place);
    }
}

/// A server that is ended and started again.
struct Ended(Server);

impl Place for Ended {
    fn open(&self) -> Arc<dyn TokenStore> {
        At { server: &self.0, way: Way::Tcp }.open()
    }
}

impl Breakable for Ended {
    fn break_it(&mut self) {
        self.0.end();
    }

    fn mend_it(&mut self) {
        self.0.run();
    }
}

#[test]
fn a_server_that_is_gone_costs_no_refresh_token() {
    if let Some(server) = Server::start(&DURABLE) {
        down::all(&mut Ended(server));
    }
}

#[test]
fn a_restart_is_survived_by_what_was_saved_and_by_the_store() {
    let Some(mut server) = Server::start(&DURABLE) else { return };
    let store = At { server: &server, way: Way::Tcp }.open();
    for round in 0..3 {
        let (lease, found) = claim(&*store, "a", round + 1, LONG).unwrap();
        assert_eq!(found.map_or(0, |record| record.generation), round);
        assert_eq!(save(&*store, "a", Some(&lease), round, record(round + 1)), Saved::Durable);
        store.release("a", &lease);
        server.end();
        let why = down(&*store);
        assert!(why.contains("127.0.0.1:") && why.contains("start it") && !why.contains(server.password()), "{why}");
        assert!(store.load("a").is_err());
        assert_eq!((store.holder("a"), store.paused("a")), (None, None));
        server.run();
    }
    assert_eq!(generation(&*store, "a"), Some(3));
}

#[test]
fn scripts_that_the_server_forgot_are_no_matter() {
    let Some(server) = Server::start(&[]) else { return };
    let store = At { server: &server, way: Way::Socket }.open();
    for round in 0..3 {
        server.command(&["SCRIPT", "FLUSH"]);
        contract::add_one(&*store, "a", round + 1);
    }
    // Connections that the server closed while they were idle as well.
    server.command(&["CLIENT", "KILL", "TYPE", "normal"]);
    assert_eq!(generation(&*store, "a"), Some(3));
}

#[test]
fn a_server_that_does_not_answer_is_not_waited_for() {
    let Some(server) = Server::start(&[]) else { return };
    let store = at(&server, |settings| settings.timeout(Duration::from_millis(300)).connect_timeout(Duration::from_millis(400)));
    let (lease, _) = claim(&store, "a", 1, LONG).unwrap();
    server.signal(Signal::STOP);
    // Over a kept connection, then over a new one.
    for _ in 0..2 {
        let start = Instant::now();
        let why = down(&store);
        assert!(start.elapsed() < Duration::from_secs(2), "{:?}", start.elapsed());
        assert!(why.contains("did not answer within"), "{why}");
    }
    assert!(matches!(save(&store, "a", Some(&lease), 0, record(1)), Saved::Down(_)));
    server.signal(Signal::CONT);
    // What it may have done with the save when it woke, the next one finds out.
    let now = generation(&store, "a");
    assert!(now.is_none() || now == Some(1));
    let (lease, found) = claim(&store, "a", 1, LONG).unwrap();
    let found = found.map_or(0, |record| record.generation);
    assert_eq!(save(&store, "a", Some(&lease), found, record(found + 1)), Saved::Durable);
}

#[test]
fn the_time_for_a_connection_is_for_all_of_it() {
    let mute = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let port = mute.local_addr().unwrap().port();
    for scheme in ["redis", "rediss"] {
        let settings = RedisSettings::new(format!("{scheme}://user:made-up@127.0.0.1:{port}")).connect_timeout(Duration::from_millis(400));
        let store = RedisStore::with(settings).unwrap();
        let start = Instant::now();
        let why = down(&store);
        assert!(start.elapsed() < Duration::from_millis(700), "{:?}", start.elapsed());
        assert!(why.contains("did not answer within 400 ms") && !why.contains("made-up"), "{why}");
    }
}

#[test]
fn a_save_whose_answer_was_lost_may_be_repeated() {
    let Some(server) = Server::start(&[]) else { return };
    let store = At { server: &server, way: Way::Tcp }.open();
    let (lease, _) = claim(&*store, "a", 1, LONG).unwrap();
    assert_eq!(save(&*store, "a", Some(&lease), 0, record(1)), Saved::Durable);
    assert_eq!(save(&*store, "a", Some(&lease), 0, record(1)), Saved::Durable);
    assert_eq!(save(&*store, "a", Some(&lease), 0, record(2)), Saved::Superseded);
}

#[test]
fn errors_say_what_to_do_and_hold_no_password() {
    let Some(server) = Server::start(&[]) else { return };
    let wrong = random_key();
    let open = |url: String| RedisStore::open(url).unwrap();
    let why = down(&open(server.url(Way::Tcp, Some(&wrong))));
    assert!(why.contains("refuses user or password") && !why.contains(&wrong), "{why}");
    let without = server.url(Way::Tcp, None).replace(&format!(":{}@", server.password()), "");
    let why = down(&open(without.clone()));
    assert!(why.contains("asks for a password"), "{why}");
    let given = RedisStore::with(RedisSettings::new(without).password(server.password())).unwrap();
    assert_eq!(given.load("a").unwrap().map(|record| record.generation), None);

    // TLS: an authority that nobody knows, another one, another name, and none at all.
    let with_ca = |url: String, ca: &str| {
        let pem = std::fs::read(server.folder.path().join(ca)).unwrap();
        RedisStore::with(RedisSettings::new(url).ca(pem)).unwrap()
    };
    let tls = server.url(Way::Tls, None);
    for store in [open(tls.clone()), with_ca(tls.clone(), "stranger.pem"), with_ca(tls.replace("localhost", "127.0.0.1"), "ca.pem")] {
        let why = down(&store);
        assert!(why.contains("could not be trusted") && why.contains("with ca") && !why.contains(server.password()), "{why}");
    }
    assert_eq!(generation(&with_ca(tls.clone(), "ca.pem"), "a"), None);
    let why = down(&open(server.url(Way::Tcp, None).replace("redis://", "rediss://")));
    assert!(why.contains("127.0.0.1:") && why.contains("TLS"), "{why}");

    for url in ["", "localhost", "http://localhost/", "redis://", "redis://:secret/x@localhost", "rediss://:secret@localhost/#insecure"] {
        let error = RedisStore::open(url).unwrap_err().to_string();
        assert!(error.starts_with("the token store cannot be used: its URL") && !error.contains("secret"), "{url}: {error}");
    }
    for host in ["192.0.2.1", "tokens.example", "[2001:db8::1]"] {
        let error = RedisStore::open(format!("redis://:secret@{host}:6379")).unwrap_err().to_string();
        assert!(error.contains("rediss://") && error.contains("redis+insecure://") && !error.contains("secret"), "{error}");
        assert!(RedisStore::open(format!("redis+insecure://:secret@{host}:6379")).is_ok(), "{host}");
    }
    for host in ["localhost", "127.0.0.1", "[::1]"] {
        assert!(RedisStore::open(format!("redis://:secret@{host}:6379")).is_ok(), "{host}");
    }
    let error = RedisStore::with(RedisSettings::new(tls).ca("no PEM")).unwrap_err().to_string();
    assert!(error.contains("not PEM"), "{error}");
    let error = RedisStore::with(RedisSettings::new(server.url(Way::Tcp, None)).ca("x")).unwrap_err().to_string();
    assert!(error.contains("does not ask for TLS"), "{error}");
    let shown = format!("{given:?} {:?}", RedisSettings::new(server.url(Way::Tcp, None)));
    assert!(!shown.contains(server.password()) && shown.contains("127.0.0.1"), "{shown}");
}

#[test]
fn what_cannot_be_read_is_never_overwritten() {
    let Some(server) = Server::start(&[]) else { return };
    let store = At { server: &server, way: Way::Socket }.open();
    contract::add_one(&*store, "a", 1);
    let key = server.command(&["KEYS", "*:record"]).trim().to_owned();
    assert!(key.starts_with("ledgerauth:{a-") && key.ends_with("}:record"), "{key}");
    let damage: [(&[&str], &str); 4] = [
        (&["HSET", &key, "record", "{\"version\":3}"], "version 3"),
        (&["HSET", &key, "record", "rt-secret"], "is not a JSON object"),
        (&["HSET", &key, "generation", "9"], "do not belong together"),
        (&["HDEL", &key, "record"], "something else than ledgerauth's keys"),
    ];
    for (command, words) in damage {
        server.command(command);
        let bad = server.command(&["HGETALL", &key]);
        let why = down(&*store);
        assert!(why.contains(words) && !why.contains("secret"), "{why}");
        assert!(store.load("a").unwrap_err().contains(words));
        // The lease was not kept, and who has none cannot save.
        assert_eq!(store.holder("a"), None, "{words}");
        assert_ne!(save(&*store, "a", Some(&Lease { owner: 99 }), 1, record(2)), Saved::Durable, "{words}");
        assert_eq!(server.command(&["HGETALL", &key]), bad);
        server.command(&["DEL", &key]);
        contract::add_one(&*store, "a", 1);
    }
    server.command(&["DEL", &key]);
    server.command(&["SET", &key, "somebody else's"]);
    assert!(down(&*store).contains("prefix of its own"), "{}", down(&*store));
    assert_eq!(store.holder("a"), None, "a script that fails leaves no lease");
    assert!(matches!(save(&*store, "a", None, 0, record(2)), Saved::Down(_)));
    assert_eq!(server.command(&["GET", &key]).trim(), "somebody else's");
}

#[test]
fn prefixes_keep_installations_apart_and_seals_hide_records() {
    let Some(server) = Server::start(&[]) else { return };
    let key = random_key();
    let sealed = |key: &str| at(&server, |settings| settings.prefix("mine:").sealed(SealKey::from_value(key).unwrap()));
    contract::add_one(&sealed(&key), "a", 1);
    assert_eq!(generation(&at(&server, |settings| settings), "a"), None);
    assert_eq!(generation(&sealed(&key), "a"), Some(1));
    let name = server.command(&["KEYS", "mine:*:record"]).trim().to_owned();
    let kept = server.command(&["HGET", &name, "record"]);
    assert!(kept.starts_with("ledgerauth sealed 1") && !kept.contains("rt-1"));
    assert!(down(&sealed(&random_key())).contains("sealed with another key"));
    assert!(down(&at(&server, |settings| settings.prefix("mine:"))).contains("the record is sealed"));
}

#[test]
fn a_replica_that_does_not_have_the_record_is_missed() {
    let Some(mut primary) = Server::start(&[]) else { return };
    let span = Duration::from_millis(300);
    let alone = at(&primary, |settings| settings.replicas(1, span));
    let (lease, _) = claim(&alone, "a", 1, LONG).unwrap();
    let saved = save(&alone, "a", Some(&lease), 0, record(1));
    assert!(matches!(&saved, Saved::Down(why) if why.contains("reached 0 of 1 replicas")), "{saved:?}");

    let port = primary.url(Way::Tcp, None).rsplit_once(':').unwrap().1.trim_end_matches("/0").to_owned();
    let follow = ["--replicaof", "127.0.0.1", &port, "--masterauth", primary.password()].map(str::to_owned);
    let Some(replica) = Server::start(&follow.each_ref().map(String::as_str)) else { return };
    let start = Instant::now();
    while !replica.command(&["INFO", "replication"]).contains("master_link_status:up") {
        assert!(start.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(50));
    }
    // Offered again, it is the same record, and now it is where it should be.
    assert_eq!(save(&alone, "a", Some(&lease), 0, record(1)), Saved::Durable);
    alone.release("a", &lease);
    let why = down(&at(&replica, |settings| settings));
    assert!(why.contains("read-only replica: name the primary"), "{why}");
    assert_eq!(generation(&at(&replica, |settings| settings), "a"), Some(1));
    // The end of the lease is not waited for by anybody, and comes later.
    while at(&replica, |settings| settings).holder("a").is_some() {
        assert!(start.elapsed() < Duration::from_secs(30));
        std::thread::sleep(Duration::from_millis(10));
    }

    // The primary is lost, and the replica takes its place.
    primary.end();
    replica.command(&["REPLICAOF", "NO", "ONE"]);
    let after = at(&replica, |settings| settings);
    let (lease, found) = claim(&after, "a", 2, LONG).unwrap();
    assert_eq!(found.unwrap().generation, 1);
    assert_eq!(save(&after, "a", Some(&lease), 1, record(2)), Saved::Durable);
}
