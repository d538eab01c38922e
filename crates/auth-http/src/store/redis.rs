//! `RedisStore`: records and leases in a Redis server, shared by any number of hosts.

mod wire;

use super::name::safe;
use super::seal::{MAX_CONTENT, Sealing};
use super::{Claim, Claimed, Held, Lease, Record, Save, Saved, SealKey, SharedPause, TokenStore};
use crate::clock;
use crate::error::Error;
use crate::lock::Mutex;
use ::redis::{Cmd, Value};
use auth_core::Secret;
use std::fmt;
use std::time::Duration;
use wire::Wire;

/// How many leases are remembered that could not be given back: 1,000, because each ends by itself in less than a minute.
const MOST_OWED: usize = 1_000;

/// Takes the lease if it is free or the caller's, and hands over the record: `{0}` if somebody else holds it, else `{1, generation, record}` or `{1}`. What can
/// fail is read first: Redis takes nothing back of a script that fails, and a lease would stay behind.
const CLAIM: &str = "\
local kept = redis.call('HMGET', KEYS[2], 'generation', 'record')
if not redis.call('SET', KEYS[1], ARGV[1], 'NX', 'PX', ARGV[2]) then
  if redis.call('GET', KEYS[1]) ~= ARGV[1] then return {0} end
  redis.call('PEXPIRE', KEYS[1], ARGV[2])
end
if kept[1] then return {1, kept[1], kept[2]} end
return {1}";

/// Writes a record if the lease is the caller's (`ARGV[1]`, empty if the caller has none) and the generation is the one to be replaced (`ARGV[2]`). A call
/// that is repeated because its answer was lost finds its own record.
const SAVE: &str = "\
local kept = redis.call('HMGET', KEYS[2], 'generation', 'record')
if kept[2] == ARGV[4] then return 1 end
if (redis.call('GET', KEYS[1]) or '') ~= ARGV[1] then return 0 end
if (kept[1] or '0') ~= ARGV[2] then return 0 end
redis.call('HSET', KEYS[2], 'generation', ARGV[3], 'record', ARGV[4])
return 1";

/// Gives the lease back if it is the caller's.
const RELEASE: &str = "if redis.call('GET', KEYS[1]) == ARGV[1] then redis.call('DEL', KEYS[1]) end return 1";

/// Keeps a pause unless a longer one is there.
const PAUSE: &str = "\
if redis.call('PTTL', KEYS[1]) < tonumber(ARGV[2]) then redis.call('SET', KEYS[1], ARGV[1], 'PX', ARGV[2]) end
return 1";

/// `RedisSettings` says which server a [`RedisStore`] talks to, and how.
#[derive(Clone)]
#[must_use]
pub struct RedisSettings {
    url: Secret,
    password: Option<Secret>,
    ca: Option<Vec<u8>>,
    prefix: String,
    connect_timeout: Duration,
    timeout: Duration,
    replicas: Option<(u32, Duration)>,
    sealing: Sealing,
}

impl RedisSettings {
    /// A server: `rediss://user:password@host:port/database` with TLS, `redis://…` without it on this machine,
    /// `redis+unix:///path?pass=password&db=database` for a local socket. Another machine without TLS is
    /// `redis+insecure://…`, because password and tokens then travel in the clear.
    pub fn new(url: impl Into<Secret>) -> Self {
        Self {
            url: url.into(),
            password: None,
            ca: None,
            prefix: "ledgerauth:".into(),
            connect_timeout: Duration::from_secs(5),
            timeout: Duration::from_secs(5),
            replicas: None,
            sealing: Sealing::default(),
        }
    }

    /// The password, where it should not stand in the URL.
    pub fn password(mut self, password: impl Into<Secret>) -> Self {
        self.password = Some(password.into());
        self
    }

    /// Trusts these certificate authorities (PEM) and no others; if not said, those that the operating system trusts.
    pub fn ca(mut self, pem: impl Into<Vec<u8>>) -> Self {
        self.ca = Some(pem.into());
        self
    }

