//! Two processes, one call each, and every order in which their messages can take effect; in each order one crash at every point, one fault of
//! every kind at every message, and one lease that runs out under its holder.
//!
//! What need not be tried, because it leads to nothing else: a reply is heard at once unless its lateness is the fault that is tried, and the API is called at
//! once, because neither changes anything outside its process; a busy lease is looked at again when it is free; and where two orders have led to the same state,
//! only one of them goes on. A state is what store, server and checks hold, and all that each process was told, without the time of day.

use crate::arrival::answer;
use crate::checks::{Checked, Invariant, Violation, check};
use crate::dice::Clock;
use crate::endpoint::{Kind, Rules, Server};
use crate::faults::{Fate, Heard, LATEST};
use crate::process::{Doing, Message, Process, Reply, Seat};
use crate::setting::setting;
use crate::store::{Sabotage, Store};
use crate::trace::Trace;
use crate::world::{Next, World, refresh_of};
use auth_core::{Claimed, FailureKind};
use std::collections::HashSet;
use std::hash::{DefaultHasher, Hash as _, Hasher as _};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

const HOUR: u64 = 3_600_000;
/// How long a step takes, in milliseconds: short beside every rest and lease.
const STEP: u64 = 5;
/// From how many milliseconds on a sleep counts as long: nothing else takes as long, so a long sleep ends only when nothing else can happen.
const LONG: u64 = 30_000;
/// How many choices a run can have: more would be a circle.
const LONGEST: usize = 400;

/// What is tried in each order.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Tried {
    /// Whether the store holds a record from before, whose access token has ended.
    pub(crate) stored: bool,
    /// Whether the provider grants a reuse.
    pub(crate) grace: bool,
    /// Whether a refresh token in doubt is sent again.
    pub(crate) resends: bool,
    /// Whether the store can prove that a holder has died.
    pub(crate) proves: bool,
    /// Whether one process crashes, at every point.
    pub(crate) crash: bool,
    /// What happens to one message, to each in turn.
    pub(crate) fate: Option<Fate>,
    /// Whether one lease runs out under its holder, at every point.
    pub(crate) lapse: bool,
    pub(crate) sabotage: Sabotage,
}

/// The choices of one run: those to be repeated, then always the first.
#[derive(Default)]
struct Choices {
    taken: Vec<(usize, usize)>,
    at: usize,
}

impl Choices {
    fn of(&mut self, count: usize) -> usize {
        if self.at == self.taken.len() {
            self.taken.push((0, count));
        }
        self.at += 1;
        self.taken[self.at - 1].0
    }

    /// Whether the run is where no run was before it.
    fn is_new(&self) -> bool {
        self.at == self.taken.len()
    }

    /// Moves on to the next run, depth first; `false` if there is none.
    fn next(&mut self) -> bool {
        while let Some((choice, count)) = self.taken.pop() {
            if choice + 1 < count {
                self.taken.push((choice + 1, count));
                return true;
            }
        }
        false
    }
}

/// What can happen next.
#[derive(Clone, Copy, Debug)]
enum Can {
    /// A process takes its next step, perhaps after a sleep until then.
    Go(usize, u64),
    /// It hears a late reply.
    Hear(usize),
    /// It starts again.
    Start(usize),
    /// A message arrives late.
    Arrive,
    /// A process that was stopped goes on, and its message leaves.
    Leave,
    /// Time passes until the lease is over.
    Lapse,
}

/// How much was tried.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Explored {
    /// Runs, each with another order, crash or fault.
    pub(crate) runs: u64,
    /// The states in which it could go on in more than one way.
    pub(crate) states: usize,
}

/// Tries every run. How many there were, or the first that broke something, with its steps.
pub(crate) fn explore(tried: &Tried) -> Result<Explored, (Violation, Vec<String>)> {
    let mut choices = Choices::default();
    let mut seen = HashSet::new();
    let mut runs = 0;
    loop {
        runs += 1;
        choices.at = 0;
        if let Err(violation) = Run::new(tried, false).go(&mut choices, &mut seen) {
            choices.at = 0;
            let mut again = Run::new(tried, true);
            let _same = again.go(&mut choices, &mut HashSet::new());
            return Err((violation, again.world.trace.into_lines()));
        }
        if !choices.next() {
            return Ok(Explored { runs, states: seen.len() });
        }
    }
}

