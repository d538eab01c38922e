//! One run from one seed: a queue of what happens when, drawn by the dice, until enough was refreshed; then the world is kind, and everything has to work again.

mod mishaps;
mod persons;
mod post;

use crate::checks::{Checked, Doubts, Invariant, Reason, Violation, check};
use crate::dice::{Clock, Dice};
use crate::endpoint::{Kind, Rules, Server};
use crate::faults::{Fate, Heard, Weather};
use crate::login::{LOGIN, Login};
use crate::process::{Doing, Message, Process, Reply, Seat};
use crate::setting::setting;
use crate::store::{Sabotage, Store};
use crate::trace::Trace;
use crate::world::{Ending, Next, World, refresh_of};
use auth_core::FailureKind;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

const SECOND: u64 = 1_000;
const MINUTE: u64 = 60 * SECOND;
const HOUR: u64 = 60 * MINUTE;

/// By how much a clock may be wrong at first, either way.
const AHEAD: u64 = 5 * MINUTE;
/// By how much two clocks can come to differ in a run by running too fast: 400 millionths of ten days.
const DRIFT: u64 = 6 * MINUTE;

/// How long a store may take to answer before its caller takes it to be down.
const STORE_LIMIT: u64 = 5 * SECOND;
/// How long connecting may take, there and back.
const CONNECT_LIMIT: u64 = 5 * SECOND;
/// How long the API may take.
const API_LIMIT: u64 = 30 * SECOND;
/// How long the kind world lasts before every call has to succeed: longer than the longest rest of a session and the longest pause of a process.
const MENDING: u64 = 5 * HOUR;
/// How many happenings one run may have for each refresh that it is to reach: a run in which nothing is refreshed any more ends too.
const HAPPENINGS: u64 = 2_000;

/// What is to be run.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Order {
    pub(crate) seed: u64,
    pub(crate) refreshes: u64,
    pub(crate) sabotage: Sabotage,
    /// Whether a refresh token in doubt is sent again.
    pub(crate) resends: bool,
    /// Whether the last steps are kept as text.
    pub(crate) lines: bool,
}

/// What came of it.
#[derive(Default)]
pub(crate) struct Account {
    pub(crate) hash: u64,
    pub(crate) refreshes: u64,
    pub(crate) steps: u64,
    pub(crate) calls: u64,
    /// How long it took by the clock of the run, in milliseconds.
    pub(crate) lasted: u64,
    pub(crate) fates: [u64; Fate::COUNT],
    pub(crate) crashes: u64,
    pub(crate) pauses: u64,
    pub(crate) clocks_set: u64,
    pub(crate) callers_gone: u64,
    pub(crate) connected: u64,
    pub(crate) consents: [u64; Reason::ALL.len()],
    pub(crate) doubts: Doubts,
    pub(crate) kind: Option<Kind>,
    pub(crate) violation: Option<Violation>,
    pub(crate) lines: Vec<String>,
}

enum Event {
    /// A caller comes.
    Call(usize),
    /// Callers come to all processes at once.
    Storm,
    Poll(Seat, u32),
    /// A message arrives.
    Arrive(Seat, Box<Message>, Heard),
    Report(Seat, Box<Reply>),
    Start(usize),
    /// An operator ends a process, so that it reads its configuration again.
    Restart(usize),
    /// A person connects the account.
    Connect,
    /// Whoever logs in takes the next step.
    LogIn,
    Season,
}

struct Due {
    at: u64,
    order: u64,
    event: Event,
}

impl PartialEq for Due {
    fn eq(&self, other: &Self) -> bool {
        (self.at, self.order) == (other.at, other.order)
    }
}

impl Eq for Due {}

impl PartialOrd for Due {
    fn partial_cmp(&self, other: &Self) -> Option<std::cmp::Ordering> {
        Some(self.cmp(other))
    }
}

impl Ord for Due {
    fn cmp(&self, other: &Self) -> std::cmp::Ordering {
        (self.at, self.order).cmp(&(other.at, other.order))
    }
}

