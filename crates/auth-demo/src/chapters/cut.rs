//! Numora: the connection is cut after the server acted, and there is still one document.

use super::Chapter;
use crate::log::Log;
use crate::proof::Proof;
use crate::stage::Stage;
use auth_http::Error;
use auth_sandbox::{Fault, FaultKind, Service};
use serde_json::json;

pub(crate) const CHAPTER: Chapter = Chapter {
    title: "Numora: a cut connection",
    plot: "The server makes the document, and the connection is cut before it can say so. Nobody knows what happened; but the document has an external_id, so that sending it again is harmless.",
    play,
    prove,
};

fn play(stage: &Stage, _: &mut Proof) -> Result<(), Error> {
    let client = stage.numora()?.build()?;
    stage.sandbox.inject(Fault::new(FaultKind::ResetAfterActing).on(Service::Numora).method("POST"));
    let document = json!({"schema": "invoice_v2", "file_url": "https://example.com/invoice-002.pdf", "external_id": "ap-100025"});
    let made = client.post("/v1/documents").json(&document).send()?.error_for_status()?;
    stage.account.say(&format!("the caller made one call and got {}", made.status()));
    Ok(())
}

fn prove(log: &Log, proof: &mut Proof) {
    let posts = log.api(Service::Numora);
    proof.expect(
        "the first answer never came, the second did",
        posts.len() == 2 && posts.entries()[0].status.is_none(),
        format!("{} sent", posts.len()),
    );
    proof.expect("one document was made", posts.acted() == 1, format!("{} made", posts.acted()));
}
