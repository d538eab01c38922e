//! The frame of a request is the client's: how long it is, whom it is for, what belongs to the connection.

use auth_http::{Client, Credential, FailureKind, Provider, Request};
use std::io::{Cursor, Read as _, Write as _};
use std::net::TcpListener;
use std::sync::mpsc::{Receiver, channel};
use std::time::Duration;

/// A server that hands over what it read of each connection, and a client of it.
fn listening() -> (Client, Receiver<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let url = format!("http://{}", listener.local_addr().unwrap());
    let (seen, requests) = channel();
    std::thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            stream.set_read_timeout(Some(Duration::from_millis(150))).unwrap();
            let mut text = Vec::new();
            let mut piece = [0; 8_192];
            while let Ok(count @ 1..) = stream.read(&mut piece) {
                text.extend_from_slice(&piece[..count]);
            }
            let _ = seen.send(String::from_utf8_lossy(&text).into_owned());
            let _ = stream.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\nConnection: close\r\n\r\n");
        }
    });
    let key = Credential::key(format!("test_sk_{}", "0a".repeat(24)));
    let provider = Provider::builtin("finora").unwrap();
    let builder = Client::builder(provider).environment("staging").base_url(url).insecure_loopback(true);
    (builder.credential(key).max_attempts(1).build().unwrap(), requests)
}

/// What arrives of a request, in lower case.
fn arrived(make: impl for<'c> FnOnce(&'c Client) -> Request<'c>) -> (Result<u16, auth_http::Error>, String) {
    let (client, requests) = listening();
    let answer = make(&client).send().map(|response| response.status());
    (answer, requests.recv_timeout(Duration::from_secs(5)).unwrap_or_default().to_ascii_lowercase())
}

#[test]
fn a_request_without_a_body_says_so_where_one_is_expected() {
    for (method, length) in [("POST", true), ("PUT", true), ("PATCH", true), ("GET", false), ("DELETE", false), ("HEAD", false)] {
        let (answer, text) = arrived(|client| match method {
            "POST" => client.post("/v1/x"),
            "PUT" => client.put("/v1/x"),
            "PATCH" => client.patch("/v1/x"),
            "DELETE" => client.delete("/v1/x"),
            "HEAD" => client.head("/v1/x"),
            _ => client.get("/v1/x"),
        });
        assert_eq!(answer.unwrap(), 200, "{method}");
        assert_eq!(text.matches("content-length: 0\r\n").count(), usize::from(length), "{text}");
        assert!(!text.contains("transfer-encoding"), "{text}");
    }
}

#[test]
fn a_body_of_known_length_is_not_chunked() {
    let body = "x".repeat(200_000);
    let (answer, text) = arrived(|client| client.post("/v1/x").sized_stream(Cursor::new(body.clone()), 200_000));
    assert_eq!(answer.unwrap(), 200);
    assert!(text.contains("content-length: 200000\r\n") && !text.contains("transfer-encoding"), "{}", &text[..300]);
    assert!(text.ends_with(&body));
    let (_, text) = arrived(|client| client.post("/v1/x").stream(&b"abc"[..]));
    assert!(text.contains("transfer-encoding: chunked\r\n") && !text.contains("content-length"), "{text}");
    let (_, text) = arrived(|client| client.post("/v1/x").body("abc"));
    assert_eq!(text.matches("content-length: 3\r\n").count(), 1, "{text}");
}

#[test]
fn a_body_that_shrinks_or_grows_is_an_error_that_says_so() {
    for (stated, words) in [(9, "after 6 of 9 bytes: it shrank"), (4, "more than 4 bytes: it grew")] {
        let (answer, text) = arrived(|client| client.post("/v1/x").sized_stream(&b"abcdef"[..], stated));
        let error = answer.unwrap_err().to_string();
        assert!(error.contains(words), "{error}");
        assert!(!text.ends_with("abcd"), "the server never has the whole of a wrong body: {text}");
    }
}

#[test]
fn no_caller_sets_the_frame() {
    let (client, requests) = listening();
    for name in [
        "Host",
        "content-length",
        "Transfer-Encoding",
        "Connection",
        "TE",
        "Trailer",
        "Upgrade",
        "Expect",
        "Keep-Alive",
        "Proxy-Authorization",
        "Proxy-Connection",
    ] {
        let error = client.get("/v1/x").header(name, "5").send().unwrap_err();
        assert!(error.kind() == Some(FailureKind::Misuse) && error.to_string().contains(name), "{error}");
        let own = Client::builder(Provider::builtin("finora").unwrap()).header(name);
        let error = own.credential(Credential::key(format!("test_sk_{}", "0a".repeat(24)))).build().unwrap_err();
        assert!(error.kind() == Some(FailureKind::Misuse) && error.to_string().contains(name), "{error}");
    }
    for path in ["//evil.example/x", "/\\evil.example/x", "/../x", "/%2e%2e/x", "/v1/./x"] {
        let error = client.get(path).send().unwrap_err();
        assert_eq!(error.kind(), Some(FailureKind::Misuse), "{path}: {error}");
        assert_eq!(client.poll(path).wait().unwrap_err().kind(), Some(FailureKind::Misuse), "{path}");
    }
    assert!(requests.try_recv().is_err(), "nothing was sent");
}