struct Run {
    world: World,
    dice: Dice,
    weather: Weather,
    queue: BinaryHeap<Reverse<Due>>,
    order: u64,
    account: Account,
    /// Between two calls of a process, in milliseconds.
    gap: u64,
    store_down_until: u64,
    unknown_client_until: u64,
    unavailable_until: u64,
    connecting: bool,
    /// Whether the person takes days, and calls come rarely meanwhile.
    takes_days: bool,
    login: Option<Login>,
    /// From then on every call has to succeed, and from then on no new one starts.
    mended_at: u64,
    over_at: u64,
}

/// Runs one seed to its end, or to its first violation.
pub(crate) fn run(order: &Order) -> Account {
    let mut run = Run::new(order);
    let violation = run.go(order.refreshes).err();
    let World { trace, time, calls, ledger, server, .. } = run.world;
    Account {
        hash: trace.hash(),
        steps: trace.steps,
        lasted: time,
        calls,
        consents: ledger.consents,
        doubts: ledger.doubts,
        kind: Some(server.rules.kind),
        refreshes: server.granted,
        violation,
        lines: trace.into_lines(),
        ..run.account
    }
}

impl Run {
    fn new(order: &Order) -> Self {
        let mut dice = Dice::new(order.seed);
        let setting = setting(dice.pick(&[0, 0, 1, 2]), order.resends);
        let one_at_a_time = dice.chance(3_000);
        // Two things are judged by the clocks of several machines, so these have to agree within half a minute: whether a reuse grace is over, and whether a
        // token that another process got has ended, where renewing it would end it.
        let agree = setting.grace > 0 || one_at_a_time || dice.chance(2_000);
        let mut weather = Weather::of(&mut dice);
        weather.clock *= u64::from(!agree);
        let lifetime = dice.pick(&[MINUTE, 10 * MINUTE, HOUR]);
        let kind = dice.pick(&[Kind::LosesBefore, Kind::LosesAfter, Kind::ReuseEnds, Kind::ReuseEnds]);
        let rules = Rules { kind, lifetime, grace: setting.grace, one_at_a_time, new_consent_revokes: dice.chance(5_000) };
        let signed =
            |dice: &mut Dice| i64::try_from(dice.between(0, 2 * AHEAD)).unwrap_or_default() - i64::try_from(AHEAD).unwrap_or_default();
        let date = (!agree && dice.chance(5_000)).then(|| signed(&mut dice));
        let store = Store::new(dice.chance(5_000), dice.chance(3_000), order.sabotage);
        let mut world = World::new(store, Server::new(rules), Trace::new(order.lines), date, setting);
        world.by_login = dice.chance(4_000);
        if !world.by_login {
            world.server.connect();
        }
        world.disagreement = if agree { 2 * AHEAD / 60 } else { 2 * AHEAD + DRIFT };
        world.shares_pauses = dice.chance(5_000);
        let (renews, reloadable) = (dice.chance(6_000), dice.chance(7_000));
        for _ in 0..dice.between(2, 5) {
            let (session, given) = world.session(reloadable);
            let ahead = signed(&mut dice) / if agree { 60 } else { 1 };
            let parts_per_million = if agree { 0 } else { i64::try_from(dice.between(0, 400)).unwrap_or_default() - 200 };
            let mut process = Process::new(session, Clock { ahead, parts_per_million, ..Clock::default() }, given);
            (process.reloadable, process.renews, process.connects) = (reloadable, renews, dice.chance(8_000));
            world.processes.push(process);
        }
        let gap = lifetime / dice.between(1, 3);
        // Where clocks run too fast, they would come to differ by more than the checks allow for.
        let takes_days = agree && dice.chance(2_000);
        let mut run = Self {
            world,
            dice,
            weather,
            queue: BinaryHeap::new(),
            order: 0,
            account: Account::default(),
            gap,
            store_down_until: 0,
            unknown_client_until: 0,
            unavailable_until: 0,
            connecting: false,
            takes_days,
            login: None,
            mended_at: u64::MAX,
            over_at: u64::MAX,
        };
        (0..run.world.processes.len()).for_each(|process| run.after(0, Event::Call(process)));
        run.after(lifetime, Event::Storm);
        run.after(lifetime, Event::Season);
        run
    }

