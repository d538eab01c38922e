//! What happens when a message arrives at the store or the server, and when a reply is heard.

use crate::checks::{Checked, Invariant, Reason, Violation, check};
use crate::dice::Clock;
use crate::endpoint::{AccessToken, Answered, RefreshToken, refresh_text};
use crate::process::{About, Doing, Message, News, Obliged, Reply, Seat};
use crate::store::Held;
use crate::world::{QUIET, World, record_words, refresh_of};
use auth_core::{Claimed, Response, Save, Saved, SharedPause, Transport};
use std::time::Duration;

impl World {
    /// A message takes effect where it was sent to, perhaps when its sender has long `given_up` waiting for the reply.
    pub(crate) fn arrive(&mut self, from: Seat, message: &Message, given_up: bool) -> Checked<Reply> {
        match message {
            Message::Claim(claim) => {
                let (claimed, lapsed) = self.store.claim(self.time, claim, from);
                self.note(from, 5, u64::from(matches!(claimed, Claimed::Busy)), || match &claimed {
                    Claimed::Granted(record) => {
                        format!("store: the lease is granted, with {}", record.as_ref().map_or("no record".into(), record_words))
                    }
                    _ => "store: busy".into(),
                });
                if let Some(held) = lapsed {
                    self.lapsed(held)?;
                }
                Ok(Reply::Claimed(claimed))
            }
            Message::Save(save, about) => self.save(from, save, *about).map(Reply::Saved),
            Message::Release(owner) => {
                self.store.release(*owner);
                self.note(from, 7, 0, || format!("store: the lease of {:04x} is given back", owner & 0xffff));
                Ok(Reply::Released)
            }
            Message::Load => {
                let consent = self.configured();
                let reloadable = self.processes[from.process].reloadable;
                Ok(Reply::Loaded(reloadable.then(|| (self.setting.credential(consent.1), consent))))
            }
            Message::Look => Ok(Reply::Looked(self.store.paused(self.time))),
            Message::Pause(span, why) => {
                self.store.pause(self.time + span, why);
                self.note(from, 16, *span, || format!("store: all pause for {span} ms"));
                Ok(Reply::Paused)
            }
            Message::Fetch { token, .. } => self.exchange(from, *token, given_up),
            Message::Send { token, post } => {
                let accepted = self.server.accepts(self.time, *token);
                self.note(from, 9, u64::from(accepted), || {
                    format!("API: access-{token} {}", if accepted { "is accepted" } else { "is refused" })
                });
                if accepted && let Some(place) = self.processes[from.process].place(from) {
                    self.caller(from.process, place).processed |= *post;
                }
                Ok(answer(if accepted { 200 } else { 401 }, Vec::new(), String::new(), None))
            }
        }
    }

    /// The store's answer to a save, and whether anything valid is lost by it.
    fn save(&mut self, from: Seat, save: &Save, about: About) -> Checked<Saved> {
        let taken = self.store.takes(self.time, save);
        let before = self.store.record.as_ref().and_then(refresh_of);
        let saved = self.store.save(self.time, save);
        let after = self.store.record.as_ref().and_then(refresh_of);
        let record = &self.store.record;
        self.trace.note(self.time, [6, from.process as u64, u64::from(from.caller), u64::from(taken)], || {
            format!("store: {saved:?}, {}", record.as_ref().map_or("empty".into(), record_words))
        });
        if !taken {
            self.came_too_late(from)?;
            return Ok(saved);
        }
        if let (Some(before), Some(after)) = (before, after) {
            self.check_overwritten(from, before, after)?;
        }
        if let Some(token) = after {
            self.ledger.of(token).durable = true;
            self.ledger.stored(self.server.refresh[token].family);
        }
        let place = self.processes[from.process].place(from);
        match (about, place) {
            (About::Journal(token), None) => {
                let process = &self.processes[from.process];
                let here = process.up && process.life == from.life;
                let reason = if here { Reason::CallerGone } else { Reason::ProcessGone };
                self.ledger.excuse(token, reason, here.then_some(from.life()));
            }
            (About::Journal(_), Some(place)) => {
                if let Some(spending) = &mut self.caller(from.process, place).spending {
                    spending.written = true;
                }
            }
            (About::Clearing(_) | About::Token(_), Some(place)) => self.caller(from.process, place).spending = None,
            (About::Clearing(_) | About::Token(_), None) => {}
        }
        Ok(saved)
    }

    /// A save was not taken, because its lease is over: the new token, or the proof that none was granted, stays with the caller.
    fn came_too_late(&mut self, from: Seat) -> Checked {
        let Some(place) = self.processes[from.process].place(from) else { return Ok(()) };
        let caller = self.caller(from.process, place);
        let Some(spending) = caller.spending.filter(|spending| spending.written) else { return Ok(()) };
        check(caller.troubled, Invariant::LeaseOutlasts, || format!("the lease was over for {from:?}, whom no fault held up"))?;
        self.ledger.excuse(spending.token, Reason::HolderLate, Some(from.life()));
        Ok(())
    }

