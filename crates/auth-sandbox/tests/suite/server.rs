use std::io::Write;
use std::net::TcpStream;
use std::sync::Arc;
use std::thread;
use std::time::{Duration, Instant};

use auth_sandbox::{Fault, FaultKind, Kind, Options, Sandbox, Service};

use crate::client::{Client, agent_with, plain, raw_socket};

#[test]
fn every_service_is_https_with_a_certificate_of_the_ca() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let client = Client::new(&sandbox);
    for service in Service::ALL {
        assert!(sandbox.url(service).starts_with("https://localhost:"));
        client.send(service, "GET", "/", &[], "").unwrap();
    }
    let by_address = sandbox.url(Service::Stranger).replace("localhost", "127.0.0.1");
    assert_eq!(client.agent.get(&by_address).call().unwrap().status(), 200);
    assert_eq!(sandbox.log().len(), 9);
}

#[test]
fn a_client_with_another_ca_leaves_a_handshake_in_the_log() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let other = Sandbox::start(Options::default()).unwrap();
    let agent = agent_with(&other, None, None);
    assert!(agent.get(sandbox.url(Service::Finora)).call().is_err());
    let began = Instant::now();
    while sandbox.log().is_empty() && began.elapsed() < Duration::from_secs(5) {
        thread::yield_now();
    }
    assert_eq!(sandbox.log()[0].kind, Kind::Handshake);
}

#[test]
fn mutual_tls_admits_only_the_client_certificate_of_the_ca() {
    let sandbox = Sandbox::start(Options { client_auth: true, ..Options::default() }).unwrap();
    let url = sandbox.url(Service::Stranger);
    let without = agent_with(&sandbox, None, None);
    assert!(without.get(&url).call().is_err());
    let with = agent_with(&sandbox, None, Some(sandbox.client_identity()));
    assert_eq!(with.get(&url).call().unwrap().status(), 200);
}

#[test]
fn a_seed_makes_keys_repeat() {
    let start = |seed| Sandbox::start(Options { tls: false, seed, ..Options::default() }).unwrap();
    assert_eq!(start(Some(7)).keys(), start(Some(7)).keys());
    assert_ne!(start(Some(7)).keys(), start(Some(8)).keys());
    assert_ne!(start(None).keys(), start(None).keys());
}

#[test]
fn ports_are_consecutive_from_the_first_one() {
    // Any of these may be taken by another test's client; one try in ten is enough.
    let found = (0..10).find_map(|attempt| {
        let first = 21_000 + attempt * 97;
        let options = Options { tls: false, ports: first, control: true, ..Options::default() };
        Sandbox::start(options).ok().map(|sandbox| (first, sandbox))
    });
    let (first, sandbox) = found.unwrap();
    for (service, port) in Service::ALL.into_iter().zip(first..) {
        assert_eq!(sandbox.url(service), format!("http://localhost:{port}"));
    }
    assert_eq!(sandbox.control_url().unwrap(), format!("http://127.0.0.1:{}", first + 8));
}

#[test]
fn a_taken_port_is_an_error_and_leaves_no_thread() {
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let result = Sandbox::start(Options { ports: taken.local_addr().unwrap().port(), ..Options::default() });
    assert!(result.is_err());
}

#[test]
fn limits_can_be_off() {
    let sandbox = Sandbox::start(Options { tls: false, limits: false, ..Options::default() }).unwrap();
    let client = Client::new(&sandbox);
    for _ in 0..100 {
        let answer = client.get(Service::Finora, "/v1/usage", &sandbox.keys().finora_test);
        assert_eq!(answer.status, 200);
        assert_eq!(answer.header("x-ratelimit-limit"), None);
    }
}

#[test]
fn the_eleventh_request_at_the_same_time_is_refused() {
    let sandbox = Arc::new(plain());
    let key = sandbox.keys().finora_test.clone();
    sandbox.inject(Fault::new(FaultKind::Slow { millis: 250 }).on(Service::Finora).times(10));
    let threads: Vec<_> = (0..10)
        .map(|_| {
            let (sandbox, key) = (Arc::clone(&sandbox), key.clone());
            thread::spawn(move || Client::new(&sandbox).get(Service::Finora, "/v1/usage", &key).status)
        })
        .collect();
    let began = Instant::now();
    while sandbox.count(|_| true) < 10 && began.elapsed() < Duration::from_secs(5) {
        thread::yield_now();
    }
    let client = Client::new(&sandbox);
    let refused = client.get(Service::Finora, "/v1/usage", &key);
    assert_eq!((refused.status, refused.code().as_str()), (429, "RATE_LIMIT"));
    assert!(sandbox.log().last().unwrap().decision.contains("10 at the same time"));
    for thread in threads {
        assert_eq!(thread.join().unwrap(), 200);
    }
    assert_eq!(client.get(Service::Finora, "/v1/usage", &key).status, 200);
}

#[test]
fn stopping_takes_no_time_whatever_is_going_on() {
    let sandbox = Sandbox::start(Options { tls: false, control: true, ..Options::default() }).unwrap();
    let idle: Vec<TcpStream> = Service::ALL.iter().map(|service| raw_socket(&sandbox, *service)).collect();
    let mut half = raw_socket(&sandbox, Service::Finora);
    half.write_all(b"POST / HTTP/1.1\r\nContent-Length: 10\r\n\r\nabc").unwrap();
    sandbox.inject(Fault::new(FaultKind::Slow { millis: 60_000 }).on(Service::Stranger));
    let mut slow = raw_socket(&sandbox, Service::Stranger);
    slow.write_all(b"GET / HTTP/1.1\r\n\r\n").unwrap();
    while sandbox.count(|_| true) < 1 {
        thread::yield_now();
    }
    let url = sandbox.url(Service::Finora);
    let began = Instant::now();
    drop(sandbox);
    let took = began.elapsed();
    assert!(took < Duration::from_millis(100), "{took:?}");
    let port: u16 = url.rsplit_once(':').unwrap().1.parse().unwrap();
    assert!(TcpStream::connect(("127.0.0.1", port)).is_err());
    drop((idle, half, slow));
}

#[test]
fn the_sandbox_is_shared_between_threads() {
    fn shared<T: Send + Sync + 'static>() {}
    shared::<Sandbox>();
    shared::<auth_sandbox::Proxy>();
    shared::<auth_sandbox::Clock>();
}

#[test]
fn ports_that_do_not_fit_are_refused_with_the_highest_that_do() {
    let refused = |control| match Sandbox::start(Options { ports: 65_530, control, ..Options::default() }) {
        Ok(_) => panic!("nine ports from 65530 cannot fit"),
        Err(error) => error.to_string(),
    };
    assert!(refused(true).contains("begin at 65527 or lower"), "{}", refused(true));
    assert!(refused(false).contains("begin at 65528 or lower"), "{}", refused(false));
}
