//! What stores promise to several processes: this very program, started again.

use crate::contract::{add_one, claim, generation, record, save};
use crate::places::{SharedPlace, open_at};
use auth_http::store::Saved;
pub(crate) use rustix::process::Signal;
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

/// In a child: where the store is.
const ADDRESS: &str = "LEDGERAUTH_TEST_ADDRESS";
/// In a child: what to do.
const TASK: &str = "LEDGERAUTH_TEST_TASK";
/// In a child: its number.
const NUMBER: &str = "LEDGERAUTH_TEST_NUMBER";

const ROUNDS: u64 = 25;
const LONG: Duration = Duration::from_mins(1);

pub(crate) fn all(place: &dyn SharedPlace) {
    processes_never_overwrite_each_other(place);
    a_stopped_holder_is_fenced_out(place);
}

/// A child that does a task at a place.
pub(crate) fn child(place: &dyn SharedPlace, task: &str, number: u64) -> Child {
    Command::new(std::env::current_exe().unwrap())
        .args(["--exact", "processes::in_a_child", "--nocapture"])
        .env(ADDRESS, place.address())
        .env(TASK, task)
        .env(NUMBER, number.to_string())
        .stdin(Stdio::piped())
        .stdout(Stdio::piped())
        .spawn()
        .unwrap()
}

/// Reads until a child prints this line.
pub(crate) fn wait_for(child: &mut Child, line: &str) {
    let output = child.stdout.as_mut().unwrap();
    let found = BufReader::new(output).lines().map_while(Result::ok).any(|read| read == line);
    assert!(found, "the child did not print {line}");
}

#[test]
fn in_a_child() {
    let Ok(address) = std::env::var(ADDRESS) else { return };
    let store = open_at(&address);
    let number: u64 = std::env::var(NUMBER).unwrap().parse().unwrap();
    match std::env::var(TASK).unwrap().as_str() {
        "add" => {
            for round in 0..ROUNDS {
                assert_eq!(add_one(&*store, "processes", 1 + number * ROUNDS + round), 0);
            }
        }
        // Takes the lease and waits until it is told to go on, or killed.
        "hold" => {
            let span = Duration::from_millis(number);
            let (lease, _) = claim(&*store, "stopped", 77, span).unwrap();
            println!("\nheld");
            std::io::stdin().read_line(&mut String::new()).unwrap();
            let saved = save(&*store, "stopped", Some(&lease), 0, record(1));
            store.release("stopped", &lease);
            println!("\n{saved:?}");
        }
        // Takes the lease, writes a journal entry and waits until it is killed.
        "journal" => {
            let span = Duration::from_millis(number);
            let (lease, _) = claim(&*store, "stopped", 77, span).unwrap();
            let spending = Some(auth_core::Spending { mark: 9, since: auth_core::UnixTime::from_secs(2), attempt: 1 });
            let entry = auth_core::Record { spending, ..record(1) };
            assert_eq!(save(&*store, "stopped", Some(&lease), 0, entry), Saved::Durable);
            println!("\nheld");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        // Takes the lock that is meant for the length of one step, and keeps it.
        "lock" => {
            let folder = address.lines().nth(1).unwrap();
            let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
            let path = files.into_iter().find(|path| path.extension().is_some_and(|end| end == "lock")).unwrap();
            let file = std::fs::File::open(path).unwrap();
            file.lock().unwrap();
            println!("\nlocked");
            std::io::stdin().read_line(&mut String::new()).unwrap();
        }
        other => panic!("{other}"),
    }
}

fn processes_never_overwrite_each_other(place: &dyn SharedPlace) {
    const CHILDREN: u64 = 4;
    let children: Vec<Child> = (0..CHILDREN).map(|number| child(place, "add", number)).collect();
    for child in children {
        let output = child.wait_with_output().unwrap();
        assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stdout));
    }
    assert_eq!(generation(&*place.open(), "processes"), Some(CHILDREN * ROUNDS));
}

/// A process holds the lease, is stopped, and wakes when its lease is over and somebody else has saved.
fn a_stopped_holder_is_fenced_out(place: &dyn SharedPlace) {
    use std::io::Write as _;
    let mut holder = child(place, "hold", 700);
    wait_for(&mut holder, "held");
    let start = Instant::now();
    let store = place.open();
    assert!(claim(&*store, "stopped", 1, LONG).is_none());
    signal(&holder, Signal::STOP);
    let lease = loop {
        if let Some((lease, _)) = claim(&*store, "stopped", 1, LONG) {
            break lease;
        }
        assert!(start.elapsed() < Duration::from_secs(2), "blocked for longer than the lease");
        std::thread::sleep(Duration::from_millis(10));
    };
    assert!(start.elapsed() > Duration::from_millis(500), "a living holder lost its lease after {:?}", start.elapsed());
    assert_eq!(save(&*store, "stopped", Some(&lease), 0, record(5)), Saved::Durable);
    signal(&holder, Signal::CONT);
    holder.stdin.take().unwrap().write_all(b"go on\n").unwrap();
    wait_for(&mut holder, "Superseded");
    assert!(holder.wait().unwrap().success());
    assert_eq!(generation(&*store, "stopped"), Some(5));
    // Nor did it release what is no longer its own.
    assert!(claim(&*store, "stopped", 2, LONG).is_none());
}

/// Sends a signal to a child.
pub(crate) fn signal(child: &Child, signal: Signal) {
    let pid = rustix::process::Pid::from_child(child);
    rustix::process::kill_process(pid, signal).unwrap();
}
