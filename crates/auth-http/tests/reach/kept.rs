//! Kept connections that turn out to be dead, on every way to a server.

use crate::endpoint::{End, Endpoint, Manners, Reply};
use crate::proxy;
use crate::wire::Tls;
use auth_http::core::Processed;
use auth_http::{Client, Credential, FailureKind, Provider};
use std::sync::{Arc, Mutex};
use std::thread;
use std::time::Duration;

/// A way to the server.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Way {
    Plain,
    Tls,
    /// TLS through a proxy that is asked by CONNECT.
    Connect,
    /// TLS through a SOCKS proxy.
    Socks,
}

const WAYS: [Way; 4] = [Way::Plain, Way::Tls, Way::Connect, Way::Socks];

impl Way {
    /// So many requests; fewer where each connection is a handshake. `LEDGERAUTH_POSTS` says how many
    /// in any case.
    fn count(self, plain: usize, secure: usize) -> usize {
        let said = std::env::var("LEDGERAUTH_POSTS").ok().map(|text| text.parse().expect("a number"));
        said.unwrap_or(if self == Self::Plain { plain } else { secure })
    }

    fn tls(self) -> Option<Tls> {
        (self != Self::Plain).then(Tls::make)
    }

    /// A client that sends each call once.
    fn client(self, server: &Endpoint) -> Client {
        let builder = Client::builder(Provider::builtin("finora").expect("a shipped profile"))
            .environment("staging")
            .base_url(server.root())
            .insecure_loopback(true)
            .credential(Credential::key(format!("test_sk_{}", "0a".repeat(24))))
            .max_attempts(1);
        let builder = match server.ca() {
            Some(ca) => builder.ca(ca),
            None => builder,
        };
        let builder = match self {
            Self::Plain | Self::Tls => builder.no_proxy(),
            Self::Connect => builder.proxy(format!("http://127.0.0.1:{}", proxy::start())),
            Self::Socks => builder.proxy(format!("socks5://127.0.0.1:{}", proxy::start())),
        };
        builder.build().expect("a client")
    }
}

/// Whether the whole answer came; then the connection is kept.
fn read(request: auth_http::Request<'_>) -> bool {
    request.send().and_then(auth_http::Response::bytes).is_ok()
}

fn post(client: &Client, number: usize) -> auth_http::Request<'_> {
    client.post("/v1/invoices").json(&serde_json::json!({"customerId": "c1", "amount": number}))
}

#[test]
fn a_dead_kept_connection_is_replaced_without_an_attempt_or_the_budget() {
    // Each connection serves one request and dies at the next one, in either way.
    for (way, at_the_second) in WAYS.into_iter().flat_map(|way| [(way, true), (way, false)]) {
        let server = Endpoint::over(way.tls(), move |request| match (request.before, at_the_second) {
            (0, _) => Reply::Json("[]".into()),
            (_, true) => Reply::Reset,
            (_, false) => Reply::Close,
        });
        let client = way.client(&server);
        let all = way.count(40, 10);
        let fine = (0..all).filter(|_| read(client.get("/v1/invoices"))).count();
        let (asked, connections) = (server.requests("/v1/invoices"), server.connections());
        println!("{way:?}, reset: {at_the_second}: {fine} of {all} GETs, {asked} requests over {connections} connections");
        // Each but the first went over a kept connection first.
        assert_eq!((fine, asked, connections), (all, 2 * all - 1, all), "{way:?}");
    }
}

#[test]
fn a_connection_that_was_just_made_is_not_replaced() {
    for way in WAYS {
        let server = Endpoint::over(way.tls(), |_| Reply::Reset);
        let error = way.client(&server).get("/v1/invoices").send().expect_err("a reset");
        assert_eq!(error.kind(), Some(FailureKind::Transport), "{way:?}");
        assert_eq!(server.requests("/v1/invoices"), 1, "{way:?}");
    }
}

#[test]
fn a_post_is_sent_over_a_new_connection_if_the_kept_one_died_before() {
    for (way, end) in WAYS.into_iter().flat_map(|way| [End::Closed, End::CutOff, End::Reset].map(|end| (way, end))) {
        let server = Endpoint::over(way.tls(), move |_| {
            let manners = Manners { half_first: false, before_the_rest: Arc::new(|| {}), end };
            Reply::Staged("{}".into(), manners)
        });
        let client = way.client(&server);
        for number in 0..3 {
            let answer = post(&client, number).send().unwrap_or_else(|error| panic!("{way:?}, {end:?}: {error}"));
            answer.bytes().expect("the whole answer");
            thread::sleep(Duration::from_millis(100));
        }
        let (booked, connections) = (server.requests("/v1/invoices"), server.connections());
        println!("{way:?}, {end:?}: 3 POSTs, {booked} bookings over {connections} connections");
        assert_eq!((booked, connections), (3, 3), "{way:?}, {end:?}");
    }
}

#[test]
fn a_post_of_which_a_part_was_read_is_not_sent_again() {
    for (way, after) in WAYS.into_iter().flat_map(|way| [(way, 0), (way, 1)]) {
        let server = Endpoint::cutting(way.tls(), after);
        let client = way.client(&server);
        for number in 0..after {
            assert!(read(post(&client, number)), "{way:?}");
        }
        let error = post(&client, after).send().expect_err("a reset");
        let failure = error.failure().expect("a failure");
        let (processed, cut) = (failure.processed(), server.requests("cut"));
        println!("{way:?}, kept: {after}: {cut} times, processed: {processed:?}, retryable: {}", failure.is_retryable());
        assert_eq!(failure.kind(), FailureKind::Transport, "{way:?}, {after}: {error}");
        assert_eq!((processed, failure.is_retryable(), cut), (Processed::Unknown, false, 1), "{way:?}, {after}");
        assert_eq!(server.connections(), 1, "{way:?}, {after}");
    }
}

#[test]
fn a_server_that_acts_and_then_resets_a_kept_connection_books_each_post_once() {
    for way in WAYS {
        let bookings = Arc::new(Mutex::new(Vec::new()));
        let booked = Arc::clone(&bookings);
        let server = Endpoint::over(way.tls(), move |request| {
            assert_eq!(request.method, "POST");
            booked.lock().expect("no panic").push(request.body.clone());
            // It acts, and says so the first time only.
            if request.before == 0 { Reply::Json("{}".into()) } else { Reply::Reset }
        });
        let client = way.client(&server);
        let posts = way.count(500, 50);
        let heard = (0..posts).filter(|number| read(post(&client, *number))).count();
        let (mut booked, connections) = (bookings.lock().expect("no panic").clone(), server.connections());
        let all = booked.len();
        booked.sort_unstable();
        booked.dedup();
        println!(
            "{way:?}: {posts} POSTs, {all} bookings, {} of them different, {heard} heard of, over {connections} connections",
            booked.len()
        );
        assert_eq!((all, booked.len()), (posts, posts), "{way:?}");
        assert!((1..posts).contains(&heard), "no connection was kept: {heard}");
    }
}
