//! The world of one run: processes, store and server, and what must hold whenever one of them does something.
//!
//! Whoever runs it decides when a caller polls, when a message arrives, when a reply is heard, and who crashes; nothing happens by itself.

use crate::checks::{Checked, Invariant, Ledger, Loss, Reason, Violation, check};
use crate::endpoint::{AccessToken, Ended, RefreshToken, Server, number, refresh_text};
use crate::process::{About, Caller, Doing, Message, Obliged, Process, Seat, Spending, ToStore};
use crate::setting::Setting;
use crate::store::Store;
use crate::trace::Trace;
use auth_core::{Call, Exchange, FailureKind, Outcome, Record, Save, Session, Step, UnixTime};
use std::time::Duration;

/// How long a call may take without faults: its deadline, a token request that outlives it, and the store's own timeouts.
const PATIENCE: u64 = 180_000;
/// How often one exchange is polled at most: a busy lease is looked at every 50 to 150 ms for 90 seconds.
const POLLS: u32 = 4_000;
/// For how long a token counts as just minted.
pub(crate) const QUIET: Duration = Duration::from_secs(30);

/// What a caller does after a poll.
pub(crate) enum Next {
    Out(Message),
    /// It sleeps for so many milliseconds of its own clock.
    Wait(u64),
    Done(Ending),
}

/// How an exchange ended.
pub(crate) struct Ending {
    /// The failure's kind, and whether the server had answered.
    pub(crate) failure: Option<FailureKind>,
    pub(crate) renewal: bool,
    /// The refresh token that it last read or sent.
    pub(crate) token: Option<RefreshToken>,
    /// What to tell the store about the lease that was still held.
    pub(crate) release: Option<Message>,
}

pub(crate) struct World {
    pub(crate) time: u64,
    pub(crate) store: Store,
    pub(crate) server: Server,
    pub(crate) processes: Vec<Process>,
    pub(crate) ledger: Ledger,
    pub(crate) trace: Trace,
    /// By how many milliseconds the server's clock is ahead, if its answers say what time it is there.
    pub(crate) date: Option<i64>,
    pub(crate) calls: u64,
    pub(crate) setting: &'static Setting,
    /// By how many milliseconds the clocks of two machines may have differed at most.
    pub(crate) disagreement: u64,
    /// Whether a person's consent goes into the store by a login, and not into the configuration.
    pub(crate) by_login: bool,
    /// Who logs in just now.
    pub(crate) logging_in: Option<Seat>,
    /// Whether sessions share the limits that they meet.
    pub(crate) shares_pauses: bool,
    /// The journal's entries whose makers have died, as far as the store has proven it.
    pub(crate) proven: Vec<u64>,
}

impl World {
    pub(crate) fn new(store: Store, server: Server, trace: Trace, date: Option<i64>, setting: &'static Setting) -> Self {
        Self {
            time: 0,
            store,
            server,
            processes: Vec::new(),
            ledger: Ledger::default(),
            trace,
            date,
            calls: 0,
            setting,
            disagreement: 0,
            by_login: false,
            logging_in: None,
            shares_pauses: false,
            proven: Vec::new(),
        }
    }

    /// A session as the configuration has it now, and the refresh token in that.
    pub(crate) fn session(&self, reloadable: bool) -> (Session, Option<RefreshToken>) {
        let given = self.configured();
        let session = Session::new(self.setting.connection.clone(), self.setting.credential(given), reloadable);
        (if self.shares_pauses { session.sharing_pauses() } else { session }, given)
    }

    /// A call starts in a process.
    pub(crate) fn call(&mut self, process: usize, seed: u64, post: bool, deadline: Option<u64>) -> Seat {
        let running = &mut self.processes[process];
        let method = if post { "POST" } else { "GET" };
        let mut call = Call::new(&self.setting.connection, method, "/v1/tasks").expect("an admitted call");
        if let Some(millis) = deadline {
            call = call.deadline(running.clock.at(self.time).max(running.latest).after(Duration::from_millis(millis)));
        }
        self.calls += 1;
        let seat = running.enter(process, self.time, Exchange::new(call, seed), false, post);
        self.settle(seat)
    }