    /// What every key begins with; `ledgerauth:` if not said. One server can then serve several installations.
    pub fn prefix(mut self, prefix: impl Into<String>) -> Self {
        self.prefix = prefix.into();
        self
    }

    /// How long connecting may take, with TLS and the password; 5 seconds if not said, because a server that is asked before each refresh should be near.
    pub fn connect_timeout(mut self, span: Duration) -> Self {
        self.connect_timeout = span;
        self
    }

    /// How long an answer may take; 5 seconds if not said, because a flush to a busy disk (`appendfsync always`) may take one.
    pub fn timeout(mut self, span: Duration) -> Self {
        self.timeout = span;
        self
    }

    /// Takes a record as saved only when so many replicas have it within `span`; otherwise the store says that it does not work, and the record is offered
    /// again.
    pub fn replicas(mut self, count: u32, span: Duration) -> Self {
        self.replicas = Some((count, span));
        self
    }

    /// Seals every record with this key, and reads only what is sealed.
    pub fn sealed(mut self, key: SealKey) -> Self {
        self.sealing.key = Some(key);
        self
    }

    /// Also reads what a former key sealed: for the time after a new key came. Each record is sealed anew when it is saved.
    pub fn former_key(mut self, key: SealKey) -> Self {
        self.sealing.former.push(key);
        self
    }

    /// Also reads records that are not sealed: for the time after the first key came.
    pub fn reads_unsealed(mut self) -> Self {
        self.sealing.reads_unsealed = true;
        self
    }
}

/// `RedisStore` keeps records and leases in a Redis server (tested with 7.0), for processes on any number of hosts.
///
/// ```no_run
/// use auth_http::{RedisSettings, RedisStore};
/// use std::time::Duration;
///
/// let store = RedisStore::open("rediss://tokens.example:6379/0")?;
/// let store = RedisStore::with(
///     RedisSettings::new("rediss://tokens.example:6379/0")
///         .password(std::env::var("REDIS_PASSWORD").unwrap_or_default())
///         .replicas(1, Duration::from_millis(500)),
/// )?;
/// # Ok::<(), auth_http::Error>(())
/// ```
///
/// *Leases* are keys with an end (`SET NX PX`), judged by the server's clock alone; saving and releasing are scripts that compare owner and generation in the
/// same step. A process that is killed holds its lease to its end. If the server's wall clock is set forward, leases end early: the journal and the
/// generation then still keep a refresh token from being sent twice.
///
/// *Durable* means what the server's configuration makes of it. With `appendonly yes` and `appendfsync always`, a saved record survives a power cut; with
/// `everysec` the last second may be lost; without persistence, every restart loses all. Set `maxmemory-policy noeviction`: a server that evicts forgets
/// records.
///
/// *Failover.* A replica that missed a write knows nothing of it. Where it missed only the end of a refresh, its record still carries the journal's entry,
/// and nobody sends that refresh token again. A session that lives through the failover still holds the newer generation and stores it again. Where the
/// replica missed the journal as well, and no session lived through it, nothing can tell that the refresh token was spent: [`RedisSettings::replicas`] closes
/// that gap, at the price of a wait for each save.
///
/// Connections are kept, up to eight, and made anew after a restart of the server. Nothing is sent before the first use. May be used from any thread. No
/// error holds the password.
pub struct RedisStore {
    wire: Wire,
    prefix: String,
    replicas: Option<(u32, Duration)>,
    sealing: Sealing,
    /// The leases that could not be given back while the server was away.
    owed: Mutex<Vec<(String, Lease)>>,
}

impl RedisStore {
    /// A store at this server, with the usual settings.
    ///
    /// # Errors
    /// [`Error::Setting`] if the URL cannot be read. That the server can be reached shows at the first use.
    pub fn open(url: impl Into<Secret>) -> Result<Self, Error> {
        Self::with(RedisSettings::new(url))
    }

