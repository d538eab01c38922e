//! Where there is no Unix: no file that only its owner can open, and no lock that the kernel releases.

use crate::error::Error;
use crate::store::{Claim, Claimed, Lease, Record, Save, Saved, SealKey, TokenStore};
use std::convert::Infallible;
use std::path::Path;

/// `FileStore` needs a Unix system; on this one, [`FileStore::open`] says so.
#[derive(Debug)]
pub struct FileStore(Infallible);

impl FileStore {
    /// No store.
    ///
    /// # Errors
    /// [`Error::Setting`], always.
    pub fn open(_: impl AsRef<Path>) -> Result<Self, Error> {
        Err(Error::Setting {
            name: "the token store",
            reason: "files are kept on Unix systems only: use a RedisStore, or a store of your own".into(),
        })
    }

    /// The same store.
    #[must_use]
    pub fn sealed(self, _: SealKey) -> Self {
        self
    }

    /// The same store.
    #[must_use]
    pub fn former_key(self, _: SealKey) -> Self {
        self
    }

    /// The same store.
    #[must_use]
    pub fn reads_unsealed(self) -> Self {
        self
    }

    /// The same store.
    #[must_use]
    pub fn for_child(&self) -> Self {
        match self.0 {}
    }
}

impl TokenStore for FileStore {
    fn claim(&self, _: &str, _: &Claim) -> Claimed {
        match self.0 {}
    }

    fn load(&self, _: &str) -> Result<Option<Record>, String> {
        match self.0 {}
    }

    fn save(&self, _: &str, _: &Save) -> Saved {
        match self.0 {}
    }

    fn release(&self, _: &str, _: &Lease) {
        match self.0 {}
    }
}
