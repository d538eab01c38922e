//! Files: who may open them, what is refused and with which command, what killed and stopped processes leave.

use crate::contract::{claim, generation, record, save};
use crate::down::{self, Breakable};
use crate::places::{Files, Folder, Place, random_key};
use crate::processes::{Signal, child, signal, wait_for};
use crate::support::server::{lacks, skipped};
use auth_http::UnixTime;
use auth_http::core::Spending;
use auth_http::store::{Claim, Claimed, FileStore, Record, Saved, SealKey, SharedPause, TokenStore};
use std::fs::{self, Permissions};
use std::os::unix::fs::{PermissionsExt as _, chown, symlink};
use std::path::Path;
use std::time::{Duration, Instant};

const LONG: Duration = Duration::from_mins(1);

fn mode(path: &Path) -> u32 {
    fs::symlink_metadata(path).unwrap().permissions().mode() & 0o7777
}

fn set_mode(path: &Path, mode: u32) {
    fs::set_permissions(path, Permissions::from_mode(mode)).unwrap();
}

/// Why the store does not work.
fn down(store: &dyn TokenStore) -> String {
    match store.claim("a", &Claim { owner: 99, span: LONG }) {
        Claimed::Down(why) => why,
        other => panic!("{other:?}"),
    }
}

impl Breakable for Files {
    fn break_it(&mut self) {
        fs::rename(self.path(), self.folder.path().join("aside")).unwrap();
        fs::write(self.path(), "in the way").unwrap();
    }

    fn mend_it(&mut self) {
        fs::remove_file(self.path()).unwrap();
        fs::rename(self.folder.path().join("aside"), self.path()).unwrap();
    }
}

#[test]
fn a_folder_that_is_gone_costs_no_refresh_token() {
    down::all(&mut Files::sealed());
}

fn with_a_record() -> Files {
    with_a_record_at(Files::plain())
}

fn with_a_record_at(place: Files) -> Files {
    let store = place.open();
    let (lease, _) = claim(&*store, "a", 1, LONG).unwrap();
    assert_eq!(save(&*store, "a", Some(&lease), 0, record(1)), Saved::Durable);
    store.release("a", &lease);
    place
}

/// Runs the command that an error ends with.
fn do_as_told(error: &str, command: &str) {
    let (_, found) = error.rsplit_once(": ").unwrap();
    assert!(found.starts_with(command), "{error}");
    assert!(std::process::Command::new("sh").args(["-c", found]).status().unwrap().success(), "{error}");
}

#[test]
fn only_the_owner_can_open_what_is_kept() {
    let place = with_a_record();
    assert_eq!(mode(&place.path()), 0o700);
    let store = place.open();
    claim(&*store, "a", 2, LONG).unwrap();
    let files = place.ending("");
    assert!(files.len() >= 3, "{files:?}");
    for file in files {
        assert_eq!(mode(&file), 0o600, "{}", file.display());
    }
    // The name tells the person who looks which credential it is, and nothing secret.
    assert!(place.only(".record").file_name().unwrap().to_str().unwrap().starts_with("a-"));
}

#[test]
fn what_others_can_open_is_refused_with_the_command_that_mends_it() {
    let place = with_a_record();
    let store = place.open();
    for open in [0o750, 0o701, 0o1770] {
        set_mode(&place.path(), open);
        let error = down(&*store);
        assert!(error.contains("can be opened by others"), "{error}");
        assert!(FileStore::open(place.path()).unwrap_err().to_string().contains("chmod 700 '"));
        do_as_told(&error, "chmod 700 '");
        assert_eq!(generation(&*store, "a"), Some(1));
    }
    for end in [".record", ".lock"] {
        let file = place.only(end);
        for open in [0o640, 0o604, 0o666] {
            set_mode(&file, open);
            let error = down(&*store);
            assert!(error.contains("can be opened by others") && error.contains(end), "{error}");
            assert!(matches!(save(&*store, "a", None, 1, record(2)), Saved::Down(_)));
            do_as_told(&error, "chmod 600 '");
            assert_eq!(generation(&*store, "a"), Some(1));
        }
    }
}

