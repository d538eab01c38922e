//! A process that can start no thread: the calling thread makes the renewal itself.

use crate::child::{Lack, Task, outcomes, outcomes_and_cpu};
use crate::endpoint::Endpoint;
use crate::places::Files;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

/// Somebody whom a limit on processes binds, other than root.
const NOBODY: u32 = 65_534;

/// What a process says that can start no thread, and the same of the next one, where the token
/// endpoint takes so long; and for how many milliseconds the first one computed.
fn without_threads(server: &Endpoint, deadline: u64) -> ([Vec<String>; 2], [u64; 2]) {
    let place = Files::plain();
    let anybody = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(place.folder.path(), anybody).expect("a folder for all");
    let root = format!("http://localhost:{}", server.port);
    let task = Task { lack: Lack::Threads, deadline, ..Task::new(root, &place) };
    // A limit on processes does not bind root, and the program has to be where others may run it.
    let program = place.folder.path().join("program");
    std::fs::copy(std::env::current_exe().expect("this program"), &program).expect("a copy");
    let is_root = rustix::process::getuid().is_root();
    let start = || if is_root { task.start_as(NOBODY, &program) } else { task.start() };
    let (first, cpu) = outcomes_and_cpu(start());
    ([first, outcomes(start())], cpu)
}

#[test]
fn without_a_thread_the_caller_renews_and_hears_it_out() {
    let server = Endpoint::rotating(|| std::thread::sleep(Duration::from_millis(800)));
    // The first caller gives up before the answer comes; the token is the next one's.
    let (said, _) = without_threads(&server, 300);
    assert!(said.iter().all(|said| said.last().is_some_and(|last| last == "ok")), "{said:?}");
    // The next process needs no other token.
    assert_eq!(server.requests("/oauth/token"), 1, "{said:?}");
}

#[test]
fn without_a_thread_waiting_takes_no_processor() {
    let server = Endpoint::rotating(|| std::thread::sleep(Duration::from_secs(2)));
    let (said, [used, took]) = without_threads(&server, 90_000);
    println!("without threads: {used} ms of a processor in {took} ms, {said:?}");
    assert_eq!(said[0], ["ok"], "{said:?}");
    assert!(took >= 2_000 && used * 10 < took, "{used} ms of a processor in {took} ms");
}
