use std::io::{Read, Write};

use auth_sandbox::Service;

use crate::client::{plain, raw, raw_socket};

#[test]
fn chunked_bodies_are_put_together() {
    let sandbox = plain();
    let request =
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nConnection: close\r\n\r\n4;x=y\r\nWiki\r\n5\r\npedia\r\n0\r\nTrailer: t\r\n\r\n";
    let answer = raw(&sandbox, Service::Stranger, request).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200 OK\r\n"), "{answer}");
    assert_eq!(sandbox.log()[0].body, b"Wikipedia");
}

#[test]
fn requests_in_one_write_are_answered_in_turn() {
    let sandbox = plain();
    let request = b"GET /1 HTTP/1.1\r\n\r\nPOST /2 HTTP/1.1\r\nContent-Length: 2\r\n\r\nokGET /3 HTTP/1.1\r\nConnection: close\r\n\r\n";
    let answer = raw(&sandbox, Service::Stranger, request).unwrap();
    assert_eq!(answer.matches("HTTP/1.1 200 OK").count(), 3);
    let paths: Vec<String> = sandbox.log().into_iter().map(|entry| entry.path).collect();
    assert_eq!(paths, ["/1", "/2", "/3"]);
}

#[test]
fn a_request_in_single_bytes_is_read_as_well() {
    let sandbox = plain();
    let mut socket = raw_socket(&sandbox, Service::Stranger);
    for byte in b"POST /slow HTTP/1.1\r\nContent-Length: 2\r\nConnection: close\r\n\r\nhi" {
        socket.write_all(&[*byte]).unwrap();
    }
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.ends_with(r#"{"stranger":true}"#));
    assert_eq!(sandbox.log()[0].body, b"hi");
}

#[test]
fn head_has_the_length_and_no_body() {
    let sandbox = plain();
    let answer = raw(&sandbox, Service::Stranger, b"HEAD / HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    assert!(answer.contains("Content-Length: 17\r\n") && answer.ends_with("\r\n\r\n"), "{answer}");
}

#[test]
fn a_client_that_waits_for_100_continue_gets_it() {
    let sandbox = plain();
    let mut socket = raw_socket(&sandbox, Service::Stranger);
    socket.write_all(b"POST / HTTP/1.1\r\nExpect: 100-continue\r\nContent-Length: 2\r\nConnection: close\r\n\r\n").unwrap();
    let mut interim = [0; 25];
    socket.read_exact(&mut interim).unwrap();
    assert_eq!(&interim, b"HTTP/1.1 100 Continue\r\n\r\n");
    socket.write_all(b"ok").unwrap();
    let mut answer = String::new();
    socket.read_to_string(&mut answer).unwrap();
    assert!(answer.starts_with("HTTP/1.1 200"));
}

#[test]
fn ambiguous_framing_is_refused() {
    let sandbox = plain();
    for (head, status) in [
        ("Content-Length: 2\r\nTransfer-Encoding: chunked", "400"),
        ("Content-Length: 2\r\nContent-Length: 3", "400"),
        ("Content-Length: x", "400"),
        ("Transfer-Encoding: gzip", "501"),
        ("Content-Length: 99999999999", "413"),
    ] {
        let request = format!("POST / HTTP/1.1\r\n{head}\r\n\r\n0\r\n\r\n");
        let answer = raw(&sandbox, Service::Stranger, request.as_bytes()).unwrap();
        assert!(answer.starts_with(&format!("HTTP/1.1 {status}")), "{head}: {answer}");
    }
}

#[test]
fn an_endless_header_section_is_refused() {
    let sandbox = plain();
    let request = format!("GET / HTTP/1.1\r\nX: {}", "x".repeat(70 * 1024));
    let answer = raw(&sandbox, Service::Stranger, request.as_bytes()).unwrap();
    assert!(answer.starts_with("HTTP/1.1 431"), "{answer}");
}

#[test]
fn an_absolute_target_is_taken_by_its_path() {
    let sandbox = plain();
    raw(&sandbox, Service::Stranger, b"GET http://localhost:1/p?q HTTP/1.1\r\nConnection: close\r\n\r\n").unwrap();
    let entry = &sandbox.log()[0];
    assert_eq!((entry.path.as_str(), entry.query.as_str()), ("/p", "q"));
}

#[test]
fn old_clients_get_their_answer_and_the_end() {
    let sandbox = plain();
    let answer = raw(&sandbox, Service::Stranger, b"GET / HTTP/1.0\r\n\r\n").unwrap();
    assert!(answer.contains("Connection: close\r\n"));
}
