//! Numora: a document is submitted, asked for until it has been read, and its result fetched.

use super::Chapter;
use crate::log::Log;
use crate::proof::Proof;
use crate::stage::Stage;
use auth_http::Error;
use auth_sandbox::Service;
use serde_json::{Value, json};
use std::time::Duration;

pub(crate) const CHAPTER: Chapter = Chapter {
    title: "Numora: a document is read",
    plot: "A supplier's invoice is submitted with an external_id. It is `processing` for three questions; pauses between them grow by half each time.",
    play,
    prove,
};

const EXTERNAL_ID: &str = "ap-100024";
/// How often Numora says `processing`.
const PROCESSING: u32 = 3;

fn play(stage: &Stage, _: &mut Proof) -> Result<(), Error> {
    stage.sandbox.documents_ready_after(PROCESSING);
    let client = stage.numora()?.build()?;
    let document = json!({"schema": "invoice_v2", "file_url": "https://example.com/invoice-001.pdf", "external_id": EXTERNAL_ID});
    let created: Value = client.post("/v1/documents").json(&document).send()?.json()?;
    let url = |name: &str| created[name].as_str().unwrap_or_default();
    let ready: Value =
        client.poll(url("status_url")).first_pause(Duration::from_millis(150)).deadline(Duration::from_secs(10)).wait()?.json()?;
    stage.account.say(&format!("the document is {}", ready["status"]));
    if stage.sabotage {
        stage.account.say("sabotage: its result is left unread");
        return Ok(());
    }
    let result: Value = client.get(url("result_url")).send()?.json()?;
    stage.account.say(&format!("read from it: {}", result["result"]));
    Ok(())
}

fn prove(log: &Log, proof: &mut Proof) {
    let api = log.api(Service::Numora);
    let created = api.only(|entry| entry.method == "POST");
    let with_id = created.entries().iter().any(|entry| entry.body_text().contains(EXTERNAL_ID));
    proof.expect(
        "one document is made, with its external_id",
        created.acted() == 1 && with_id,
        format!("{} made by {} POST", created.acted(), created.len()),
    );
    let asked = api.only(|entry| entry.method == "GET" && !entry.path.ends_with("/result"));
    let wanted = usize::try_from(PROCESSING).unwrap_or(usize::MAX).saturating_add(1);
    proof.expect("it is asked for until it is ready, and no longer", asked.len() == wanted, format!("asked {} times", asked.len()));
    let read = api.only(|entry| entry.path.ends_with("/result")).answered(200);
    proof.expect("its result is read", read == 1, format!("{read} answered 200"));
}
