//! Many exchanges on one session, interleaved at random with failures, cancellations and clock jumps: the invariants hold after every step.

mod support;

use auth_core::{Call, Claimed, ConnectOutcome, Exchange, Outcome, Record, Saved, Step, Transport, Unanswered, UnixTime};
use proptest::prelude::*;
use std::collections::HashSet;
use std::time::Duration;
use support::{Scenario, failure, rotated, sent_value, token};

/// How long the right to a token lasts: a token request's timeout of 30 seconds, and 15 more.
const LEASE: Duration = Duration::from_secs(45);

/// What the world does next.
#[derive(Clone, Debug)]
enum Event {
    /// A caller starts, with a deadline in seconds.
    Call { post: bool, deadline: u64 },
    /// An exchange is polled and its step obeyed, with this luck.
    Drive { which: usize, luck: u8 },
    /// A caller goes away.
    Cancel { which: usize },
    /// Time passes, or a suspended machine wakes up.
    Advance { millis: u64 },
    /// The shell's clock goes back.
    Back { millis: u64 },
    /// The server forgets its tokens.
    Revoke,
}

fn event() -> impl Strategy<Value = Event> {
    prop_oneof![
        2 => (any::<bool>(), 0_u64..200).prop_map(|(post, deadline)| Event::Call { post, deadline }),
        12 => (any::<usize>(), any::<u8>()).prop_map(|(which, luck)| Event::Drive { which, luck }),
        1 => any::<usize>().prop_map(|which| Event::Cancel { which }),
        2 => (0_u64..5_000).prop_map(|millis| Event::Advance { millis }),
        1 => (0_u64..7_200_000).prop_map(|millis| Event::Advance { millis }),
        1 => (0_u64..100_000).prop_map(|millis| Event::Back { millis }),
        1 => Just(Event::Revoke),
    ]
}

/// What an exchange was told to do and has not reported.
#[derive(Debug)]
enum Owed {
    Connect,
    Claim { owner: u64 },
    Save { record: Box<Record>, replaces: u64, owner: Option<u64> },
    Fetch { refresh_token: Option<String>, since: UnixTime },
    Send { value: String, post: bool },
}

struct Caller {
    exchange: Exchange,
    owed: Option<Owed>,
    post: bool,
    /// Whether a POST of this caller may have been processed.
    processed: bool,
    renewal: bool,
}

/// The server, the store and all callers.
struct World {
    scenario: Scenario,
    callers: Vec<Caller>,
    rotating: bool,
    minted: u64,
    valid: HashSet<String>,
    spent: HashSet<String>,
    lease: Option<(u64, UnixTime)>,
    /// The latest time that the session was told.
    latest: UnixTime,
}

impl World {
    fn new(rotating: bool) -> Self {
        let scenario = if rotating { Scenario::refresh_token() } else { Scenario::client_credentials() };
        Self {
            scenario,
            callers: Vec::new(),
            rotating,
            minted: 0,
            valid: HashSet::new(),
            spent: HashSet::new(),
            lease: None,
            latest: UnixTime::default(),
        }
    }

    fn happen(&mut self, event: &Event) {
        match *event {
            Event::Call { post, deadline } if self.callers.len() < 8 => {
                let method = if post { "POST" } else { "GET" };
                let until = self.scenario.now.after(Duration::from_secs(deadline));
                let call = Call::new(&self.scenario.connection, method, "/v1/tasks").unwrap().deadline(until);
                let exchange = self.scenario.exchange(call);
                self.callers.push(Caller { exchange, owed: None, post, processed: false, renewal: false });
            }
            Event::Drive { which, luck } if !self.callers.is_empty() => {
                let index = which % self.callers.len();
                self.drive(index, luck);
            }
            Event::Cancel { which } if !self.callers.is_empty() => {
                self.leave(which % self.callers.len());
            }
            Event::Advance { millis } => self.scenario.advance(Duration::from_millis(millis)),
            Event::Back { millis } => self.scenario.now = self.scenario.now.before(Duration::from_millis(millis)),
            Event::Revoke => self.valid.clear(),
            _ => {}
        }
    }

