//! `FileStore`: records in files that only their owner can open, shared by the processes of one host.

#[cfg(not(unix))]
mod absent;
#[cfg(unix)]
mod folder;
#[cfg(unix)]
mod held;
#[cfg(unix)]
mod lock;

#[cfg(not(unix))]
pub use absent::FileStore;
#[cfg(unix)]
pub use present::FileStore;

#[cfg(unix)]
mod present {
    use super::folder::Folder;
    use super::held::{self, Holds};
    use super::lock::{Entry, Lock};
    use crate::clock;
    use crate::error::Error;
    use crate::store::name::safe;
    use crate::store::seal::{MAX_CONTENT, SealKey, Sealing};
    use crate::store::{Claim, Claimed, Held, Lease, Record, Save, Saved, SharedPause, TokenStore};
    use serde::{Deserialize, Serialize};
    use std::fmt;
    use std::path::{Path, PathBuf};

    /// The longest pause file that is read.
    const MAX_PAUSE: usize = 4_096;

    /// `FileStore` keeps each record in a file of its own, which only the user who runs the program can open; the processes of one host share it.
    ///
    /// ```
    /// use auth_http::{Client, Credential, Provider, store::{FileStore, SealKey}};
    /// use std::sync::Arc;
    ///
    /// # let folder = std::env::temp_dir().join(format!("ledgerauth-doc-{}", std::process::id()));
    /// # let text = "MDEyMzQ1Njc4OWFiY2RlZjAxMjM0NTY3ODlhYmNkZWY=";
    /// let store = FileStore::open(&folder)?.sealed(SealKey::from_value(text)?);
    /// let client = Client::builder(Provider::builtin("numeric")?)
    ///     .environment("production")
    ///     .credential(Credential::refresh_token("my-client", "my-secret", "refresh-token-of-the-first-sign-in"))
    ///     .store(Arc::new(store))
    ///     .build()?;
    /// # std::fs::remove_dir_all(folder).unwrap();
    /// # Ok::<(), auth_http::Error>(())
    /// ```
    ///
    /// *What is promised.* A saved record survives `kill -9` and a power cut: it is written beside the old one, flushed, renamed, and the folder is flushed,
    /// before [`Saved::Durable`] is answered. A reader meets the old record or the new one, never half of one. A record that cannot be read is never
    /// overwritten.
    ///
    /// *The lease* is an entry with an end by the host's boot clock, which nobody can set; a reboot ends it. Its holder also keeps a lock of the kernel's on
    /// a file of the lease's, so that the lease of a process that was killed is over at once. A holder that was stopped, and wakes after the end, can neither
    /// save nor release. A holder that is killed while it saves tokens has saved them, if they stand there as a whole. One that is killed while it writes the
    /// journal, before it is told that the entry is durable, has sent nothing: the next one is handed the record as it was before. One that is killed after
    /// that is told by [`Claimed::TakenOver`]: no answer of its is on its way. Every step is done under a
    /// second lock of the kernel's, held for the length of that step; who waits longer than 3 seconds for it is told which process has it.
    ///
    /// *What is refused*, with the command that mends it: a folder or file that others may open, that belongs to somebody else, or that is a symbolic link; a
    /// folder on a network file system, because other hosts neither see this host's locks nor share its clock (several hosts need a `RedisStore`).
    ///
    /// Any number of stores and threads may use one folder. Needs a Unix system; elsewhere [`FileStore::open`] says so.
    pub struct FileStore {
        path: PathBuf,
        sealing: Sealing,
        holds: Holds,
    }

    impl FileStore {
        /// A store in this folder, which is created, for its owner only, if it is not there.
        ///
        /// # Errors
        /// [`Error::Setting`] if the folder cannot be created, others may open it, it belongs to somebody else, is a symbolic link, or is on a network file
        /// system.
        pub fn open(path: impl AsRef<Path>) -> Result<Self, Error> {
            let refused = |reason| Error::Setting { name: "the token store", reason };
            let path = path.as_ref();
            // What is there is meant, whatever it is called: temporary folders have random names.
            let is_plain = |path: &Path| auth_core::Shown::new(&path.to_string_lossy(), auth_core::Looks::Path).is_plain();
            let is_in_one = path.parent().is_some_and(Path::exists) && path.file_name().is_some_and(|name| is_plain(name.as_ref()));
            if !path.exists() && !is_in_one && !is_plain(path) {
                let told = crate::quoted::path(path);
                return Err(refused(format!("its folder is {told}: if it is a path all the same, create the folder first")));
            }
            let path = std::path::absolute(path).map_err(|error| refused(format!("its folder cannot be found: {error}")))?;
            // Without the slash at the end, with which a symbolic link would be followed.
            let path: PathBuf = path.components().collect();
            let folder = Folder::create(&path).map_err(refused)?;
            sweep(&folder);
            Ok(Self { path, sealing: Sealing::default(), holds: Holds::default() })
        }

        /// The same store, which seals every record with this key and reads only what is sealed.
        #[must_use]
        pub fn sealed(mut self, key: SealKey) -> Self {
            self.sealing.key = Some(key);
            self
        }

