//! Finora: a limit is met, and its moment is kept.

use super::Chapter;
use crate::log::{Log, between};
use crate::proof::Proof;
use crate::stage::Stage;
use auth_http::{Error, Response};
use auth_sandbox::{Fault, FaultKind, LimitStyle, Service};
use serde_json::json;
use std::time::{Duration, Instant};

pub(crate) const CHAPTER: Chapter = Chapter {
    title: "Finora: a limit, and an invoice that is booked once",
    plot: "The POST of an invoice meets a 429 that says in its body, as Finora documents: come back in 2 s. A 429 proves that nothing was booked, so it is sent again.",
    play,
    prove,
};

const WAIT: Duration = Duration::from_secs(2);

fn play(stage: &Stage, _: &mut Proof) -> Result<(), Error> {
    let client = stage.finora("production", &stage.sandbox.keys().finora_live)?.build()?;
    client.get("/v1/customers").send()?.error_for_status()?;
    let limit = FaultKind::TooManyRequests { style: LimitStyle::InBody(WAIT.as_secs()) };
    stage.sandbox.inject(Fault::new(limit).on(Service::Finora).method("POST"));
    let start = Instant::now();
    let invoice = json!({"customerId": "cus_1", "amount": 120_000, "reference": "close-2026-10"});
    let booked = client.post("/v1/invoices").json(&invoice).send().and_then(Response::error_for_status)?;
    stage.account.say(&format!("the caller made one call and got {} after {:.1} s", booked.status(), start.elapsed().as_secs_f64()));
    client.get("/v1/invoices").send()?.error_for_status()?;
    Ok(())
}

fn prove(log: &Log, proof: &mut Proof) {
    let api = log.api(Service::Finora);
    let posts = api.only(|entry| entry.method == "POST");
    let statuses: Vec<u16> = posts.entries().iter().filter_map(|entry| entry.status).collect();
    proof.expect("the POST is sent again after its 429", statuses == [429, 201], format!("answered {statuses:?}"));
    let silence = api.entries().windows(2).find(|pair| pair[0].status == Some(429)).map(|pair| between(&pair[0], &pair[1]));
    let seen = silence.map_or_else(
        || "nothing came after it".to_owned(),
        |silence| format!("the next request came after {:.3} s", silence.as_secs_f64()),
    );
    proof.expect("nothing is sent before the moment that Finora named (2 s)", silence.is_some_and(|silence| silence >= WAIT), seen);
    let ids = posts.different("x-request-id");
    proof.expect("both times under one request id", ids == 1, format!("{} requests, {ids} request id(s)", posts.len()));
    proof.expect("one invoice is booked", posts.acted() == 1, format!("{} booked", posts.acted()));
}
