//! Accounting Data as a Service: a token ends in the middle of the work, and nobody waits for the next one.

use super::Chapter;
use crate::log::{Log, between};
use crate::proof::Proof;
use crate::stage::Stage;
use auth_http::{Client, Error, Provider, Response};
use auth_sandbox::Service;
use std::thread;
use std::time::{Duration, Instant};

pub(crate) const CHAPTER: Chapter = Chapter {
    title: "ADaaS: the token ends in the middle of the work",
    plot: "Tokens live for 4 s here, the work takes 4.8 s, and the endpoint keeps each further token back for 300 ms. A caller who had to wait would show.",
    play,
    prove,
};

const PATHS: [&str; 3] = ["/v2/invoices", "/v2/bills", "/v2/accounts"];
const LIFETIME_SECONDS: u64 = 4;
const WORK: Duration = Duration::from_millis(4_800);
const PAUSE: Duration = Duration::from_millis(60);
const DELAY: Duration = Duration::from_millis(300);
/// Whoever takes longer has waited for a token: half the delay.
const LONG: Duration = Duration::from_millis(150);

fn play(stage: &Stage, proof: &mut Proof) -> Result<(), Error> {
    stage.sandbox.token_lifetime(Service::AdaasAuth, LIFETIME_SECONDS);
    let client = stage.adaas(short_lived()?).build()?;
    read(&client, PATHS[0])?;
    stage.sandbox.token_delay(DELAY);
    stage.account.say("the first token is here; three workers read invoices, bills and accounts with it");

    let start = Instant::now();
    let work = |path: &'static str| {
        let mut slowest = Duration::ZERO;
        while start.elapsed() < WORK {
            let call = Instant::now();
            read(&client, path)?;
            slowest = slowest.max(call.elapsed());
            thread::sleep(PAUSE);
        }
        Ok::<_, Error>(slowest)
    };
    let slowest = thread::scope(|scope| {
        let workers: Vec<_> = PATHS.iter().map(|path| scope.spawn(move || work(path))).collect();
        workers
            .into_iter()
            .map(|worker| worker.join().unwrap_or(Ok(Duration::MAX)))
            .try_fold(Duration::ZERO, |slowest, one| one.map(|one| slowest.max(one)))
    });
    stage.sandbox.token_delay(Duration::ZERO);
    let slowest = slowest?;
    proof.expect(
        format!("by the callers' stopwatch, none waits {} ms", LONG.as_millis()),
        slowest < LONG,
        format!("the slowest call took {} ms", slowest.as_millis()),
    );
    Ok(())
}

/// The token answer does not say how long a token lives; the profile does, so here it has to say four seconds instead of an hour.
fn short_lived() -> Result<Provider, Error> {
    let profile = Provider::builtin_text("adaas").unwrap_or_default();
    Ok(Provider::from_toml(&profile.replace("lifetime_seconds = 3600", &format!("lifetime_seconds = {LIFETIME_SECONDS}")))?)
}

fn read(client: &Client, path: &str) -> Result<(), Error> {
    client.get(path).send().and_then(Response::error_for_status).map(drop)
}

fn prove(log: &Log, proof: &mut Proof) {
    let (tokens, api) = (log.tokens(), log.api(Service::AdaasApi));
    proof.expect("one token at the start, one renewal", tokens.len() == 2, format!("{} token requests", tokens.len()));
    let carried = api.different("authorization");
    proof.expect("calls go on with the second token", carried == 2, format!("{} calls carried {carried} different tokens", api.len()));
    proof.expect(
        "no call meets a token that has ended",
        api.len() == api.answered(200),
        format!("{} of {} answered 200", api.answered(200), api.len()),
    );

    let renewal = tokens.entries().last();
    let meanwhile =
        api.only(|call| renewal.is_some_and(|renewal| renewal.at_millis < call.at_millis && between(renewal, call) < DELAY)).len();
    proof.expect(
        "work goes on while the renewal is kept back",
        meanwhile >= PATHS.len(),
        format!("{meanwhile} calls arrived within its {} ms", DELAY.as_millis()),
    );
    let longest = PATHS.iter().map(|path| api.only(|entry| entry.path == *path).longest_gap()).max().unwrap_or(Duration::MAX);
    let limit = PAUSE + LONG;
    let seen = format!("the longest silence of a worker was {} ms, {} of them its own pause", longest.as_millis(), PAUSE.as_millis());
    proof.expect(format!("no worker is silent for {} ms", limit.as_millis()), longest < limit, seen);
}
