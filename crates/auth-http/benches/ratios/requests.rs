//! Whole GETs over a kept connection, beside bare ureq that sends the same bytes.

use crate::clock::on_one_core;
use crate::measure::pair_by_the_wall;
use crate::stage;
use crate::table::{Bar, Row};
use auth_http::{Client, Response};
use auth_sandbox::Service;
use std::error::Error;
use std::hint::black_box;
use std::net::{SocketAddr, ToSocketAddrs as _};

pub(crate) const PATH: &str = "/v1/health";

/// A GET of bare ureq with the headers that ours carries, its body read.
pub(crate) struct Bare {
    agent: ureq::Agent,
    url: String,
    authorization: String,
}

impl Bare {
    pub(crate) fn new(agent: ureq::Agent, base: &str, authorization: &str) -> Self {
        Self { agent, url: format!("{base}{PATH}"), authorization: authorization.into() }
    }

    pub(crate) fn get(&self) -> Result<Vec<u8>, ureq::Error> {
        let request = self.agent.get(&self.url).header("authorization", &self.authorization);
        request.header("x-request-id", "0123456789abcdef0123456789abcdef").call()?.into_body().read_to_vec()
    }

    pub(crate) fn calls(&self, calls: u32) {
        for _ in 0..calls {
            let _ = black_box(self.get());
        }
    }
}

/// Ours.
pub(crate) fn ours(client: &Client, calls: u32) {
    for _ in 0..calls {
        let _ = black_box(client.get(PATH).send().and_then(Response::bytes));
    }
}

pub(crate) fn rows() -> Result<Vec<Row>, Box<dyn Error>> {
    on_one_core(|| {
        let sandbox = stage::sandbox()?;
        let base = sandbox.url(Service::NumericApi);
        let client = stage::with_tokens(&sandbox)?;
        let row = |name, bar, agent| {
            let bare = Bare::new(agent, &base, client.authorize(PATH)?.value().expose());
            ours(&client, 200);
            bare.calls(200);
            Ok::<_, Box<dyn Error>>(pair_by_the_wall(name, bar, 401, 50, |n| ours(&client, n), |n| bare.calls(n)))
        };
        Ok(vec![
            row("GET over a kept connection, body read / bare ureq", Bar::Ratio(1.02), stage::bare())?,
            row("  the same / bare ureq that looks no name up", Bar::None, stage::bare_told(address(&base)?))?,
        ])
    })
}

/// The socket of a URL.
pub(crate) fn address(base: &str) -> Result<SocketAddr, Box<dyn Error>> {
    let host = base.rsplit('/').next().unwrap_or_default();
    host.to_socket_addrs()?.next().ok_or_else(|| format!("{host} has no address").into())
}
