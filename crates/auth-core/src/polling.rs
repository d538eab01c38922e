//! `Polling`: how often to ask for something that is not ready yet, and when to stop.

use crate::provider::Provider;
use crate::time::UnixTime;
use crate::verdict::answer::Response;
use crate::verdict::body::Body;
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::processed::Processed;
use crate::verdict::wait;
use alloc::format;
use alloc::string::String;
use core::time::Duration;

/// The longest pause: a quarter of a minute, because a person may be waiting for the result.
const LONGEST_PAUSE: Duration = Duration::from_secs(15);

/// The shortest pause: a millisecond, so that nobody polls without pause by mistake.
const SHORTEST_PAUSE: Duration = Duration::from_millis(1);

/// `Polling` decides after each answer whether what was asked for is ready, when to ask again, and when to stop.
#[derive(Debug)]
pub struct Polling {
    path: String,
    pause: Duration,
    deadline: UnixTime,
    dice: fastrand::Rng,
}

/// `Progress` is what an answer to a poll means.
#[derive(Debug)]
pub enum Progress {
    /// It is ready: the answer is the caller's.
    Ready,
    /// Ask again at that moment.
    AskAgain(UnixTime),
    /// It is not ready, and the deadline leaves no time to ask again.
    TooLate(Failure),
}

impl Polling {
    /// Polling of `path` until `deadline`, with this first pause; pauses grow by half each time, to a quarter of a minute.
    pub fn new(path: &str, first_pause: Duration, deadline: UnixTime, seed: u64) -> Self {
        let path = path.split('?').next().unwrap_or_default().into();
        Self { path, pause: first_pause.clamp(SHORTEST_PAUSE, LONGEST_PAUSE), deadline, dice: fastrand::Rng::with_seed(seed) }
    }

    /// The moment after which the result is no longer wanted.
    pub fn deadline(&self) -> UnixTime {
        self.deadline
    }

    /// Takes a successful answer with its whole body.
    pub fn handle_response(&mut self, provider: &Provider, now: UnixTime, response: &Response<'_>) -> Progress {
        if !provider.says_not_ready(response.status, response.body) {
            return Progress::Ready;
        }
        // Between three quarters of the pause and all of it, so that those who began together do not stay together.
        let usual = now.after(self.pause.mul_f64(0.75 + self.dice.f64() / 4.0));
        let named = wait::come_back_at(provider, response.headers, &Body::read(response.body), now);
        self.pause = (self.pause + self.pause / 2).min(LONGEST_PAUSE);
        let again = named.map_or(usual, |named| named.max(usual));
        if again >= self.deadline {
            let what = format!("{} was not ready in time", self.path);
            let failure = Failure::new(FailureKind::DeadlineExceeded, what, "nothing is lost: poll the same path again later");
            return Progress::TooLate(
                failure.with_processed(Processed::by_status(response.status)).repeatable(true).with_come_back_at(again),
            );
        }
        Progress::AskAgain(again)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn answer(polling: &mut Polling, now: UnixTime, body: &str, headers: &[(&str, &str)]) -> Progress {
        let numora = Provider::builtin("numora").unwrap();
        polling.handle_response(&numora, now, &Response { status: 200, headers: &headers, body: body.as_bytes() })
    }

    #[test]
    fn pauses_grow_and_the_deadline_holds() {
        let start = UnixTime::from_secs(1_000);
        let mut polling = Polling::new("/v1/documents/d1?x=1", Duration::from_secs(1), start.after(Duration::from_mins(1)), 7);
        let (mut now, mut pauses, processing) = (start, alloc::vec::Vec::new(), r#"{"status":"processing"}"#);
        let failure = loop {
            match answer(&mut polling, now, processing, &[]) {
                Progress::AskAgain(at) => {
                    pauses.push(at.since(now));
                    now = at;
                }
                Progress::TooLate(failure) => break failure,
                Progress::Ready => panic!("not ready"),
            }
        };
        assert!(pauses.len() >= 7 && pauses.windows(2).all(|pair| pair[1] > pair[0].mul_f64(0.9)), "{pauses:?}");
        assert!(now < polling.deadline());
        assert_eq!(failure.what(), "/v1/documents/d1 was not ready in time");
        assert!(matches!(answer(&mut polling, now, r#"{"status":"ready"}"#, &[]), Progress::Ready));
    }

    #[test]
    fn a_moment_that_the_server_names_is_kept() {
        let start = UnixTime::from_secs(1_000);
        let mut polling = Polling::new("/d", Duration::from_secs(1), start.after(Duration::from_mins(1)), 7);
        let Progress::AskAgain(at) = answer(&mut polling, start, r#"{"status":"processing"}"#, &[("retry-after", "20")]) else { panic!() };
        assert_eq!(at, UnixTime::from_secs(1_020));
    }
}