        /// The same store, which also reads what a former key sealed: for the time after a new key came. Each record is sealed anew when it is saved.
        #[must_use]
        pub fn former_key(mut self, key: SealKey) -> Self {
            self.sealing.former.push(key);
            self
        }

        /// The same store, which also reads records that are not sealed: for the time after the first key came.
        #[must_use]
        pub fn reads_unsealed(mut self) -> Self {
            self.sealing.reads_unsealed = true;
            self
        }

        /// The same store for a child process, to be made before the fork or after it: it shares the folder, and none of the leases.
        #[must_use]
        pub fn for_child(&self) -> Self {
            Self { path: self.path.clone(), sealing: self.sealing.clone(), holds: Holds::default() }
        }

        fn read(&self, folder: &Folder<'_>, name: &str, id: &str) -> Result<Option<Record>, String> {
            let file = record_file(name);
            let Some(bytes) = folder.read(&file, MAX_CONTENT)? else { return Ok(None) };
            self.sealing.open(id, &bytes).map(Some).map_err(|why| format!("{}: {why}", folder.place(&file)))
        }

        /// The record, after a save was ended whose writer was killed in it: whoever writes has the lock, so what stands beside the record now belongs to
        /// nobody.
        ///
        /// Tokens that are there as a whole were granted to this credential, and are kept. A journal entry was never acted upon, and is dropped.
        fn settle(&self, folder: &Folder<'_>, name: &str, id: &str) -> Result<Option<Record>, String> {
            let record = self.read(folder, name, id)?;
            let new = new_file(name);
            let left = match folder.read(&new, MAX_CONTENT) {
                Ok(None) => return Ok(record),
                Ok(Some(bytes)) => self.sealing.open(id, &bytes).ok(),
                Err(_) => None,
            };
            let generation = record.as_ref().map_or(0, |record| record.generation);
            match left {
                Some(left) if left.spending.is_none() && left.generation >= generation => {
                    folder.finish(&record_file(name), &new)?;
                    Ok(Some(left))
                }
                // Without a record, nothing shows that the store has the right key; the next save takes the place all the same.
                None if record.is_none() => Ok(None),
                _ => {
                    folder.remove(&new);
                    Ok(record)
                }
            }
        }

        fn write(&self, folder: &Folder<'_>, name: &str, id: &str, record: &Record) -> Result<(), String> {
            folder.replace(&record_file(name), &new_file(name), &self.sealing.close(id, record)?)
        }

        fn try_claim(&self, id: &str, claim: &Claim) -> Result<Claimed, String> {
            let name = safe(id);
            let folder = Folder::open(&self.path)?;
            let lock = Lock::take(&folder, &name)?;
            let entry = lock.entry()?;
            let has_died = entry.as_ref().is_some_and(|entry| held::is_dead(&folder, &name, entry.owner));
            let holder = entry.as_ref().filter(|entry| entry.is_live() && !has_died).map(|entry| entry.owner);
            if !claim.may_take(holder) {
                return Ok(Claimed::Busy);
            }
            let mut record = self.settle(&folder, &name, id)?;
            if let (Some(dead), Some(record)) = (entry.as_ref().filter(|_| has_died), &mut record)
                && dead.take_back(record)
            {
                self.write(&folder, &name, id, record)?;
            }
            let journal_of_the_dead = entry.as_ref().filter(|_| has_died).and_then(|entry| held::journal(&folder, &name, entry.owner));
            let journal = record.as_ref().and_then(|record| record.spending).map(|spending| spending.mark);
            if let Some(over) = entry {
                held::forget(&folder, &name, over.owner);
            }
            self.holds.take(&folder, &name, claim.owner)?;
            if let Err(why) = lock.write(Some(&Entry::new(claim))) {
                self.holds.give_back(Some(&folder), &name, claim.owner);
                return Err(why);
            }
            // The proof is told once: who takes the lease next, after this one gave it back without sending, waits for
            // a whole lease span as at any other store. That delays, and loses nothing, because nothing is sent meanwhile.
            let is_proven = journal.is_some() && journal == journal_of_the_dead;
            Ok(if is_proven { Claimed::TakenOver(record) } else { Claimed::Granted(record) })
        }

        fn try_save(&self, id: &str, save: &Save) -> Result<Saved, String> {
            let name = safe(id);
            let folder = Folder::open(&self.path)?;
            let lock = Lock::take(&folder, &name)?;
            let entry = lock.entry()?.filter(Entry::is_live);
            let held = self.settle(&folder, &name, id)?;
            if !save.may_replace(held.as_ref().map(|record| record.generation), entry.as_ref().map(|entry| entry.owner)) {
                return Ok(Saved::Superseded);
            }
            match (&save.record.spending, entry) {
                // Who is killed before this returns has sent nothing; the note tells the next one so.
                (Some(journal), Some(entry)) => {
                    let before = held.as_ref().and_then(|held| held.spending.as_ref());
                    self.holds.note_journal(&name, entry.owner, journal.mark);
                    lock.write(Some(&entry.clone().writing(journal, before)))?;
                    self.write(&folder, &name, id, &save.record)?;
                    lock.write(Some(&entry))?;
                }
                _ => self.write(&folder, &name, id, &save.record)?,
            }
            Ok(Saved::Durable)
        }

