//! The way of a message in a run: what becomes of it, when it arrives, and when its sender hears of it.

use super::{API_LIMIT, CONNECT_LIMIT, Event, HOUR, MINUTE, Run, STORE_LIMIT};
use crate::arrival::answer;
use crate::faults::{Fate, Heard, LATEST};
use crate::process::{Message, Seat};

impl Run {
    /// What becomes of a message.
    fn fate(&mut self, message: &Message) -> Fate {
        let time = self.world.time;
        let chance = match message {
            Message::Store(..) if time < self.store_down_until => return Fate::Down,
            Message::Fetch { .. } if time < self.unknown_client_until => return Fate::InvalidClient,
            Message::Fetch { .. } if time < self.unavailable_until => return Fate::Unavailable,
            Message::Store(..) => self.weather.store,
            Message::Fetch { .. } => self.weather.endpoint,
            Message::Send { .. } => self.weather.api,
            Message::Load => 0,
            Message::Connect => self.weather.connection,
        };
        let fate = if self.dice.chance(chance) { self.dice.pick(Fate::of(message)) } else { Fate::Fine };
        match message {
            Message::Fetch { .. } => fate.at(self.world.server.rules.kind),
            _ => fate,
        }
    }

    pub(super) fn send(&mut self, seat: Seat, message: Message) {
        let fate = self.fate(&message);
        self.account.fates[fate as usize] += 1;
        if fate != Fate::Fine {
            self.world
                .note(seat, 15, fate as u64, || format!("process {} caller {}: the message meets {fate:?}", seat.process, seat.caller));
        }
        self.world.meet(seat, &message, fate);
        let (longest, limit) = match message {
            Message::Store(..) => (15, STORE_LIMIT),
            Message::Load => (5, STORE_LIMIT),
            Message::Connect if self.dice.chance(200) => (CONNECT_LIMIT, CONNECT_LIMIT),
            Message::Connect => (100, CONNECT_LIMIT),
            Message::Fetch { timeout, .. } if self.dice.chance(200) => (timeout / 2 - 1, timeout),
            Message::Fetch { timeout, .. } => (300.min(timeout / 2), timeout),
            Message::Send { .. } => (150, API_LIMIT),
        };
        let (there, back) = (self.dice.between(1, longest.max(1)), self.dice.between(1, longest.max(1)));
        let (reply, when) = match fate {
            Fate::Fine | Fate::Refused => return self.after(there, Event::Arrive(seat, Box::new(message), Heard::After(back))),
            Fate::Late => {
                let late = self.dice.spread(limit, LATEST);
                return self.after(there, Event::Arrive(seat, Box::new(message), Heard::After(late)));
            }
            Fate::Stopped => return self.stop_before_it_leaves(seat, message, there, back),
            Fate::NotSent | Fate::Down => (message.lost(fate), there),
            Fate::Lost | Fate::Unheard | Fate::Delayed => (message.lost(fate), limit),
            Fate::InvalidClient => (answer(401, Vec::new(), r#"{"error":"invalid_client"}"#.into(), None), there + back),
            Fate::TooMany => {
                let headers = vec![("retry-after", self.dice.pick(&[1, 5, 20, 60]).to_string())];
                (answer(429, headers, String::new(), None), there + back)
            }
            Fate::Unavailable => (answer(503, Vec::new(), String::new(), None), there + back),
            Fate::BadGateway => (answer(502, Vec::new(), "<html>".into(), None), there + back),
        };
        self.after(when, Event::Report(seat, Box::new(reply)));
        match fate {
            Fate::Unheard | Fate::BadGateway => self.after(there, Event::Arrive(seat, Box::new(message), Heard::ByNobody)),
            Fate::Delayed => {
                let late = limit + self.dice.spread(1, 2 * MINUTE);
                self.after(late, Event::Arrive(seat, Box::new(message), Heard::TooLate));
            }
            _ => {}
        }
    }

    /// The sender is stopped, and its message leaves when it goes on. Its time limit is over then: it hears the reply at a last look, or not at all.
    fn stop_before_it_leaves(&mut self, seat: Seat, message: Message, there: u64, back: u64) {
        self.pause(seat.process, 2 * HOUR);
        let leaves = self.world.processes[seat.process].paused_until - self.world.time;
        let is_heard = self.dice.chance(5_000);
        if !is_heard {
            self.after(leaves + there, Event::Report(seat, Box::new(message.lost(Fate::Lost))));
        }
        self.after(leaves + there, Event::Arrive(seat, Box::new(message), Heard::AfterStop(is_heard.then_some(back))));
    }
}
