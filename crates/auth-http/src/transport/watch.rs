//! Files of a client certificate and its key, looked at again while they are used.

use crate::lock::Mutex;
use auth_core::Audited;
use std::path::Path;
use std::sync::OnceLock;
use std::time::{Duration, Instant, SystemTime};

/// How often the files are looked at: once a second at most, because a look is two system calls and a rotation lasts for months.
const BETWEEN_LOOKS: Duration = Duration::from_secs(1);

/// What tells one state of a file from another: when it was changed, its length, and which file it is.
type Stamp = Option<(Option<SystemTime>, u64, u64)>;

/// Looks at two files.
pub(super) struct Watch(Mutex<(Instant, [Stamp; 2])>);

impl Watch {
    /// Watches from now on: what is read after this is not older.
    pub(super) fn begin(files: [&Path; 2]) -> Self {
        Self(Mutex::new((Instant::now(), files.map(stamp))))
    }

    /// Whether one of the files is another than at the last look. It is told once.
    pub(super) fn has_changed(&self, files: [&Path; 2]) -> bool {
        let mut last = self.0.lock();
        if last.0.elapsed() < BETWEEN_LOOKS {
            return false;
        }
        let now = files.map(stamp);
        let changed = now != last.1;
        *last = (Instant::now(), now);
        changed
    }
}

fn stamp(path: &Path) -> Stamp {
    let metadata = std::fs::metadata(path).ok()?;
    #[cfg(unix)]
    let which = std::os::unix::fs::MetadataExt::ino(&metadata);
    #[cfg(not(unix))]
    let which = 0;
    Some((metadata.modified().ok(), metadata.len(), which))
}

/// Who is told what became of the files; nobody before the client stands.
#[derive(Default)]
pub(crate) struct News(OnceLock<Box<dyn Fn(Audited, String) + Send + Sync>>);

impl News {
    pub(crate) fn tell_to(&self, listener: impl Fn(Audited, String) + Send + Sync + 'static) {
        drop(self.0.set(Box::new(listener)));
    }

    pub(super) fn tell(&self, what: Audited, decision: String) {
        if let Some(listener) = self.0.get() {
            listener(what, decision);
        }
    }
}