    fn go(&mut self, refreshes: u64) -> Checked {
        while self.world.server.granted < refreshes && self.order < refreshes * HAPPENINGS {
            self.happen()?;
        }
        self.weather = Weather::KIND;
        (self.store_down_until, self.unknown_client_until, self.unavailable_until) = (0, 0, 0);
        self.mended_at = self.world.time + MENDING;
        self.over_at = self.mended_at + HOUR;
        self.takes_days = false;
        if self.connecting {
            self.after(MINUTE, Event::Connect);
        }
        self.gap = self.gap.max(10 * MINUTE);
        while self.world.time < self.over_at || self.world.processes.iter().any(|process| !process.callers.is_empty()) {
            self.happen()?;
        }
        self.check_the_end()
    }

    /// Each refresh token in the store is the live one of its consent, unless there is a reason why its successor is out of reach; and nobody holds a lease.
    fn check_the_end(&mut self) -> Checked {
        let World { store, server, ledger, time, .. } = &mut self.world;
        for entry in &store.entries {
            if let Some(stored) = entry.record.as_ref().and_then(refresh_of) {
                let consent = &server.consents[server.refresh[stored].family];
                let out_of_reach = consent.ended.is_some() || !ledger.excuses(stored).is_empty();
                check(out_of_reach || stored == consent.current, Invariant::NothingIsLost, || {
                    format!("refresh-{} is live, and the store ends with refresh-{stored}", consent.current)
                })?;
            }
            let held = entry.lease.filter(|held| *time < held.until);
            check(held.is_none(), Invariant::NoLeaseLeft, || format!("{:?} still holds the lease", held.map(|held| held.by)))?;
        }
        Ok(())
    }

    fn after(&mut self, span: u64, event: Event) {
        self.order += 1;
        self.queue.push(Reverse(Due { at: self.world.time + span, order: self.order, event }));
    }

    fn happen(&mut self) -> Checked {
        let Some(Reverse(due)) = self.queue.pop() else {
            return Err(Violation::new(Invariant::EveryCallEnds, "nothing will happen any more"));
        };
        self.world.time = due.at;
        let paused_until = match &due.event {
            Event::Poll(seat, _) | Event::Report(seat, _) => self.world.processes[seat.process].paused_until,
            Event::Call(process) => self.world.processes[*process].paused_until,
            _ => 0,
        };
        if paused_until > due.at {
            self.after(paused_until - due.at, due.event);
            return Ok(());
        }
        match due.event {
            Event::Call(process) => self.call_comes(process),
            Event::Storm => self.storm(),
            Event::Season => self.season(),
            // Somebody has connected it by now, or is about to.
            Event::Connect if !self.connecting || self.login.is_some() => {}
            Event::Connect if self.world.by_login => return self.begin_login(),
            Event::Connect => self.connect(),
            Event::LogIn => self.log_in(),
            Event::Restart(process) => {
                if self.world.processes[process].up {
                    self.world.crash(process);
                    self.after(SECOND, Event::Start(process));
                }
            }
            Event::Start(process) => {
                if !self.world.processes[process].up {
                    self.world.restart(process);
                }
            }
            Event::Poll(seat, turn) => return self.poll(seat, turn),
            Event::Arrive(seat, message, heard) => return self.arrive(seat, &message, heard),
            Event::Report(seat, reply) if seat.caller == LOGIN => {
                if let Some(login) = &mut self.login {
                    self.world.tell_login(login, *reply);
                    self.after(1, Event::LogIn);
                }
            }
            Event::Report(seat, reply) => {
                if self.mishap(seat) {
                    self.world.report(seat, *reply)?;
                    self.turn(seat);
                    self.wake(seat.process);
                }
            }
        }
        Ok(())
    }

    fn call_comes(&mut self, process: usize) {
        if self.world.time < self.over_at {
            let gap = if self.connecting && self.takes_days { HOUR / 3 } else { self.gap };
            let gap = self.dice.between(gap / 2, gap * 3 / 2);
            self.after(gap, Event::Call(process));
            self.start_callers(process);
        }
    }