    /// A refresh token that can still be exchanged gives way to none but that of a later consent.
    fn check_overwritten(&mut self, from: Seat, before: RefreshToken, after: RefreshToken) -> Checked {
        let (old, new) = (self.server.refresh[before].family, self.server.refresh[after].family);
        if new < old && !self.ledger.was_stored(new) {
            // Nobody can tell from the store that this one is the older of the two.
            self.ledger.overtaken.push(old);
            return Ok(());
        }
        let allowed = before == after || new > old || (new == old && after > before && !self.server.is_live(before));
        let matters = self.server.consents[old].ended.is_none();
        check(allowed || !matters, Invariant::NothingThrownAway, || {
            format!("{from:?} overwrites refresh-{before} of consent {old} with refresh-{after} of consent {new}")
        })
    }

    /// A lease ran out that was not given back.
    fn lapsed(&mut self, held: Held) -> Checked {
        let process = &self.processes[held.by.process];
        if !process.up || process.life != held.by.life {
            return Ok(());
        }
        let Some(place) = process.place(held.by) else {
            return check(held.excused, Invariant::NoLeaseLeft, || format!("{:?} is gone and had not given the lease back", held.by));
        };
        let caller = &process.callers[place];
        let Some(spending) = caller.spending.filter(|spending| spending.written) else { return Ok(()) };
        check(caller.troubled, Invariant::LeaseOutlasts, || format!("the lease ran out under {:?}, whom no fault held up", held.by))?;
        self.ledger.excuse(spending.token, Reason::HolderLate, None);
        Ok(())
    }