/// The same for many, on all processors. Prints what each came to; panics at the first that breaks something.
pub(crate) fn explore_all(all: &[Tried]) -> Explored {
    let next = AtomicUsize::new(0);
    let sum = Mutex::new(Explored::default());
    let work = || {
        while let Some(tried) = all.get(next.fetch_add(1, Ordering::Relaxed)) {
            match explore(tried) {
                Ok(explored) => {
                    println!("{:>9} runs, {:>8} states: {tried:?}", explored.runs, explored.states);
                    let mut sum = sum.lock().expect("no thread panics while it adds");
                    (sum.runs, sum.states) = (sum.runs + explored.runs, sum.states + explored.states);
                }
                Err((violation, lines)) => {
                    panic!("{}\n{tried:?} broke \"{}\": {}", lines.join("\n"), violation.invariant, violation.what)
                }
            }
        }
    };
    let threads = std::thread::available_parallelism().map_or(2, usize::from);
    std::thread::scope(|scope| (0..threads).for_each(|_| drop(scope.spawn(work))));
    sum.into_inner().expect("no thread panics while it adds")
}

struct Run {
    world: World,
    tried: Tried,
    seats: [Seat; 2],
    /// When a process that sleeps wakes up, and whether it sleeps because the lease is held.
    wakes: [Option<(u64, bool)>; 2],
    /// Whether the last thing it heard was that somebody else holds the lease.
    busy: [bool; 2],
    late: [Option<Reply>; 2],
    delayed: Option<(Seat, Message)>,
    /// The message of a process that was stopped before it left.
    stopped: Option<(Seat, Message)>,
    calls: u64,
}

impl Run {
    fn new(tried: &Tried, lines: bool) -> Self {
        let setting = setting(usize::from(tried.grace), tried.resends);
        let rules = Rules { kind: Kind::ReuseEnds, lifetime: HOUR, grace: setting.grace, one_at_a_time: false, new_consent_revokes: false };
        let mut world = World::new(Store::new(false, tried.proves, tried.sabotage), Server::new(rules), Trace::new(lines), None, setting);
        world.server.connect();
        for _ in 0..2 {
            let (session, given) = world.session(false);
            let mut process = Process::new(session, Clock::default(), given);
            (process.reloadable, process.renews) = (false, false);
            world.processes.push(process);
        }
        let nowhere = Seat { process: 0, life: 0, caller: 0 };
        Self {
            world,
            tried: *tried,
            seats: [nowhere; 2],
            wakes: [None; 2],
            busy: [false; 2],
            late: [None, None],
            delayed: None,
            stopped: None,
            calls: 0,
        }
    }

    fn go(&mut self, choices: &mut Choices, seen: &mut HashSet<u64>) -> Checked {
        if self.tried.stored {
            self.call_alone(0)?;
            self.world.time += 2 * HOUR;
        }
        (0..2).for_each(|process| self.call(process));
        loop {
            let can = self.can();
            if can.is_empty() {
                break;
            }
            if can.len() > 1 && choices.is_new() && !seen.insert(self.state()) {
                return Ok(());
            }
            let can = if can.len() > 1 { can[choices.of(can.len())] } else { can[0] };
            check(choices.at < LONGEST, Invariant::EveryCallEnds, || "a run goes round in circles".into())?;
            self.world.time += STEP;
            self.happen(can, choices)?;
        }
        // The world is kind from now on. What was lost is lost, but nobody gets stuck and nothing more breaks.
        self.tried = Tried { crash: false, fate: None, lapse: false, ..self.tried };
        for _ in 0..2 {
            self.world.time += 2 * HOUR;
            (0..2).try_for_each(|process| self.call_alone(process))?;
        }
        self.check_the_end()
    }

    fn check_the_end(&mut self) -> Checked {
        let World { store, server, ledger, .. } = &mut self.world;
        for entry in &store.entries {
            let Some(stored) = entry.record.as_ref().and_then(refresh_of) else { continue };
            let current = server.consents[server.refresh[stored].family].current;
            check(stored == current || !ledger.excuses(stored).is_empty(), Invariant::NothingIsLost, || {
                format!("refresh-{current} is live, and the store ends with refresh-{stored}")
            })?;
        }
        Ok(())
    }

    fn call(&mut self, process: usize) {
        self.calls += 1;
        // The same dice in every order.
        let seed = 1_000 * process as u64 + 10 * u64::from(self.world.processes[process].life) + u64::from(self.calls > 3);
        self.seats[process] = self.world.call(process, seed, false, None);
        self.wakes[process] = None;
    }

