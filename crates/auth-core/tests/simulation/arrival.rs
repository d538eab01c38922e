//! What happens when a message arrives at the store or the server, and when a reply is heard.

use crate::checks::{Checked, Invariant, Loss, Reason, check};
use crate::dice::Clock;
use crate::endpoint::{AccessToken, Answered, RefreshToken, Server, number, refresh_text};
use crate::faults::Heard;
use crate::login::LOGIN;
use crate::process::{About, Doing, Message, Obliged, Reply, Seat, ToStore};
use crate::store::Held;
use crate::world::{QUIET, World, record_words, refresh_of};
use auth_core::{Claimed, ConnectOutcome, Response, Save, Saved, SharedPause, Transport, Unanswered, UnixTime};
use std::time::Duration;

impl World {
    /// A message takes effect where it was sent to.
    pub(crate) fn arrive(&mut self, from: Seat, message: &Message, heard: Heard) -> Checked<Reply> {
        match message {
            Message::Store(entry, ToStore::Claim(claim)) => {
                let Self { store, processes, proven, .. } = self;
                let has_died = |seat: Seat| store.proves && !processes[seat.process].is_alive(seat);
                let kept = &mut store.entries[*entry];
                let of_the_dead = kept.lease.filter(|held| has_died(held.by)).and_then(|held| held.mark);
                let (claimed, lapsed) = kept.claim(self.time, claim, from, has_died);
                proven.extend(kept.mark().filter(|mark| of_the_dead == Some(*mark)));
                self.note(from, 5, u64::from(matches!(claimed, Claimed::Busy)), || match &claimed {
                    Claimed::Granted(record) => format!("store: the lease is granted, with {}", record_words(record.as_ref())),
                    Claimed::TakenOver(record) => {
                        format!("store: the lease of a dead one is granted, with {}", record_words(record.as_ref()))
                    }
                    _ => "store: busy".into(),
                });
                if heard.after().is_none() {
                    self.store.entries[*entry].excuse(claim.owner);
                }
                if let Some(held) = lapsed {
                    self.lapsed(held)?;
                }
                Ok(Reply::Claimed(claimed))
            }
            Message::Store(entry, ToStore::Save(save, about)) => self.save(from, *entry, save, *about).map(Reply::Saved),
            Message::Store(entry, ToStore::Release(owner)) => {
                self.store.entries[*entry].release(*owner);
                self.note(from, 7, 0, || format!("store: the lease of {:04x} is given back", owner & 0xffff));
                Ok(Reply::Released)
            }
            Message::Store(entry, ToStore::Look) => Ok(Reply::Looked(self.store.entries[*entry].paused(self.time))),
            Message::Store(entry, ToStore::Pause(span, why)) => {
                self.store.entries[*entry].pause(self.time + span, why);
                self.note(from, 16, *span, || format!("store: all pause for {span} ms"));
                Ok(Reply::Paused)
            }
            Message::Load => {
                let given = self.configured().filter(|_| self.processes[from.process].reloadable);
                Ok(Reply::Loaded(given.map(|token| (self.setting.credential(Some(token)), token))))
            }
            Message::Connect => {
                let connects = self.processes[from.process].connects;
                let outcome = if connects { ConnectOutcome::Connected } else { ConnectOutcome::NotSupported };
                Ok(Reply::Connected(outcome))
            }
            Message::Fetch { token, .. } => self.exchange(from, *token, heard),
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
    fn save(&mut self, from: Seat, entry: usize, save: &Save, about: About) -> Checked<Saved> {
        let entry = &mut self.store.entries[entry];
        let taken = entry.takes(self.time, save);
        let before = entry.record.as_ref().and_then(refresh_of);
        let saved = entry.save(self.time, save);
        let after = entry.record.as_ref().and_then(refresh_of);
        let record = &entry.record;
        self.trace.note(self.time, [6, from.process as u64, u64::from(from.caller), u64::from(taken)], || {
            format!("store: {saved:?}, {}", record_words(record.as_ref()))
        });
        if !taken {
            self.came_too_late(from)?;
            return Ok(saved);
        }
        if let (Some(before), Some(after)) = (before, after) {
            self.check_overwritten(from, before, after)?;
        }
        let time = self.time;
        if let Some(token) = after {
            let access = save.record.access_token.as_ref().and_then(|access| number(access.expose()));
            let entry = self.ledger.of(token);
            (entry.durable, entry.access) = (true, entry.access.or(access));
            if save.record.refusal.is_some() && save.record.spending.is_none() {
                entry.known_refused.get_or_insert(time);
            }
        }
        if let About::Journal(token) = about {
            self.ledger.write_over(token, from.life());
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

    /// A refresh token that can still be exchanged gives way to none, and none to an earlier one or one of another consent, unless a person
    /// has just logged in.
    fn check_overwritten(&self, from: Seat, before: RefreshToken, after: RefreshToken) -> Checked {
        let (old, new) = (self.server.refresh[before].family, self.server.refresh[after].family);
        let is_login = self.by_login && from.caller == LOGIN;
        let allowed = before == after || (new == old && after > before && !self.server.is_live(before)) || (is_login && new > old);
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
        // A login that slept: it has spent nothing, and what it saves now is not taken.
        if self.logging_in == Some(held.by) {
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
    fn exchange(&mut self, from: Seat, token: RefreshToken, heard: Heard) -> Checked<Reply> {
        if let Heard::AfterStop(_) = heard {
            let holds = self.store.entries.iter().filter_map(|entry| entry.lease).any(|held| held.by == from && self.time < held.until);
            self.ledger.of(token).left_late |= !holds;
        }
        let answered = self.server.token(self.time, token);
        self.note(from, 8, token as u64, || format!("token endpoint: {} gets {answered:?}", refresh_text(token)));
        let headers = self.date.map(|ahead| ("date", date(self.time, ahead))).into_iter().collect();
        if let Answered::Granted(access, refresh) = answered {
            if let Some(place) = self.processes[from.process].place(from) {
                let asked_at = self.caller(from.process, place).asked_at.0;
                self.server.access[access].told_ends_at = asked_at + self.server.rules.lifetime;
            }
            if let (Some(_), Some(place)) = (heard.after(), self.processes[from.process].place(from)) {
                self.caller(from.process, place).unread = Some(refresh);
            }
            return Ok(granted(&self.server, access, refresh, headers));
        }
        if answered == Answered::Reuse {
            self.family_died(from, token, heard)?;
        }
        let time = self.time;
        let entry = self.ledger.of(token);
        entry.refused.get_or_insert(time);
        let is_over = entry.was_resent_by(from.life()) && answered != Answered::Reuse;
        self.ledger.doubts.over += u64::from(is_over);
        Ok(answer(400, headers, r#"{"error":"invalid_grant"}"#.into(), None))
    }

    /// A family died of a second use: nothing may be lost by it, but in the three known cases.
    fn family_died(&mut self, from: Seat, token: RefreshToken, heard: Heard) -> Checked {
        let doubts = &mut self.ledger.doubts;
        if matches!(heard, Heard::TooLate) {
            // It was sent again, and the first request came after all: without the second, its answer would have found nobody.
            doubts.came_late += 1;
            return Ok(());
        }
        if self.ledger.of(token).left_late {
            self.ledger.doubts.left_late += 1;
            self.lost(from, token, Loss::LeftLate);
            return Ok(());
        }
        let Some(successor) = self.server.successor(token) else { return Ok(()) };
        let callers = || self.processes.iter().filter(|process| process.up).flat_map(|process| &process.callers);
        let sleeper = callers().find(|caller| caller.unread == Some(successor));
        let is_held = self.processes.iter().any(|process| process.up && process.heard.contains(&successor));
        let is_kept = is_held && !self.ledger.of(successor).durable;
        let may_be =
            self.ledger.of(token).resent.is_some() && !self.ledger.of(successor).durable && sleeper.is_none_or(|sleeper| sleeper.troubled);
        check(may_be, Invariant::NoFamilyDies, || format!("{from:?} sent refresh-{token} again, and its family died of it"))?;
        let doubts = &mut self.ledger.doubts;
        let loss = match sleeper {
            Some(_) => Some((Loss::SleptOver, &mut doubts.slept_over)),
            None if is_kept => Some((Loss::NotStored, &mut doubts.not_stored)),
            None => {
                doubts.over += 1;
                None
            }
        };
        if let Some((loss, count)) = loss {
            *count += 1;
            self.lost(from, token, loss);
        }
        Ok(())
    }

    fn lost(&mut self, from: Seat, token: RefreshToken, loss: Loss) {
        self.ledger.losses.push((self.server.refresh[token].family, loss));
        self.note(from, 18, loss as u64, || format!("the family of refresh-{token} died of its second use: {loss:?}"));
    }

    /// A caller hears what came of its message.
    pub(crate) fn report(&mut self, seat: Seat, reply: Reply) -> Checked {
        let Some(place) = self.processes[seat.process].place(seat) else { return Ok(()) };
        if let Reply::Released | Reply::Paused = reply {
            // The session is not told.
            self.caller(seat.process, place).doing = Doing::Turning;
            return Ok(());
        }
        let now = self.tick(seat.process);
        let is_about_tokens = matches!(self.caller(seat.process, place).doing, Doing::Expecting { fetch_since: Some(_) })
            || matches!(reply, Reply::Claimed(_));
        self.hear(seat, place, &reply);
        self.tell(seat, place, now, reply);
        if is_about_tokens { self.judge_verdict(seat, place) } else { Ok(()) }
    }

    /// Tells an exchange what came of its step.
    fn tell(&mut self, seat: Seat, place: usize, now: UnixTime, reply: Reply) {
        let process = &mut self.processes[seat.process];
        let caller = &mut process.callers[place];
        caller.doing = Doing::Turning;
        let session = &mut process.session;
        match reply {
            Reply::Claimed(claimed) => caller.exchange.handle_claimed(session, now, claimed),
            Reply::Saved(saved) => caller.exchange.handle_saved(session, now, saved),
            Reply::Released | Reply::Paused => {}
            Reply::Connected(outcome) => caller.exchange.handle_connected(session, now, outcome),
            Reply::Looked(pause) => {
                let pause = pause.map(|(span, why)| SharedPause { until: now.after(Duration::from_millis(span)), why });
                caller.exchange.handle_looked(session, now, pause);
            }
            Reply::Loaded(loaded) => {
                let (credential, given) = loaded.unzip();
                let before = session.store_id(None);
                caller.exchange.handle_loaded(session, now, credential);
                if session.store_id(None) != before {
                    process.given = given;
                    // What a caller still held under the id of the consent before, it cannot give back any more.
                    let leases = self.store.entries.iter_mut().filter_map(|entry| entry.lease.as_mut());
                    leases.filter(|held| held.by.life() == seat.life()).for_each(|held| held.excused = true);
                }
            }
            Reply::Lost { not_sent } => {
                let how = if not_sent { Unanswered::NotSent } else { Unanswered::Lost };
                caller.exchange.handle_failure(session, now, Transport { how, what: "lost".into(), advice: String::new() });
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
        self.processes[seat.process].tell(1 << 32 | code(reply));
        if let Reply::Claimed(Claimed::Granted(record) | Claimed::TakenOver(record)) = reply {
            let mark = record.as_ref().and_then(|record| record.spending).map(|spending| spending.mark);
            let is_proven = mark.is_some_and(|mark| self.proven.contains(&mark));
            let time = self.time;
            self.processes[seat.process].watch(mark, is_proven, time);
        }
        if let Reply::Claimed(Claimed::Granted(Some(record)) | Claimed::TakenOver(Some(record))) = reply {
            self.processes[seat.process].tell(record.generation);
            self.processes[seat.process].tell(refresh_of(record).map_or(0, |token| token as u64 + 1));
            self.processes[seat.process].tell(record.spending.map_or(0, |spending| spending.mark));
        }
        self.note(seat, 10, code(reply), || format!("process {} caller {} hears: {}", seat.process, seat.caller, brief(reply)));
        match reply {
            Reply::Claimed(Claimed::Granted(record) | Claimed::TakenOver(record)) => {
                let given = self.processes[seat.process].given;
                self.caller(seat.process, place).token = record.as_ref().and_then(refresh_of).or(given);
            }
            Reply::Saved(_) => {
                let caller = self.caller(seat.process, place);
                caller.spending = caller.spending.filter(|spending| spending.written);
            }
            Reply::Answer { status, granted, .. } => match was {
                Doing::Expecting { fetch_since: Some(since) } => {
                    // Whatever the server refuses, it does not spend.
                    self.spent_nothing(seat, place, (400..500).contains(status));
                    if *status >= 400 {
                        self.nothing_comes(seat, place);
                    }
                    if let Some(access) = *granted {
                        self.granted(seat, place, access);
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
                    self.spent_nothing(seat, place, *not_sent);
                    self.nothing_comes(seat, place);
                }
            }
            _ => {}
        }
    }

    /// Whether a token request turned out to have spent nothing.
    fn spent_nothing(&mut self, seat: Seat, place: usize, proven: bool) {
        if let Some(token) = self.caller(seat.process, place).token {
            self.ledger.of(token).unproven -= u32::from(proven);
        }
    }

    /// A sender learns that no answer to its token request will come, or that none is left to come.
    fn nothing_comes(&mut self, seat: Seat, place: usize) {
        self.caller(seat.process, place).could_use = self.certainly_usable(seat.process);
        let Some(token) = self.caller(seat.process, place).token else { return };
        // Unless somebody else has sent it since.
        if let Some((_, is_over)) = self.ledger.of(token).sent_by.as_mut().filter(|(life, _)| *life == seat.life()) {
            *is_over = true;
        }
    }

    /// A sender hears what it was granted.
    fn granted(&mut self, seat: Seat, place: usize, access: AccessToken) {
        let refresh = self.server.access[access].beside;
        let caller = self.caller(seat.process, place);
        caller.unread = None;
        let sent = caller.token;
        self.processes[seat.process].heard.push(refresh);
        if let Some(sent) = sent {
            let is_saved = self.ledger.of(sent).was_resent_by(seat.life());
            self.ledger.doubts.saved += u64::from(is_saved);
        }
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

/// The answer that grants an access token and a refresh token.
pub(crate) fn granted(server: &Server, access: AccessToken, refresh: RefreshToken, headers: Vec<(&'static str, String)>) -> Reply {
    let seconds = server.rules.lifetime / 1_000;
    let tokens = format!(r#""access_token":"access-{access}","refresh_token":"{}""#, refresh_text(refresh));
    answer(200, headers, format!(r#"{{{tokens},"token_type":"Bearer","expires_in":{seconds}}}"#), Some(access))
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
        Reply::Claimed(Claimed::TakenOver(_)) => 9,
        Reply::Claimed(Claimed::Busy) | Reply::Saved(Saved::Superseded) => 1,
        Reply::Claimed(Claimed::Down(_)) | Reply::Saved(Saved::Down(_)) => 2,
        Reply::Saved(Saved::Durable) => 3,
        Reply::Loaded(_) => 4,
        Reply::Looked(pause) => 7 + u64::from(pause.is_some()),
        Reply::Connected(outcome) => 9 + u64::from(*outcome == ConnectOutcome::Connected),
        Reply::Answer { status, .. } => u64::from(*status),
        Reply::Lost { not_sent } => 5 + u64::from(*not_sent),
    }
}

fn brief(reply: &Reply) -> String {
    match reply {
        Reply::Claimed(Claimed::Granted(record) | Claimed::TakenOver(record)) => format!("granted, {}", record_words(record.as_ref())),
        Reply::Claimed(claimed) => format!("{claimed:?}"),
        Reply::Saved(saved) => format!("{saved:?}"),
        Reply::Released => "released".into(),
        Reply::Paused => "the others are told".into(),
        Reply::Looked(pause) => format!("paused: {pause:?}"),
        Reply::Connected(outcome) => format!("{outcome:?}"),
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