#[test]
fn what_belongs_to_somebody_else_is_refused() {
    if lacks("root", "only root can give files away, so nobody else's were tried") {
        return;
    }
    let place = with_a_record();
    let store = place.open();
    for path in [place.path(), place.only(".record"), place.only(".lock")] {
        chown(&path, Some(12_345), None).unwrap();
        let error = down(&*store);
        assert!(error.contains("belongs to user 12345 and not to user 0"), "{error}");
        do_as_told(&error, "chown 0 '");
        assert_eq!(generation(&*store, "a"), Some(1));
    }
}

#[test]
fn symbolic_links_are_not_followed() {
    let place = with_a_record();
    let store = place.open();
    let link = place.folder.path().join("link");
    symlink(place.path(), &link).unwrap();
    for path in [link.clone(), link.join("")] {
        let error = FileStore::open(path).unwrap_err().to_string();
        assert!(error.contains("is a symbolic link") && error.contains("name the folder that it leads to"), "{error}");
    }
    for end in [".record", ".lock"] {
        let file = place.only(end);
        let aside = place.folder.path().join("aside");
        fs::rename(&file, &aside).unwrap();
        symlink(&aside, &file).unwrap();
        let error = down(&*store);
        assert!(error.contains("is a symbolic link"), "{error}");
        fs::rename(&aside, &file).unwrap();
    }
    // A link under the name of the half-written file does not lead a writer elsewhere.
    let stranger = place.folder.path().join("stranger");
    fs::write(&stranger, "precious").unwrap();
    let new = place.only(".record").with_extension("new");
    symlink(&stranger, &new).unwrap();
    let (lease, _) = claim(&*store, "a", 5, LONG).unwrap();
    symlink(&stranger, &new).unwrap();
    assert_eq!(save(&*store, "a", Some(&lease), 1, record(2)), Saved::Durable);
    assert_eq!(fs::read_to_string(&stranger).unwrap(), "precious");
    assert_eq!(generation(&*store, "a"), Some(2));
}

#[test]
fn what_is_no_file_or_folder_is_refused_and_nothing_hangs() {
    let place = with_a_record();
    let store = place.open();
    let file = place.only(".record");
    fs::remove_file(&file).unwrap();
    assert!(std::process::Command::new("mkfifo").arg(&file).status().unwrap().success());
    assert!(down(&*store).contains("is not a file"));
    fs::remove_file(&file).unwrap();
    fs::create_dir(&file).unwrap();
    assert!(down(&*store).contains("is not a file"), "{}", down(&*store));
    fs::remove_dir(&file).unwrap();
    assert!(claim(&*store, "a", 1, LONG).is_some());

    fs::remove_dir_all(place.path()).unwrap();
    let error = down(&*store);
    assert!(error.contains("is not there any more"), "{error}");
    fs::write(place.path(), "").unwrap();
    let error = down(&*store);
    assert!(error.contains("is not a folder"), "{error}");
    assert!(FileStore::open(place.path()).unwrap_err().to_string().contains("is not a folder"));
    assert!(matches!(save(&*store, "a", None, 0, record(1)), Saved::Down(why) if why.contains("is not a folder")));
}