    /// A renewal starts in a process, if its session wants one.
    pub(crate) fn renewal(&mut self, process: usize, seed: u64) -> Option<Seat> {
        let now = self.tick(process);
        let running = &mut self.processes[process];
        let exchange = running.session.begin_renewal(now, seed)?;
        let seat = running.enter(process, self.time, exchange, true, false);
        Some(self.settle(seat))
    }

    /// How long a new caller may take: longer where its session's clock stands still, because the machine's was set back.
    fn settle(&mut self, seat: Seat) -> Seat {
        let process = &mut self.processes[seat.process];
        let stands = process.latest.since(process.clock.at(self.time)).as_millis();
        if let Some(caller) = process.callers.last_mut() {
            caller.patience = PATIENCE + u64::try_from(stands).unwrap_or(u64::MAX);
            caller.troubled = stands > 0;
        }
        seat
    }

    /// What the clock of a process shows now.
    pub(crate) fn tick(&mut self, process: usize) -> UnixTime {
        let process = &mut self.processes[process];
        let now = process.clock.at(self.time);
        process.latest = process.latest.max(now);
        now
    }

    /// A caller polls, and what it is told is checked.
    pub(crate) fn poll(&mut self, seat: Seat) -> Checked<Option<Next>> {
        let Some(place) = self.processes[seat.process].place(seat) else { return Ok(None) };
        let now = self.tick(seat.process);
        let certain = self.certainly_usable(seat.process);
        let process = &mut self.processes[seat.process];
        let caller = &mut process.callers[place];
        (caller.polls, caller.turn) = (caller.polls + 1, caller.turn + 1);
        let step = caller.exchange.poll(&mut process.session, now);
        self.trace.note(self.time, [1, seat.process as u64, u64::from(seat.caller), code(&step)], || {
            format!("process {} caller {}: {}", seat.process, seat.caller, brief(&step))
        });
        let (polls, lasted, patience) = (caller.polls, self.time - caller.began, caller.patience);
        check(polls <= POLLS && lasted <= patience, Invariant::EveryCallEnds, || {
            format!("{seat:?} was polled {polls} times in {lasted} ms, and may take {patience}; now it is told {step:?}")
        })?;
        process.tell(if let Step::Wait(_) = step { 0 } else { code(&step) });
        if let Step::Release(_) = step {
            self.judge_verdict(seat, place)?;
        }
        self.check_duties(seat, place, certain, &step)?;
        self.obey(seat, place, now, step).map(Some)
    }

    /// What follows from a valid token and from a 401.
    fn check_duties(&mut self, seat: Seat, place: usize, certain: Option<AccessToken>, step: &Step) -> Checked {
        let caller = &mut self.processes[seat.process].callers[place];
        if let (Some(token), 1, false, Step::Wait(_) | Step::Claim(_)) = (certain, caller.polls, caller.renewal, step) {
            return Err(Violation::new(Invariant::NobodyWaits, format!("{seat:?} could use access-{token} and is told {step:?}")));
        }
        // One that came when the end was decided is too late: what is saved or given back then is on the way out.
        let is_leaving = matches!(step, Step::Save(_) | Step::Release(_) | Step::Done(_));
        let could_use = caller.could_use.filter(|token| certain == Some(*token) && !caller.renewal);
        caller.could_use = if is_leaving { caller.could_use } else { certain };
        if let (Some(token), Step::Done(Outcome::Failed(failure))) = (could_use, step) {
            let about_tokens = matches!(
                failure.kind(),
                FailureKind::Store | FailureKind::TokenEndpoint | FailureKind::ConsentRequired | FailureKind::GrantRefused
            );
            check(!about_tokens, Invariant::ValidTokenOutlives, || format!("{seat:?} could use access-{token} and fails: {failure}"))?;
        }
        let obliged = std::mem::replace(&mut caller.obliged, Obliged::Nothing);
        match (obliged, step) {
            (Obliged::SendNewer, Step::Claim(_) | Step::Fetch(_)) if certain.is_some() && certain != caller.sent => {
                Err(Violation::new(Invariant::NewerTokenIsUsed, format!("{seat:?} is told {step:?} although {certain:?} is newer")))
            }
            (Obliged::Stop, Step::Claim(_) | Step::Fetch(_) | Step::Send(_)) => {
                Err(Violation::new(Invariant::FreshTokenRefused, format!("{seat:?} goes on with {step:?}")))
            }
            _ => Ok(()),
        }
    }

