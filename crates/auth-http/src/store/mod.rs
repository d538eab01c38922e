//! Where tokens are kept between calls, and shared between threads, processes and hosts.

mod file;
pub(crate) mod memory;
#[cfg(any(unix, feature = "redis"))]
mod name;
#[cfg(feature = "redis")]
mod redis;
#[cfg_attr(not(any(unix, feature = "redis")), expect(dead_code, reason = "nothing is sealed where there is neither store"))]
mod seal;

pub use auth_core::{Claim, Claimed, Held, Lease, Record, RecordError, Save, Saved, SharedPause};
pub use file::FileStore;
pub use memory::MemoryStore;
#[cfg(feature = "redis")]
pub use redis::{RedisSettings, RedisStore};
pub use seal::SealKey;

/// `TokenStore` keeps one [`Record`] for each credential and hands out the lease on it.
///
/// | store | shared by | survives |
/// |---|---|---|
/// | [`MemoryStore`] | the clients that are given it | nothing |
/// | [`FileStore`] | the processes of one host and user | the process, `kill -9`, a power cut |
/// | `RedisStore` (feature `redis`) | any number of hosts | what the server's persistence survives |
///
/// A store decides nothing: it does what the machine asks, in one step that nothing can come between, and says what came of it. Methods may be called from any
/// thread. A store that does not work says so in its answer, with the place, the reason and the remedy; it never panics and never blocks for long. `id` names
/// the credential and holds nothing secret, but it may hold any character.
///
/// # A store of your own
///
/// Keep [`Record::to_bytes`] under the id; whatever [`Record::from_bytes`] refuses is neither used nor overwritten. In this one, a lock around a map stands for
/// a transaction of your database:
///
/// ```
/// use auth_http::store::{Claim, Claimed, Lease, Record, Save, Saved, TokenStore};
/// use std::collections::HashMap;
/// use std::sync::{Arc, Mutex, PoisonError};
/// use std::time::Instant;
///
/// #[derive(Default)]
/// struct Row {
///     record: Option<Vec<u8>>,
///     lease: Option<(u64, Instant)>,
/// }
///
/// impl Row {
///     /// Who holds a lease that has not ended, by the store's own clock.
///     fn holder(&self) -> Option<u64> {
///         self.lease.filter(|(_, end)| Instant::now() < *end).map(|(owner, _)| owner)
///     }
///
///     fn read(&self) -> Result<Option<Record>, String> {
///         self.record.as_deref().map(Record::from_bytes).transpose().map_err(|error| error.to_string())
///     }
/// }
///
/// #[derive(Default)]
/// struct Table(Mutex<HashMap<String, Row>>);
///
/// impl TokenStore for Table {
///     fn claim(&self, id: &str, claim: &Claim) -> Claimed {
///         let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         let row = rows.entry(id.into()).or_default();
///         if !claim.may_take(row.holder()) {
///             return Claimed::Busy;
///         }
///         match row.read() {
///             Err(why) => Claimed::Down(why),
///             Ok(record) => {
///                 row.lease = Some((claim.owner, Instant::now() + claim.span));
///                 Claimed::Granted(record)
///             }
///         }
///     }
///
///     fn load(&self, id: &str) -> Result<Option<Record>, String> {
///         self.0.lock().unwrap_or_else(PoisonError::into_inner).get(id).map_or(Ok(None), Row::read)
///     }
///
///     fn save(&self, id: &str, save: &Save) -> Saved {
///         let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         let row = rows.entry(id.into()).or_default();
///         match row.read() {
///             Err(why) => Saved::Down(why),
///             Ok(held) if !save.may_replace(held.as_ref().map(|record| record.generation), row.holder()) => Saved::Superseded,
///             Ok(_) => {
///                 row.record = Some(save.record.to_bytes().to_vec());
///                 Saved::Durable // after the commit
///             }
///         }
///     }
///
///     fn release(&self, id: &str, lease: &Lease) {
///         let mut rows = self.0.lock().unwrap_or_else(PoisonError::into_inner);
///         if let Some(row) = rows.get_mut(id).filter(|row| row.holder() == Some(lease.owner)) {
///             row.lease = None;
///         }
///     }
/// }
///
/// # use auth_http::{Client, Credential, Provider};
/// let client = Client::builder(Provider::builtin("numeric")?)
///     .environment("production")
///     .credential(Credential::client("my-client", "my-secret"))
///     .store(Arc::new(Table::default()))
///     .build()?;
/// # Ok::<(), auth_http::Error>(())
/// ```
pub trait TokenStore: Send + Sync {
    /// Takes the lease on a credential, if nobody holds it by the store's clock ([`Claim::may_take`]), and hands over its record.
    ///
    /// A record that cannot be read is [`Claimed::Down`], and the lease is not taken.
    fn claim(&self, id: &str, claim: &Claim) -> Claimed;

    /// The record as it stands, without a lease; `None` if there is none.
    ///
    /// # Errors
    /// Why it cannot be read, in one line for a person.
    fn load(&self, id: &str) -> Result<Option<Record>, String>;

    /// Keeps a record, if the store holds the generation that it replaces and the lease is still the caller's ([`Save::may_replace`]). Durable on return.
    fn save(&self, id: &str, save: &Save) -> Saved;

    /// Gives a lease back; one that is no longer the caller's is left alone.
    fn release(&self, id: &str, lease: &Lease);

    /// Whether pauses told to it reach other processes, so that looking for them makes sense.
    fn shares_pauses(&self) -> bool {
        false
    }

    /// Tells all who share the credential to pause; of two pauses the longer one is kept. A store that cannot share it does nothing.
    fn pause(&self, id: &str, pause: &SharedPause) {
        let _ = (id, pause);
    }

    /// The pause that somebody told all to keep, while it lasts.
    fn paused(&self, id: &str) -> Option<SharedPause> {
        let _ = id;
        None
    }

    /// Who holds the lease, as far as the store can tell: for explanations, not for decisions.
    fn holder(&self, id: &str) -> Option<Held> {
        let _ = id;
        None
    }
}
