//! The guard: a live key does not get to the staging host.

use super::Chapter;
use crate::log::Log;
use crate::proof::Proof;
use crate::stage::Stage;
use auth_http::{Error, FailureKind};

pub(crate) const CHAPTER: Chapter = Chapter {
    title: "The guard: a live key in the staging job",
    plot: "Somebody has put the live key into the staging job. The client is refused before anything is sent; then the right key goes through.",
    play,
    prove,
};

const LIVE: &str = "live_sk_";

fn play(stage: &Stage, proof: &mut Proof) -> Result<(), Error> {
    let keys = stage.sandbox.keys();
    let before = stage.last_entry();
    let refused = stage.finora("staging", &keys.finora_live)?.build();
    let (kind, text) = match &refused {
        Ok(client) => {
            // Nobody should come here. If anybody does, the key goes out, and the log shows it.
            drop(client.get("/v1/usage").send());
            (None, "a client was built".to_owned())
        }
        Err(error) => (error.kind(), error.to_string()),
    };
    stage.account.say(&text);
    let arrived = stage.log_since(before).len();
    proof.expect(
        "no client is built (what the caller is told)",
        kind == Some(FailureKind::EnvironmentMismatch),
        kind.map_or("no refusal", FailureKind::name),
    );
    proof.expect("nothing arrives at the staging host", arrived == 0, format!("{arrived} entries in the log"));
    let client = stage.finora("staging", &keys.finora_test)?.build()?;
    client.get("/v1/usage").send()?.error_for_status().map(drop)
}

fn prove(log: &Log, proof: &mut Proof) {
    let live = log.only(|entry| entry.headers.iter().any(|(_, value)| value.contains(LIVE))).len();
    proof.expect("no request carries a live key", live == 0, format!("{live} of {}", log.len()));
    proof.expect(
        "the test key is let through, so the log was watching",
        log.answered(200) == 1,
        format!("{} answered 200", log.answered(200)),
    );
}