    /// A call while nobody else does anything: it succeeds, or a person has to be asked.
    fn call_alone(&mut self, process: usize) -> Checked {
        self.call(process);
        for _ in 0..200 {
            let wakes = self.wakes[process].take().map_or(0, |(at, _)| at);
            self.world.time = wakes.max(self.world.time) + STEP;
            match self.step(process, &mut Choices::default())? {
                Some(None | Some(FailureKind::ConsentRequired)) => return Ok(()),
                Some(Some(other)) => return Err(Violation::new(Invariant::Recovery, format!("process {process} ends with {other:?}"))),
                None => {}
            }
        }
        Err(Violation::new(Invariant::EveryCallEnds, format!("process {process} does not come to an end")))
    }

    /// What can happen next.
    fn can(&self) -> Vec<Can> {
        let mut can = Vec::with_capacity(8);
        let held = self.world.store.entries.first().and_then(|entry| entry.lease).filter(|held| self.world.time < held.until);
        let mut sleeps_on_the_lease = false;
        let mut sleeps_long = None;
        for process in 0..2 {
            let running = &self.world.processes[process];
            if !running.up {
                can.push(Can::Start(process));
            } else if self.late[process].is_some() {
                can.push(Can::Hear(process));
            } else if self.stopped.as_ref().is_some_and(|(seat, _)| seat.process == process) {
                can.push(Can::Leave);
            } else if running.place(self.seats[process]).is_some() {
                match self.wakes[process] {
                    Some((_, true)) if held.is_some() => sleeps_on_the_lease = true,
                    Some((at, _)) if at > self.world.time + LONG => {
                        sleeps_long = sleeps_long.min(Some((at, process))).or(Some((at, process)));
                    }
                    wakes => can.push(Can::Go(process, wakes.map_or(0, |(at, _)| at))),
                }
            }
        }
        if self.delayed.is_some() {
            can.push(Can::Arrive);
        }
        if held.is_some() && (self.tried.lapse || (can.iter().all(|can| matches!(can, Can::Leave)) && sleeps_on_the_lease)) {
            can.push(Can::Lapse);
        }
        // Who was stopped may sleep for longer than anybody else.
        let is_idle = can.iter().all(|can| matches!(can, Can::Leave));
        if let (true, Some((at, process))) = (is_idle, sleeps_long) {
            can.push(Can::Go(process, at));
        }
        can
    }

    /// All that the rest of the run depends on, as one number.
    fn state(&self) -> u64 {
        let mut hash = DefaultHasher::new();
        let entry = self.world.store.entries.first();
        entry.and_then(|entry| entry.lease).map(|held| (held.owner, self.world.time < held.until, held.excused)).hash(&mut hash);
        let record = entry.and_then(|entry| entry.record.as_ref());
        record.map(|record| (record.generation, refresh_of(record), record.spending.map(|spending| spending.mark))).hash(&mut hash);
        let watched =
            |process: &Process| process.watched.map(|watched| (watched.mark, self.world.time - watched.since > LONG, watched.is_proven));
        self.world.processes.iter().for_each(|process| watched(process).hash(&mut hash));
        (self.world.server.granted, self.world.server.refresh.len()).hash(&mut hash);
        self.world.server.consents.iter().for_each(|consent| consent.ended.is_some().hash(&mut hash));
        self.world.ledger.hash(&mut hash);
        for process in 0..2 {
            let running = &self.world.processes[process];
            (running.up, running.life, running.told, self.late[process].is_some()).hash(&mut hash);
            self.wakes[process].map(|(_, on_the_lease)| on_the_lease).hash(&mut hash);
            for caller in &running.callers {
                (caller.troubled, caller.spending.map(|spending| (spending.token, spending.written))).hash(&mut hash);
            }
        }
        (self.delayed.is_some(), self.stopped.is_some(), self.tried.crash, self.tried.lapse, self.tried.fate.map(|fate| fate as u8))
            .hash(&mut hash);
        hash.finish()
    }

    fn happen(&mut self, can: Can, choices: &mut Choices) -> Checked {
        match can {
            Can::Go(process, at) => {
                self.wakes[process] = None;
                self.world.time = self.world.time.max(at);
                self.step(process, choices).map(|_| ())
            }
            Can::Hear(process) => match self.late[process].take() {
                Some(reply) => self.world.report(self.seats[process], reply),
                None => Ok(()),
            },
            Can::Start(process) => {
                self.world.restart(process);
                self.call(process);
                Ok(())
            }
            Can::Arrive => match self.delayed.take() {
                Some((seat, message)) => self.world.arrive(seat, &message, Heard::TooLate).map(|_| ()),
                None => Ok(()),
            },
            Can::Leave => match self.stopped.take() {
                Some((seat, message)) => {
                    let reply = self.world.arrive(seat, &message, Heard::AfterStop(Some(0)))?;
                    self.world.report(seat, reply)
                }
                None => Ok(()),
            },
            Can::Lapse => {
                self.tried.lapse = false;
                self.lapse();
                Ok(())
            }
        }
    }

