//! A TLS handshake or a proxy that fails comes before the request: nothing is spent.

use crate::child::{Task, record_of};
use crate::places::{Files, Place as _};
use auth_http::{Client, Credential, FailureKind, Provider};
use std::io::{Read as _, Write as _};
use std::net::TcpListener;
use std::thread;
use std::time::Duration;

/// What a server does when somebody begins to talk to it.
#[derive(Clone, Copy, Debug)]
enum Manner {
    Closes,
    Says(&'static [u8]),
    SaysNothing,
}

const MANNERS: [Manner; 5] = [
    Manner::Closes,
    Manner::SaysNothing,
    Manner::Says(b"HTTP/1.1 407 Proxy Authentication Required\r\nContent-Length: 0\r\n\r\n"),
    Manner::Says(b"HTTP/1.1 503 Service Unavailable\r\nContent-Length: 0\r\n\r\n"),
    // A fatal alert of TLS: internal_error.
    Manner::Says(b"\x15\x03\x03\x00\x02\x02\x50"),
];

/// A server with these manners.
fn server(manner: Manner) -> u16 {
    let listener = TcpListener::bind("127.0.0.1:0").expect("a port");
    let port = listener.local_addr().expect("an address").port();
    thread::spawn(move || {
        for mut stream in listener.incoming().flatten() {
            thread::spawn(move || {
                let _ = stream.read(&mut [0; 4_096]);
                match manner {
                    Manner::Closes => {}
                    Manner::Says(words) => drop(stream.write_all(words)),
                    Manner::SaysNothing => thread::sleep(Duration::from_secs(20)),
                }
            });
        }
    });
    port
}

#[test]
fn a_handshake_or_proxy_that_fails_costs_nothing() {
    for manner in MANNERS {
        for by_proxy in [false, true] {
            let (port, place) = (server(manner), Files::plain());
            let builder = Client::builder(Provider::builtin("numeric").expect("a shipped profile"))
                .environment("production")
                .credential(Credential::refresh_token("client-1", "secret-1", "refresh-1"))
                .connect_timeout(Duration::from_millis(200))
                .max_attempts(1)
                .store(place.open());
            let builder = if by_proxy {
                builder.proxy(format!("http://127.0.0.1:{port}"))
            } else {
                builder.no_proxy().token_url(format!("https://127.0.0.1:{port}/oauth/token"))
            };
            let client = builder.build().expect("a client");
            let error = client.get("/v1/health").send().expect_err("no connection");
            let met = format!("{manner:?}, by proxy: {by_proxy}: {error}");
            println!("{met}");
            assert_eq!(error.kind(), Some(FailureKind::TokenEndpoint), "{met}");
            let record = record_of(&place);
            assert!(record.is_none_or(|record| record.spending.is_none()), "{met}");
        }
    }
}

#[test]
fn a_server_that_closed_while_the_journal_was_written_is_connected_to_again() {
    use crate::endpoint::Endpoint;
    let (server, place) = (Endpoint::rotating(|| {}), Files::plain());
    let task = Task::new(format!("http://127.0.0.1:{}", server.port), &place);
    // Nothing of this closes; that it is one connection for the token and one for the API shows
    // that the connection which stood is the one that is used.
    assert!(task.client().get("/v1/health").send().is_ok());
    assert_eq!((server.requests("/oauth/token"), server.connections()), (1, 2));
}
