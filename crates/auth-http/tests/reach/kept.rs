//! Kept connections that turn out to be dead.

use crate::endpoint::{Endpoint, Reply};
use auth_http::{Client, Credential, FailureKind, Provider};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

/// A client that sends each call once.
fn client(server: &Endpoint) -> Client {
    Client::builder(Provider::builtin("finora").expect("a shipped profile"))
        .environment("staging")
        .base_url(format!("http://127.0.0.1:{}", server.port))
        .insecure_loopback(true)
        .no_proxy()
        .credential(Credential::key(format!("test_sk_{}", "0a".repeat(24))))
        .max_attempts(1)
        .build()
        .expect("a client")
}

/// Whether the whole answer came; then the connection is kept.
fn read(request: auth_http::Request<'_>) -> bool {
    request.send().and_then(auth_http::Response::bytes).is_ok()
}

#[test]
fn a_dead_kept_connection_is_replaced_without_an_attempt_or_the_budget() {
    // Each connection serves one request and dies at the next one, in either way.
    for (name, at_the_second) in [("reset", true), ("closed", false)] {
        let server = Endpoint::start(move |request| match (request.before, at_the_second) {
            (0, _) => Reply::Json("[]".into()),
            (_, true) => Reply::Reset,
            (_, false) => Reply::Close,
        });
        let client = client(&server);
        let fine = (0..40).filter(|_| read(client.get("/v1/invoices"))).count();
        let (asked, connections) = (server.requests("/v1/invoices"), server.connections());
        println!("{name}: {fine} of 40 GETs, {asked} requests over {connections} connections");
        assert_eq!(fine, 40, "{name}");
        // Of the 78 that follow the first two, each went over a kept connection first.
        assert_eq!((asked, connections), (79, 40), "{name}");
    }
}

#[test]
fn a_connection_that_was_just_made_is_not_replaced() {
    let server = Endpoint::start(|_| Reply::Reset);
    let error = client(&server).get("/v1/invoices").send().expect_err("a reset");
    assert_eq!(error.kind(), Some(FailureKind::Transport));
    assert_eq!(server.requests("/v1/invoices"), 1);
}

#[test]
fn a_server_that_acts_and_then_resets_a_kept_connection_books_each_post_once() {
    let bookings = Arc::new(AtomicUsize::new(0));
    let booked = Arc::clone(&bookings);
    let server = Endpoint::start(move |request| {
        assert_eq!(request.method, "POST");
        booked.fetch_add(1, Ordering::SeqCst);
        // It acts, and says so the first time only.
        if request.before == 0 { Reply::Json("{}".into()) } else { Reply::Reset }
    });
    let client = client(&server);
    let post = |number: usize| {
        let body = serde_json::json!({"customerId": "c1", "amount": number});
        read(client.post("/v1/invoices").json(&body))
    };
    let heard = (0..500).filter(|number| post(*number)).count();
    let (booked, connections) = (bookings.load(Ordering::SeqCst), server.connections());
    println!("500 POSTs, {booked} bookings, {heard} heard of, over {connections} connections");
    assert_eq!(booked, 500);
    assert!((1..500).contains(&heard), "no connection was kept: {heard}");
}