    /// The token endpoint's answer.
    fn exchange(&mut self, from: Seat, token: RefreshToken, given_up: bool) -> Checked<Reply> {
        let answered = self.server.token(self.time, token);
        self.note(from, 8, token as u64, || format!("token endpoint: {} gets {answered:?}", refresh_text(token)));
        let headers = self.date.map(|ahead| ("date", date(self.time, ahead))).into_iter().collect();
        match answered {
            Answered::Granted(access, refresh) => {
                let seconds = self.server.rules.lifetime / 1_000;
                let body = format!(
                    "{{\"access_token\":\"access-{access}\",\"token_type\":\"Bearer\",\"expires_in\":{seconds},\"refresh_token\":\"refresh-{refresh}\"}}"
                );
                Ok(answer(200, headers, body, Some(access)))
            }
            // Within the grace it was sent again, and the first request came after all, when even the grace was over: nobody could know.
            Answered::Reuse if given_up && self.setting.grace > 0 => Ok(answer(400, headers, r#"{"error":"invalid_grant"}"#.into(), None)),
            Answered::InvalidGrant => Ok(answer(400, headers, r#"{"error":"invalid_grant"}"#.into(), None)),
            Answered::Reuse => {
                Err(Violation::new(Invariant::NoFamilyDies, format!("{from:?} sent refresh-{token} again, and its family died of it")))
            }
        }
    }

    /// A caller hears what came of its message.
    pub(crate) fn report(&mut self, seat: Seat, reply: Reply) {
        let Some(place) = self.processes[seat.process].place(seat) else { return };
        let now = self.tick(seat.process);
        self.hear(seat, place, &reply);
        let process = &mut self.processes[seat.process];
        let caller = &mut process.callers[place];
        caller.doing = Doing::Turning;
        let session = &mut process.session;
        match reply {
            Reply::Claimed(claimed) => caller.exchange.handle_claimed(session, now, claimed),
            Reply::Saved(saved) => caller.exchange.handle_saved(session, now, saved),
            Reply::Released | Reply::Paused => {}
            Reply::Looked(pause) => {
                let pause = pause.map(|(span, why)| SharedPause { until: now.after(Duration::from_millis(span)), why });
                caller.exchange.handle_looked(session, now, pause);
            }
            Reply::Loaded(loaded) => {
                let (credential, consent) = loaded.unzip();
                process.consent = consent.unwrap_or(process.consent);
                caller.exchange.handle_loaded(session, now, credential);
            }
            Reply::Lost { not_sent } => {
                caller.exchange.handle_failure(session, now, Transport { not_sent, what: "lost".into(), advice: String::new() });
            }
            Reply::Answer { status, headers, body, .. } => {
                let headers: &[(&str, String)] = &headers;
                caller.exchange.handle_response(session, now, &Response { status, headers: &headers, body: body.as_bytes() });
            }
        }
    }

    /// What the checks learn from a reply.
    fn hear(&mut self, seat: Seat, place: usize, reply: &Reply) {
        let was = self.caller(seat.process, place).doing;
        self.note(seat, 10, code(reply), || format!("process {} caller {} hears: {}", seat.process, seat.caller, brief(reply)));
        match reply {
            Reply::Claimed(Claimed::Granted(record)) => {
                let process = &mut self.processes[seat.process];
                let refresh = &self.server.refresh;
                let known = record.as_ref().and_then(refresh_of).filter(|token| refresh[*token].family == process.consent.0);
                let caller = &mut process.callers[place];
                (caller.token, caller.news) = (known.unwrap_or(process.consent.1), News::Record);
                caller.consent = process.consent.0;
            }
            Reply::Saved(_) => {
                let caller = self.caller(seat.process, place);
                caller.spending = caller.spending.filter(|spending| spending.written);
                caller.news = News::None;
            }
            Reply::Answer { status, granted, .. } => match was {
                Doing::Expecting { fetch_since: Some(since) } => {
                    // Whatever the server refuses, it does not spend.
                    self.heard_of_a_fetch(seat, place, (400..500).contains(status), *status == 400 || *status >= 500);
                    if let Some(access) = *granted {
                        let process = &mut self.processes[seat.process];
                        let caller = &mut process.callers[place];
                        process.fetched = Some((access, caller.asked_at.0, caller.asked_at.1));
                        caller.minted_after_refusal = (caller.refusals > 0).then_some((access, since));
                    }
                }
                _ if *status == 401 => self.refused(seat, place),
                _ => {}
            },
            Reply::Lost { not_sent } => {
                if let Doing::Expecting { fetch_since: Some(_) } = was {
                    self.heard_of_a_fetch(seat, place, *not_sent, !*not_sent);
                }
            }
            _ => {}
        }
    }

    /// What came of a token request: whether it certainly spent nothing, and whether it can be a reason to give up.
    fn heard_of_a_fetch(&mut self, seat: Seat, place: usize, spent_nothing: bool, is_reason: bool) {
        let caller = self.caller(seat.process, place);
        caller.news = if is_reason { News::Fetch } else { News::None };
        let token = caller.token;
        self.ledger.of(token).unproven -= u32::from(spent_nothing);
    }

    /// A 401 from the API: what the caller is obliged to by it.
    fn refused(&mut self, seat: Seat, place: usize) {
        let certain = self.certainly_usable(seat.process);
        let process = &mut self.processes[seat.process];
        let (held, latest) = (process.held(), process.latest);
        let caller = &mut process.callers[place];
        let just_minted = caller
            .minted_after_refusal
            .is_some_and(|(token, since)| Some(token) == caller.sent && held == caller.sent && latest.since(since) < QUIET);
        caller.obliged = if just_minted {
            Obliged::Stop
        } else if certain > caller.sent && caller.refusals < 2 {
            Obliged::SendNewer
        } else {
            Obliged::Nothing
        };
        caller.refusals += 1;
    }

    pub(crate) fn note(&mut self, seat: Seat, what: u64, more: u64, words: impl FnOnce() -> String) {
        self.trace.note(self.time, [what, seat.process as u64, u64::from(seat.caller), more], words);
    }
}

pub(crate) fn answer(status: u16, headers: Vec<(&'static str, String)>, body: String, granted: Option<AccessToken>) -> Reply {
    Reply::Answer { status, headers, body, granted }
}

/// The `Date` header of a server whose clock is so far ahead.
fn date(time: u64, ahead: i64) -> String {
    let at = Clock { ahead, ..Clock::default() }.at(time);
    let timestamp = jiff::Timestamp::from_millisecond(i64::try_from(at.as_millis()).unwrap_or_default()).unwrap_or_default();
    jiff::fmt::rfc2822::DateTimePrinter::new().timestamp_to_rfc9110_string(&timestamp).unwrap_or_default()
}

fn code(reply: &Reply) -> u64 {
    match reply {
        Reply::Claimed(Claimed::Granted(_)) | Reply::Released | Reply::Paused => 0,
        Reply::Claimed(Claimed::Busy) | Reply::Saved(Saved::Superseded) => 1,
        Reply::Claimed(Claimed::Down(_)) | Reply::Saved(Saved::Down(_)) => 2,
        Reply::Saved(Saved::Durable) => 3,
        Reply::Loaded(_) => 4,
        Reply::Looked(pause) => 7 + u64::from(pause.is_some()),
        Reply::Answer { status, .. } => u64::from(*status),
        Reply::Lost { not_sent } => 5 + u64::from(*not_sent),
    }
}

fn brief(reply: &Reply) -> String {
    match reply {
        Reply::Claimed(Claimed::Granted(record)) => format!("granted, {}", record.as_ref().map_or("no record".into(), record_words)),
        Reply::Claimed(claimed) => format!("{claimed:?}"),
        Reply::Saved(saved) => format!("{saved:?}"),
        Reply::Released => "released".into(),
        Reply::Paused => "the others are told".into(),
        Reply::Looked(pause) => format!("paused: {pause:?}"),
        Reply::Loaded(credential) => format!("loaded: {}", credential.is_some()),
        Reply::Answer { status, body, .. } => format!("{status} {body}"),
        Reply::Lost { not_sent } => {
            if *not_sent {
                "not sent".into()
            } else {
                "lost".into()
            }
        }
    }
}
