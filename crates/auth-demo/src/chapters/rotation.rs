//! Finora: a key reaches day 90 in the middle of the work, and its successor takes over.

use super::Chapter;
use crate::log::Log;
use crate::proof::Proof;
use crate::stage::Stage;
use auth_http::{Credential, Error, Key};
use auth_sandbox::{FinoraKey, Service};
use std::time::{Duration, Instant, SystemTime};

pub(crate) const CHAPTER: Chapter = Chapter {
    title: "Finora: day 90",
    plot: "Finora's keys end after 90 days. The job's key has one second left; its successor is in the ring already. Both are noted with their creation dates, so nobody has to meet a 401 to find out.",
    play,
    prove,
};

const NINETY_DAYS: Duration = Duration::from_hours(90 * 24);
const LEFT: Duration = Duration::from_secs(1);

fn play(stage: &Stage, _: &mut Proof) -> Result<(), Error> {
    let old = stage.sandbox.issue_finora_key(FinoraKey::default());
    stage.sandbox.clock().advance(NINETY_DAYS.saturating_sub(LEFT));
    let new = stage.sandbox.issue_finora_key(FinoraKey::default());
    let created = SystemTime::now() - NINETY_DAYS.saturating_sub(LEFT);
    let ring = [Key::new(old).name("spring").created(created), Key::new(new).name("summer").created(SystemTime::now())];
    let client = stage.finora("production", &stage.sandbox.keys().finora_live)?.credential(Credential::keys(ring)).build()?;
    let start = Instant::now();
    while start.elapsed() < 2 * LEFT {
        client.get("/v1/customers").send()?.error_for_status()?;
        std::thread::sleep(Duration::from_millis(100));
    }
    for step in client.rotation_plan().to_string().lines() {
        stage.account.say(step);
    }
    Ok(())
}

fn prove(log: &Log, proof: &mut Proof) {
    let api = log.api(Service::Finora);
    let keys = api.different("authorization");
    proof.expect("both keys were used, one after the other", keys == 2, format!("{keys} keys in {} calls", api.len()));
    let refused = api.answered(401);
    proof.expect("no call met the key that had ended", refused == 0 && api.len() > 10, format!("{refused} of {} answered 401", api.len()));
}
