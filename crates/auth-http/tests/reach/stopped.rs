//! An answer that came while the process was stopped is heard, though the time for it is over.

use crate::child::{Task, outcomes, record_of};
use crate::endpoint::Endpoint;
use crate::places::Files;
use rustix::process::{Pid, Signal, kill_process};
use std::sync::Mutex;
use std::sync::mpsc;
use std::time::Duration;

/// How long a token request may take, and for how long the process is stopped: longer than its
/// lease, which lasts 15 s longer than the request.
const TIMEOUT: u64 = 1_000;
const STOPPED: Duration = Duration::from_secs(18);

#[test]
fn an_answer_that_came_while_the_process_was_stopped_is_saved_and_used() {
    let (asked, is_asked) = mpsc::channel();
    let (let_go, go) = mpsc::channel::<()>();
    let go = Mutex::new(go);
    let server = Endpoint::rotating(move || {
        let _ = asked.send(());
        let _ = go.lock().expect("no panic").recv();
    });
    let place = Files::plain();
    let task = Task { fetch_timeout: TIMEOUT, ..Task::new(format!("http://127.0.0.1:{}", server.port), &place) };
    let child = task.start();
    is_asked.recv_timeout(Duration::from_secs(30)).expect("a token request");
    let process = Pid::from_child(&child);
    kill_process(process, Signal::STOP).expect("a stop");
    // The server answers a process that does not listen.
    drop(let_go);
    std::thread::sleep(STOPPED);
    kill_process(process, Signal::CONT).expect("an end of the stop");
    assert_eq!(outcomes(child)[0], "ok");
    let record = record_of(&place).expect("a record");
    assert_eq!((record.generation, record.spending), (1, None));
    assert_eq!(record.refresh_token.as_ref().map(auth_http::core::Secret::expose), Some("refresh-2"));
    assert_eq!(server.requests("/oauth/token"), 1);
    // The next process needs no other token.
    assert_eq!(outcomes(task.start())[0], "ok");
    assert_eq!(server.requests("/oauth/token"), 1);
}
