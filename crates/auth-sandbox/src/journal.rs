use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};

use parking_lot::{Mutex, RwLock};
use serde::{Serialize, Serializer};

use crate::service::Service;

/// What sort of exchange a log entry is about.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, Serialize)]
#[serde(rename_all = "snake_case")]
pub enum Kind {
    /// A request to a token endpoint.
    Token,
    /// A request to an API.
    Api,
    /// Anything sent to [`Service::Stranger`].
    Stranger,
    /// Bytes that were no HTTP/1.1 request, or one beyond the size limits.
    Malformed,
    /// A TLS handshake that failed or that the client broke off; no request was read.
    Handshake,
}

/// One line of the request log: what arrived, and what the server made of it.
///
/// It holds credentials exactly as they were sent. They are made up, so nothing is lost by showing them;
/// do not send real keys to a sandbox.
#[derive(Debug, Clone, Serialize)]
pub struct Entry {
    /// Counts from 1 over all services; never reused, not even after the log was cleared.
    pub number: u64,
    /// When the request had been read: server clock, milliseconds since 1970-01-01 UTC.
    pub at_millis: u64,
    /// The service that was asked.
    pub service: Service,
    /// The method as sent.
    pub method: String,
    /// The path without its query, as sent (not decoded).
    pub path: String,
    /// The raw query without its question mark; empty when there was none.
    pub query: String,
    /// The header fields in the order and case in which they arrived.
    pub headers: Vec<(String, String)>,
    /// The body, with chunked coding removed. In JSON: text, bytes that are not UTF-8 replaced.
    #[serde(serialize_with = "body_as_text")]
    pub body: Vec<u8>,
    /// The status answered; `None` when the connection was cut before an answer was out.
    pub status: Option<u16>,
    /// One short sentence that says why.
    pub decision: String,
    /// Did the request change the server's state (a token minted, a document created, a key deleted)?
    pub acted: bool,
    /// The request id that the answer carried, where the system has one.
    pub request_id: Option<String>,
    /// What sort of exchange this is.
    pub kind: Kind,
}

impl Entry {
    /// The value of the first header of that name, compared without regard to case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The body as text, bytes that are not UTF-8 replaced.
    pub fn body_text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }
}

fn body_as_text<S: Serializer>(body: &[u8], serializer: S) -> Result<S::Ok, S::Error> {
    serializer.serialize_str(&String::from_utf8_lossy(body))
}

type Observer = Arc<dyn Fn(&Entry) + Send + Sync>;

/// The request log and its observers.
pub(crate) struct Journal {
    kept: Mutex<Kept>,
    capacity: usize,
    observers: RwLock<Vec<Observer>>,
    observed: AtomicBool,
}

#[derive(Default)]
struct Kept {
    entries: VecDeque<Entry>,
    last_number: u64,
}

impl Journal {
    pub(crate) fn new(capacity: usize) -> Self {
        Self { kept: Mutex::default(), capacity: capacity.max(1), observers: RwLock::default(), observed: AtomicBool::new(false) }
    }

    /// Numbers and keeps the entry, then tells the observers. Returns the number.
    pub(crate) fn add(&self, mut entry: Entry) -> u64 {
        let observed = self.observed.load(Ordering::Acquire);
        let (number, copy) = {
            let mut kept = self.kept.lock();
            kept.last_number += 1;
            entry.number = kept.last_number;
            let copy = observed.then(|| entry.clone());
            if kept.entries.len() >= self.capacity {
                kept.entries.pop_front();
            }
            kept.entries.push_back(entry);
            (kept.last_number, copy)
        };
        if let Some(copy) = copy {
            let observers = self.observers.read().clone();
            for observer in observers {
                observer(&copy);
            }
        }
        number
    }

    /// The answer did not get out: the entry keeps its decision and loses its status.
    pub(crate) fn answer_lost(&self, number: u64) {
        let mut kept = self.kept.lock();
        let found = kept.entries.iter_mut().rev().find(|e| e.number == number);
        if let Some(entry) = found
            && entry.status.take().is_some()
        {
            entry.decision.push_str("; the client was gone before the answer");
        }
    }

    pub(crate) fn since(&self, number: u64) -> Vec<Entry> {
        let kept = self.kept.lock();
        let start = kept.entries.partition_point(|e| e.number <= number);
        kept.entries.range(start..).cloned().collect()
    }

    pub(crate) fn count(&self, mut wanted: impl FnMut(&Entry) -> bool) -> usize {
        self.kept.lock().entries.iter().filter(|e| wanted(e)).count()
    }

    pub(crate) fn clear(&self) {
        self.kept.lock().entries.clear();
    }

    pub(crate) fn observe(&self, observer: Observer) {
        self.observers.write().push(observer);
        self.observed.store(true, Ordering::Release);
    }
}
