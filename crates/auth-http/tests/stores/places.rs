//! Where stores keep their records in these tests.

use auth_http::store::{FileStore, MemoryStore, SealKey, TokenStore};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// A place that stores can be opened at, again and again.
pub(crate) trait Place: Sync {
    /// Another store at the same place.
    fn open(&self) -> Arc<dyn TokenStore>;
}

/// A place that another process can open as well.
pub(crate) trait SharedPlace: Place {
    /// What `open_at` needs.
    fn address(&self) -> String;
}

/// Opens a store at an address.
pub(crate) fn open_at(address: &str) -> Arc<dyn TokenStore> {
    let mut parts = address.split('\n');
    let (kind, place) = (parts.next().unwrap(), parts.next().unwrap());
    match (kind, parts.next()) {
        ("files", None) => Arc::new(FileStore::open(place).unwrap()),
        ("files", Some(key)) => Arc::new(FileStore::open(place).unwrap().sealed(SealKey::from_value(key).unwrap())),
        #[cfg(feature = "redis")]
        ("redis", ca) => {
            let settings = auth_http::RedisSettings::new(place);
            let settings = match ca {
                Some(file) => settings.ca(std::fs::read(file).unwrap()),
                None => settings,
            };
            Arc::new(auth_http::RedisStore::with(settings).unwrap())
        }
        (other, _) => panic!("{other}"),
    }
}

/// One memory, in this process alone.
#[derive(Default)]
pub(crate) struct Memory(Arc<MemoryStore>);

impl Place for Memory {
    fn open(&self) -> Arc<dyn TokenStore> {
        self.0.clone()
    }
}

/// A folder of files.
pub(crate) struct Files {
    pub(crate) folder: Folder,
    pub(crate) key: Option<String>,
}

impl Files {
    pub(crate) fn plain() -> Self {
        Self { folder: Folder::new(), key: None }
    }

    pub(crate) fn sealed() -> Self {
        Self { folder: Folder::new(), key: Some(random_key()) }
    }

    /// The store's own folder.
    pub(crate) fn path(&self) -> PathBuf {
        self.folder.path().join("tokens")
    }

    /// The files of the store whose names end so.
    pub(crate) fn ending(&self, end: &str) -> Vec<PathBuf> {
        let entries = std::fs::read_dir(self.path()).unwrap().map(|entry| entry.unwrap().path());
        entries.filter(|path| path.to_str().unwrap().ends_with(end)).collect()
    }

    /// The only file of the store whose name ends so.
    pub(crate) fn only(&self, end: &str) -> PathBuf {
        let found = self.ending(end);
        assert_eq!(found.len(), 1, "{found:?}");
        found[0].clone()
    }
}

impl Place for Files {
    fn open(&self) -> Arc<dyn TokenStore> {
        open_at(&self.address())
    }
}

impl SharedPlace for Files {
    fn address(&self) -> String {
        let key = self.key.as_ref().map(|key| format!("\n{key}")).unwrap_or_default();
        format!("files\n{}{key}", self.path().display())
    }
}

/// 32 random bytes in hexadecimal.
pub(crate) fn random_key() -> String {
    let mut key = [0; 32];
    getrandom::fill(&mut key).unwrap();
    key.iter().fold(String::new(), |text, byte| text + &format!("{byte:02x}"))
}

/// A folder that is removed with this value.
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicU64 = AtomicU64::new(0);
        let name = format!("ledgerauth-test-{}-{}", std::process::id(), COUNT.fetch_add(1, Ordering::Relaxed));
        let path = std::env::temp_dir().join(name);
        std::fs::create_dir(&path).unwrap();
        Self(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}
