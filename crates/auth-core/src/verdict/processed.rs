//! `Processed`: whether the server may have acted on a call, which decides whether sending it again can book twice.

use crate::provider::words;

/// `Processed` says whether the server acted on a call.
///
/// It is about the caller's request, however often that was sent; token requests do not count.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Processed {
    /// The server did not act on it: it was never sent, or it was refused (401, 403, 429 and the
    /// other 4xx but 408). Sending it again cannot book twice.
    No,
    /// The server acted on it: a 2xx was seen.
    Yes,
    /// Nobody knows: the connection was lost, the time ran out, or the answer was a 408, a 5xx or a
    /// redirect that was not followed.
    Unknown,
}

words!(named Processed: No = "no", Yes = "yes", Unknown = "unknown");

impl Processed {
    /// What a status says of the request that it answers, where the vendor says nothing else.
    ///
    /// A 4xx is the server's refusal to act (RFC 9110 section 15.5). A 408 is none: the request may
    /// have been complete for the program behind the server. A 5xx says nothing about how far the
    /// server had come (RFC 9110 section 15.6).
    pub const fn by_status(status: u16) -> Self {
        match status {
            200..=299 => Self::Yes,
            408 => Self::Unknown,
            400..=499 => Self::No,
            _ => Self::Unknown,
        }
    }

    /// What is known of a request that was sent once more: a later refusal takes nothing back.
    pub(crate) fn and(self, again: Self) -> Self {
        match (self, again) {
            (Self::Yes, _) | (_, Self::Yes) => Self::Yes,
            (Self::Unknown, _) | (_, Self::Unknown) => Self::Unknown,
            (Self::No, Self::No) => Self::No,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Processed::{self, No, Unknown, Yes};

    #[test]
    fn a_status_says_whether_the_server_acted() {
        for (status, processed) in [(200, Yes), (201, Yes), (204, Yes), (302, Unknown), (400, No), (401, No), (403, No), (404, No)] {
            assert_eq!(Processed::by_status(status), processed, "{status}");
        }
        for (status, processed) in [(407, No), (408, Unknown), (409, No), (429, No), (499, No), (500, Unknown), (503, Unknown)] {
            assert_eq!(Processed::by_status(status), processed, "{status}");
        }
    }

    #[test]
    fn a_later_refusal_takes_nothing_back() {
        assert_eq!((No.and(No), No.and(Unknown), Unknown.and(No)), (No, Unknown, Unknown));
        assert_eq!((Unknown.and(Yes), Yes.and(Unknown), Yes.and(No)), (Yes, Yes, Yes));
    }
}
