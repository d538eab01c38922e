//! The lock around each step, and the lease that is kept in its file.

use super::folder::Folder;
use crate::clock;
use crate::store::Claim;
use auth_core::{Record, Spending, UnixTime};
use rustix::fs::FlockOperation;
use rustix::io::Errno;
use serde::{Deserialize, Serialize};
use std::fs::File;
use std::os::unix::fs::FileExt as _;
use std::sync::OnceLock;
use std::time::{Duration, Instant};

/// How long the lock is waited for: three seconds, because a holder's flush may take one on a busy disk, and who holds it for longer is stopped.
const PATIENCE: Duration = Duration::from_secs(3);
/// How long a lease's entry is, padded with spaces: it is overwritten in place by a single write, so that nobody meets the end of an older one.
const ENTRY: usize = 512;

/// The right to change what belongs to one credential, for the length of one step. The kernel gives it back when its holder dies.
pub(super) struct Lock<'a> {
    folder: &'a Folder<'a>,
    name: String,
    file: File,
}

impl<'a> Lock<'a> {
    /// Waits for the lock, for a while.
    pub(super) fn take(folder: &'a Folder<'_>, name: &str) -> Result<Self, String> {
        let name = format!("{name}.lock");
        let start = Instant::now();
        loop {
            let file = folder.open_or_create(&name)?;
            match try_lock(&file) {
                // Somebody may have removed the file between its opening and its locking.
                Ok(true) if folder.is_still(&name, &file) => return Ok(Self { folder, name, file }),
                Ok(_) if start.elapsed() >= PATIENCE => return Err(holder_is_stuck(folder, &name, &file)),
                Ok(true) => {}
                Ok(false) => std::thread::sleep(Duration::from_micros(fastrand::u64(500..3_000))),
                Err(errno) => {
                    return Err(format!("{} cannot be locked ({errno}): name a folder on a local file system", folder.place(&name)));
                }
            }
        }
    }

    /// The lease's entry; `None` if nobody ever took it, or its holder gave it back.
    pub(super) fn entry(&self) -> Result<Option<Entry>, String> {
        #[derive(Deserialize)]
        struct Versioned {
            version: u64,
        }
        let mut bytes = [0; ENTRY];
        let mut length = 0;
        while length < ENTRY {
            match self.file.read_at(&mut bytes[length..], length as u64) {
                Ok(0) => break,
                Ok(more) => length += more,
                Err(error) => return Err(format!("{} cannot be read: {error}", self.folder.place(&self.name))),
            }
        }
        match serde_json::from_slice::<Versioned>(&bytes[..length]) {
            Ok(Versioned { version: 1 }) => Ok(serde_json::from_slice(&bytes[..length]).ok()),
            Ok(_) => Err(format!("{} was written by a newer ledgerauth: upgrade this one", self.folder.place(&self.name))),
            // Only a power cut leaves anything else, and it ended every lease. Should it be something else all the same, save compares owners.
            Err(_) => Ok(None),
        }
    }

    /// Writes the lease's entry, or that there is none.
    pub(super) fn write(&self, entry: Option<&Entry>) -> Result<(), String> {
        let mut bytes = entry.map_or(Ok(Vec::new()), serde_json::to_vec).map_err(|error| error.to_string())?;
        bytes.resize(ENTRY, b' ');
        self.file.write_all_at(&bytes, 0).map_err(|error| format!("{} cannot be written: {error}", self.folder.place(&self.name)))
    }
}

impl Drop for Lock<'_> {
    fn drop(&mut self) {
        // By hand, because closing is not enough where a forked child has inherited the file.
        let _ = rustix::fs::flock(&self.file, FlockOperation::Unlock);
    }
}

/// A lease: whose, until when.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Entry {
    version: u64,
    /// The boot in which it was taken.
    boot: String,
    /// The holder's number.
    pub(super) owner: u64,
    /// When it ends, by the host's steady clock.
    until_ms: u64,
    /// For how long it was taken.
    span_ms: u64,
    /// A journal entry that is being written, until its writer is told that it is durable.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    writing: Option<Writing>,
}

