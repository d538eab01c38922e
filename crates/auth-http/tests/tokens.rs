//! Tokens over real sockets: one fetch for all threads, renewal beside the callers, every odd answer.

mod support;

use auth_http::{Client, Credential, FailureKind, SessionState};
use auth_sandbox::{Fault, FaultKind, LimitStyle, Service, TokenReply};
use std::sync::Barrier;
use std::thread;
use std::time::{Duration, Instant};
use support::server::unused_port;
use support::{adaas, at, numeric, refreshing, requests, sandbox, token_requests};

/// Calls from `threads` threads at once; the slowest call and how many failed.
fn storm(client: &Client, threads: usize, path: &str) -> (Duration, usize) {
    let barrier = Barrier::new(threads);
    let call = || {
        barrier.wait();
        let start = Instant::now();
        let failed = client.get(path).send().map_or(true, |response| response.status() != 200);
        (start.elapsed(), failed)
    };
    thread::scope(|scope| {
        let threads: Vec<_> = (0..threads).map(|_| scope.spawn(call)).collect();
        let results: Vec<_> = threads.into_iter().map(|thread| thread.join().unwrap()).collect();
        let slowest = results.iter().map(|(span, _)| *span).max().unwrap_or_default();
        (slowest, results.iter().filter(|(_, failed)| *failed).count())
    })
}

#[test]
fn sixty_four_threads_make_one_token_request() {
    let sandbox = sandbox();
    sandbox.token_delay(Duration::from_millis(200));
    let client = numeric(&sandbox).build().unwrap();
    let (_, failed) = storm(&client, 64, "/v1/health");
    assert_eq!((token_requests(&sandbox), failed), (1, 0));
    // The token is revoked at the server: 64 refused calls, one renewal, no failure.
    assert_eq!(sandbox.revoke_tokens(Service::NumericAuth), 1);
    let (slowest, failed) = storm(&client, 64, "/v1/health");
    assert_eq!((token_requests(&sandbox), failed), (2, 0));
    assert!(slowest < Duration::from_secs(5), "waiters are woken: {slowest:?}");
}

#[test]
fn a_token_that_ends_is_renewed_beside_its_callers() {
    let sandbox = sandbox();
    sandbox.token_lifetime(Service::NumericAuth, 2);
    let client = numeric(&sandbox).build().unwrap();
    client.get("/v1/health").send().unwrap();
    sandbox.token_delay(Duration::from_millis(100));
    let (start, mut slowest) = (Instant::now(), Duration::ZERO);
    while start.elapsed() < Duration::from_millis(4_200) {
        let call = Instant::now();
        assert_eq!(client.get("/v1/health").send().unwrap().status(), 200);
        slowest = slowest.max(call.elapsed());
        thread::sleep(Duration::from_millis(5));
    }
    // Renewed at about 1.7 s and 3.5 s; a caller who waited would have needed more than the endpoint's 100 ms.
    assert!((3..=4).contains(&token_requests(&sandbox)), "{}", token_requests(&sandbox));
    assert!(slowest < Duration::from_millis(90), "{slowest:?}");
    assert!(requests(&sandbox, Service::NumericApi).iter().all(|entry| entry.status == Some(200)));
}

#[test]
fn a_failed_early_renewal_keeps_the_valid_token() {
    let sandbox = sandbox();
    sandbox.token_lifetime(Service::NumericAuth, 4);
    let client = numeric(&sandbox).build().unwrap();
    client.get("/v1/health").send().unwrap();
    let down = FaultKind::Status { code: 503, body: String::new(), content_type: "text/plain".into(), headers: vec![] };
    sandbox.inject(Fault::new(down).on(Service::NumericAuth).times(1));
    let start = Instant::now();
    while start.elapsed() < Duration::from_millis(4_500) {
        assert_eq!(client.get("/v1/health").send().unwrap().status(), 200);
        thread::sleep(Duration::from_millis(10));
    }
    assert_eq!(sandbox.faults_left(), 0);
    assert_eq!(token_requests(&sandbox), 3);
}

#[test]
fn a_refused_grant_is_remembered() {
    let sandbox = sandbox();
    let client = numeric(&sandbox).credential(Credential::client("nobody", "wrong-secret")).build().unwrap();
    for _ in 0..1_000 {
        let error = client.get("/v1/health").send().unwrap_err();
        assert_eq!(error.kind(), Some(FailureKind::GrantRefused), "{error}");
    }
    assert_eq!(token_requests(&sandbox), 1);
    assert!(matches!(client.state(), SessionState::Dead { .. }));
}

#[test]
fn a_token_that_is_refused_although_new_stops_and_says_why() {
    let sandbox = sandbox();
    // A sandbox client's token at the production host.
    let keys = sandbox.keys();
    let client = numeric(&sandbox)
        .credential(Credential::client(&keys.numeric_sandbox.client_id, keys.numeric_sandbox.client_secret.as_str()))
        .build()
        .unwrap();
    for _ in 0..50 {
        let response = client.get("/v1/health").send().unwrap();
        let failure = response.failure().unwrap();
        assert_eq!(failure.status(), Some(401));
    }
    let first = client.get("/v1/health").send().unwrap();
    assert!(first.failure().is_some());
    assert_eq!(token_requests(&sandbox), 2);
}

