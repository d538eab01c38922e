//! Sending the caller's request, and what its answer leads to.

use super::at::{At, Then};
use super::{Authorization, Exchange, Outcome, Response, Send, Step, Transport};
use crate::audit::Audited;
use crate::call::Call;
use crate::credential::Secret;
use crate::headers;
use crate::origin::Url;
use crate::session::{AfterRefusal, Session};
use crate::time::UnixTime;
use crate::verdict::answer::{self, Verdict};
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::processed::Processed;
use crate::verdict::quote::quote;
use crate::verdict::refusal;
use crate::verdict::retry::{self, Cause, Decision, Situation};
use alloc::boxed::Box;
use alloc::format;
use alloc::sync::Arc;
use alloc::vec::Vec;

/// How many redirects are followed: five, because a longer chain is a loop.
const REDIRECTS: u8 = 5;

impl Exchange {
    /// The step that sends the caller's request; without `authorization` to a foreign host.
    pub(super) fn deliver(&mut self, now: UnixTime, authorization: Option<Arc<Authorization>>) -> Step {
        let (Some(url), Some(call)) = (self.deliveries.url.clone(), &self.call) else {
            let failure = Failure::new(FailureKind::Misuse, "there is no request to send", "start an exchange with a call");
            return Step::Done(Outcome::Failed(failure));
        };
        let connection = Arc::clone(&call.connection);
        self.deliveries.sends += 1;
        if let Some(authorization) = &authorization {
            authorization.use_now(now);
        }
        let attempt = self.deliveries.sends;
        self.note(&connection, now, Audited::Sent, authorization.as_deref(), || match &authorization {
            None => "without the credential, to a foreign host where a redirect led".into(),
            Some(_) if attempt == 1 => "with the credential in use".into(),
            Some(_) => format!("again, attempt {attempt}"),
        });
        self.at = At::ExpectAnswer(authorization.clone());
        Step::Send(Send {
            url,
            foreign: authorization.is_none(),
            authorization,
            redirects: self.deliveries.redirects,
            request_id: (Arc::clone(connection.request_id_header()), Arc::clone(&self.deliveries.sent_id)),
            attempt: self.deliveries.sends,
        })
    }

    pub(super) fn answer(&mut self, session: &mut Session, now: UnixTime, sent: Option<&Authorization>, response: &Response<'_>) {
        let connection = Arc::clone(session.connection());
        self.note_answer(&connection, now, sent, response.status, || {
            let id = headers::first(response.headers, connection.provider().request_id_header())?;
            // What was sent may no longer be what the session holds.
            let sent = sent.map(Authorization::credential);
            let secrets = session.secrets();
            Some(quote(&id, &secrets.iter().chain(&sent).collect::<Vec<_>>()))
        });
        let Some(sent) = sent else { return self.foreign_answer(session, response) };
        if is_redirect(response.status) {
            return self.redirected(session, response);
        }
        if response.status < 400 {
            session.probe_passed(self.id);
            self.note_processed(Processed::by_status(response.status));
            return self.finish(None);
        }
        let secrets = session.secrets();
        // What was sent may no longer be what the session holds.
        let sent_secret = sent.credential();
        let secrets: Vec<&Secret> = secrets.iter().chain([&sent_secret]).collect();
        let generation = sent.generation();
        let verdict = answer::read(session.connection().provider(), response, now, &secrets);
        if !matches!(verdict, Verdict::Limited(..) | Verdict::Broken(..)) {
            session.probe_passed(self.id);
        }
        self.note_processed(verdict.processed());
        match verdict {
            Verdict::Fine => self.finish(None),
            Verdict::Refused(failure) => {
                let needed =
                    (response.status == 403).then(|| self.deliveries.url.as_ref().and_then(|url| connection.requirement(url))).flatten();
                self.finish(Some(match needed {
                    Some(requirement) => refusal::with_requirement(failure, requirement),
                    None => failure,
                }));
            }
            Verdict::Unauthorized(failure) => self.unauthorized(session, now, generation, failure),
            Verdict::Limited(failure, stated) => {
                let announced = stated.and_then(|stated| session.pause_until(self.id, stated, failure.clone(), now));
                self.again_or(session, now, Cause::RateLimited, failure, false);
                if let Some(pause) = announced {
                    let next = core::mem::replace(&mut self.at, At::Start);
                    self.at = At::Announce(pause, Box::new(next));
                }
            }
            Verdict::Broken(failure, at) => {
                let failure = at.map_or(failure.clone(), |at| failure.with_come_back_at(at));
                let cause = if failure.processed() == Processed::No { Cause::Unprocessed } else { Cause::ServerError };
                self.again_or(session, now, cause, failure, false);
            }
        }
    }

