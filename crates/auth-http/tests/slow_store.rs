//! A store that takes its time, or never answers: no call waits for it longer than it likes, and no
//! token is lost.

mod support;

use auth_http::core::{Claim, Claimed, Lease, Record, Save, Saved, SharedPause};
use auth_http::{Client, ClientBuilder, Error, FailureKind, MemoryStore, Next, Processed, TokenStore};
use auth_sandbox::{Sandbox, Service};
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};
use support::{finora, numeric, refreshing, requests, sandbox, token_requests};

const NOTHING: Duration = Duration::ZERO;
/// Longer than any test lasts.
const FROZEN: Duration = Duration::from_mins(10);

/// What a store is asked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Asked {
    Look,
    Claim,
    Journal,
    Save,
    Release,
    Pause,
}

const ALL: [Asked; 6] = [Asked::Look, Asked::Claim, Asked::Journal, Asked::Save, Asked::Release, Asked::Pause];

/// A store in memory whose steps take as long as they are told to.
#[derive(Default)]
struct Slow {
    within: MemoryStore,
    takes: Mutex<Vec<(Asked, Duration)>>,
    began: Mutex<Vec<Asked>>,
    looks: AtomicU32,
}

impl Slow {
    fn new(takes: &[(Asked, Duration)]) -> Arc<Self> {
        let store = Self::default();
        *store.takes.lock().unwrap() = takes.to_vec();
        Arc::new(store)
    }

    fn set(&self, takes: &[(Asked, Duration)]) {
        *self.takes.lock().unwrap() = takes.to_vec();
    }

    fn step(&self, asked: Asked) {
        self.began.lock().unwrap().push(asked);
        let takes = self.takes.lock().unwrap().iter().find(|(of, _)| *of == asked).map_or(NOTHING, |(_, span)| *span);
        std::thread::sleep(takes);
    }

    fn has_begun(&self, asked: Asked) -> bool {
        self.began.lock().unwrap().contains(&asked)
    }
}

impl TokenStore for Slow {
    fn claim(&self, id: &str, claim: &Claim) -> Claimed {
        self.step(Asked::Claim);
        self.within.claim(id, claim)
    }

    fn load(&self, id: &str) -> Result<Option<Record>, String> {
        self.within.load(id)
    }

    fn save(&self, id: &str, save: &Save) -> Saved {
        self.step(if save.record.spending.is_some() { Asked::Journal } else { Asked::Save });
        self.within.save(id, save)
    }

    fn release(&self, id: &str, lease: &Lease) {
        self.step(Asked::Release);
        self.within.release(id, lease);
    }

    fn shares_pauses(&self) -> bool {
        true
    }

    fn pause(&self, _: &str, _: &SharedPause) {
        self.step(Asked::Pause);
    }

    fn paused(&self, _: &str) -> Option<SharedPause> {
        self.looks.fetch_add(1, Ordering::Relaxed);
        self.step(Asked::Look);
        None
    }
}

fn by_key(sandbox: &Sandbox, store: &Arc<Slow>) -> Client {
    finora(sandbox).store(Arc::<Slow>::clone(store)).build().unwrap()
}

/// How long a call took, which has to succeed.
fn fetched(client: &Client) -> Duration {
    let start = Instant::now();
    assert_eq!(client.get("/v1/invoices").deadline(Duration::from_secs(6)).send().unwrap().status(), 200);
    start.elapsed()
}

#[test]
fn one_look_a_call_however_long_it_takes_and_only_the_first_is_waited_for() {
    for millis in [0, 90, 110, 300, 1_000] {
        let (sandbox, span) = (sandbox(), Duration::from_millis(millis));
        let store = Slow::new(&[(Asked::Look, span)]);
        let client = by_key(&sandbox, &store);
        let first = fetched(&client);
        assert!(first >= span && first < span + Duration::from_secs(1), "{millis} ms: {first:?}");
        for _ in 0..4 {
            std::thread::sleep(Duration::from_millis(150));
            let next = fetched(&client);
            assert!(next < Duration::from_millis(90).max(span / 2), "{millis} ms: {next:?}, beside the look");
        }
        let looks = store.looks.load(Ordering::Relaxed);
        assert!((2..=5).contains(&looks), "{millis} ms: {looks} looks for 5 calls");
    }
}

#[test]
fn a_frozen_store_does_not_hold_up_who_has_something_to_send_with() {
    let sandbox = sandbox();
    let store = Slow::new(&[]);
    let client = refreshing(&sandbox).store(Arc::<Slow>::clone(&store)).build().unwrap();
    assert_eq!(client.get("/v1/health").send().unwrap().status(), 200);
    store.set(&ALL.map(|asked| (asked, FROZEN)));
    for _ in 0..5 {
        std::thread::sleep(Duration::from_millis(200));
        let start = Instant::now();
        assert_eq!(client.get("/v1/health").deadline(Duration::from_secs(6)).send().unwrap().status(), 200);
        assert!(start.elapsed() < Duration::from_millis(150), "{:?}", start.elapsed());
    }
    assert_eq!(store.looks.load(Ordering::Relaxed), 2, "the one before, and one that never ends");

    let frozen = Slow::new(&[(Asked::Look, FROZEN)]);
    let first = fetched(&by_key(&sandbox, &frozen));
    assert!(first < Duration::from_millis(2_800), "the first call waits two seconds: {first:?}");
}

