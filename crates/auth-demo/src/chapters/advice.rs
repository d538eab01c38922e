//! Two answers that no repeat can mend: a 403 is explained, a day's limit is handed back as a moment.

use super::Chapter;
use crate::log::Log;
use crate::proof::Proof;
use crate::stage::Stage;
use auth_http::{Error, Failure, FailureKind};
use auth_sandbox::{Fault, FaultKind, LimitStyle, Service};

pub(crate) const CHAPTER: Chapter = Chapter {
    title: "What no repeat can mend",
    plot: "A dashboard key calls an enterprise module, and a job uses up the day's limit. Neither is tried again; the caller is told what to do, and when.",
    play,
    prove,
};

/// A quarter of a day: longer than any caller waits.
const REST_OF_THE_DAY: u64 = 6 * 3_600;

fn play(stage: &Stage, proof: &mut Proof) -> Result<(), Error> {
    let client = stage.finora("production", &stage.sandbox.issue_finora_key(auth_sandbox::FinoraKey::default()))?.build()?;
    let answer = client.get("/v1/officers/off_1/profile").send()?;
    let explained = answer.failure().cloned();
    stage.account.say(&explained.as_ref().map_or("nothing was explained".to_owned(), ToString::to_string));
    let kind = explained.map(|failure| failure.kind());
    proof.expect(
        "the 403 is explained (what the caller is told)",
        kind == Some(FailureKind::EnterpriseOnly),
        kind.map_or("no failure", FailureKind::name),
    );

    let limit = FaultKind::TooManyRequests { style: LimitStyle::InBody(REST_OF_THE_DAY) };
    stage.sandbox.inject(Fault::new(limit).on(Service::Finora));
    let answer = client.get("/v1/invoices").send()?;
    let told = answer.failure().and_then(Failure::come_back_at);
    stage.account.say(&told.map_or("no moment was named".to_owned(), |at| format!("come back at {at}")));
    proof.expect(
        "the limit is handed back as a moment (what the caller is told)",
        told.is_some(),
        told.map_or("none".to_owned(), |at| at.to_string()),
    );
    // The next call of the same client knows it already.
    let next = client.get("/v1/invoices").send();
    let kind = next.as_ref().err().and_then(Error::kind);
    proof.expect(
        "the next call is not even sent (what the caller is told)",
        kind == Some(FailureKind::RateLimited),
        kind.map_or("it was sent", FailureKind::name),
    );
    Ok(())
}

fn prove(log: &Log, proof: &mut Proof) {
    let api = log.api(Service::Finora);
    let statuses: Vec<u16> = api.entries().iter().filter_map(|entry| entry.status).collect();
    proof.expect("each was asked once", statuses == [403, 429], format!("answered {statuses:?}"));
}
