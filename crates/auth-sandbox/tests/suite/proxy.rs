use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::{Duration, Instant};

use auth_sandbox::{Options, Proxy, ProxyOptions, Sandbox, Service};

use crate::client::{agent_with, plain};

fn with_user() -> Proxy {
    Proxy::start(ProxyOptions { user: Some(("ann".to_owned(), "s3cret".to_owned())) }).unwrap()
}

fn as_ureq(url: &str) -> ureq::Proxy {
    ureq::Proxy::new(url).unwrap()
}

#[test]
fn connect_leads_https_to_its_target() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let proxy = Proxy::start(ProxyOptions::default()).unwrap();
    let agent = agent_with(&sandbox, Some(as_ureq(&proxy.url())), None);
    let url = sandbox.url(Service::Stranger);
    assert_eq!(agent.get(&url).call().unwrap().status(), 200);
    assert_eq!(proxy.connections(), [url.trim_start_matches("https://")]);
    assert_eq!(sandbox.log().len(), 1);
}

#[test]
fn credentials_are_asked_for_and_checked() {
    let sandbox = Sandbox::start(Options::default()).unwrap();
    let proxy = with_user();
    let address = proxy.url().replace("http://", "");
    let url = sandbox.url(Service::Stranger);
    for (user, admitted) in [("ann:s3cret@", true), ("ann:wrong@", false), ("", false)] {
        let agent = agent_with(&sandbox, Some(as_ureq(&format!("http://{user}{address}"))), None);
        assert_eq!(agent.get(&url).call().is_ok(), admitted, "{user}");
    }
    assert_eq!((proxy.connections().len(), proxy.refused()), (1, 2));
    let mut socket = TcpStream::connect(&address).unwrap();
    socket.write_all(b"CONNECT localhost:1 HTTP/1.1\r\n\r\n").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 407") && answer.contains("Proxy-Authenticate: Basic"));
}

#[test]
fn plain_http_goes_in_absolute_form_without_the_proxy_credentials() {
    let sandbox = plain();
    let proxy = with_user();
    let mut socket = TcpStream::connect(proxy.url().replace("http://", "")).unwrap();
    let target = sandbox.url(Service::Stranger);
    write!(
        socket,
        "GET {target}/x?y HTTP/1.1\r\nHost: localhost\r\nProxy-Authorization: {}\r\n\r\n",
        crate::client::basic("ann", "s3cret")
    )
    .unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200") && answer.ends_with(r#"{"stranger":true}"#));
    let entry = sandbox.log().pop().unwrap();
    assert_eq!((entry.path.as_str(), entry.query.as_str()), ("/x", "y"));
    assert_eq!(entry.header("proxy-authorization"), None);
}

#[test]
fn an_unreachable_target_is_502_and_nonsense_is_400() {
    let proxy = Proxy::start(ProxyOptions::default()).unwrap();
    let ask = |bytes: &[u8]| {
        let mut socket = TcpStream::connect(proxy.url().replace("http://", "")).unwrap();
        socket.write_all(bytes).unwrap();
        let mut answer = String::new();
        socket.read_to_string(&mut answer).unwrap();
        answer
    };
    assert!(ask(b"CONNECT 127.0.0.1:1 HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 502"));
    assert!(ask(b"GET /relative HTTP/1.1\r\n\r\n").starts_with("HTTP/1.1 400"));
    assert!(ask(b"nonsense\r\n\r\n").starts_with("HTTP/1.1 400"));
    assert!(proxy.connections().is_empty());
}

#[test]
fn stopping_ends_open_tunnels() {
    let sandbox = plain();
    let proxy = Proxy::start(ProxyOptions::default()).unwrap();
    let mut socket = TcpStream::connect(proxy.url().replace("http://", "")).unwrap();
    let target = sandbox.url(Service::Stranger).replace("http://", "");
    write!(socket, "CONNECT {target} HTTP/1.1\r\n\r\n").unwrap();
    let mut head = [0; 12];
    socket.read_exact(&mut head).unwrap();
    let began = Instant::now();
    drop(proxy);
    assert!(began.elapsed() < Duration::from_millis(100));
}