    /// A store with these settings.
    ///
    /// # Errors
    /// [`Error::Setting`] if the URL or a certificate cannot be read.
    pub fn with(settings: RedisSettings) -> Result<Self, Error> {
        let RedisSettings { url, password, ca, prefix, connect_timeout, timeout, replicas, sealing } = settings;
        let longest_wait = replicas.map_or(Duration::ZERO, |(_, span)| span);
        let wire = Wire::new(&url, password.as_ref(), ca, connect_timeout, timeout.saturating_add(longest_wait))
            .map_err(|reason| Error::Setting { name: "the token store", reason })?;
        Ok(Self { wire, prefix, replicas, sealing, owed: Mutex::default() })
    }

    /// The same store for a child process, to be made before the fork or after it, with connections of its own.
    #[must_use]
    pub fn for_child(&self) -> Self {
        Self {
            wire: self.wire.for_child(),
            prefix: self.prefix.clone(),
            replicas: self.replicas,
            sealing: self.sealing.clone(),
            owed: Mutex::default(),
        }
    }

    /// A key of the server's. The braces put all keys of a credential on one node of a cluster.
    fn key(&self, id: &str, what: &str) -> String {
        format!("{}{{{}}}:{what}", self.prefix, safe(id))
    }

    /// A call of a script on a credential's lease and record.
    fn script(&self, script: &str, id: &str) -> Cmd {
        // By its text and not by its hash: a server that restarted knows no hashes.
        let mut command = ::redis::cmd("EVAL");
        command.arg(script).arg(2).arg(self.key(id, "lease")).arg(self.key(id, "record"));
        command
    }

    fn record(&self, id: &str, generation: &[u8], bytes: &[u8]) -> Result<Record, String> {
        let place = || format!("{}, key {}", self.wire.place(), self.key(id, "record"));
        if bytes.len() > MAX_CONTENT {
            return Err(format!("{}: the record is longer than {MAX_CONTENT} bytes: move it away, ledgerauth did not write it", place()));
        }
        let record = self.sealing.open(id, bytes).map_err(|why| format!("{}: {why}", place()))?;
        if record.generation.to_string().as_bytes() != generation {
            return Err(format!("{}: the record and its generation do not belong together: restore both from a backup", place()));
        }
        Ok(record)
    }

    fn try_claim(&self, id: &str, claim: &Claim) -> Result<Claimed, String> {
        let owed: Vec<Lease> = self.owed.lock().extract_if(.., |(of, _)| of == id).map(|(_, lease)| lease).collect();
        for lease in owed {
            self.release(id, &lease);
        }
        let mut command = self.script(CLAIM, id);
        command.arg(claim.owner).arg(millis(claim.span));
        let Value::Array(parts) = self.wire.ask(&command)? else { return Err(self.wire.odd_answer()) };
        let record = match parts.as_slice() {
            [Value::Int(0)] => return Ok(Claimed::Busy),
            [Value::Int(1)] => Ok(None),
            [Value::Int(1), Value::BulkString(generation), Value::BulkString(bytes)] => self.record(id, generation, bytes).map(Some),
            _ => Err(self.wire.odd_answer()),
        };
        if record.is_err() {
            self.release(id, &Lease { owner: claim.owner });
        }
        record.map(Claimed::Granted)
    }

    fn try_load(&self, id: &str) -> Result<Option<Record>, String> {
        let mut command = ::redis::cmd("HMGET");
        command.arg(self.key(id, "record")).arg("generation").arg("record");
        let Value::Array(parts) = self.wire.ask(&command)? else { return Err(self.wire.odd_answer()) };
        match parts.as_slice() {
            [Value::Nil, Value::Nil] => Ok(None),
            [Value::BulkString(generation), Value::BulkString(bytes)] => self.record(id, generation, bytes).map(Some),
            _ => Err(self.wire.odd_answer()),
        }
    }