    /// Reports what is owed, or polls.
    fn drive(&mut self, index: usize, luck: u8) {
        self.latest = self.latest.max(self.scenario.now);
        let Some(owed) = self.callers[index].owed.take() else { return self.poll(index) };
        let now = self.scenario.now;
        let Self { scenario, callers, lease, latest, .. } = self;
        let caller = &mut callers[index];
        match owed {
            Owed::Claim { owner } => {
                let claimed = match luck % 8 {
                    0 => Claimed::Busy,
                    1 => Claimed::Down("down".into()),
                    _ if lease.is_some_and(|(holder, until)| holder != owner && *latest < until) => Claimed::Busy,
                    _ => {
                        *lease = Some((owner, latest.after(LEASE)));
                        Claimed::Granted(scenario.stored.clone())
                    }
                };
                caller.exchange.handle_claimed(&mut scenario.session, now, claimed);
            }
            Owed::Save { record, replaces, owner } => {
                let stored = scenario.stored.as_ref().map_or(0, |record| record.generation);
                let saved = match luck % 8 {
                    0 => Saved::Down("down".into()),
                    1 => Saved::Superseded,
                    _ if stored != replaces || lease.map(|(holder, _)| holder) != owner => Saved::Superseded,
                    _ => {
                        scenario.stored = Some(*record);
                        Saved::Durable
                    }
                };
                caller.exchange.handle_saved(&mut scenario.session, now, saved);
            }
            Owed::Connect => {
                let lost = Transport { how: Unanswered::NotSent, what: "no connection".into(), advice: String::new() };
                let outcome = match luck % 8 {
                    0 => ConnectOutcome::Failed(lost),
                    1 => ConnectOutcome::NotSupported,
                    _ => ConnectOutcome::Connected,
                };
                caller.exchange.handle_connected(&mut scenario.session, now, outcome);
            }
            Owed::Fetch { refresh_token, .. } => self.answer_fetch(index, refresh_token, luck),
            Owed::Send { value, post } => self.answer_send(index, &value, post, luck),
        }
    }