    /// Turns a step into a message, a rest or an end.
    fn obey(&mut self, seat: Seat, place: usize, now: UnixTime, step: Step) -> Checked<Next> {
        let latest = self.processes[seat.process].latest;
        let entry = self.entry(seat.process);
        let mut fetch_since = None;
        let message = match step {
            Step::Wait(until) => {
                check(until > now, Invariant::EveryCallEnds, || format!("{seat:?} is to wait until {until}, which is over"))?;
                self.caller(seat.process, place).doing = Doing::Waiting;
                return Ok(Next::Wait(until.since(now).as_millis().try_into().unwrap_or(u64::MAX)));
            }
            Step::Done(outcome) => return self.end(seat, place, &outcome).map(Next::Done),
            Step::Claim(claim) => Message::Store(entry, ToStore::Claim(claim)),
            Step::Save(save) => Message::Store(entry, self.to_save(seat.process, place, save)),
            Step::Release(lease) => Message::Store(entry, ToStore::Release(lease.owner)),
            Step::Look => Message::Store(entry, ToStore::Look),
            Step::Load => Message::Load,
            Step::Connect(_) => Message::Connect,
            Step::Pause(pause) => {
                let span = u64::try_from(pause.until.since(now).as_millis()).unwrap_or(u64::MAX);
                Message::Store(entry, ToStore::Pause(span, pause.why))
            }
            Step::Fetch(request) => {
                let form = request.body.as_ref().map_or("", |body| body.expose());
                let token = form.split('&').find_map(|pair| pair.strip_prefix("refresh_token=")).and_then(number);
                let token = token.ok_or_else(|| Violation::new(Invariant::Steps, "a token request without a refresh token"))?;
                self.check_fetch(seat, place, token)?;
                fetch_since = Some(latest);
                Message::Fetch { token, timeout: u64::try_from(request.timeout.as_millis()).unwrap_or(u64::MAX) }
            }
            Step::Send(send) => {
                let sent = send.authorization.as_ref().and_then(|authorization| number(authorization.value().expose()));
                let token = sent.ok_or_else(|| Violation::new(Invariant::Steps, "a request without an access token"))?;
                self.check_send(seat, place, token)?;
                Message::Send { token, post: self.processes[seat.process].callers[place].post }
            }
        };
        self.caller(seat.process, place).doing = Doing::Expecting { fetch_since };
        Ok(Next::Out(message))
    }

    fn to_save(&mut self, process: usize, place: usize, save: Save) -> ToStore {
        let token = refresh_of(&save.record).unwrap_or_default();
        let about = match (save.record.spending, save.record.generation > save.replaces) {
            (Some(_), _) => About::Journal(token),
            (None, false) => About::Clearing(token),
            (None, true) => About::Token(token),
        };
        if let About::Journal(token) = about {
            let caller = self.caller(process, place);
            // An entry that stands there already goes on standing until this one takes its place.
            let written = caller.spending.is_some_and(|before| before.token == token && before.written);
            let mark = save.record.spending.map_or(0, |spending| spending.mark);
            caller.spending = Some(Spending { token, mark, written });
        }
        ToStore::Save(Box::new(save), about)
    }

    /// Looks whether a session has just given up, and whether it may.
    pub(crate) fn judge_verdict(&mut self, seat: Seat, place: usize) -> Checked {
        let process = &mut self.processes[seat.process];
        let error = process.session.explain(process.latest, Ok(None), None).last_error;
        let given_up = error.as_ref().is_some_and(|(_, failure)| failure.kind() == FailureKind::ConsentRequired);
        let is_news = error != process.error_seen;
        process.error_seen = error;
        if given_up && is_news { self.judge_consent(seat, place) } else { Ok(()) }
    }

