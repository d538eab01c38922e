//! Numeric: many threads, one token.

use super::Chapter;
use crate::log::Log;
use crate::proof::Proof;
use crate::stage::Stage;
use auth_http::{Client, Error, Response};
use auth_sandbox::Service;
use std::thread;
use std::time::Duration;

pub(crate) const CHAPTER: Chapter = Chapter {
    title: "Numeric: four threads, twelve calls, one token",
    plot: "Four threads start at once and none has a token. One of them may fetch it, the others wait for it; the endpoint takes 200 ms.",
    play,
    prove,
};

const THREADS: usize = 4;
const PATHS: [&str; 3] = ["/v1/trial-balance", "/v1/reports", "/v1/tasks"];

fn play(stage: &Stage, _: &mut Proof) -> Result<(), Error> {
    stage.sandbox.token_delay(Duration::from_millis(200));
    let client = stage.numeric()?.build()?;
    let read_all = || PATHS.iter().try_for_each(|path| read(&client, path));
    let done = thread::scope(|scope| {
        let threads: Vec<_> = (0..THREADS).map(|_| scope.spawn(read_all)).collect();
        threads.into_iter().try_for_each(|thread| thread.join().unwrap_or(Ok(())))
    });
    stage.sandbox.token_delay(Duration::ZERO);
    done
}

fn read(client: &Client, path: &str) -> Result<(), Error> {
    client.get(path).send().and_then(Response::error_for_status).map(drop)
}

fn prove(log: &Log, proof: &mut Proof) {
    let (tokens, api) = (log.tokens(), log.api(Service::NumericApi));
    let wanted = THREADS * PATHS.len();
    proof.expect("one token request for all threads", tokens.len() == 1, format!("{} in the log", tokens.len()));
    proof.expect(
        "every call is sent once and answered 200",
        (api.len(), api.answered(200)) == (wanted, wanted),
        format!("{} sent, {} answered 200", api.len(), api.answered(200)),
    );
    let different = api.different("authorization");
    proof.expect("all calls carry that one token", different == 1, format!("{} calls, {different} different token(s)", api.len()));
}
