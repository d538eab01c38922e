//! Where tokens are kept: in this process, in a folder, in Redis. A store is named, never pickled with a secret.

use crate::argument;
use crate::error;
use crate::reference::absolute;
use auth_http::{ClientBuilder, Error, MemoryStore, RedisSettings, SealKey};
use auth_http::{Looks, Shown};
use pyo3::prelude::*;
use pyo3::types::{PyDict, PyString};
use std::path::PathBuf;
use std::sync::Arc;

/// A client's store.
#[derive(Clone)]
pub(crate) enum Store {
    Memory(Arc<MemoryStore>),
    File(Arc<auth_http::FileStore>),
    Redis(Arc<auth_http::RedisStore>),
}

impl Store {
    /// The store that `given` stands for: nothing for this process's memory, a path, a Redis URL, or one of the classes below.
    pub(crate) fn read(py: Python<'_>, given: Option<&Bound<'_, PyAny>>) -> PyResult<Self> {
        let Some(given) = given else { return Ok(Self::Memory(Arc::default())) };
        if let Ok(store) = given.cast::<FileStore>() {
            return store.get().open(py);
        }
        if let Ok(store) = given.cast::<RedisStore>() {
            return store.get().open(py);
        }
        if let Ok(text) = given.cast::<PyString>()
            && is_redis(&argument::text("store", text)?)
        {
            return RedisStore::new(argument::read("store", given)?, None, None, None, None, None).open(py);
        }
        if let Ok(text) = given.cast::<PyString>()
            && argument::text("store", text)?.contains("://")
        {
            // The whole could hold a password, and a folder of that name would tell it.
            let text = argument::text("store", text)?;
            let what = format!("store is a URL that no store has: {}", Shown::new(&text, Looks::Url));
            return Err(error::plain(py, "setting", &what, "give the path of a folder, or redis://, rediss:// or redis+unix://"));
        }
        FileStore::new(argument::read("store", given)?, None, None).open(py)
    }

    pub(crate) fn given_to(&self, builder: ClientBuilder) -> ClientBuilder {
        match self {
            Self::Memory(store) => builder.store(store.clone()),
            Self::File(store) => builder.store(store.clone()),
            Self::Redis(store) => builder.store(store.clone()),
        }
    }

    /// The same for a child process, made before the fork.
    pub(crate) fn for_child(&self) -> Self {
        match self {
            Self::Memory(store) => Self::Memory(Arc::new(store.for_child())),
            Self::File(store) => Self::File(Arc::new(store.for_child())),
            Self::Redis(store) => Self::Redis(Arc::new(store.for_child())),
        }
    }

    /// Whether no other process can see it.
    pub(crate) fn is_memory(&self) -> bool {
        matches!(self, Self::Memory(_))
    }
}

/// Refuses to name a store in a pickle by a URL that has a password in it.
pub(crate) fn check_nameable(store: &Bound<'_, PyAny>) -> PyResult<()> {
    match store.extract::<String>() {
        Ok(url) if is_redis(&url) => RedisStore::new(url, None, None, None, None, None).check_nameable(store.py()),
        _ => Ok(()),
    }
}

/// Whether the text is the address of a Redis server.
pub(crate) fn is_redis(text: &str) -> bool {
    ["redis://", "rediss://", "redis+insecure://", "redis+unix://", "unix://"]
        .iter()
        .any(|scheme| text.get(..scheme.len()).is_some_and(|start| start.eq_ignore_ascii_case(scheme)))
}

/// What a pickle holds: the function that opens the store again, its class, its place, and the names of everything else.
type Named<'py, Place> = (Bound<'py, PyAny>, (Bound<'py, PyAny>, Place, Bound<'py, PyDict>));

/// Where the key that seals records comes from.
#[derive(Clone, Default)]
struct Seal {
    env: Option<String>,
    file: Option<PathBuf>,
}

impl Seal {
    fn key(&self) -> Result<Option<SealKey>, Error> {
        match self {
            Self { env: Some(variable), .. } => SealKey::from_env(variable).map(Some),
            Self { file: Some(path), .. } => SealKey::from_file(path).map(Some),
            _ => Ok(None),
        }
    }

    fn name_into(&self, names: &Bound<'_, PyDict>) -> PyResult<()> {
        names.set_item("seal_env", self.env.as_deref())?;
        names.set_item("seal_file", self.file.as_deref())
    }
}

#[doc = doc!("FileStore")]
#[pyclass(frozen, module = "ledgerauth", name = "FileStore")]
pub(crate) struct FileStore {
    path: PathBuf,
    seal: Seal,
}

impl FileStore {
    fn open(&self, py: Python<'_>) -> PyResult<Store> {
        let opened = py.detach(|| {
            let store = auth_http::FileStore::open(&self.path)?;
            Ok(match self.seal.key()? {
                Some(key) => store.sealed(key),
                None => store,
            })
        });
        opened.map(|store| Store::File(Arc::new(store))).map_err(|failed: Error| error::raised(py, &failed, None))
    }
}