    /// A verdict that a person has to connect the account again needs a reason that nobody could help.
    fn judge_consent(&mut self, seat: Seat, place: usize) -> Checked {
        let Some(token) = self.processes[seat.process].callers[place].token else {
            self.ledger.ask(None, Reason::NobodyYet);
            return Ok(());
        };
        let family = self.server.refresh[token].family;
        let reason = match self.server.consents[family].ended {
            Some(Ended::Revoked) => Some(Reason::Revoked),
            Some(Ended::Reused) => Some(match self.ledger.losses.iter().find(|(lost, _)| *lost == family) {
                Some((_, Loss::SleptOver)) => Reason::SleptOver,
                Some((_, Loss::NotStored)) => Reason::NotStored,
                Some((_, Loss::LeftLate)) => Reason::LeftLate,
                None => Reason::RequestLost,
            }),
            None => self.ledger.excuse_for(token, seat.life()),
        };
        let was_refused = self.ledger.of(token).refused.is_some();
        check(was_refused || !self.setting.resends, Invariant::Consent, || {
            format!("{seat:?} gives up on refresh-{token}, which the server has never refused")
        })?;
        if let Some(reason) = reason {
            self.ledger.ask(Some(family), reason);
            self.trace.note(self.time, [2, seat.process as u64, u64::from(seat.caller), reason as u64], || {
                format!("process {} caller {}: a person is asked, because {}", seat.process, seat.caller, reason.text())
            });
            return Ok(());
        }
        let (spent, current) = (self.server.refresh[token].spent_at, self.server.consents[family].current);
        let excuses = self.ledger.excuses(token);
        let what = format!(
            "{seat:?} gives up on refresh-{token} (spent at {spent:?} ms; the live one is refresh-{current}); reasons for others: {excuses:?}"
        );
        Err(Violation::new(Invariant::Consent, what))
    }

    fn end(&mut self, seat: Seat, place: usize, outcome: &Outcome) -> Checked<Ending> {
        let failure = failure_of(outcome);
        if let Outcome::Failed(failure) = outcome
            && failure.kind() == FailureKind::Misuse
        {
            return Err(Violation::new(Invariant::Steps, format!("{seat:?}: {failure}")));
        }
        let Caller { renewal, token, .. } = self.processes[seat.process].callers[place];
        let release = self.leave(seat);
        Ok(Ending { failure, renewal, token, release })
    }

    /// A caller goes away, finished or not; what it still held of the lease comes back.
    pub(crate) fn leave(&mut self, seat: Seat) -> Option<Message> {
        let entry = self.entry(seat.process);
        let process = &mut self.processes[seat.process];
        let place = process.place(seat)?;
        let mut caller = process.callers.swap_remove(place);
        if let Some(spending) = caller.spending.filter(|spending| spending.written) {
            let fetching = matches!(caller.doing, Doing::Expecting { fetch_since: Some(_) });
            self.ledger.excuse(spending.token, Reason::CallerGone, (!fetching).then_some(seat.life()));
            if fetching {
                self.ledger.of(spending.token).sent_by = Some((seat.life(), true));
            }
        }
        caller.exchange.abandon(&mut process.session).map(|lease| Message::Store(entry, ToStore::Release(lease.owner)))
    }

    /// A process is gone with all that it had in memory.
    pub(crate) fn crash(&mut self, process: usize) {
        let gone = &mut self.processes[process];
        gone.up = false;
        self.trace.note(self.time, [3, process as u64, u64::from(gone.life), 0], || format!("process {process} crashes"));
        for caller in std::mem::take(&mut gone.callers) {
            if let Some(spending) = caller.spending.filter(|spending| spending.written) {
                self.ledger.excuse(spending.token, Reason::ProcessGone, None);
            }
        }
    }

    /// A process that is gone starts again, with nothing but its configuration.
    pub(crate) fn restart(&mut self, process: usize) {
        let (session, given) = self.session(self.processes[process].reloadable);
        let again = &mut self.processes[process];
        self.trace.note(self.time, [4, process as u64, u64::from(again.life), 0], || format!("process {process} starts again"));
        (again.session, again.given, again.up, again.seen) = (session, given, true, 0);
        (again.latest, again.fetched, again.paused_until, again.told) = (UnixTime::default(), None, 0, 0);
        (again.error_seen, again.watched) = (None, None);
        again.heard.clear();
        again.life += 1;
    }