    fn answer_fetch(&mut self, index: usize, refresh_token: Option<String>, luck: u8) {
        // The server acts, unless the connection is never made or it says so.
        let refused = refresh_token.as_ref().is_some_and(|token| self.spent.contains(token));
        let acted = luck % 8 >= 3;
        if acted && !refused {
            self.minted += 1;
            self.valid.insert(format!("token-{}", self.minted));
            if let Some(token) = refresh_token.filter(|_| self.rotating) {
                assert!(self.spent.insert(token), "a single-use refresh token was spent twice");
            }
        }
        let Self { scenario, callers, .. } = self;
        let caller = &mut callers[index];
        match luck % 8 {
            0 => scenario.lose(&mut caller.exchange, true),
            1 => scenario.respond(&mut caller.exchange, 429, &[("retry-after", "3")], ""),
            2 => scenario.respond(&mut caller.exchange, 401, &[], r#"{"error":"invalid_client"}"#),
            3 => scenario.lose(&mut caller.exchange, false),
            4 => scenario.respond(&mut caller.exchange, 502, &[], "<html>"),
            _ if refused => scenario.respond(&mut caller.exchange, 400, &[], r#"{"error":"invalid_grant"}"#),
            _ if self.rotating => scenario.respond(
                &mut caller.exchange,
                200,
                &[],
                &rotated(&format!("token-{}", self.minted), &format!("refresh-{}", self.minted + 1)),
            ),
            _ => scenario.respond(&mut caller.exchange, 200, &[], &token(&format!("token-{}", self.minted), 3_600)),
        }
    }

    fn answer_send(&mut self, index: usize, value: &str, post: bool, luck: u8) {
        let known = self.valid.contains(value.trim_start_matches("Bearer "));
        let Self { scenario, callers, .. } = self;
        let caller = &mut callers[index];
        match luck % 8 {
            0 => scenario.lose(&mut caller.exchange, true),
            1 => scenario.respond(&mut caller.exchange, 429, &[("retry-after", "2")], ""),
            _ if !known => scenario.respond(&mut caller.exchange, 401, &[], ""),
            2 => {
                caller.processed |= post;
                scenario.lose(&mut caller.exchange, false);
            }
            3 => {
                caller.processed |= post;
                scenario.respond(&mut caller.exchange, 503, &[], "");
            }
            4 => scenario.respond(&mut caller.exchange, 403, &[], "{}"),
            _ => {
                caller.processed |= post;
                scenario.respond(&mut caller.exchange, 200, &[], "");
            }
        }
    }

    fn poll(&mut self, index: usize) {
        // Sometimes the shell drives renewals beside the callers.
        let seed = self.scenario.seed();
        if index.is_multiple_of(2)
            && let Some(exchange) = self.scenario.session.begin_renewal(self.scenario.now, seed)
        {
            self.callers.push(Caller { exchange, owed: None, post: false, processed: false, renewal: true });
        }
        let caller = &mut self.callers[index];
        let step = caller.exchange.poll(&mut self.scenario.session, self.scenario.now);
        self.check(index, &step);
        let owed = match step {
            Step::Claim(claim) => Some(Owed::Claim { owner: claim.owner }),
            Step::Save(save) => {
                Some(Owed::Save { record: Box::new(save.record), replaces: save.replaces, owner: save.lease.map(|lease| lease.owner) })
            }
            Step::Fetch(request) => {
                let form = request.body.as_ref().map_or("", |body| body.expose());
                let refresh_token = form.split('&').find_map(|pair| pair.strip_prefix("refresh_token=")).map(Into::into);
                Some(Owed::Fetch { refresh_token, since: self.latest })
            }
            Step::Send(send) => Some(Owed::Send { value: sent_value(&send).into(), post: self.callers[index].post }),
            Step::Release(given_back) => {
                self.release(given_back.owner);
                None
            }
            Step::Wait(_) | Step::Load | Step::Look | Step::Pause(_) => None,
            Step::Connect(_) => Some(Owed::Connect),
            Step::Done(_) => return self.leave(index),
        };
        self.callers[index].owed = owed;
    }

    fn leave(&mut self, index: usize) {
        let mut caller = self.callers.swap_remove(index);
        if let Some(lease) = caller.exchange.abandon(&mut self.scenario.session) {
            self.release(lease.owner);
        }
    }

    /// Whether a token request carries a refresh token that the server has exchanged already.
    fn is_spent(&self, request: &auth_core::TokenRequest) -> bool {
        let form = request.body.as_ref().map_or("", |body| body.expose());
        let sent = form.split('&').find_map(|pair| pair.strip_prefix("refresh_token="));
        self.rotating && sent.is_some_and(|token| self.spent.contains(token))
    }

    /// Whether the record says that its refresh token is sent again: as one in doubt, or as one that was
    /// refused, which has nothing to lose and is probed once an hour.
    fn may_send_again(&self) -> bool {
        self.scenario
            .stored
            .as_ref()
            .is_some_and(|record| record.refusal.is_some() || record.spending.is_some_and(|spending| spending.attempt > 1))
    }

    fn release(&mut self, owner: u64) {
        if self.lease.is_some_and(|(holder, _)| holder == owner) {
            self.lease = None;
        }
    }

    /// What must hold after every step.
    fn check(&self, index: usize, step: &Step) {
        let caller = &self.callers[index];
        match step {
            Step::Fetch(request) => {
                if self.is_spent(request) {
                    assert!(
                        self.may_send_again(),
                        "a refresh token that may be spent is sent, and the journal does not say that it is sent again"
                    );
                    let held = self.scenario.session.fresh_at(self.latest);
                    assert!(held.is_none(), "a refresh token that may be spent is sent while an access token is valid");
                }
                let others = self.callers.iter().enumerate().filter(|(other, _)| *other != index);
                let in_flight = others
                    .filter(|(_, other)| matches!(other.owed, Some(Owed::Fetch { since, .. }) if self.latest.since(since) < LEASE))
                    .count();
                assert_eq!(in_flight, 0, "invariant 3: two fetches in flight");
            }
            Step::Send(send) => {
                assert!(!caller.renewal);
                assert!(!(caller.post && caller.processed), "invariant 6: a POST that may have been processed was sent again");
                if self.rotating {
                    let stored = self.scenario.stored.as_ref().and_then(|record| record.access_token.as_ref());
                    let generation = send.authorization.as_ref().unwrap().generation();
                    let durable = self.scenario.stored.as_ref().is_some_and(|record| record.generation >= generation);
                    assert!(durable, "invariant 4: a token was used before its refresh token was durable: {stored:?}");
                }
            }
            Step::Wait(until) => assert!(*until > self.latest, "a wait that is over before it begins"),
            Step::Done(Outcome::Failed(reason)) => assert_ne!(reason.kind(), auth_core::FailureKind::Misuse, "{reason}"),
            _ => {}
        }
    }

    /// The world is kind from now on: every caller comes to an end, and a new call succeeds, unless the server refuses a refresh token that was in doubt.
    fn recover(mut self) {
        // A clock that went back has caught up.
        self.scenario.now = self.latest.max(self.scenario.now);
        for _ in 0..600 {
            if self.callers.is_empty() {
                break;
            }
            for index in (0..self.callers.len()).rev() {
                if index < self.callers.len() {
                    self.drive(index, 7);
                }
            }
            self.scenario.advance(Duration::from_millis(500));
        }
        assert!(self.callers.is_empty(), "a caller never came to an end");
        self.scenario.now = self.latest.max(self.scenario.now).after(Duration::from_hours(2));
        let mut exchange = self.scenario.call("GET", "/v1/tasks");
        for _ in 0..50 {
            match self.scenario.next(&mut exchange) {
                Step::Fetch(request) => {
                    if self.is_spent(&request) {
                        assert!(self.may_send_again(), "a refresh token that may be spent was sent, and not as one in doubt");
                        self.scenario.respond(&mut exchange, 400, &[], r#"{"error":"invalid_grant"}"#);
                        continue;
                    }
                    let body = if self.rotating { rotated("token-last", "refresh-last") } else { token("token-last", 3_600) };
                    self.scenario.respond(&mut exchange, 200, &[], &body);
                }
                Step::Send(_) => self.scenario.respond(&mut exchange, 200, &[], ""),
                Step::Wait(until) => self.scenario.now = until,
                Step::Done(Outcome::Answered(None)) => return,
                Step::Done(outcome) => {
                    assert!(self.rotating && failure(&outcome).kind() == auth_core::FailureKind::ConsentRequired, "{outcome:?}");
                    return;
                }
                other => panic!("{other:?}"),
            }
        }
        panic!("the session did not recover");
    }
}

fn run(rotating: bool, events: &[Event]) {
    let mut world = World::new(rotating);
    for event in events {
        world.happen(event);
    }
    world.recover();
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 2_000, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn client_credentials_keep_every_invariant(events in prop::collection::vec(event(), 1..200)) {
        run(false, &events);
    }

    #[test]
    fn rotating_refresh_tokens_keep_every_invariant(events in prop::collection::vec(event(), 1..200)) {
        run(true, &events);
    }
}