    /// Time passes until the lease is over: whoever holds it was held up.
    fn lapse(&mut self) {
        let Some(held) = self.world.store.entries[0].lease else { return };
        let span = held.until.saturating_sub(self.world.time) + 1;
        self.world.time += span;
        for process in &mut self.world.processes {
            for caller in &mut process.callers {
                (caller.patience, caller.troubled) = (caller.patience + span, true);
            }
        }
    }

    /// A process polls, and what it is told to do is done; once more, as long as that concerns nobody else. If its call ends, how.
    fn step(&mut self, process: usize, choices: &mut Choices) -> Checked<Option<Option<FailureKind>>> {
        let seat = self.seats[process];
        loop {
            match self.world.poll(seat)? {
                None => return Ok(None),
                Some(Next::Wait(millis)) => {
                    self.wakes[process] = Some((self.world.time + millis + 1, self.busy[process]));
                    return Ok(None);
                }
                Some(Next::Done(ending)) => {
                    if let Some(release) = ending.release {
                        self.world.arrive(seat, &release, Heard::After(0))?;
                    }
                    return Ok(Some(ending.failure));
                }
                Some(Next::Out(message)) => {
                    let concerns_others = !matches!(message, Message::Send { .. } | Message::Connect);
                    self.send(seat, message, choices)?;
                    if concerns_others || self.late[process].is_some() || self.stopped.is_some() {
                        return Ok(None);
                    }
                }
            }
        }
    }

    fn send(&mut self, seat: Seat, message: Message, choices: &mut Choices) -> Checked {
        let can_meet = |fate: &Fate| Fate::of(&message).contains(fate) || *fate == Fate::Late;
        let fate = self.tried.fate.filter(can_meet);
        // In this order: all is well; a crash before it is sent; a crash after it took effect; the fault.
        let (crashes, faults) = (2 * usize::from(self.tried.crash), usize::from(fate.is_some()));
        let choice = if crashes + faults > 0 { choices.of(1 + crashes + faults) } else { 0 };
        if choice == 0 {
            let reply = self.world.arrive(seat, &message, Heard::After(0))?;
            self.busy[seat.process] = matches!(reply, Reply::Claimed(Claimed::Busy));
            return self.world.report(seat, reply);
        }
        if choice <= crashes {
            self.tried.crash = false;
            if choice == 2 {
                self.world.arrive(seat, &message, Heard::ByNobody)?;
            }
            self.world.crash(seat.process);
            return Ok(());
        }
        let fate = self.tried.fate.take().unwrap_or(Fate::Fine);
        self.world.meet(seat, &message, fate);
        let reply = match fate {
            Fate::Fine | Fate::Refused => self.world.arrive(seat, &message, Heard::After(0))?,
            Fate::Late => {
                self.late[seat.process] = Some(self.world.arrive(seat, &message, Heard::After(0))?);
                self.hold_up(seat);
                return Ok(());
            }
            Fate::Stopped => {
                self.hold_up(seat);
                self.stopped = Some((seat, message));
                return Ok(());
            }
            Fate::NotSent | Fate::Down | Fate::Lost => message.lost(fate),
            Fate::Unheard | Fate::BadGateway => {
                self.world.arrive(seat, &message, Heard::ByNobody)?;
                if fate == Fate::Unheard { message.lost(fate) } else { answer(502, Vec::new(), String::new(), None) }
            }
            Fate::Delayed => {
                let lost = message.lost(fate);
                self.delayed = Some((seat, message));
                lost
            }
            Fate::InvalidClient => answer(401, Vec::new(), r#"{"error":"invalid_client"}"#.into(), None),
            Fate::TooMany => answer(429, vec![("retry-after", "5".into())], String::new(), None),
            Fate::Unavailable => answer(503, Vec::new(), String::new(), None),
        };
        self.world.report(seat, reply)
    }

    /// A caller whose reply is late may live longer, and its lease may run out.
    fn hold_up(&mut self, seat: Seat) {
        if let Some(place) = self.world.processes[seat.process].place(seat) {
            let caller = self.world.caller(seat.process, place);
            (caller.patience, caller.troubled) = (caller.patience + LATEST, true);
            debug_assert!(matches!(caller.doing, Doing::Expecting { .. }));
        }
    }
}
