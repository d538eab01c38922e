//! The examples, run as a reader would.

use crate::build::{Program, compilers, no_c};
use crate::stage::{Stage, World};
use auth_sandbox::{Kind, Service};

#[test]
fn the_simple_client_checks_posts_and_gets() {
    if no_c() {
        return;
    }
    for compiler in compilers() {
        let stage = Stage::start(World::Tls);
        let text = Program::example("simple").by(compiler).build().run(&stage.finora(), &[]);
        assert!(text.contains("accepted") && text.contains("posted: 201") && text.contains("Ada Ltd"), "{text}");
    }
}

#[test]
fn the_client_on_top_of_libcurl_gets_a_token_and_calls() {
    if no_c() {
        return;
    }
    for compiler in compilers() {
        let stage = Stage::start(World::Tls);
        let text = Program::example("own_http").by(compiler).build().run(&stage.numeric(), &[]);
        assert!(text.contains("health: 200") && text.contains("close March"), "{text}");
        assert_eq!(stage.sandbox.count(|entry| entry.kind == Kind::Token), 1);
    }
}

#[test]
fn a_hundred_calls_are_in_flight_on_one_thread_with_one_token() {
    if no_c() {
        return;
    }
    for compiler in compilers() {
        let stage = Stage::start(World::Tls);
        let text = Program::example("event_loop").by(compiler).build().run(&stage.numeric(), &[]);
        assert!(text.contains("100 of 100 calls answered, 100 in flight at most, one thread"), "{text}");
        let calls = stage.sandbox.count(|entry| entry.service == Service::NumericApi && entry.status == Some(200));
        assert_eq!((stage.sandbox.count(|entry| entry.kind == Kind::Token), calls), (1, 100));
    }
}

#[test]
fn an_example_says_what_is_wrong() {
    if no_c() {
        return;
    }
    let stage = Stage::start(World::Tls);
    let mut env = stage.finora();
    env.iter_mut().find(|(name, _)| name == "FINORA_API_KEY").unwrap().1 = "test_sk_short".into();
    let program = Program::example("simple").with("wrong", &[]).build();
    let output = program.output(&env);
    let text = crate::build::text(&output);
    assert!(!output.status.success() && text.contains("position 9 that is not one of 0-9 a-f"), "{text}");
}