#[test]
fn a_damaged_record_is_never_overwritten() {
    let place = with_a_record();
    let store = place.open();
    let file = place.only(".record");
    let good = fs::read(&file).unwrap();
    let newer = String::from_utf8(good.clone()).unwrap().replace(r#""version":2"#, r#""version":3"#);
    for (bad, words) in [
        (good[..20].to_vec(), "is cut off"),
        (Vec::new(), "is empty"),
        (b"rt-secret".to_vec(), "is not a JSON object"),
        (newer.into_bytes(), "version 3"),
    ] {
        fs::write(&file, &bad).unwrap();
        let error = down(&*store);
        assert!(error.contains(words) && error.contains(file.to_str().unwrap()) && !error.contains("secret"), "{error}");
        assert_eq!(store.holder("a"), None);
        assert!(matches!(save(&*store, "a", None, 1, record(2)), Saved::Down(why) if why.contains(words)));
        assert_eq!(fs::read(&file).unwrap(), bad);
    }
    fs::write(&file, good).unwrap();
    assert_eq!(generation(&*store, "a"), Some(1));
}

#[test]
fn a_folder_is_created_for_its_owner_only_with_all_above_it() {
    let outer = Folder::new();
    let path = outer.path().join("one/two's");
    FileStore::open(&path).unwrap();
    assert_eq!((mode(&path), mode(path.parent().unwrap())), (0o700, 0o700));
    // A relative path stays the same folder when the program goes elsewhere; a quotation mark does not end the shell's word.
    set_mode(&path, 0o755);
    do_as_told(&FileStore::open(&path).unwrap_err().to_string(), "chmod 700 '");
    FileStore::open(&path).unwrap();
}

/// Leaves a file as a killed writer would.
fn leave(path: &Path, bytes: &[u8]) {
    fs::write(path, bytes).unwrap();
    set_mode(path, 0o600);
}

#[test]
fn what_a_killed_writer_left_is_removed() {
    let place = with_a_record();
    let half = place.only(".record").with_extension("new");
    let journal = Record { spending: Some(Spending { mark: 1, since: UnixTime::from_secs(1), attempt: 1 }), ..record(1) };
    let older = record(0);
    for left in [&record(2).to_bytes()[..30], &journal.to_bytes(), &older.to_bytes(), b""] {
        leave(&half, left);
        let store = place.open();
        let (lease, found) = claim(&*store, "a", 1, LONG).unwrap();
        assert!(!half.exists());
        let found = found.unwrap();
        assert_eq!((found.generation, found.spending), (1, None));
        store.release("a", &lease);
    }
    // The lock file of a lease that is not in force.
    let lock_file = place.path().join("b-00000000000000000000000000000000.held-0000000000000007");
    leave(&lock_file, b"");
    place.open();
    assert!(!lock_file.exists());
}

#[test]
fn tokens_that_a_killed_writer_had_written_as_a_whole_are_kept() {
    for place in [with_a_record(), with_a_record_at(Files::sealed())] {
        // What a writer leaves that is killed before it renames the file: made by one that is not, under another name of the file.
        let kept = place.only(".record");
        let before = fs::read(&kept).unwrap();
        let store = place.open();
        let (lease, _) = claim(&*store, "a", 1, LONG).unwrap();
        assert_eq!(save(&*store, "a", Some(&lease), 1, record(2)), Saved::Durable);
        store.release("a", &lease);
        fs::rename(&kept, kept.with_extension("new")).unwrap();
        leave(&kept, &before);
        // A store with another key does not touch it.
        let stranger = FileStore::open(place.path()).unwrap().sealed(SealKey::from_value(random_key()).unwrap());
        assert!(matches!(stranger.claim("a", &Claim { owner: 5, span: LONG }), Claimed::Down(_)));
        // A pause goes another way.
        store.pause("a", &SharedPause { until: UnixTime::NEVER, why: "slow down".into() });
        let (lease, found) = claim(&*store, "a", 2, LONG).unwrap();
        assert_eq!(found.unwrap().generation, 2);
        assert_eq!(save(&*store, "a", Some(&lease), 1, record(2)), Saved::Superseded);
        assert_eq!(save(&*store, "a", Some(&lease), 2, record(3)), Saved::Durable);
    }
}

#[test]
fn a_journal_entry_whose_writer_was_killed_in_it_says_nothing() {
    for (before, is_restored) in [("null", true), ("[8,1000]", true), ("null", false)] {
        let place = Files::plain();
        let mut holder = child(&place, "hold", 60_000);
        wait_for(&mut holder, "held");
        // The record with the entry, and the note that its writer was not told yet.
        let entry = Spending { mark: 9, since: UnixTime::from_secs(2), attempt: 1 };
        let lock = place.only(".lock");
        leave(&lock.with_extension("record"), &Record { spending: Some(entry), ..record(1) }.to_bytes());
        let mark = if is_restored { 9 } else { 10 };
        let text = fs::read_to_string(&lock).unwrap();
        let text = text.trim_end().trim_end_matches('}').to_owned() + &format!(r#","writing":{{"mark":{mark},"before":{before}}}}}"#);
        fs::write(&lock, format!("{text:512}")).unwrap();
        let store = place.open();
        assert!(claim(&*store, "stopped", 1, LONG).is_none(), "while its writer lives, it stands");
        holder.kill().unwrap();
        holder.wait().unwrap();
        let expected = match (is_restored, before) {
            (false, _) => Some(entry),
            (true, "null") => None,
            (true, _) => Some(Spending { mark: 8, since: UnixTime::from_secs(1), attempt: 1 }),
        };
        let (lease, found) = claim(&*store, "stopped", 1, LONG).unwrap();
        assert_eq!(found.unwrap().spending, expected);
        store.release("stopped", &lease);
        let (_, found) = claim(&*place.open(), "stopped", 2, LONG).unwrap();
        assert_eq!(found.unwrap().spending, expected, "for good");
    }
}

#[test]
fn the_death_of_a_journal_entrys_maker_is_proven_and_nothing_else() {
    for (ended, proven) in [("killed", true), ("stopped", false), ("followed", false)] {
        let place = Files::plain();
        let mut holder = child(&place, "journal", if ended == "stopped" { 300 } else { 60_000 });
        wait_for(&mut holder, "held");
        let store = place.open();
        if ended == "stopped" {
            // Its lease ends, and it lives.
            std::thread::sleep(Duration::from_millis(400));
        } else {
            holder.kill().unwrap();
            holder.wait().unwrap();
        }
        if ended == "followed" {
            // One that had the lease in between has died as well, and made no entry.
            let (lease, _) = claim(&*store, "stopped", 1, LONG).unwrap();
            store.release("stopped", &lease);
            let mut other = child(&place, "hold", 60_000);
            wait_for(&mut other, "held");
            other.kill().unwrap();
            other.wait().unwrap();
        }
        let claimed = store.claim("stopped", &Claim { owner: 2, span: LONG });
        let (is_proven, record) = match claimed {
            Claimed::TakenOver(record) => (true, record),
            Claimed::Granted(record) => (false, record),
            other => panic!("{ended}: {other:?}"),
        };
        assert_eq!((is_proven, record.unwrap().spending.map(|entry| entry.mark)), (proven, Some(9)), "{ended}");
        let _ = (holder.kill(), holder.wait());
    }
}

#[test]
fn the_lease_of_a_killed_process_is_over_at_once() {
    let place = Files::plain();
    let mut holder = child(&place, "hold", 60_000);
    wait_for(&mut holder, "held");
    let store = place.open();
    assert!(claim(&*store, "stopped", 1, LONG).is_none());
    assert_eq!(store.holder("stopped").unwrap().owner, 77);
    holder.kill().unwrap();
    holder.wait().unwrap();
    // To a store that was open already, and to one that is opened afterwards.
    for store in [&store, &place.open()] {
        assert_eq!(store.holder("stopped"), None);
    }
    assert!(claim(&*store, "stopped", 1, LONG).is_some());
    // Nothing of the dead one's is left beside the new holder's.
    assert_eq!(place.ending("").iter().filter(|file| file.to_str().unwrap().contains(".held-")).count(), 1);
}

#[test]
fn a_lease_of_another_boot_or_a_clock_that_runs_otherwise_is_over() {
    let place = Files::plain();
    let store = place.open();
    let lock = || place.only(".lock");
    let forge = |from: &str, to: &str| {
        claim(&*store, "a", 1, LONG).unwrap();
        assert!(claim(&*place.open(), "a", 2, LONG).is_none());
        let text = fs::read_to_string(lock()).unwrap();
        assert!(text.contains(from), "{text}");
        let mut changed = text.replacen(from, to, 1).trim_end().to_owned();
        changed.extend(std::iter::repeat_n(' ', 512 - changed.len()));
        fs::write(lock(), changed).unwrap();
    };
    let boot = fs::read_to_string("/proc/sys/kernel/random/boot_id").unwrap();
    forge(boot.trim(), "11111111-1111-1111-1111-111111111111");
    assert_eq!(store.holder("a"), None);
    let (_, _) = claim(&*place.open(), "a", 2, LONG).unwrap();
    store.release("a", &auth_http::store::Lease { owner: 2 });
    // An end that is further away than the lease was long: from a boot that had run for longer.
    forge(r#""until_ms":"#, r#""until_ms":9"#);
    assert!(claim(&*place.open(), "a", 3, LONG).is_some());
    // What a power cut leaves of the file ends the lease as well; a newer form does not.
    for rest in [vec![0; 512], b"{\"version\":1,\"bo".to_vec(), Vec::new()] {
        fs::write(lock(), rest).unwrap();
        assert!(claim(&*place.open(), "a", 4, LONG).is_some());
        store.release("a", &auth_http::store::Lease { owner: 4 });
    }
    fs::write(lock(), "{\"version\":2}").unwrap();
    assert!(down(&*store).contains("newer ledgerauth"));
}

#[test]
fn a_lock_that_is_never_given_back_is_not_waited_for_and_its_holder_is_named() {
    let place = with_a_record();
    let store = place.open();
    let lock = place.only(".lock");
    let mut stuck = child(&place, "lock", 0);
    wait_for(&mut stuck, "locked");
    signal(&stuck, Signal::STOP);
    let start = Instant::now();
    let why = down(&*store);
    let waited = start.elapsed();
    assert!(waited > Duration::from_secs(2) && waited < Duration::from_secs(6), "{waited:?}");
    assert!(why.contains("has kept the lock on") && why.contains(lock.to_str().unwrap()), "{why}");
    assert!(why.contains(&format!("kill -CONT {}", stuck.id())), "{why}");
    // What is there can be read all the while.
    assert_eq!(generation(&*store, "a"), Some(1));
    stuck.kill().unwrap();
    stuck.wait().unwrap();
    assert!(claim(&*store, "a", 1, LONG).is_some());
}

#[test]
fn a_full_disk_loses_nothing() {
    let place = Files::plain();
    let mount = place.folder.path().join("small");
    fs::create_dir(&mount).unwrap();
    let mounted = std::process::Command::new("mount").args(["-t", "tmpfs", "-o", "size=64k", "tmpfs"]).arg(&mount).output();
    if !mounted.is_ok_and(|output| output.status.success()) {
        return skipped("root", "no small file system can be mounted here, so a full one was not tried");
    }
    let store = FileStore::open(mount.join("tokens")).unwrap();
    let (lease, _) = claim(&store, "a", 1, LONG).unwrap();
    assert_eq!(save(&store, "a", Some(&lease), 0, record(1)), Saved::Durable);
    fs::write(mount.join("filler"), vec![0; 1 << 20]).unwrap_err();
    let long = auth_http::store::Record { access_token: Some("x".repeat(40_000).into()), ..record(2) };
    let saved = save(&store, "a", Some(&lease), 1, long.clone());
    assert!(matches!(&saved, Saved::Down(why) if why.contains("no space is left")), "{saved:?}");
    assert_eq!(generation(&store, "a"), Some(1));
    fs::remove_file(mount.join("filler")).unwrap();
    assert_eq!(save(&store, "a", Some(&lease), 1, long), Saved::Durable);
    drop(store);
    assert!(std::process::Command::new("umount").arg(&mount).status().unwrap().success());
}
