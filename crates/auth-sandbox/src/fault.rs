use std::sync::atomic::{AtomicUsize, Ordering};

use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use crate::service::Service;
use crate::token_fault::TokenReply;

/// Something that shall go wrong: which requests it hits, how often, and how.
///
/// ```
/// use auth_sandbox::{Fault, FaultKind, Service};
/// let fault = Fault::new(FaultKind::ResetAfterActing)
///     .on(Service::Finora)
///     .method("POST")
///     .path("/v1/invoices")
///     .times(2)
///     .after(1);
/// # let json = r#"{"service":"finora","method":"POST","path_prefix":"/v1/invoices","times":2,"after":1,
/// #   "kind":"reset_after_acting"}"#;
/// # assert_eq!(serde_json::from_str::<Fault>(json).unwrap(), fault);
/// ```
///
/// The same as JSON for the control service:
/// `{"service":"finora","method":"POST","path_prefix":"/v1/invoices","times":2,"after":1,"kind":"reset_after_acting"}`.
/// Everything but `kind` may be left out.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Fault {
    /// The service to hit; `None` means every service.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub service: Option<Service>,
    /// The method to hit, compared without regard to case; `None` means every method.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub method: Option<String>,
    /// What the path must start with; `None` means every path.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub path_prefix: Option<String>,
    /// How many matching requests are hit. Default: 1.
    #[serde(default = "once")]
    pub times: u32,
    /// How many matching requests pass unharmed first. Default: 0.
    #[serde(default)]
    pub after: u32,
    /// What happens.
    pub kind: FaultKind,
}

fn once() -> u32 {
    1
}

impl Fault {
    /// A fault that hits the next request to any service, once.
    pub fn new(kind: FaultKind) -> Self {
        Self { service: None, method: None, path_prefix: None, times: 1, after: 0, kind }
    }

    /// Hits this service only.
    #[must_use]
    pub fn on(mut self, service: Service) -> Self {
        self.service = Some(service);
        self
    }

    /// Hits this method only.
    #[must_use]
    pub fn method(mut self, method: &str) -> Self {
        self.method = Some(method.to_owned());
        self
    }

    /// Hits paths with this beginning only.
    #[must_use]
    pub fn path(mut self, prefix: &str) -> Self {
        self.path_prefix = Some(prefix.to_owned());
        self
    }

    /// Hits so many matching requests.
    #[must_use]
    pub fn times(mut self, times: u32) -> Self {
        self.times = times;
        self
    }

    /// Lets so many matching requests pass first.
    #[must_use]
    pub fn after(mut self, requests: u32) -> Self {
        self.after = requests;
        self
    }

    fn matches(&self, asked: &Asked<'_>) -> bool {
        self.service.is_none_or(|service| service == asked.service)
            && self.method.as_ref().is_none_or(|method| method.eq_ignore_ascii_case(asked.method))
            && self.path_prefix.as_ref().is_none_or(|prefix| asked.path.starts_with(prefix.as_str()))
            && (asked.for_token || !matches!(self.kind, FaultKind::TokenReply(_)))
    }
}

/// What goes wrong. In JSON: `"reset_before_acting"`, or `{"status":{"code":503}}` for kinds with fields.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum FaultKind {
    /// 429 in one of several styles; the server does not act.
    TooManyRequests {
        /// Where the time to wait is told.
        style: LimitStyle,
    },
    /// An answer of your own; the server does not act.
    Status {
        /// The status, 200 to 999.
        code: u16,
        /// The body. Default: empty.
        #[serde(default)]
        body: String,
        /// The content type. Default: `text/plain`.
        #[serde(default = "plain_text")]
        content_type: String,
        /// More header fields, such as `Retry-After`.
        #[serde(default)]
        headers: Vec<(String, String)>,
    },
    /// The connection is reset (RST) and the server has not acted.
    ResetBeforeActing,
    /// The server does the work, then resets the connection (RST) without an answer.
    ResetAfterActing,
    /// The connection is closed in an orderly way (FIN) before any byte of an answer; the server has not acted.
    CloseBeforeAnswer,
    /// The server acts at once and answers late.
    Slow {
        /// The delay in milliseconds of real time.
        millis: u64,
    },
    /// The server acts and sends the head at once, then the body in small pieces.
    Drip {
        /// Bytes in a piece (at least 1).
        bytes: usize,
        /// The pause before each piece, in milliseconds of real time.
        millis: u64,
    },
    /// The server acts, promises the whole body, sends half of it and closes.
    Truncated,
    /// A redirect; the server does not act.
    Redirect {
        /// 301, 302, 303, 307 or 308.
        code: u16,
        /// The `Location`; may be on [`Service::Stranger`].
        location: String,
    },
    /// A token answer that is wrong in one way. Hits token requests only, whatever the other fields say.
    TokenReply(TokenReply),
}

fn plain_text() -> String {
    "text/plain".to_owned()
}

/// How a 429 tells the time to wait. Times are seconds on the server's clock.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum LimitStyle {
    /// `Retry-After: <seconds>`.
    RetryAfterSeconds(u64),
    /// `Retry-After: <HTTP date>`, so many seconds ahead.
    RetryAfterDate(u64),
    /// The system's own limit headers with nothing remaining and a reset so many seconds ahead; no `Retry-After`.
    RateLimitReset(u64),
    /// `error.retryAfter` in the JSON body, as Finora documents; no header.
    InBody(u64),
    /// As the system documents its 429; 30 seconds where it tells a time.
    Documented,
}

/// The name of an injected fault, for your own book-keeping.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub struct FaultId(pub u64);

/// What a fault is compared with.
pub(crate) struct Asked<'a> {
    pub(crate) service: Service,
    pub(crate) method: &'a str,
    pub(crate) path: &'a str,
    pub(crate) for_token: bool,
}

/// The faults still to come, oldest first.
#[derive(Default)]
pub(crate) struct FaultBook {
    pending: Mutex<Pending>,
    length: AtomicUsize,
}

#[derive(Default)]
struct Pending {
    faults: Vec<(FaultId, Fault)>,
    last_id: u64,
}

impl FaultBook {
    pub(crate) fn inject(&self, fault: Fault) -> FaultId {
        let mut pending = self.pending.lock();
        pending.last_id += 1;
        let id = FaultId(pending.last_id);
        if fault.times > 0 {
            pending.faults.push((id, fault));
        }
        self.length.store(pending.faults.len(), Ordering::Release);
        id
    }

    pub(crate) fn clear(&self) {
        self.pending.lock().faults.clear();
        self.length.store(0, Ordering::Release);
    }

    pub(crate) fn left(&self) -> usize {
        let pending = self.pending.lock();
        pending.faults.iter().map(|(_, fault)| fault.times as usize).sum()
    }

    /// The fault that hits this request. Each matching fault counts the request, until one of them hits.
    pub(crate) fn take(&self, asked: &Asked<'_>) -> Option<FaultKind> {
        if self.length.load(Ordering::Acquire) == 0 {
            return None;
        }
        let mut pending = self.pending.lock();
        let mut hit = None;
        for (place, (_, fault)) in pending.faults.iter_mut().enumerate() {
            if !fault.matches(asked) {
                continue;
            }
            if fault.after > 0 {
                fault.after -= 1;
                continue;
            }
            fault.times -= 1;
            hit = Some((place, fault.times, fault.kind.clone()));
            break;
        }
        let (place, times_left, kind) = hit?;
        if times_left == 0 {
            pending.faults.remove(place);
            self.length.store(pending.faults.len(), Ordering::Release);
        }
        Some(kind)
    }
}
