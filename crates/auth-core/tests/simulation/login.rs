//! A person logs in on another device: the machine's own `Consent`, whose tokens go into the store that the processes share.

use crate::arrival::{answer, granted};
use crate::checks::{Checked, Invariant, Violation};
use crate::endpoint::RefreshToken;
use crate::process::{About, Message, Reply, Seat, ToStore};
use crate::world::{World, refresh_of};
use auth_core::{Consent, ConsentStep, Response};

/// The place of whoever logs in, among the callers of a process.
pub(crate) const LOGIN: u32 = 0;

/// One login.
pub(crate) struct Login {
    pub(crate) seat: Seat,
    consent: Consent,
}

/// What it does next.
pub(crate) enum Doing {
    Out(Message),
    /// It asks the server, and hears this.
    Ask(Reply),
    /// It sleeps for so many milliseconds.
    Wait(u64),
    /// The tokens are in the store, or are not.
    Done(bool),
}

impl World {
    /// A person begins to log in, by the program of a process.
    pub(crate) fn begin_login(&mut self, process: usize, seed: u64) -> Checked<Login> {
        let seat = Seat { process, life: self.processes[process].life, caller: LOGIN };
        let now = self.tick(process);
        let consent = Consent::by_device(&self.processes[process].session, seed, now);
        let consent = consent.map_err(|failure| Violation::new(Invariant::Steps, format!("nobody can log in: {failure}")))?;
        Ok(Login { seat, consent })
    }

    /// What the login does next.
    pub(crate) fn log_in(&mut self, login: &mut Login) -> Doing {
        let now = self.tick(login.seat.process);
        loop {
            let step = login.consent.poll(now);
            self.note(login.seat, 17, 0, || format!("a login in process {}: {step:?}", login.seat.process));
            let entry = self.entry(login.seat.process);
            return match step {
                ConsentStep::Show(_) => continue,
                ConsentStep::Fetch(request) => Doing::Ask(self.ask(request.body.as_ref().map_or("", |body| body.expose()))),
                ConsentStep::Claim(claim) => Doing::Out(Message::Store(entry, ToStore::Claim(claim))),
                ConsentStep::Save(save) => {
                    let about = About::Token(refresh_of(&save.record).unwrap_or_default());
                    Doing::Out(Message::Store(entry, ToStore::Save(Box::new(save), about)))
                }
                ConsentStep::Release(lease) => Doing::Out(Message::Store(entry, ToStore::Release(lease.owner))),
                ConsentStep::Wait(until) | ConsentStep::Redirect(until) => {
                    Doing::Wait(until.since(now).as_millis().try_into().unwrap_or(u64::MAX))
                }
                ConsentStep::Done(result) => Doing::Done(result.is_ok()),
            };
        }
    }

    /// The server's answer to a login: a device code, then the tokens, because the person is quick.
    fn ask(&mut self, form: &str) -> Reply {
        if form.contains("device_code=") {
            let (access, refresh): (_, RefreshToken) = self.server.log_in(self.time);
            return granted(&self.server, access, refresh, Vec::new());
        }
        let body = r#"{"device_code":"device-1","user_code":"ABCD-EFGH","verification_uri":"https://auth.simulated.test/go","expires_in":900,"interval":5}"#;
        answer(200, Vec::new(), body.into(), None)
    }

    /// The login hears what came of its step.
    pub(crate) fn tell_login(&mut self, login: &mut Login, reply: Reply) {
        let now = self.tick(login.seat.process);
        match reply {
            Reply::Claimed(claimed) => login.consent.handle_claimed(now, claimed),
            Reply::Saved(saved) => login.consent.handle_saved(now, saved),
            Reply::Answer { status, headers, body, .. } => {
                let headers: &[(&str, String)] = &headers;
                login.consent.handle_response(now, &Response { status, headers: &headers, body: body.as_bytes() });
            }
            Reply::Released | Reply::Paused | Reply::Loaded(_) | Reply::Looked(_) | Reply::Connected(_) | Reply::Lost { .. } => {}
        }
    }
}
