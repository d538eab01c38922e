//! `Refusal`: what a record says of a refresh token that the server refused.

use crate::time::UnixTime;
use alloc::string::String;

/// `Refusal` is the server's refusal of a refresh token, for every process that shares the record.
///
/// Moments are in the server's time.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Refusal {
    /// The HTTP status of the refusal.
    pub status: u16,
    /// The server's error code, such as `invalid_grant`.
    pub code: Option<String>,
    /// The server's words, shortened and without secrets.
    pub message: Option<String>,
    /// When the server refused the token first.
    pub since: UnixTime,
    /// The token is not sent again before this moment.
    pub probe_at: UnixTime,
    /// The token is not sent again from this moment on.
    pub ends_at: UnixTime,
}