/// A journal entry on its way into the record, and what it replaces.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Writing {
    mark: u64,
    before: Option<(u64, u64)>,
    /// How many times the refresh token of the entry before was sent.
    #[serde(default = "one", skip_serializing_if = "is_one")]
    attempt_before: u32,
}

fn one() -> u32 {
    1
}

#[expect(clippy::trivially_copy_pass_by_ref, reason = "serde's form")]
fn is_one(attempt: &u32) -> bool {
    *attempt == 1
}

impl Entry {
    pub(super) fn new(claim: &Claim) -> Self {
        let until = clock::steady().saturating_add(claim.span);
        Self { version: 1, boot: boot().into(), owner: claim.owner, until_ms: millis(until), span_ms: millis(claim.span), writing: None }
    }

    /// The same lease, whose holder is writing a journal entry over another, or over none.
    pub(super) fn writing(self, entry: &Spending, before: Option<&Spending>) -> Self {
        let attempt_before = before.map_or(1, |before| before.attempt);
        let before = before.map(|before| (before.mark, before.since.as_millis()));
        Self { writing: Some(Writing { mark: entry.mark, before, attempt_before }), ..self }
    }

    /// Puts a record's journal back to what it said before the holder began to write an entry of which it was never told that it is durable: it sent nothing
    /// then. `false` if there is no such entry. To be asked of a dead holder only.
    pub(super) fn take_back(&self, record: &mut Record) -> bool {
        let Some(writing) = self.writing.as_ref().filter(|_| self.boot == boot()) else { return false };
        let is_it = record.spending.is_some_and(|found| found.mark == writing.mark);
        if is_it {
            record.spending =
                writing.before.map(|(mark, since)| Spending { mark, since: UnixTime::from_millis(since), attempt: writing.attempt_before });
        }
        is_it
    }

    /// Whether it has not ended. One that would last longer than it was taken for comes from a boot whose clock had run for longer.
    pub(super) fn is_live(&self) -> bool {
        let left = self.until_ms.saturating_sub(millis(clock::steady()));
        self.boot == boot() && left > 0 && left <= self.span_ms
    }

    pub(super) fn end(&self) -> Duration {
        Duration::from_millis(self.until_ms)
    }
}

/// What tells this boot from every other; empty where the system does not say.
pub(super) fn boot() -> &'static str {
    static BOOT: OnceLock<String> = OnceLock::new();
    BOOT.get_or_init(|| std::fs::read_to_string("/proc/sys/kernel/random/boot_id").map(|id| id.trim().to_owned()).unwrap_or_default())
}

pub(super) fn millis(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

/// Takes a file's lock if nobody has it.
pub(super) fn try_lock(file: &File) -> Result<bool, Errno> {
    loop {
        match rustix::fs::flock(file, FlockOperation::NonBlockingLockExclusive) {
            Ok(()) => return Ok(true),
            Err(Errno::WOULDBLOCK) => return Ok(false),
            Err(Errno::INTR) => {}
            Err(errno) => return Err(errno),
        }
    }
}

fn holder_is_stuck(folder: &Folder<'_>, name: &str, file: &File) -> String {
    let (place, seconds) = (folder.place(name), PATIENCE.as_secs());
    match folder.stat(file, name).ok().and_then(|stat| holder_of(stat.st_ino)) {
        Some(pid) => {
            format!("process {pid} has kept the lock on {place} for {seconds} s and is perhaps stopped: kill -CONT {pid}, or end it")
        }
        None => format!(
            "another process has kept the lock on {place} for {seconds} s and is perhaps stopped: fuser {} names it",
            folder.quoted(name)
        ),
    }
}

/// The process that has the lock on a file, by the kernel's list (`proc_locks(5)`); `None` where there is none, or it is in another container.
fn holder_of(inode: u64) -> Option<u32> {
    let list = std::fs::read_to_string("/proc/locks").ok()?;
    let file = format!(":{inode}");
    let holders = list.lines().filter_map(|line| {
        let fields: Vec<&str> = line.split_whitespace().collect();
        let is_it = fields.get(1) == Some(&"FLOCK") && fields.get(5).is_some_and(|id| id.ends_with(&file));
        is_it.then(|| fields[4].parse().ok()).flatten()
    });
    holders.into_iter().find(|pid| *pid > 0)
}
