//! Tokens of C programs in a real Redis server, over TLS; and what a library without Redis says.

use crate::bare::bare;
use crate::build::{Program, no_c};
use crate::redis_tls::Redis;
use crate::server::skipped;
use crate::stage::{Stage, World};
use auth_sandbox::{Fault, FaultKind, Kind, Service};

#[test]
fn tokens_in_redis_outlive_the_process_that_got_them() {
    if no_c() {
        return;
    }
    if !cfg!(feature = "redis") {
        return skipped("features", "the library was built without the feature redis, so no tokens of C programs were kept in Redis");
    }
    let Some(redis) = Redis::start("127.0.0.1") else { return };
    let mut stage = Stage::start(World::Tls);
    stage.sandbox.rotate_refresh_tokens(true);
    let refresh_token = stage.sandbox.issue_refresh_token(&stage.sandbox.keys().numeric.client_id).unwrap();
    let server = redis.as_store();
    let word = |name: &str| server[name].as_str().unwrap().to_owned();
    stage.add("REDIS_URL", &word("redis").replacen("://", &format!("://:{}@", word("password")), 1));
    stage.add("REDIS_PASSWORD", &word("password"));
    stage.add("REDIS_CA", &word("ca"));
    stage.add("REFRESH_TOKEN", &refresh_token);
    let program = Program::test("redis").build();
    let fetched = || stage.sandbox.count(|entry| entry.kind == Kind::Token);
    let run = |what: &str| {
        let said = program.run(&stage.env(), &[what]);
        assert!(!said.contains(&word("password")) && !said.contains(&refresh_token), "{said}");
    };

    run("mistrust");
    assert_eq!(fetched(), 0, "a refresh token was spent, and its successor could not have been kept");
    run("keep");
    assert_eq!(fetched(), 1);
    run("keep");
    assert_eq!(fetched(), 1, "the second process had no use for the first one's token");
    // The refresh token that the program was given is spent; the next one is in Redis alone.
    let refused = FaultKind::Status { code: 401, body: String::new(), content_type: "text/plain".into(), headers: vec![] };
    stage.sandbox.inject(Fault::new(refused).on(Service::NumericApi));
    run("keep");
    assert_eq!(fetched(), 2);
    run("open");
    assert_eq!(fetched(), 2);
}

#[test]
fn a_library_without_redis_says_how_to_get_one() {
    if no_c() {
        return;
    }
    let program = Program::test("redis").library(bare()).with("bare", &[]).build();
    program.run(&Stage::start(World::Tls).env(), &["refuse"]);
}
