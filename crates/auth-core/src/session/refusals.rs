//! What a session does when the API refuses its credential: another key, another grant, another look at the source.

use super::{Holding, Rare, Session};
use crate::credential::{Credential, KeyAge};
use crate::time::UnixTime;
use crate::token::life::Event;
use crate::verdict::failure::{Failure, FailureKind};
use alloc::boxed::Box;
use alloc::vec::Vec;
use core::time::Duration;

/// How long a source is left alone after it had nothing new: a minute, because that is about how long a rotated secret takes to reach a mounted file.
const SOURCE_REST: Duration = Duration::from_mins(1);
/// For how long a token counts as just minted: half a minute, because a call sends it at once, and a slow API answers within that.
const JUST_MINTED: Duration = Duration::from_secs(30);
/// How long the refusal of a token that was just minted stands before another one is asked for: a minute, so that 1,000 refused calls do not make 1,000
/// token requests, and as with a refused key.
const PROBE_REST: Duration = Duration::from_mins(1);
/// How often one call is sent again after a 401: twice, for a token that another process had renewed and that is refused as well.
const REPEATS_AFTER_REFUSAL: u8 = 2;

/// What came of a 401.
pub(crate) enum AfterRefusal {
    /// There is, or will be, something else to send with.
    SendAgain,
    /// The answer stands.
    Final,
    /// The same, and a new token was refused as well.
    NewTokenRefused,
}

impl Session {
    /// The age of the key that a request was sent with.
    pub(crate) fn key_age(&self, generation: u64, now: UnixTime) -> Option<KeyAge> {
        match &self.holding {
            Holding::Keys(ring) => ring.age_of(generation, now),
            Holding::Token(_) => None,
        }
    }

    /// Notes that the API refused the credential of that generation.
    pub(crate) fn refuse(&mut self, generation: u64, failure: &Failure, repeats: u8, now: UnixTime) -> AfterRefusal {
        self.note_error(failure, now);
        let fingerprint = self.fingerprint();
        match &mut self.holding {
            Holding::Keys(ring) => {
                let another = ring.refuse(generation, failure.clone());
                self.note_change(true);
                if another {
                    return AfterRefusal::SendAgain;
                }
                if !self.rare().source.reloadable {
                    self.rare_mut().source.next = now.after(SOURCE_REST);
                }
                if self.source_is_ready(now) { AfterRefusal::SendAgain } else { AfterRefusal::Final }
            }
            Holding::Token(life) => {
                let held = life.token().filter(|token| token.authorization.generation() == generation);
                let just_minted = held.is_some_and(|token| now.since(token.minted_at) < JUST_MINTED);
                if repeats >= REPEATS_AFTER_REFUSAL || (held.is_some() && now < self.rare.as_deref().unwrap_or(Rare::NONE).quiet_until) {
                    AfterRefusal::NewTokenRefused
                } else if repeats > 0 && just_minted {
                    self.rare_mut().quiet_until = now.after(PROBE_REST);
                    AfterRefusal::NewTokenRefused
                } else {
                    // Where the session holds another token by now, this changes nothing, and the call is sent again with that one.
                    let changed = life.take(Event::Rejected { generation }, fingerprint);
                    self.note_change(changed);
                    AfterRefusal::SendAgain
                }
            }
        }
    }

    /// Whether there is hope for a refused credential: its source can be asked now, or somebody is asking it.
    pub(crate) fn source_is_ready(&self, now: UnixTime) -> bool {
        let source = &self.rare().source;
        source.reloadable && (source.asked.is_some() || source.next <= now)
    }

    /// Takes the right to ask the source; the moment to wait for if somebody else has it, `None` if it is ours.
    pub(crate) fn ask_source(&mut self, by: u64, now: UnixTime) -> Option<UnixTime> {
        match self.rare().source.asked {
            Some((other, until)) if other != by && now < until => Some(until),
            _ => {
                let until = now.after(self.connection.policy().fetch_timeout);
                self.rare_mut().source.asked = Some((by, until));
                None
            }
        }
    }

    /// Takes what the source gave; `true` if there is something to try. What is for another environment is as good as nothing.
    ///
    /// What was refused stays refused although the source names it again. Only after a rest it gets one more try, because the provider may have mended its side.
    pub(crate) fn loaded(&mut self, credential: Option<Credential>, now: UnixTime) -> bool {
        self.note_change(true);
        // The program has handed another credential over meanwhile, and this is what the source before had.
        if self.rare().source.asked.is_none() {
            return false;
        }
        // Whoever is getting a token began with the grant of before, and goes on with it; the source is asked again afterwards.
        if self.life().is_some_and(|life| life.is_held_by_another(0, now)) {
            let source = &mut self.rare_mut().source;
            (source.asked, source.next) = (None, now);
            return false;
        }
        let credential = credential.filter(|credential| self.connection.is_for(credential));
        let new = match (&mut self.holding, credential) {
            (Holding::Keys(ring), Some(Credential::Keys(keys))) => ring.replace(keys),
            (Holding::Token(life), Some(Credential::Grant(grant))) => life.replace_grants(grant, Vec::new()),
            (Holding::Token(life), Some(Credential::Grants(first, others))) => life.replace_grants(first, others),
            _ => false,
        };
        let source = &mut self.rare_mut().source;
        let again = core::mem::replace(&mut source.fruitless, !new);
        (source.asked, source.next) = (None, now.after(SOURCE_REST));
        if !new
            && again
            && let Holding::Keys(ring) = &mut self.holding
        {
            ring.forgive_next();
            return ring.in_use(now).is_some();
        }
        new
    }

    /// Gives up the right to ask the source.
    pub(crate) fn stop_asking(&mut self, by: u64) {
        if self.rare().source.asked.is_some_and(|(holder, _)| holder == by) {
            self.rare_mut().source.asked = None;
            self.note_change(true);
        }
    }

    /// Goes on with the next of several grants, if the present one was refused; `false` if there is none.
    pub(crate) fn next_grant(&mut self, refusal: &Failure) -> bool {
        let Holding::Token(life) = &mut self.holding else { return false };
        let moved = refusal.kind() == FailureKind::GrantRefused && life.next_grant();
        self.note_change(moved);
        moved
    }

    /// Gives a refused key that came from no source one more try after a rest.
    pub(crate) fn second_chance(&mut self, now: UnixTime) -> bool {
        let Holding::Keys(ring) = &mut self.holding else { return false };
        let source = &mut self.rare.get_or_insert_with(|| Box::new(Rare::new(false))).source;
        if source.reloadable || now < source.next {
            return false;
        }
        source.next = now.after(SOURCE_REST);
        ring.forgive_next();
        let usable = ring.in_use(now).is_some();
        self.note_change(true);
        usable
    }
}