    /// The callers that sleep and should look again, because their session changed.
    pub(crate) fn woken(&mut self, process: usize) -> impl Iterator<Item = Seat> + use<'_> {
        let woken = &mut self.processes[process];
        let changes = woken.session.changes();
        let moved = std::mem::replace(&mut woken.seen, changes) != changes;
        let life = woken.life;
        let sleepers = woken.callers.iter().filter(move |caller| moved && caller.doing == Doing::Waiting);
        sleepers.map(move |caller| Seat { process, life, caller: caller.id })
    }

    /// Where the store keeps what is a session's now.
    pub(crate) fn entry(&mut self, process: usize) -> usize {
        self.store.place(self.processes[process].session.store_id(None))
    }

    /// The refresh token that stands in the configuration; `None` if logins put theirs into the store.
    pub(crate) fn configured(&self) -> Option<RefreshToken> {
        let latest = self.server.latest();
        if self.by_login { None } else { self.server.refresh.iter().position(|token| token.family == latest) }
    }

    pub(crate) fn caller(&mut self, process: usize, place: usize) -> &mut Caller {
        &mut self.processes[process].callers[place]
    }

    /// The access token that a session holds and that is valid for certain, by whatever clock.
    pub(crate) fn certainly_usable(&self, process: usize) -> Option<AccessToken> {
        let process = &self.processes[process];
        let token = process.held()?;
        let (access, lifetime) = (&self.server.access[token], self.server.rules.lifetime);
        let margin = (lifetime / 20).min(10_000) + lifetime / 1_000 + 2;
        let ends_at = match process.fetched {
            Some((fetched, asked_at, wandered)) if fetched == token => {
                asked_at + lifetime.saturating_sub(process.clock.wandered - wandered)
            }
            // Its end was told by another machine's clock, and the answer may have come late.
            _ => access.told_ends_at.saturating_sub(60_000 + self.disagreement),
        };
        (!access.revoked && self.time + margin < ends_at).then_some(token)
    }
}

/// The refresh token of a record.
pub(crate) fn refresh_of(record: &Record) -> Option<RefreshToken> {
    record.refresh_token.as_ref().and_then(|token| number(token.expose()))
}

fn failure_of(outcome: &Outcome) -> Option<FailureKind> {
    match outcome {
        Outcome::Answered(failure) => failure.as_ref().map(auth_core::Failure::kind),
        Outcome::Failed(failure) => Some(failure.kind()),
        Outcome::Renewed => None,
    }
}

fn code(step: &Step) -> u64 {
    match step {
        Step::Claim(_) => 0,
        Step::Save(save) => 16 + save.record.generation,
        Step::Release(_) => 1,
        Step::Load => 2,
        Step::Fetch(_) => 3,
        Step::Send(_) => 4,
        Step::Look => 6,
        Step::Pause(_) => 7,
        Step::Connect(_) => 5,
        Step::Wait(until) => until.as_millis(),
        Step::Done(outcome) => 8 + failure_of(outcome).map_or(0, |kind| kind as u64 + 1),
    }
}

fn brief(step: &Step) -> String {
    match step {
        Step::Claim(claim) => format!("claim as {:04x}", claim.owner & 0xffff),
        Step::Save(save) => format!("save {} over {}", record_words(Some(&save.record)), save.replaces),
        Step::Connect(_) => "connect".into(),
        Step::Fetch(_) => "fetch".into(),
        Step::Send(send) => format!("send {}", send.authorization.as_ref().map_or("", |authorization| authorization.value().expose())),
        Step::Done(Outcome::Answered(Some(failure)) | Outcome::Failed(failure)) => format!("done: {:?}", failure.kind()),
        other => format!("{other:?}"),
    }
}

pub(crate) fn record_words(record: Option<&Record>) -> String {
    let Some(record) = record else { return "no record".into() };
    let token = refresh_of(record).map_or("nothing".into(), refresh_text);
    let journal = record.spending.map_or(String::new(), |spending| format!(" being spent by {:04x}", spending.mark & 0xffff));
    format!("generation {} with {token}{journal}", record.generation)
}