    fn storm(&mut self) {
        if self.world.time < self.over_at {
            let gap = self.dice.between(self.gap, 10 * self.gap);
            self.after(gap, Event::Storm);
            (0..self.world.processes.len()).for_each(|process| self.start_callers(process));
        }
    }

    /// One to three calls, and the renewal that may be due.
    fn start_callers(&mut self, process: usize) {
        let Some(running) = self
            .world
            .processes
            .get(process)
            .filter(|process| process.up && process.paused_until <= self.world.time && process.callers.len() < 8)
        else {
            return;
        };
        if running.renews {
            let seed = self.dice.seed();
            if let Some(seat) = self.world.renewal(process, seed) {
                self.turn(seat);
            }
        }
        for _ in 0..self.dice.pick(&[1, 1, 1, 3]) {
            let hurried = self.weather.api > 0 && self.dice.chance(1_000);
            let (post, deadline) = (self.dice.chance(3_000), hurried.then(|| self.dice.spread(1, 90 * SECOND)));
            let seed = self.dice.seed();
            let seat = self.world.call(process, seed, post, deadline);
            self.turn(seat);
        }
        self.wake(process);
    }

    /// The caller polls next.
    fn turn(&mut self, seat: Seat) {
        let process = &self.world.processes[seat.process];
        if let Some(place) = process.place(seat) {
            let turn = process.callers[place].turn;
            let soon = self.dice.between(0, 2);
            self.after(soon, Event::Poll(seat, turn));
        }
    }

    /// Whoever sleeps in a process whose session changed looks again.
    fn wake(&mut self, process: usize) {
        let woken: Vec<Seat> = self.world.woken(process).collect();
        woken.into_iter().for_each(|seat| self.turn(seat));
    }

    fn poll(&mut self, seat: Seat, turn: u32) -> Checked {
        let process = &self.world.processes[seat.process];
        let Some(place) = process.place(seat) else { return Ok(()) };
        let caller = &process.callers[place];
        if caller.turn != turn || matches!(caller.doing, Doing::Expecting { .. }) || !self.mishap(seat) {
            return Ok(());
        }
        let began = self.world.processes[seat.process].callers[place].began;
        match self.world.poll(seat)? {
            None => {}
            Some(Next::Out(message)) => self.send(seat, message),
            Some(Next::Wait(millis)) => self.after(millis.min(HOUR) + 1, Event::Poll(seat, turn + 1)),
            Some(Next::Done(ending)) => self.done(seat, began, ending)?,
        }
        self.wake(seat.process);
        Ok(())
    }

    fn done(&mut self, seat: Seat, began: u64, ending: Ending) -> Checked {
        if let Some(release) = ending.release {
            self.send(seat, release);
        }
        let asked = ending.failure == Some(FailureKind::ConsentRequired);
        let latest = self.world.server.latest();
        let is_of_latest = ending.token.is_none_or(|token| self.world.server.refresh[token].family == latest);
        if asked && !self.connecting && is_of_latest {
            self.connecting = true;
            let soon = if self.takes_days { self.dice.between(HOUR, 120 * HOUR) } else { self.dice.spread(10 * SECOND, 30 * MINUTE) };
            self.after(soon, Event::Connect);
        }
        let mended = began >= self.mended_at && !ending.renewal;
        check(!mended || ending.failure.is_none(), Invariant::Recovery, || format!("{seat:?} ends with {:?}", ending.failure))
    }

    fn arrive(&mut self, seat: Seat, message: &Message, heard: Heard) -> Checked {
        // Who died while it was stopped has sent nothing.
        if matches!(heard, Heard::AfterStop(_)) && !self.world.processes[seat.process].is_alive(seat) {
            return Ok(());
        }
        let reply = self.world.arrive(seat, message, heard)?;
        if let Some(span) = heard.after() {
            self.after(span, Event::Report(seat, Box::new(reply)));
        }
        self.mishap(seat);
        Ok(())
    }
}
