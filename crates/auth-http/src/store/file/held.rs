//! What shows that a lease's holder is alive: a lock of the kernel's on a file of the lease's own, for as long as the lease is held.
//!
//! It can only make a lease end early, when its holder has died. While the holder lives, or where nothing can be told, the lease's own end decides.

use super::folder::Folder;
use super::lock::try_lock;
use crate::lock::Mutex;
use rustix::fs::{FlockOperation, OFlags};
use std::collections::HashMap;
use std::fs::File;
use std::os::unix::fs::FileExt as _;

/// The middle of the names of these files.
const HELD: &str = ".held-";
/// How long the mark of a journal entry is, in hexadecimal digits.
const DIGITS: usize = 16;

/// The leases that this store holds: by the credential's name and the holder's number.
#[derive(Default)]
pub(super) struct Holds(Mutex<HashMap<(String, u64), File>>);

impl Holds {
    /// Shows that a lease is held here. What this store still showed for the same credential is over.
    pub(super) fn take(&self, folder: &Folder<'_>, name: &str, owner: u64) -> Result<(), String> {
        let mut holds = self.0.lock();
        for ((_, over), file) in holds.extract_if(|(of, _), _| of == name) {
            end(Some(folder), name, over, &file);
        }
        let file = folder.open_or_create(&file_name(name, owner))?;
        // Without the lock, the lease's own end decides.
        let _ = try_lock(&file);
        holds.insert((name.to_owned(), owner), file);
        Ok(())
    }

    /// Writes into a lease's file which journal entry its holder makes, so that the next one knows whose entry it finds. Without the note, the next one
    /// takes the entry's maker to be alive.
    pub(super) fn note_journal(&self, name: &str, owner: u64, mark: u64) {
        if let Some(file) = self.0.lock().get(&(name.to_owned(), owner)) {
            let _ = file.write_all_at(format!("{mark:0DIGITS$x}").as_bytes(), 0);
        }
    }

    /// Ends what was shown. Without the folder, the file stays; the next one who takes the lease removes it.
    pub(super) fn give_back(&self, folder: Option<&Folder<'_>>, name: &str, owner: u64) {
        if let Some(file) = self.0.lock().remove(&(name.to_owned(), owner)) {
            end(folder, name, owner, &file);
        }
    }
}

fn end(folder: Option<&Folder<'_>>, name: &str, owner: u64, file: &File) {
    if let Some(folder) = folder {
        forget(folder, name, owner);
    }
    // By hand, because closing is not enough where a forked child has inherited the file.
    let _ = rustix::fs::flock(file, FlockOperation::Unlock);
}

/// The mark of the journal entry that the holder of a lease made, if it made one.
pub(super) fn journal(folder: &Folder<'_>, name: &str, owner: u64) -> Option<u64> {
    let bytes = folder.read(&file_name(name, owner), DIGITS).ok()??;
    let text = str::from_utf8(&bytes).ok().filter(|text| text.len() == DIGITS)?;
    u64::from_str_radix(text, 16).ok()
}

/// Removes the file of a lease that is over.
pub(super) fn forget(folder: &Folder<'_>, name: &str, owner: u64) {
    folder.remove(&file_name(name, owner));
}

/// Whether the holder of a lease has certainly died: its file is there, and not locked.
pub(super) fn is_dead(folder: &Folder<'_>, name: &str, owner: u64) -> bool {
    !is_held(folder, &file_name(name, owner))
}

/// Whether a file is locked, or nothing can be told of it.
pub(super) fn is_held(folder: &Folder<'_>, file: &str) -> bool {
    !matches!(folder.open_file(file, OFlags::RDONLY), Ok(Some(file)) if try_lock(&file) == Ok(true))
}

/// The name of the credential whose lease such a file shows.
pub(super) fn credential_of(file: &str) -> Option<&str> {
    file.split_once(HELD).map(|(name, _)| name)
}

/// The file that shows a lease.
pub(super) fn file_name(name: &str, owner: u64) -> String {
    format!("{name}{HELD}{owner:016x}")
}