    pub(super) fn answer_lost(&mut self, session: &mut Session, now: UnixTime, transport: Transport) {
        let cause = transport.cause();
        let failure = transport.failure(session.connection().provider().name(), FailureKind::Transport);
        self.note_processed(failure.processed());
        self.again_or(session, now, cause, failure, true);
    }

    /// A 401: something else to send with, or the end.
    fn unauthorized(&mut self, session: &mut Session, now: UnixTime, generation: u64, failure: Failure) {
        let failure = match session.key_age(generation, now) {
            Some(age) => refusal::told_apart(failure, age),
            None => failure,
        };
        let has_token = session.life().is_some();
        let repeated = self.deliveries.refusals > 0;
        match session.refuse(generation, &failure, self.deliveries.refusals, now) {
            AfterRefusal::SendAgain if self.call.as_ref().is_some_and(|call| call.replayable) => {
                self.deliveries.refusals = self.deliveries.refusals.saturating_add(1);
                let connection = Arc::clone(session.connection());
                let instead = if has_token { "a new token is used" } else { "another key, or the source of the keys, is used" };
                self.note(&connection, now, Audited::Replaced, None, || format!("{}; {instead}", failure.what()));
                self.at = At::Start;
            }
            after if matches!(after, AfterRefusal::NewTokenRefused) || (has_token && repeated) => {
                self.finish(Some(new_token_refused(session.connection().provider().name(), &failure)));
            }
            _ => self.finish(Some(failure)),
        }
    }

    /// Decides whether to send again; if not, the response is handed over, or, where there is `no_response`, the failure.
    fn again_or(&mut self, session: &mut Session, now: UnixTime, cause: Cause, failure: Failure, no_response: bool) {
        let replayable = self.call.as_ref().is_some_and(|call| call.replayable) || cause == Cause::NotSent;
        let situation = Situation {
            cause,
            attempt: self.deliveries.sends,
            repeatable: self.call.as_ref().is_some_and(|call| call.repeatable),
            come_back_at: failure.come_back_at(),
            now,
            deadline: self.deadline,
        };
        let policy = *session.connection().policy();
        let random = self.dice.f64();
        let decision = if replayable { retry::decide(&situation, &policy, Some(session.budget()), random) } else { Decision::Stop };
        if let Decision::Again(at) = decision {
            let connection = Arc::clone(session.connection());
            self.note(&connection, now, Audited::Repeating, None, || format!("{}; again at {at}", failure.what()));
        }
        self.at = match decision {
            Decision::Again(at) if self.deliveries.foreign => At::Resting(at, Then::DeliverForeign),
            Decision::Again(at) => At::Resting(at, Then::Start),
            Decision::ComeBack(at) if no_response => At::Finished(Outcome::Failed(failure.with_come_back_at(at))),
            Decision::ComeBack(at) => At::Finished(Outcome::Answered(Some(failure.with_come_back_at(at)))),
            Decision::Stop | Decision::TooLate if no_response => At::Finished(Outcome::Failed(failure)),
            Decision::Stop | Decision::TooLate => At::Finished(Outcome::Answered(Some(failure))),
        };
    }

