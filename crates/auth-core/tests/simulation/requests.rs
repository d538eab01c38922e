//! What must hold when a request leaves: a token request, one that sends a refresh token again, one of the API's.

use crate::checks::{Checked, Invariant, check};
use crate::endpoint::{AccessToken, RefreshToken};
use crate::process::{Caller, Doing, Seat};
use crate::world::{World, refresh_of};
use std::time::Duration;

/// For how long an exchange may believe that its fetch is the one in flight: the token request's timeout and the slack after it.
const RIGHT: Duration = Duration::from_secs(45);
const MINUTE: u64 = 60_000;
/// Between two probes of a refused refresh token.
const HOUR: u64 = 60 * MINUTE;
/// From its refusal to its last probe.
const PROBED_FOR: u64 = 72 * HOUR;

impl World {
    pub(crate) fn check_fetch(&mut self, seat: Seat, place: usize, token: RefreshToken) -> Checked {
        let process = &self.processes[seat.process];
        let others = process.callers.iter().filter(|other| other.id != seat.caller);
        let in_flight = others
            .filter(|other| matches!(other.doing, Doing::Expecting { fetch_since: Some(since) } if process.latest.since(since) < RIGHT))
            .count();
        check(in_flight == 0, Invariant::OneFetch, || format!("{seat:?} fetches beside {in_flight}"))?;
        let is_probe = self.probes(seat, token);
        let entry = self.ledger.of(token);
        let granted_again = self.time - entry.first_sent <= self.setting.grace;
        if is_probe {
            self.check_probe(seat, place, token)?;
        } else if entry.unproven > 0 && !granted_again {
            self.check_in_doubt(seat, token)?;
        }
        let entry = self.ledger.of(token);
        entry.first_sent = if entry.unproven == 0 { self.time } else { entry.first_sent };
        entry.unproven += 1;
        entry.sent_by = Some((seat.life(), false));
        let asked_at = (self.time, self.processes[seat.process].clock.wandered);
        let caller = self.caller(seat.process, place);
        (caller.token, caller.asked_at) = (Some(token), asked_at);
        Ok(())
    }

    /// Whether everybody knows, or could, that the server refused a refresh token.
    fn probes(&mut self, seat: Seat, token: RefreshToken) -> bool {
        let at = self.entry(seat.process);
        let record = self.store.entries[at].record.as_ref();
        let is_noted = record.is_some_and(|record| refresh_of(record) == Some(token) && record.refusal.is_some());
        is_noted || self.ledger.of(token).known_refused.is_some()
    }

    /// A refused refresh token is sent once an hour for three days, as far as the hosts' clocks agree, by whoever has written so under the lease.
    fn check_probe(&mut self, seat: Seat, place: usize, token: RefreshToken) -> Checked {
        let (time, margin) = (self.time, 2 * self.disagreement + MINUTE);
        let Caller { spending, troubled, .. } = self.processes[seat.process].callers[place];
        let at = self.entry(seat.process);
        let kept = &self.store.entries[at];
        let is_held = kept.lease.is_some_and(|held| held.by == seat);
        let is_noted = spending.map(|spending| spending.mark) == kept.mark();
        check(troubled || (is_held && is_noted), Invariant::Probes, || {
            format!("{seat:?} probes refresh-{token}; its lease: {is_held}, its note of the probe: {is_noted}")
        })?;
        let entry = self.ledger.of(token);
        let before = entry.probed_at.replace(time).or(entry.refused);
        check(before.is_none_or(|before| before + HOUR <= time + margin), Invariant::Probes, || {
            format!("{seat:?} probes refresh-{token} at {time} ms, which was sent at {before:?} ms")
        })?;
        // Who heard the refusal may have been paused before it could tell the store, but the moment that counts is the earlier one.
        let since = self.ledger.of(token).known_refused;
        check(since.is_none_or(|since| time <= since + PROBED_FOR + margin), Invariant::Probes, || {
            format!("{seat:?} probes refresh-{token} at {time} ms, which everybody knows to be refused since {since:?} ms")
        })
    }

    /// A refresh token in doubt is sent again: under the journal, when no access token is valid, and when no other process can still wait for the answer.
    fn check_in_doubt(&mut self, seat: Seat, token: RefreshToken) -> Checked {
        let at = self.entry(seat.process);
        let record = self.store.entries[at].record.as_ref();
        let is_journaled = record.is_some_and(|record| refresh_of(record) == Some(token) && record.spending.is_some());
        let process = &self.processes[seat.process];
        let (watched, sent_by) = (process.watched, self.ledger.of(token).sent_by);
        let is_own = sent_by == Some((seat.life(), true));
        let may = self.setting.resends && is_journaled && (is_own || watched.is_some());
        check(may, Invariant::SingleUse, || {
            format!("{seat:?} sends refresh-{token}, which may be spent; journaled: {is_journaled}, read: {}", watched.is_some())
        })?;
        let valid = self.certainly_usable(seat.process).or_else(|| self.stored_and_usable(token));
        check(valid.is_none(), Invariant::InDoubtWhileValid, || {
            format!("{seat:?} sends refresh-{token}, which may be spent, while {valid:?} is a valid access token")
        })?;
        let waited =
            watched.map(|watched| if watched.is_proven { u64::MAX } else { self.processes[seat.process].has_watched(&watched, self.time) });
        let span = u64::try_from(RIGHT.as_millis()).unwrap_or(u64::MAX);
        check(is_own || waited >= Some(span), Invariant::InDoubtTooEarly, || {
            format!("{seat:?} sends refresh-{token}, which {sent_by:?} sent, having known of it for {waited:?} ms")
        })?;
        self.ledger.of(token).resent = Some(seat.life());
        self.ledger.doubts.resent += 1;
        Ok(())
    }

    /// The access token that the store was given beside this refresh token, if it is valid for certain, by whatever clock.
    fn stored_and_usable(&mut self, beside: RefreshToken) -> Option<AccessToken> {
        let token = self.ledger.of(beside).access?;
        let lifetime = self.server.rules.lifetime;
        let margin = (lifetime / 20).min(10_000) + lifetime / 1_000 + 60_000 + self.disagreement;
        let is_known_valid = self.time + margin < self.server.access[token].told_ends_at;
        (is_known_valid && self.server.accepts(self.time, token)).then_some(token)
    }

    pub(crate) fn check_send(&mut self, seat: Seat, place: usize, token: AccessToken) -> Checked {
        let beside = self.server.access[token].beside;
        let durable = self.ledger.of(beside).durable;
        check(durable, Invariant::DurableBeforeUse, || format!("{seat:?} sends access-{token} before refresh-{beside} is durable"))?;
        let caller = self.caller(seat.process, place);
        check(!caller.processed, Invariant::NothingTwice, || format!("{seat:?} sends a POST again that was processed"))?;
        caller.sent = Some(token);
        Ok(())
    }
}
