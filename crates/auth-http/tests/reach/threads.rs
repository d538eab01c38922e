//! A process that can start no thread: the calling thread makes the renewal itself.

use crate::child::{Lack, Task, outcomes};
use crate::endpoint::Endpoint;
use crate::places::Files;
use std::os::unix::fs::PermissionsExt as _;
use std::time::Duration;

/// Somebody whom a limit on processes binds, other than root.
const NOBODY: u32 = 65_534;

#[test]
fn without_a_thread_the_caller_renews_and_hears_it_out() {
    let server = Endpoint::rotating(|| std::thread::sleep(Duration::from_millis(800)));
    let place = Files::plain();
    let anybody = std::fs::Permissions::from_mode(0o777);
    std::fs::set_permissions(place.folder.path(), anybody).expect("a folder for all");
    // The first caller gives up before the answer comes; the token is the next one's.
    let task = Task { lack: Lack::Threads, deadline: 300, ..Task::new(format!("http://localhost:{}", server.port), &place) };
    // A limit on processes does not bind root, and the program has to be where others may run it.
    let program = place.folder.path().join("program");
    std::fs::copy(std::env::current_exe().expect("this program"), &program).expect("a copy");
    let is_root = rustix::process::getuid().is_root();
    let start = || if is_root { task.start_as(NOBODY, &program) } else { task.start() };
    let said = outcomes(start());
    assert_eq!(said.last().map(String::as_str), Some("ok"), "{said:?}");
    assert_eq!(server.requests("/oauth/token"), 1, "{said:?}");
    // The next process needs no other token.
    assert_eq!(outcomes(start()).last().map(String::as_str), Some("ok"));
    assert_eq!(server.requests("/oauth/token"), 1);
}