    /// The answer of a host to which a redirect led and the credential did not go. It says nothing about the credential, and it is
    /// the API's only if the caller named that host.
    fn foreign_answer(&mut self, session: &mut Session, response: &Response<'_>) {
        if is_redirect(response.status) {
            return self.redirected(session, response);
        }
        let name = session.connection().provider().name();
        let Some(url) = self.deliveries.url.clone() else { return self.finish(None) };
        let origin = url.origin();
        let is_named = self.call.as_ref().is_some_and(|call| call.allows_redirect_to(origin));
        let failure = if !is_named {
            let what = format!("{name} redirected to {origin}, whose answer is not the API's");
            let advice = "the credential was not sent there: look for a login page, a proxy or an ended tenant; if documents come from there, name the host in allow_redirect_to";
            self.note_processed(Processed::Unknown);
            Some(Failure::new(FailureKind::RedirectedElsewhere, what, advice).with_status(response.status))
        } else if response.status >= 400 {
            let kind = if response.status >= 500 { FailureKind::ServerError } else { FailureKind::RequestRefused };
            let advice = "a redirect led there, and the credential was not sent along: ask the API's documentation where the document is";
            self.note_processed(Processed::by_status(response.status));
            Some(Failure::new(kind, format!("{origin} refused the request"), advice).with_status(response.status))
        } else {
            None
        };
        self.finish(failure);
    }

    /// A redirect is followed for GET and HEAD without a body; on another origin everything that could carry a credential stays behind, and does not come back.
    fn redirected(&mut self, session: &mut Session, response: &Response<'_>) {
        let Some((url, same_origin)) = self.redirect_target(session, response) else {
            let what = format!("{} redirects, and that was not followed", session.connection().provider().name());
            let advice = "only a GET without a body is redirected, five times at most and never to plain http: call the address in the Location header yourself";
            let failure = Failure::new(FailureKind::RequestRefused, what, advice).with_status(response.status);
            self.note_processed(failure.processed());
            return self.finish(Some(failure));
        };
        self.deliveries.redirects += 1;
        // A redirect is an answer, not an attempt.
        self.deliveries.sends -= 1;
        self.deliveries.foreign |= !same_origin;
        self.deliveries.url = Some(url);
        self.at = if self.deliveries.foreign { At::DeliverForeign } else { At::Start };
    }

    fn redirect_target(&self, session: &Session, response: &Response<'_>) -> Option<(Url, bool)> {
        let safe = |call: &Call| (call.method == "GET" || call.method == "HEAD") && !call.has_body;
        if self.deliveries.redirects >= REDIRECTS || !self.call.as_ref().is_some_and(safe) {
            return None;
        }
        let here = self.deliveries.url.as_ref()?;
        let url = here.follow(&headers::first(response.headers, "location")?).ok()?;
        session.connection().check_transport(&url).ok()?;
        let same_origin = url.origin() == here.origin();
        Some((url, same_origin))
    }

    /// Keeps what is known of this attempt beside what is known of those before.
    fn note_processed(&mut self, processed: Processed) {
        self.deliveries.processed = self.deliveries.processed.and(processed);
    }

    fn finish(&mut self, failure: Option<Failure>) {
        self.at = At::Finished(Outcome::Answered(failure));
    }
}

/// What to tell of a 401 for a token that was granted because of another one.
fn new_token_refused(provider: &str, failure: &Failure) -> Failure {
    let what = format!("{provider} refuses a token that was just granted");
    let advice = "the credential is right, so it is something else: the environment, a missing tenant header, a scope, or a proxy that drops the header";
    let told = [failure.code(), failure.message(), failure.server_request_id()].map(|told| told.map(Into::into));
    let [code, message, id] = told;
    Failure::new(FailureKind::TokenRefused, what, advice).with_answer(failure.status().unwrap_or(401), code, message, id)
}

/// The redirects of RFC 9110 section 15.4 that name another place for the same document.
fn is_redirect(status: u16) -> bool {
    matches!(status, 301 | 302 | 303 | 307 | 308)
}