#[test]
fn a_token_endpoint_that_fails_once_is_asked_again() {
    let down =
        |headers: Vec<(String, String)>| FaultKind::Status { code: 503, body: String::new(), content_type: "text/plain".into(), headers };
    for kind in [
        down(vec![]),
        FaultKind::TooManyRequests { style: LimitStyle::RetryAfterSeconds(1) },
        FaultKind::ResetBeforeActing,
        FaultKind::CloseBeforeAnswer,
        FaultKind::Truncated,
    ] {
        let sandbox = sandbox();
        sandbox.inject(Fault::new(kind.clone()).on(Service::NumericAuth));
        let client = numeric(&sandbox).build().unwrap();
        assert_eq!(client.get("/v1/health").send().unwrap().status(), 200, "{kind:?}");
        assert_eq!(token_requests(&sandbox), 2, "{kind:?}");
    }
}

#[test]
fn every_odd_token_answer_is_understood_or_refused_with_a_reason() {
    use TokenReply::{
        AccessTokenEmpty, AccessTokenMissing, AccessTokenNotText, AccessTokenWithNewline, Array, EmptyBody, ErrorInside200, Html200,
        Html502, Latin1Bytes, LifetimeAsText, LifetimeFractional, LifetimeHuge, LifetimeMissing, LifetimeNegative, OverOneMebibyte,
        TokenTypeLower, TokenTypeMac, TokenTypeMissing, TokenTypeUpper, TruncatedJson,
    };
    for reply in [
        LifetimeAsText,
        LifetimeMissing,
        LifetimeFractional,
        LifetimeNegative,
        LifetimeHuge,
        TokenTypeLower,
        TokenTypeUpper,
        TokenTypeMissing,
        Latin1Bytes,
    ] {
        let sandbox = sandbox();
        sandbox.inject(Fault::new(FaultKind::TokenReply(reply.clone())));
        let client = numeric(&sandbox).build().unwrap();
        assert_eq!(client.get("/v1/health").send().unwrap().status(), 200, "{reply:?}");
        assert_eq!(token_requests(&sandbox), 1, "{reply:?}");
    }
    for (reply, words) in [
        (AccessTokenMissing, "no access_token"),
        (AccessTokenEmpty, "empty access_token"),
        (AccessTokenNotText, "not text"),
        (AccessTokenWithNewline, "no header can carry"),
        (TokenTypeMac, "cannot be sent as Bearer"),
        (Array, "not an object"),
        (EmptyBody, "is empty"),
        (ErrorInside200, "refused the grant"),
        (Html200, "web page"),
        (Html502, "failed (502)"),
        (TruncatedJson, "cut off"),
        (OverOneMebibyte, "longer than"),
    ] {
        let sandbox = sandbox();
        sandbox.inject(Fault::new(FaultKind::TokenReply(reply.clone())).times(100));
        let client = numeric(&sandbox).max_attempts(2).build().unwrap();
        let error = client.get("/v1/health").send().unwrap_err().to_string();
        assert!(error.contains(words), "{reply:?}: {error}");
        assert_eq!(requests(&sandbox, Service::NumericApi).len(), 0, "{reply:?}");
    }
}

#[test]
fn refresh_tokens_rotate_or_stay_as_the_server_says() {
    for rotate in [true, false] {
        let sandbox = sandbox();
        sandbox.rotate_refresh_tokens(rotate);
        let client = refreshing(&sandbox).build().unwrap();
        for round in 1..=4 {
            assert_eq!(client.get("/v1/health").send().unwrap().status(), 200, "rotate {rotate}, round {round}");
            assert_eq!(token_requests(&sandbox), round);
            sandbox.revoke_tokens(Service::NumericAuth);
        }
    }
}

#[test]
fn a_lost_answer_to_a_rotating_refresh_is_asked_for_once_more() {
    let sandbox = sandbox();
    sandbox.rotate_refresh_tokens(true);
    let client = refreshing(&sandbox).build().unwrap();
    // The server has acted: what it granted is lost, and it refuses the old token.
    sandbox.inject(Fault::new(FaultKind::ResetAfterActing).on(Service::NumericAuth));
    for _ in 0..10 {
        let error = client.get("/v1/health").send().unwrap_err();
        assert_eq!(error.kind(), Some(FailureKind::ConsentRequired), "{error}");
        assert!(error.to_string().contains("an earlier answer was lost, and the refresh token was sent again"), "{error}");
    }
    assert_eq!(token_requests(&sandbox), 2);
}

#[test]
fn a_token_endpoint_that_fails_once_is_not_noticed_where_refresh_tokens_rotate() {
    let maintenance = FaultKind::Status { code: 503, body: "Maintenance".into(), content_type: "text/html".into(), headers: Vec::new() };
    for fault in [maintenance, FaultKind::ResetBeforeActing] {
        let sandbox = sandbox();
        sandbox.rotate_refresh_tokens(true);
        let client = refreshing(&sandbox).build().unwrap();
        sandbox.inject(Fault::new(fault.clone()).on(Service::NumericAuth));
        assert_eq!(client.get("/v1/health").send().unwrap().status(), 200, "{fault:?}");
        sandbox.revoke_tokens(Service::NumericAuth);
        assert_eq!(client.get("/v1/health").send().unwrap().status(), 200, "{fault:?}: the new refresh token was kept");
        assert_eq!(token_requests(&sandbox), 3, "{fault:?}");
    }
}

