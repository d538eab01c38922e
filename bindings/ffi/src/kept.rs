//! Where a client's tokens are kept: a table of the program's, a folder, a Redis server.

use crate::error::{Fault, misuse};
use crate::gate::Gate;
use crate::options::ledgerauth_client_options;
use crate::store::given_store;
use auth_http::{FileStore, SealKey, TokenStore};
use std::sync::Arc;

/// The store that a struct of options names; `None` if it names none.
///
/// # Safety
/// Whatever the options point to is there.
pub(crate) unsafe fn place(options: &ledgerauth_client_options, gate: &Arc<Gate>) -> Result<Option<Arc<dyn TokenStore>>, Fault> {
    // SAFETY: the caller's promise.
    let (own, folder, redis, ca, key) = unsafe {
        (
            given_store(options.store, gate)?,
            options.store_folder.filled_text("store_folder")?,
            options.store_redis.filled_text("store_redis")?,
            options.store_ca_pem.filled("store_ca_pem")?,
            options.store_key.filled_text("store_key")?,
        )
    };
    // What is not obeyed must not look as if it were: a program would take its tokens for sealed.
    if key.is_some() && folder.is_none() && redis.is_none() {
        return Err(misuse("store_key is set without store_folder or store_redis", "set one of them, or leave it out"));
    }
    if ca.is_some() && redis.is_none() {
        return Err(misuse("store_ca_pem is set without store_redis", "set both, or leave it out"));
    }
    let key = key.map(SealKey::from_value).transpose()?;
    match (own, folder, redis) {
        (None, None, None) => Ok(None),
        (Some(store), None, None) => Ok(Some(store)),
        (None, Some(folder), None) => {
            let store = FileStore::open(folder)?;
            Ok(Some(Arc::new(match key {
                Some(key) => store.sealed(key),
                None => store,
            })))
        }
        (None, None, Some(url)) => in_redis(url, ca, key).map(Some),
        _ => Err(misuse("more than one of store, store_folder and store_redis is set", "set one of them")),
    }
}

/// Tokens in a Redis server.
#[cfg(feature = "redis")]
fn in_redis(url: &str, ca: Option<&[u8]>, key: Option<SealKey>) -> Result<Arc<dyn TokenStore>, Fault> {
    let mut settings = auth_http::RedisSettings::new(url);
    if let Some(ca) = ca {
        settings = settings.ca(ca);
    }
    if let Some(key) = key {
        settings = settings.sealed(key);
    }
    Ok(Arc::new(auth_http::RedisStore::with(settings)?))
}

/// The same in a build without Redis.
#[cfg(not(feature = "redis"))]
fn in_redis(_: &str, _: Option<&[u8]>, _: Option<SealKey>) -> Result<Arc<dyn TokenStore>, Fault> {
    Err(crate::error::at_the_boundary(
        crate::status::LEDGERAUTH_UNSUPPORTED,
        "store_redis is set, and the library was built without Redis",
        "install it by make install FEATURES=redis, or set store or store_folder",
    ))
}
