//! An answer that came while the process was stopped is heard, though the time for it is over.

use crate::child::{Task, outcomes, record_of};
use crate::endpoint::{End, Endpoint, Manners};
use crate::places::Files;
use crate::wire::Tls;
use rustix::process::{Pid, Signal, kill_process};
use std::sync::{Arc, Mutex, mpsc};
use std::thread;
use std::time::Duration;

/// How long a token request may take, in milliseconds.
const TIMEOUT: u64 = 1_000;

/// For how long the process is stopped: longer than its lease, which lasts 15 s longer than the
/// request. `LEDGERAUTH_STOPPED` says another number of seconds.
fn stopped_for() -> Duration {
    let said = std::env::var("LEDGERAUTH_STOPPED").ok().map(|text| text.parse().expect("seconds"));
    Duration::from_secs(said.unwrap_or(18))
}

/// How the answer comes.
#[derive(Clone, Copy, Debug)]
struct Case {
    is_secure: bool,
    /// Whether half of it is heard before the stop.
    half_first: bool,
    end: End,
}

const CASES: [Case; 8] = [
    Case { is_secure: false, half_first: false, end: End::Stays },
    Case { is_secure: false, half_first: true, end: End::Closed },
    Case { is_secure: false, half_first: false, end: End::Reset },
    Case { is_secure: true, half_first: false, end: End::Stays },
    Case { is_secure: true, half_first: true, end: End::Stays },
    Case { is_secure: true, half_first: false, end: End::Closed },
    Case { is_secure: true, half_first: true, end: End::CutOff },
    Case { is_secure: true, half_first: true, end: End::Reset },
];

#[test]
fn an_answer_that_came_while_the_process_was_stopped_is_saved_and_used() {
    // Side by side, because each of them takes its time.
    thread::scope(|scope| CASES.map(|case| scope.spawn(move || is_heard(case))).map(drop));
}

fn is_heard(case: Case) {
    let (asked, is_asked) = mpsc::channel();
    let (let_go, go) = mpsc::channel::<()>();
    let go = Mutex::new(go);
    let before_the_rest = move || {
        let _ = asked.send(());
        let _ = go.lock().expect("no panic").recv();
    };
    let manners = Manners { half_first: case.half_first, before_the_rest: Arc::new(before_the_rest), end: case.end };
    let server = Endpoint::rotating_over(case.is_secure.then(Tls::make), manners);
    let place = Files::plain();
    let task = Task { fetch_timeout: TIMEOUT, ..Task::at(&server, &place) };
    let child = task.start();
    is_asked.recv_timeout(Duration::from_secs(30)).expect("a token request");
    if case.half_first {
        // It is read, and the rest is waited for.
        thread::sleep(Duration::from_millis(300));
    }
    let process = Pid::from_child(&child);
    kill_process(process, Signal::STOP).expect("a stop");
    // The server answers a process that does not listen.
    drop(let_go);
    thread::sleep(stopped_for());
    kill_process(process, Signal::CONT).expect("an end of the stop");
    let said = outcomes(child);
    let record = record_of(&place).expect("a record");
    let asked = server.requests("/oauth/token");
    println!("{case:?}: {asked} token requests, generation {}, journal {:?}, {said:?}", record.generation, record.spending);
    assert_eq!(said[0], "ok", "{case:?}");
    assert_eq!((record.generation, record.spending), (1, None), "{case:?}");
    let saved = record.refresh_token.as_ref().map(auth_http::core::Secret::expose);
    assert_eq!((saved, asked), (Some("refresh-2"), 1), "{case:?}");
    // The next process needs no other token.
    assert_eq!(outcomes(task.start())[0], "ok", "{case:?}");
    assert_eq!(server.requests("/oauth/token"), 1, "{case:?}");
}