/// A call that is given up after 400 ms: by its deadline, or by the program.
fn given_up(builder: ClientBuilder, by_interrupt: bool) -> (Client, Result<u16, Error>, Duration) {
    let (start, limit) = (Instant::now(), Duration::from_millis(400));
    let stopped = Arc::new(AtomicBool::new(false));
    let asked = Arc::clone(&stopped);
    // A program in which Ctrl-C was pressed once: it is told once.
    let wanted = move || by_interrupt && start.elapsed() >= limit && !asked.swap(true, Ordering::Relaxed);
    let client = builder.interrupt(wanted).build().unwrap();
    let deadline = if by_interrupt { Duration::from_mins(1) } else { limit };
    let result = client.get("/v1/health").deadline(deadline).send().map(|response| response.status());
    (client, result, start.elapsed())
}

#[test]
fn every_step_is_left_in_time_and_finished_beside_the_caller() {
    for by_interrupt in [false, true] {
        for asked in [Asked::Look, Asked::Claim, Asked::Journal, Asked::Save, Asked::Release] {
            let sandbox = sandbox();
            let store = Slow::new(&[(asked, Duration::from_millis(1_500))]);
            let builder = refreshing(&sandbox).store(Arc::<Slow>::clone(&store));
            let (client, result, took) = given_up(builder.clone(), by_interrupt);
            let case = format!("{asked:?}, interrupt: {by_interrupt}: {result:?} after {took:?}");
            assert!(store.has_begun(asked), "{case}");
            assert!(took < Duration::from_millis(800), "{case}");
            match (result, by_interrupt) {
                // The caller has what it wants when the lease is given back.
                (Ok(200), _) => assert_eq!(asked, Asked::Release, "{case}"),
                (Err(Error::Interrupted(Processed::No)), true) => {}
                (Err(error), false) => assert_eq!(error.kind(), Some(FailureKind::DeadlineExceeded), "{case}"),
                _ => panic!("{case}"),
            }
            client.close();
            store.set(&[]);
            // Another process: what it finds in the store is all it knows.
            let next = builder.build().unwrap();
            assert_eq!(next.get("/v1/health").deadline(Duration::from_secs(20)).send().unwrap().status(), 200, "{case}");
            let tokens = token_requests(&sandbox);
            assert!(tokens <= 2, "{case}: {tokens} token requests");
        }
    }
}

#[test]
fn a_delivery_ends_at_its_deadline_whatever_the_store_does() {
    let sandbox = sandbox();
    let store = Slow::new(&[(Asked::Claim, FROZEN)]);
    let client = refreshing(&sandbox).store(Arc::<Slow>::clone(&store)).deadline(Duration::from_millis(500)).build().unwrap();
    let (start, mut delivery) = (Instant::now(), client.deliver("GET", "/v1/health", None).unwrap());
    let Next::Done(outcome) = delivery.step().unwrap() else { panic!("nothing to send") };
    assert!(format!("{outcome:?}").contains("deadline_exceeded"), "{outcome:?}");
    assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
    assert!(requests(&sandbox, Service::NumericApi).is_empty());
}

/// A store whose lease somebody else holds.
struct Busy;

impl TokenStore for Busy {
    fn claim(&self, _: &str, _: &Claim) -> Claimed {
        Claimed::Busy
    }

    fn load(&self, _: &str) -> Result<Option<Record>, String> {
        Ok(None)
    }

    fn save(&self, _: &str, _: &Save) -> Saved {
        Saved::Superseded
    }

    fn release(&self, _: &str, _: &Lease) {}
}

#[test]
fn without_threads_a_deadline_ends_the_wait_for_a_lease() {
    for single_use in [true, false] {
        let sandbox = sandbox();
        let builder = if single_use { refreshing(&sandbox) } else { numeric(&sandbox) };
        let client = builder.no_threads().store(Arc::new(Busy)).build().unwrap();
        let start = Instant::now();
        let error = client.get("/v1/health").deadline(Duration::from_millis(500)).send().unwrap_err();
        assert_eq!(error.kind(), Some(FailureKind::DeadlineExceeded), "{error}");
        assert!(start.elapsed() < Duration::from_millis(900), "{:?}", start.elapsed());
        assert_eq!(token_requests(&sandbox), 0);
    }
}

#[test]
fn a_limit_is_told_beside_the_call_that_met_it() {
    use auth_sandbox::{Fault, FaultKind, LimitStyle};
    let sandbox = sandbox();
    let store = Slow::new(&[(Asked::Pause, FROZEN)]);
    let client = by_key(&sandbox, &store);
    sandbox.inject(Fault::new(FaultKind::TooManyRequests { style: LimitStyle::RetryAfterSeconds(600) }).on(Service::Finora));
    let start = Instant::now();
    let answer = client.get("/v1/invoices").send().unwrap();
    assert_eq!((answer.status(), answer.failure().map(auth_http::core::Failure::kind)), (429, Some(FailureKind::RateLimited)));
    assert!(start.elapsed() < Duration::from_millis(2_800), "{:?}", start.elapsed());
}
