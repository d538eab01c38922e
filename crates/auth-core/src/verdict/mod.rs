//! Verdicts: what an answer means, and what to do next.
//!
//! Everything here is a pure function of its arguments: `answer` says what a response is, `failure` what went wrong and what a person
//! can do about it, `processed` whether the server may have acted on it, `refusal` why a credential was refused where the code does not tell, `challenge` what the server wants to see, `limit` how much may be asked, `quote` what of a server's words is shown, `wait` when to come back, `retry` whether to send again.

pub(crate) mod answer;
pub(crate) mod body;
pub(crate) mod challenge;
pub(crate) mod failure;
pub(crate) mod lenient;
pub(crate) mod limit;
mod markup;
pub(crate) mod processed;
pub(crate) mod quote;
pub(crate) mod refusal;
pub mod retry;
mod structured;
pub(crate) mod wait;