#[test]
fn a_call_makes_as_many_token_requests_as_it_may_and_ends_with_what_happened() {
    let busy = FaultKind::Status {
        code: 429,
        body: String::new(),
        content_type: "text/plain".into(),
        headers: vec![("Retry-After".into(), "1".into())],
    };
    let sandbox = sandbox();
    sandbox.inject(Fault::new(busy).on(Service::NumericAuth).times(100));
    let start = Instant::now();
    let error = numeric(&sandbox).build().unwrap().get("/v1/health").send().unwrap_err();
    let failure = error.failure().unwrap();
    assert_eq!((failure.kind(), failure.status()), (FailureKind::RateLimited, Some(429)), "{error}");
    assert!(failure.come_back_at().is_some() && start.elapsed() < Duration::from_secs(30), "{error}");
    assert_eq!(token_requests(&sandbox), 4);
}

#[test]
fn a_redirecting_token_endpoint_is_refused() {
    let sandbox = sandbox();
    let location = format!("{}/steal", sandbox.url(Service::Stranger));
    for code in [301, 302, 303, 307, 308] {
        sandbox.inject(Fault::new(FaultKind::Redirect { code, location: location.clone() }).on(Service::NumericAuth));
        let error = numeric(&sandbox).build().unwrap().get("/v1/health").send().unwrap_err();
        let words = format!("redirects to {location}, which is refused");
        assert!(error.to_string().contains(&words), "{error}");
    }
    assert!(requests(&sandbox, Service::Stranger).is_empty());
}

#[test]
fn clients_that_share_a_store_share_its_tokens() {
    let sandbox = sandbox();
    let store = std::sync::Arc::new(auth_http::MemoryStore::new());
    for _ in 0..5 {
        let client = adaas(&sandbox).store(store.clone()).build().unwrap();
        assert_eq!(client.get("/v2/invoices").send().unwrap().status(), 200);
    }
    assert_eq!(token_requests(&sandbox), 1);
}

#[test]
fn a_thread_that_panics_or_a_client_that_is_dropped_strands_nobody() {
    let sandbox = sandbox();
    sandbox.token_delay(Duration::from_millis(150));
    let client = numeric(&sandbox).build().unwrap();
    let panicking = client.clone();
    let panicked = thread::spawn(move || {
        // The body's reader panics while the request is being sent, with the session in use by others.
        struct Bomb;
        impl std::io::Read for Bomb {
            fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
                panic!("made to panic")
            }
        }
        let _ = panicking.post("/v1/tasks").stream(Bomb).send();
    });
    let (_, failed) = storm(&client, 8, "/v1/health");
    assert!(panicked.join().is_err());
    assert_eq!(failed, 0);
    let last = client.clone();
    drop(client);
    assert_eq!(last.get("/v1/health").send().unwrap().status(), 200);
}

#[test]
fn skew_is_learned_from_the_date_header() {
    let sandbox = sandbox();
    sandbox.set_date_skew(300);
    let client = numeric(&sandbox).build().unwrap();
    client.get("/v1/health").send().unwrap();
    let skew = client.skew_millis().unwrap();
    assert!((298_000..=302_000).contains(&skew), "{skew}");
    // A lifetime is counted from our own clock all the same.
    client.get("/v1/health").send().unwrap();
    assert_eq!(token_requests(&sandbox), 1);
}

#[test]
fn an_expired_token_of_a_server_whose_clock_moved_is_renewed_once() {
    let sandbox = sandbox();
    let client = adaas(&sandbox).build().unwrap();
    client.get("/v2/invoices").send().unwrap();
    sandbox.clock().advance(Duration::from_secs(3_601));
    assert_eq!(client.get("/v2/invoices").send().unwrap().status(), 200);
    assert_eq!(token_requests(&sandbox), 2);
    let statuses: Vec<_> = requests(&sandbox, Service::AdaasApi).iter().map(|entry| entry.status).collect();
    assert_eq!(statuses, [Some(200), Some(401), Some(200)]);
}

#[test]
fn a_token_endpoint_that_is_not_there_is_said_so() {
    let sandbox = sandbox();
    let keys = sandbox.keys();
    let client = at(&sandbox, "numeric", Service::NumericApi)
        .environment("production")
        .token_url(format!("https://localhost:{}/oauth/token", unused_port()))
        .credential(Credential::client(&keys.numeric.client_id, keys.numeric.client_secret.as_str()))
        .max_attempts(2)
        .build()
        .unwrap();
    let error = client.get("/v1/health").send().unwrap_err();
    assert_eq!(error.kind(), Some(FailureKind::TokenEndpoint));
    assert!(error.to_string().contains("was not reached"), "{error}");
}
