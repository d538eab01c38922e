//! A loopback server that behaves as the APIs of four accounting systems are documented to: Numeric, Numora,
//! Accounting Data as a Service (ADaaS, once Railz) and Finora Business. Its clock can be moved, its log tells what
//! arrived byte for byte and why it was answered so, and it fails on demand. Test your own integration with it:
//! no account, no network, no real key.
//!
//! ```
//! use auth_sandbox::{FinoraKey, Options, Sandbox, Service};
//! use std::{io::{Read, Write}, net::TcpStream, time::Duration};
//!
//! # fn main() -> Result<(), Box<dyn std::error::Error>> {
//! let sandbox = Sandbox::start(Options { tls: false, ..Options::default() })?;
//! let key = sandbox.issue_finora_key(FinoraKey { age_days: 89, ..FinoraKey::default() });
//! sandbox.clock().advance(Duration::from_secs(86_400)); // now the key is 90 days old
//! let url = sandbox.url(Service::Finora); // http://localhost:PORT
//! let mut socket = TcpStream::connect(url.trim_start_matches("http://"))?;
//! write!(socket, "GET /v1/invoices HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {key}\r\nConnection: close\r\n\r\n")?;
//! let mut answer = String::new();
//! socket.read_to_string(&mut answer)?;
//! assert!(answer.starts_with("HTTP/1.1 401") && answer.contains("INVALID_API_KEY"));
//! assert_eq!(sandbox.log()[0].decision, "401 INVALID_API_KEY: The API key has expired (90 days)");
//! # Ok(()) }
//! ```
//!
//! # Services
//!
//! Each listens on its own port of 127.0.0.1, with TLS unless switched off. The certificate is good for `localhost`,
//! `127.0.0.1` and `::1`; trust [`Sandbox::ca_pem`].
//!
//! | [`Service`] | Stands for | Routes |
//! |---|---|---|
//! | `NumericApi` | `api.numeric.io` | `GET /v1/health`, `/v1/trial-balance`, `/v1/reports`; `GET`, `POST /v1/tasks`; `GET /v1/admin` (scope `admin`) |
//! | `NumericSandboxApi` | `api.sandbox.numeric.io` | the same, for sandbox tokens |
//! | `NumericAuth` | `auth.numeric.io` | `POST /oauth/token`, `POST /oauth2/token`, two `/.well-known/` documents |
//! | `Numora` | Numora's API | `GET`, `POST /v1/documents`; `GET /v1/documents/{id}` and `/result` |
//! | `AdaasApi` | `api.railz.ai` | `GET /v2/invoices`, `/bills`, `/accounts`, `/customers`, `/reports/...`, `/visualizations/...`; `POST /v2/invoices` |
//! | `AdaasAuth` | `auth.railz.ai` | `GET /getAccess` |
//! | `Finora` | `api.finorabusiness.com` | `GET`, `POST /v1/invoices`; `GET /v1/customers`, `/v1/api-keys`, `/v1/usage` and the other modules; `DELETE /v1/api-keys/{keyId}` |
//! | `Stranger` | nobody | anything: 200 `{"stranger":true}` |
//!
//! # Faults
//!
//! ```
//! # use auth_sandbox::{Fault, FaultKind, LimitStyle, Options, Sandbox, Service};
//! # let sandbox = Sandbox::start(Options { tls: false, ..Options::default() })?;
//! // The second POST to Finora is done and then never answered.
//! sandbox.inject(Fault::new(FaultKind::ResetAfterActing).on(Service::Finora).method("POST").after(1));
//! // The next two requests to ADaaS meet 429 with a date to wait for.
//! let style = LimitStyle::RetryAfterDate(3);
//! sandbox.inject(Fault::new(FaultKind::TooManyRequests { style }).on(Service::AdaasApi).times(2));
//! assert_eq!(sandbox.faults_left(), 3);
//! # Ok::<(), std::io::Error>(())
//! ```
//!
//! A request is hit by one fault at most: the oldest that matches and has let its share pass. Faults come before
//! authentication, as trouble in front of a server would. [`Proxy`] is a forward proxy for testing clients behind
//! one. The program `auth-sandbox` serves the same to any language, with a JSON control service for clock, faults,
//! log, settings and keys.
//!
//! # Units and threads
//!
//! Points in time are milliseconds since 1970-01-01 UTC on the server's [`Clock`]; durations say their unit. All
//! public types are `Send` and `Sync`; [`Sandbox`] takes `&self` throughout.
//!
//! # Documented, and assumed
//!
//! Documented behaviour is what the pages under Sources say. Where they are silent we had to choose. The choices:
//!
//! * **Numeric** publishes no REST reference. Host pattern, `/v1/health`, Bearer, 3600 s, the token request and the
//!   meaning of 401, 403 and 429 are from an article that calls itself illustrative; `/oauth2/token`, Basic and
//!   the refresh grant are in its discovery metadata. Assumed: the error body of the API, scope names (`read`,
//!   `write`, `admin`), routes other than `/v1/health`, formats of ids and tokens, no rotation of refresh tokens
//!   (switchable), no request limit (settable), 429 without a hint of how long. OAuth details follow RFC 6749 and
//!   RFC 6750; reuse of a rotated refresh token revokes its family as RFC 9700 advises.
//! * **Numora**: assumed are scope names, status 422 for an unreadable body, `ready` as the status after
//!   `processing`, the fields of a result, `external_id` and `metadata` shown with a document, paging by `limit` and
//!   `cursor`, 409 for a known `external_id` with another schema or file, 200 when it is the same, no request limit
//!   (settable), `x-rate-limit-reset` in seconds left. Limit headers appear only while a limit is set, because no
//!   number is published.
//! * **ADaaS**: assumed are the body of a 401 from `getAccess`, the claims in the token, a fixed window of 60 seconds
//!   from the first request, the path `/v2/visualizations/` for what the SDK scope alone may read, reports open to both scopes, `POST /v2/invoices`, an empty
//!   JSON object with 202, `?state=pending` and `?state=empty` to ask for 202 and 204 (test hooks). The announced limit
//!   of 20 simultaneous requests is off (settable). The tenant parameters are not required. One published text says
//!   POST for the token call; the vendor's own pages say GET, so POST is refused with 405.
//! * **Finora**: no code is published for the 403 of a free tier; `PREMIUM_REQUIRED` is ours. Assumed as well: 429
//!   when the hour, the day or the concurrency is used up, refused requests not counting, 401 `UNAUTHORIZED` for a
//!   token without a known prefix, the spelling of retail module paths and of branch analytics, the names `trialCallsLeft` and `balanceKobo`, one
//!   kobo per live call, success of `DELETE /v1/api-keys/{keyId}` as 200, `businessId` not required (switchable)
//!   but checked, `X-RateLimit-*` on success and on 429 only.
//! * **All**: 405 with `Allow` for a known route with another method, except at Numora and ADaaS, which answer 404. A
//!   request counts against the limits once its credential was good.
//!
//! # Sources
//!
//! * Numeric: <https://codeables.dev/article/how-do-i-authenticate-with-numeric-s-api>,
//!   <https://github.com/api-evangelist/numeric>
//! * Numora: <https://numora.app/docs/api-authentication>,
//!   <https://numora.app/en/docs/public-api-conventions>, <https://numora.app/en/docs/error-codes-and-limits>
//! * ADaaS: <https://docs.railz.ai/reference/authentication>,
//!   <https://docs.railz.ai/docs/quickstart-step1-authenticate>, <https://docs.railz.ai/reference/rate-limit>,
//!   <https://docs.railz.ai/reference/headers>, <https://docs.railz.ai/reference/response-codes>,
//!   <https://docs.railz.ai/reference/pagination>, <https://github.com/levrofin/railz-python>
//! * Finora: <https://finora-marketing.pages.dev/developers/authentication/>,
//!   <https://finora-marketing.pages.dev/developers/errors/>,
//!   <https://finora-marketing.pages.dev/developers/rate-limits/>,
//!   <https://finora-marketing.pages.dev/developers/reference/api-keys/>,
//!   <https://finora-marketing.pages.dev/developers/reference/invoices/>
//! * <https://www.rfc-editor.org/rfc/rfc6749>, <https://www.rfc-editor.org/rfc/rfc6750>,
//!   <https://www.rfc-editor.org/rfc/rfc9110>, <https://www.rfc-editor.org/rfc/rfc9700>

mod api;
mod clock;
mod control;
mod dice;
mod fault;
mod issue;
mod journal;
mod keys;
mod limits;
mod net;
mod options;
pub mod program;
mod proxy;
mod sandbox;
mod serve;
mod service;
mod shared;
mod stop;
mod token_fault;

pub use clock::Clock;
pub use fault::{Fault, FaultId, FaultKind, LimitStyle};
pub use journal::{Entry, Kind};
pub use keys::{
    AdaasCredentials, AdaasKey, AdaasScope, Environment, FinoraKey, KeyLimitReached, Keys, NumericClient, NumericCredentials, NumericToken,
    NumoraKey, Tier,
};
pub use limits::RateLimits;
pub use options::Options;
pub use proxy::{Proxy, ProxyOptions};
pub use sandbox::Sandbox;
pub use service::Service;
pub use token_fault::TokenReply;
