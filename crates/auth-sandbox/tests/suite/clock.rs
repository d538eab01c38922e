use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

use auth_sandbox::Service;

use crate::client::{Client, plain};

#[test]
fn the_server_clock_is_the_system_clock_until_it_is_moved() {
    let sandbox = plain();
    let clock = sandbox.clock();
    let system = SystemTime::now().duration_since(UNIX_EPOCH).unwrap().as_millis();
    assert!(u128::from(clock.now_millis()).abs_diff(system) < 1000);
    clock.advance(Duration::from_secs(100));
    clock.rewind(Duration::from_secs(40));
    assert_eq!(sandbox.clock().offset_millis(), 60_000);
    clock.rewind(Duration::MAX);
    assert_eq!(clock.now_millis(), 0);
}

#[test]
fn a_token_expires_when_the_clock_says_so() {
    let sandbox = plain();
    sandbox.token_lifetime(Service::NumericAuth, 2);
    let client = Client::new(&sandbox);
    let token = client.numeric_token();
    let status = || client.get(Service::NumericApi, "/v1/health", &token).status;
    assert_eq!(status(), 200);
    sandbox.clock().advance(Duration::from_secs(2));
    assert_eq!(status(), 401);
    sandbox.clock().rewind(Duration::from_secs(2));
    assert_eq!(status(), 200);
}

#[test]
fn the_adaas_lifetime_can_be_set_too_and_tokens_can_be_ended() {
    let sandbox = plain();
    sandbox.token_lifetime(Service::AdaasAuth, 5);
    let client = Client::new(&sandbox);
    let token = client.adaas_token();
    sandbox.clock().advance(Duration::from_secs(5));
    assert_eq!(client.get(Service::AdaasApi, "/v2/bills", &token).status, 401);
    let token = client.adaas_token();
    assert_eq!(sandbox.revoke_tokens(Service::AdaasAuth), 2);
    assert_eq!(client.get(Service::AdaasApi, "/v2/bills", &token).status, 401);
    let token = client.numeric_token();
    assert_eq!(sandbox.revoke_tokens(Service::NumericAuth), 1);
    assert_eq!(client.get(Service::NumericApi, "/v1/health", &token).status, 401);
}

#[test]
fn the_date_header_follows_the_clock_and_can_lie_on_its_own() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let date = || {
        let answer = client.send(Service::Stranger, "GET", "/", &[], "").unwrap();
        let date = answer.header("date").unwrap().to_owned();
        jiff::fmt::rfc2822::parse(&date).unwrap().timestamp().as_second()
    };
    let system = jiff::Timestamp::now().as_second();
    assert!(date().abs_diff(system) <= 2);
    sandbox.clock().advance(Duration::from_secs(1000));
    assert!(date().abs_diff(system + 1000) <= 2);
    sandbox.set_date_skew(-4000);
    assert!(date().abs_diff(system - 3000) <= 2);
    let now = i64::try_from(sandbox.clock().now_millis() / 1000).unwrap();
    assert!(now.abs_diff(system + 1000) <= 2);
}

#[test]
fn token_answers_can_be_delayed() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    sandbox.token_delay(Duration::from_millis(60));
    let began = Instant::now();
    let token = client.numeric_token();
    assert!(began.elapsed() >= Duration::from_millis(60));
    let began = Instant::now();
    client.get(Service::NumericApi, "/v1/health", &token);
    assert!(began.elapsed() < Duration::from_millis(60));
}

#[test]
fn the_ends_of_time_harm_nobody() {
    let sandbox = plain();
    let client = Client::new(&sandbox);
    let (adaas, numeric) = (client.adaas_token(), client.numeric_token());
    for far in [true, false] {
        let clock = sandbox.clock();
        if far {
            clock.advance(Duration::MAX);
        } else {
            clock.rewind(Duration::MAX);
        }
        for (service, key) in [
            (Service::Finora, &sandbox.keys().finora_test),
            (Service::Numora, &sandbox.keys().numora),
            (Service::AdaasApi, &adaas),
            (Service::NumericApi, &numeric),
            (Service::Stranger, &numeric),
        ] {
            assert!(client.get(service, "/v1/invoices", key).status < 500);
        }
        client.adaas_token();
        client.numeric_token();
    }
}