#[pymethods]
impl FileStore {
    #[new]
    #[pyo3(signature = (path, *, seal_env=None, seal_file=None))]
    fn new(path: PathBuf, seal_env: Option<String>, seal_file: Option<PathBuf>) -> Self {
        Self { path: absolute(&path), seal: Seal { env: seal_env, file: seal_file.as_deref().map(absolute) } }
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Named<'py, PathBuf>> {
        let (py, store) = (slf.py(), slf.get());
        let names = PyDict::new(py);
        store.seal.name_into(&names)?;
        let open = py.import("ledgerauth._attach")?.getattr("named")?;
        Ok((open, (slf.get_type().into_any(), store.path.clone(), names)))
    }

    fn __repr__(&self) -> String {
        let sealed = if self.seal.env.is_some() || self.seal.file.is_some() { ", sealed" } else { "" };
        format!("<ledgerauth.FileStore {}{sealed}>", Shown::new(&self.path.to_string_lossy(), Looks::Path))
    }
}

#[doc = doc!("RedisStore")]
#[pyclass(frozen, module = "ledgerauth", name = "RedisStore")]
pub(crate) struct RedisStore {
    url: String,
    password_env: Option<String>,
    ca_file: Option<PathBuf>,
    prefix: Option<String>,
    seal: Seal,
}

impl RedisStore {
    fn open(&self, py: Python<'_>) -> PyResult<Store> {
        let opened = py.detach(|| {
            let mut settings = RedisSettings::new(self.url.as_str());
            if let Some(variable) = &self.password_env {
                let refused = |_| Error::Source {
                    source: format!("the environment variable {}", Shown::new(variable, Looks::Variable)),
                    reason: "it is not set: export the Redis server's password".into(),
                };
                settings = settings.password(std::env::var(variable).map_err(refused)?);
            }
            if let Some(path) = &self.ca_file {
                let refused = |failed| Error::Setting {
                    name: "ca_file of the token store",
                    reason: format!("{}: {failed}", Shown::new(&path.to_string_lossy(), Looks::Path)),
                };
                settings = settings.ca(std::fs::read(path).map_err(refused)?);
            }
            if let Some(prefix) = &self.prefix {
                settings = settings.prefix(prefix.as_str());
            }
            if let Some(key) = self.seal.key()? {
                settings = settings.sealed(key);
            }
            auth_http::RedisStore::with(settings)
        });
        opened.map(|store| Store::Redis(Arc::new(store))).map_err(|failed: Error| error::raised(py, &failed, None))
    }

    fn check_nameable(&self, py: Python<'_>) -> PyResult<()> {
        if self.place() == self.url {
            return Ok(());
        }
        let advice = "leave it out of the URL, and name the environment variable that holds it: RedisStore(url, password_env=...)";
        Err(error::plain(py, "misuse", "the store's URL has a password, which would be in the pickle", advice))
    }

    /// The address without a password, which a socket's address has in its query.
    fn place(&self) -> String {
        if let Some((path, _)) = self.url.split_once('?').filter(|(path, _)| !path.starts_with("redis") || path.starts_with("redis+unix")) {
            return path.into();
        }
        match self.url.split_once("://").and_then(|(scheme, rest)| Some((scheme, rest.rsplit_once('@')?.1))) {
            Some((scheme, host)) => format!("{scheme}://{host}"),
            None => self.url.clone(),
        }
    }
}

#[pymethods]
impl RedisStore {
    #[new]
    #[pyo3(signature = (url, *, password_env=None, ca_file=None, prefix=None, seal_env=None, seal_file=None))]
    fn new(
        url: String,
        password_env: Option<String>,
        ca_file: Option<PathBuf>,
        prefix: Option<String>,
        seal_env: Option<String>,
        seal_file: Option<PathBuf>,
    ) -> Self {
        let seal = Seal { env: seal_env, file: seal_file.as_deref().map(absolute) };
        // Schemes are compared without case (RFC 3986 section 3.1).
        let url = match url.split_once("://") {
            Some((scheme, rest)) => format!("{}://{rest}", scheme.to_ascii_lowercase()),
            None => url,
        };
        Self { url, password_env, ca_file: ca_file.as_deref().map(absolute), prefix, seal }
    }

    fn __reduce__<'py>(slf: &Bound<'py, Self>) -> PyResult<Named<'py, String>> {
        let (py, store) = (slf.py(), slf.get());
        store.check_nameable(py)?;
        let names = PyDict::new(py);
        names.set_item("password_env", store.password_env.as_deref())?;
        names.set_item("ca_file", store.ca_file.as_deref())?;
        names.set_item("prefix", store.prefix.as_deref())?;
        store.seal.name_into(&names)?;
        let open = py.import("ledgerauth._attach")?.getattr("named")?;
        Ok((open, (slf.get_type().into_any(), store.url.clone(), names)))
    }

    fn __repr__(&self) -> String {
        format!("<ledgerauth.RedisStore {}>", Shown::new(&self.place(), Looks::Url))
    }
}