    fn try_save(&self, id: &str, save: &Save) -> Result<Saved, String> {
        let bytes = self.sealing.close(id, &save.record)?;
        let owner = save.lease.as_ref().map_or(String::new(), |lease| lease.owner.to_string());
        let mut command = self.script(SAVE, id);
        command.arg(owner).arg(save.replaces).arg(save.record.generation).arg(bytes.as_slice());
        let answer = match self.replicas {
            None => self.wire.ask(&command)?,
            Some((count, span)) => {
                let mut wait = ::redis::cmd("WAIT");
                wait.arg(count).arg(millis(span));
                let (answer, reached) = self.wire.ask_both(&command, &wait)?;
                match reached {
                    Value::Int(reached) if reached >= i64::from(count) || answer != Value::Int(1) => answer,
                    Value::Int(reached) => {
                        return Err(format!(
                            "{}: the record reached {reached} of {count} replicas within {} ms: look at the replication",
                            self.wire.place(),
                            millis(span)
                        ));
                    }
                    _ => return Err(self.wire.odd_answer()),
                }
            }
        };
        match answer {
            Value::Int(1) => Ok(Saved::Durable),
            Value::Int(0) => Ok(Saved::Superseded),
            _ => Err(self.wire.odd_answer()),
        }
    }

    fn try_release(&self, id: &str, lease: &Lease) -> Result<(), String> {
        let mut command = self.script(RELEASE, id);
        command.arg(lease.owner);
        self.wire.ask(&command).map(drop)
    }

    fn try_pause(&self, id: &str, pause: &SharedPause) -> Result<(), String> {
        let left = millis(pause.until.since(clock::now()));
        if left == 0 {
            return Ok(());
        }
        let why: String = pause.why.chars().take(500).collect();
        let mut command = ::redis::cmd("EVAL");
        command.arg(PAUSE).arg(1).arg(self.key(id, "pause")).arg(why).arg(left);
        self.wire.ask(&command).map(drop)
    }

    /// A key's text and how long it lasts; `None` if it is not there.
    fn lasting(&self, key: &str) -> Option<(String, Duration)> {
        let (mut get, mut ttl) = (::redis::cmd("GET"), ::redis::cmd("PTTL"));
        get.arg(key);
        ttl.arg(key);
        match self.wire.ask_both(&get, &ttl).ok()? {
            (Value::BulkString(text), Value::Int(left)) => {
                Some((String::from_utf8(text).ok()?, Duration::from_millis(u64::try_from(left).ok()?)))
            }
            _ => None,
        }
    }
}

impl TokenStore for RedisStore {
    fn claim(&self, id: &str, claim: &Claim) -> Claimed {
        self.try_claim(id, claim).unwrap_or_else(Claimed::Down)
    }

    fn load(&self, id: &str) -> Result<Option<Record>, String> {
        self.try_load(id)
    }

    fn save(&self, id: &str, save: &Save) -> Saved {
        self.try_save(id, save).unwrap_or_else(Saved::Down)
    }

    fn release(&self, id: &str, lease: &Lease) {
        if let Err(why) = self.try_release(id, lease) {
            tracing::debug!(target: "ledgerauth", "a lease was not released; it is when the server is back, or ends by itself: {why}");
            let mut owed = self.owed.lock();
            owed.truncate(MOST_OWED - 1);
            owed.push((id.to_owned(), lease.clone()));
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
        let (why, left) = self.lasting(&self.key(id, "pause"))?;
        Some(SharedPause { until: clock::now().after(left), why })
    }

    fn holder(&self, id: &str) -> Option<Held> {
        let (owner, left) = self.lasting(&self.key(id, "lease"))?;
        Some(Held { owner: owner.parse().ok()?, until: clock::now().after(left) })
    }
}

impl fmt::Debug for RedisSettings {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisSettings").field("prefix", &self.prefix).field("sealed", &self.sealing.key.is_some()).finish_non_exhaustive()
    }
}

impl fmt::Debug for RedisStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RedisStore").field("server", &self.wire.place()).field("prefix", &self.prefix).finish_non_exhaustive()
    }
}

/// The whole milliseconds of a span, at least one where there is any, and never more than the server takes.
fn millis(span: Duration) -> u64 {
    let whole = u64::try_from(span.as_nanos().div_ceil(1_000_000)).unwrap_or(u64::MAX);
    whole.min(u64::from(u32::MAX) * 1_000)
}
