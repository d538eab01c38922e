use std::sync::Arc;
use std::time::Duration;

use crate::api::{self, Outcome};
use crate::fault::{Asked, FaultKind};
use crate::journal::{Entry, Kind};
use crate::net::{Delivery, Ending, Handler, Malformed, Reply, Request};
use crate::service::Service;
use crate::shared::Shared;

/// One service at its port: faults first, then the system's own behaviour, then the log.
pub(crate) struct Served {
    pub(crate) service: Service,
    pub(crate) shared: Arc<Shared>,
}

/// What was decided, before it is written to the log.
struct Decided {
    outcome: Outcome,
    ending: Ending,
    delay: Duration,
}

impl Handler for Served {
    fn handle(&self, request: Request) -> Delivery {
        let shared = &*self.shared;
        let at_millis = shared.now();
        let for_token = api::is_token_request(self.service, &request.path);
        let kind = match self.service {
            Service::Stranger => Kind::Stranger,
            _ if for_token => Kind::Token,
            _ => Kind::Api,
        };
        let fault = shared.faults.take(&Asked { service: self.service, method: &request.method, path: &request.path, for_token });
        let mut decided = match fault {
            Some(fault) => self.with_fault(&fault, &request),
            None => Decided { outcome: api::route(shared, self.service, &request), ending: Ending::Whole, delay: Duration::ZERO },
        };
        if for_token {
            decided.delay += shared.settings.token_delay();
        }
        let outcome = decided.outcome;
        let cut = matches!(decided.ending, Ending::Close | Ending::Reset);
        let number = shared.journal.add(Entry {
            number: 0,
            at_millis,
            service: self.service,
            method: request.method,
            path: request.path,
            query: request.query,
            headers: request.headers,
            body: request.body,
            status: (!cut).then_some(outcome.reply.status),
            decision: outcome.decision,
            acted: outcome.acted,
            request_id: outcome.request_id,
            kind,
        });
        Delivery { reply: outcome.reply, ending: decided.ending, delay: decided.delay, entry: Some(number), permit: outcome.permit }
    }

    fn malformed(&self, malformed: &Malformed) {
        self.note(Kind::Malformed, Some(malformed.status), &malformed.why);
    }

    fn handshake_failed(&self, why: &str) {
        self.note(Kind::Handshake, None, why);
    }

    fn answer_lost(&self, entry: u64) {
        self.shared.journal.answer_lost(entry);
    }

    fn date(&self) -> String {
        self.shared.date()
    }
}

impl Served {
    fn note(&self, kind: Kind, status: Option<u16>, why: &str) {
        self.shared.journal.add(Entry {
            number: 0,
            at_millis: self.shared.now(),
            service: self.service,
            method: String::new(),
            path: String::new(),
            query: String::new(),
            headers: Vec::new(),
            body: Vec::new(),
            status,
            decision: why.to_owned(),
            acted: false,
            request_id: None,
            kind,
        });
    }

    fn with_fault(&self, fault: &FaultKind, request: &Request) -> Decided {
        match fault {
            FaultKind::ResetBeforeActing => cut(Ending::Reset, "reset before the server acted"),
            FaultKind::CloseBeforeAnswer => cut(Ending::Close, "closed before an answer"),
            FaultKind::TooManyRequests { style } => {
                let mut outcome = api::too_many(&self.shared, self.service, request, *style);
                outcome.decision = format!("fault: {}", outcome.decision);
                whole(outcome)
            }
            FaultKind::Status { code, body, content_type, headers } => {
                let mut reply = Reply::text(*code, content_type, body);
                reply.headers.extend(headers.iter().cloned());
                whole(Outcome::new(reply, format!("fault: status {code}")))
            }
            FaultKind::Redirect { code, location } => {
                let reply = Reply::empty(*code).with("Location", location.as_str());
                whole(Outcome::new(reply, format!("fault: redirect to {location}")))
            }
            FaultKind::TokenReply(kind) => {
                if let Some(reply) = kind.instead() {
                    return whole(Outcome::new(reply, format!("fault: token answer {kind:?}, nothing minted")));
                }
                let mut outcome = api::route(&self.shared, self.service, request);
                kind.spoil(&mut outcome.reply);
                outcome.decision = format!("fault: token answer {kind:?}; {}", outcome.decision);
                whole(outcome)
            }
            FaultKind::ResetAfterActing => self.acting(request, Ending::Reset, 0, "reset after the server acted"),
            FaultKind::Truncated => self.acting(request, Ending::Truncated, 0, "body cut short"),
            FaultKind::Slow { millis } => self.acting(request, Ending::Whole, *millis, &format!("{millis} ms late")),
            FaultKind::Drip { bytes, millis } => {
                let ending = Ending::Drip { bytes: *bytes, millis: *millis };
                self.acting(request, ending, 0, "body in small pieces")
            }
        }
    }

    fn acting(&self, request: &Request, ending: Ending, millis: u64, what: &str) -> Decided {
        let mut outcome = api::route(&self.shared, self.service, request);
        outcome.decision = format!("fault: {what}; {}", outcome.decision);
        Decided { outcome, ending, delay: Duration::from_millis(millis) }
    }
}

fn whole(outcome: Outcome) -> Decided {
    Decided { outcome, ending: Ending::Whole, delay: Duration::ZERO }
}

fn cut(ending: Ending, what: &str) -> Decided {
    Decided { outcome: Outcome::new(Reply::empty(500), format!("fault: {what}")), ending, delay: Duration::ZERO }
}