        fn try_release(&self, id: &str, lease: &Lease) -> Result<(), String> {
            let name = safe(id);
            let folder = Folder::open(&self.path);
            let cleared = folder.as_ref().map_err(Clone::clone).and_then(|folder| {
                let lock = Lock::take(folder, &name)?;
                match lock.entry()? {
                    Some(entry) if entry.owner == lease.owner => lock.write(None),
                    _ => Ok(()),
                }
            });
            // Whatever became of the entry: without its lock, the lease is over for everybody.
            self.holds.give_back(folder.as_ref().ok(), &name, lease.owner);
            cleared
        }

        fn try_pause(&self, id: &str, pause: &SharedPause) -> Result<(), String> {
            let name = safe(id);
            let folder = Folder::open(&self.path)?;
            let _lock = Lock::take(&folder, &name)?;
            if self.try_paused(id)?.is_some_and(|kept| kept.until >= pause.until) {
                return Ok(());
            }
            let end = clock::steady().saturating_add(pause.until.since(clock::now()));
            let why = pause.why.chars().take(MAX_PAUSE / 8).collect();
            let kept = Paused { version: 1, boot: super::lock::boot().into(), until_ms: super::lock::millis(end), why };
            let text = serde_json::to_vec(&kept).map_err(|error| error.to_string())?;
            folder.replace(&pause_file(&name), &format!("{name}.pausing"), &text)
        }

        fn try_paused(&self, id: &str) -> Result<Option<SharedPause>, String> {
            let folder = Folder::open(&self.path)?;
            let Some(text) = folder.read(&pause_file(&safe(id)), MAX_PAUSE)? else { return Ok(None) };
            let Ok(kept) = serde_json::from_slice::<Paused>(&text) else { return Ok(None) };
            let end = std::time::Duration::from_millis(kept.until_ms);
            let lasts = kept.version == 1 && kept.boot == super::lock::boot() && clock::steady() < end;
            Ok(lasts.then(|| SharedPause { until: clock::at_steady(end), why: kept.why }))
        }
    }

    /// A pause as it is kept.
    #[derive(Serialize, Deserialize)]
    struct Paused {
        version: u64,
        boot: String,
        until_ms: u64,
        why: String,
    }

    impl TokenStore for FileStore {
        fn claim(&self, id: &str, claim: &Claim) -> Claimed {
            self.try_claim(id, claim).unwrap_or_else(Claimed::Down)
        }

        fn load(&self, id: &str) -> Result<Option<Record>, String> {
            self.read(&Folder::open(&self.path)?, &safe(id), id)
        }

        fn save(&self, id: &str, save: &Save) -> Saved {
            self.try_save(id, save).unwrap_or_else(Saved::Down)
        }

        fn release(&self, id: &str, lease: &Lease) {
            if let Err(why) = self.try_release(id, lease) {
                tracing::debug!(target: "ledgerauth", "a lease was not released and ends by itself: {why}");
            }
        }

        fn shares_pauses(&self) -> bool {
            true
        }

        fn pause(&self, id: &str, pause: &SharedPause) {
            if let Err(why) = self.try_pause(id, pause) {
                tracing::debug!(target: "ledgerauth", "a pause was not shared: {why}");
            }
        }

        fn paused(&self, id: &str) -> Option<SharedPause> {
            self.try_paused(id).ok().flatten()
        }

        fn holder(&self, id: &str) -> Option<Held> {
            let name = safe(id);
            let folder = Folder::open(&self.path).ok()?;
            let entry = Lock::take(&folder, &name).ok()?.entry().ok()??;
            let is_held = entry.is_live() && !held::is_dead(&folder, &name, entry.owner);
            is_held.then(|| Held { owner: entry.owner, until: clock::at_steady(entry.end()) })
        }
    }

    impl fmt::Debug for FileStore {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            f.debug_struct("FileStore")
                .field("path", &crate::quoted::path(&self.path))
                .field("sealed", &self.sealing.key.is_some())
                .finish_non_exhaustive()
        }
    }

    /// Removes the lock files of leases that are not in force. The one of a lease that is still shows that its holder is dead, to whoever wants the lease.
    fn sweep(folder: &Folder<'_>) {
        for file in folder.names() {
            let Some(name) = held::credential_of(&file) else { continue };
            let Ok(lock) = Lock::take(folder, name) else { continue };
            let shown = lock.entry().ok().flatten().map(|entry| held::file_name(name, entry.owner));
            if shown.as_ref() != Some(&file) && !held::is_held(folder, &file) {
                folder.remove(&file);
            }
        }
    }

    fn record_file(name: &str) -> String {
        format!("{name}.record")
    }

    fn new_file(name: &str) -> String {
        format!("{name}.new")
    }

    fn pause_file(name: &str) -> String {
        format!("{name}.pause")
    }
}
