//! What goes wrong in a run beside its messages: crashes, pauses, clocks that are set, callers that leave, outages, revocations.

use super::Event;
use super::{HOUR, MINUTE, Run, SECOND};
use crate::endpoint::Ended;
use crate::process::Seat;

impl Run {
    pub(super) fn season(&mut self) {
        self.after(self.world.server.rules.lifetime / 2, Event::Season);
        let time = self.world.time;
        let lasts = self.dice.spread(SECOND, HOUR);
        if self.dice.chance(self.weather.outage) {
            match self.dice.between(0, 2) {
                0 => self.store_down_until = time + lasts,
                1 => self.unknown_client_until = time + lasts,
                _ => self.unavailable_until = time + lasts,
            }
        }
        if self.dice.chance(self.weather.revocation) && !self.world.server.consents.is_empty() {
            let latest = self.world.server.latest();
            self.world.server.end(latest, Ended::Revoked);
        }
    }

    /// What may happen to a process or caller at any step; `false` if the caller is not there, any more or for now.
    pub(super) fn mishap(&mut self, seat: Seat) -> bool {
        if self.world.processes[seat.process].place(seat).is_none() {
            return false;
        }
        if self.dice.chance(self.weather.crash) {
            self.account.crashes += 1;
            self.world.crash(seat.process);
            let down = self.dice.spread(100, 2 * MINUTE);
            self.after(down, Event::Start(seat.process));
            return false;
        }
        if self.dice.chance(self.weather.pause) {
            self.account.pauses += 1;
            let longest = self.dice.pick(&[MINUTE, 10 * MINUTE, 2 * HOUR]);
            self.pause(seat.process, longest);
        }
        if self.dice.chance(self.weather.clock) {
            self.account.clocks_set += 1;
            self.set_clock(seat.process);
        }
        if self.dice.chance(self.weather.leave) {
            self.account.callers_gone += 1;
            self.world.note(seat, 12, 0, || format!("process {} caller {} goes away", seat.process, seat.caller));
            if let Some(release) = self.world.leave(seat) {
                self.send(seat, release);
            }
            self.wake(seat.process);
            return false;
        }
        true
    }

    /// The process stops, and does not know it; what happens now still happens.
    pub(super) fn pause(&mut self, process: usize, longest: u64) {
        let span = self.dice.spread(SECOND, longest);
        let paused = &mut self.world.processes[process];
        paused.paused_until = self.world.time + span;
        for caller in &mut paused.callers {
            (caller.patience, caller.troubled) = (caller.patience + span, true);
        }
        self.world.trace.note(self.world.time, [13, process as u64, span, 0], || format!("process {process} is paused for {span} ms"));
    }

    fn set_clock(&mut self, process: usize) {
        let back = self.dice.chance(5_000);
        let span = self.dice.spread(SECOND, if back { 10 * MINUTE } else { 2 * HOUR });
        let set = &mut self.world.processes[process];
        let signed = i64::try_from(span).unwrap_or_default();
        self.world.disagreement += span;
        set.clock.set(if back { -signed } else { signed });
        for caller in &mut set.callers {
            (caller.patience, caller.troubled) = (caller.patience + 2 * span, true);
        }
        self.world.trace.note(self.world.time, [14, process as u64, span, u64::from(back)], || {
            format!("the clock of process {process} is set {} by {span} ms", if back { "back" } else { "forth" })
        });
    }
}
