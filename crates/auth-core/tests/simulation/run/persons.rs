//! The person of a run, who connects the account again when a call asks for that.

use super::{Event, MINUTE, Run, SECOND};
use crate::checks::Checked;
use crate::login;

impl Run {
    /// A person connects the account; processes that cannot ask their source again are restarted by and by.
    pub(super) fn connect(&mut self) {
        self.connecting = false;
        self.account.connected += 1;
        let family = self.world.server.connect();
        self.world
            .trace
            .note(self.world.time, [11, family as u64, 0, 0], || format!("a person connects the account again: consent {family}"));
        for process in 0..self.world.processes.len() {
            if !self.world.processes[process].reloadable {
                let soon = self.dice.spread(SECOND, 10 * MINUTE);
                self.after(soon, Event::Restart(process));
            }
        }
    }

    /// A person logs in by the program of some process that runs.
    pub(super) fn begin_login(&mut self) -> Checked {
        let running = self.world.processes.iter().position(|process| process.up && process.paused_until <= self.world.time);
        let Some(process) = running else {
            self.after(MINUTE, Event::Connect);
            return Ok(());
        };
        let seed = self.dice.seed();
        let login = self.world.begin_login(process, seed)?;
        self.world.logging_in = Some(login.seat);
        self.login = Some(login);
        self.after(1, Event::LogIn);
        Ok(())
    }

    /// The login's next step; when it is over, some of the programs are told, and the others find out.
    pub(super) fn log_in(&mut self) {
        let Some(mut login) = self.login.take() else { return };
        let seat = login.seat;
        let gone = self.world.processes[seat.process].life != seat.life || !self.world.processes[seat.process].up;
        let doing = if gone { login::Doing::Done(false) } else { self.world.log_in(&mut login) };
        match doing {
            login::Doing::Out(message) => self.send(seat, message),
            login::Doing::Ask(reply) => self.after(200, Event::Report(seat, Box::new(reply))),
            login::Doing::Wait(millis) => self.after(millis + 1, Event::LogIn),
            login::Doing::Done(true) => {
                self.world.logging_in = None;
                self.connecting = false;
                self.account.connected += 1;
                for process in 0..self.world.processes.len() {
                    if process == seat.process || self.dice.chance(3_000) {
                        self.world.processes[process].session.forget();
                        self.wake(process);
                    }
                }
                return;
            }
            login::Doing::Done(false) => {
                self.world.logging_in = None;
                self.after(MINUTE, Event::Connect);
                return;
            }
        }
        self.login = Some(login);
    }
}
