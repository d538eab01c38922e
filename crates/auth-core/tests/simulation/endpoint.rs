//! The token endpoint, with refresh tokens that are spent by their first use, and the API that takes its access tokens.
//!
//! A spent refresh token that comes again ends its whole family (RFC 9700 section 4.14.2) or is only refused, by the kind of the server, except within the
//! reuse grace, where the answer is the same successor again with another access token.

/// The number of a refresh token, of an access token, of a family: their places in the server's lists, and what stands in their texts.
pub(crate) type RefreshToken = usize;
pub(crate) type AccessToken = usize;
pub(crate) type Family = usize;

/// What grew out of one consent.
pub(crate) struct Consent {
    pub(crate) ended: Option<Ended>,
    /// The refresh token that was not spent yet.
    pub(crate) current: RefreshToken,
}

/// Why a family is dead.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Ended {
    /// A spent refresh token came again.
    Reused,
    /// Somebody took the consent back at the provider, or gave a new one.
    Revoked,
}

pub(crate) struct Refresh {
    pub(crate) family: Family,
    pub(crate) spent_at: Option<u64>,
    successor: Option<RefreshToken>,
}

pub(crate) struct Access {
    pub(crate) family: Family,
    /// By the right time.
    pub(crate) ends_at: u64,
    /// The same, counted from when it was asked for, as whoever asked knows it: earlier, where the request left late.
    pub(crate) told_ends_at: u64,
    pub(crate) revoked: bool,
    /// The refresh token that was granted beside it.
    pub(crate) beside: RefreshToken,
}

impl Access {
    fn new(family: Family, ends_at: u64, beside: RefreshToken) -> Self {
        Self { family, ends_at, told_ends_at: ends_at, revoked: false, beside }
    }
}

/// What a server does when an answer is lost, and when a spent refresh token comes again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Kind {
    /// What is lost is lost before the rotation: the refresh token is not spent. A second use is only refused.
    LosesBefore,
    /// What is lost is lost after the rotation: the refresh token is spent. A second use is only refused.
    LosesAfter,
    /// Both happen, and a second use ends the whole grant.
    ReuseEnds,
}

impl Kind {
    pub(crate) const ALL: [Self; 3] = [Self::LosesBefore, Self::LosesAfter, Self::ReuseEnds];

    pub(crate) fn text(self) -> &'static str {
        match self {
            Self::LosesBefore => "answers lost before the rotation",
            Self::LosesAfter => "answers lost after the rotation",
            Self::ReuseEnds => "reuse ends the grant",
        }
    }
}

/// How this run's server is set up.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Rules {
    pub(crate) kind: Kind,
    /// For how many milliseconds an access token lives.
    pub(crate) lifetime: u64,
    /// For how many milliseconds a spent refresh token may come again.
    pub(crate) grace: u64,
    /// Whether an access token ends when its successor is granted.
    pub(crate) one_at_a_time: bool,
    /// Whether a new consent ends the families before it.
    pub(crate) new_consent_revokes: bool,
}

pub(crate) struct Server {
    pub(crate) rules: Rules,
    pub(crate) consents: Vec<Consent>,
    pub(crate) refresh: Vec<Refresh>,
    pub(crate) access: Vec<Access>,
    /// How many times a refresh token was exchanged.
    pub(crate) granted: u64,
}

/// What the token endpoint made of a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Answered {
    Granted(AccessToken, RefreshToken),
    InvalidGrant,
    /// The same, because it is spent; its family lives on.
    Spent,
    /// The same, and the family died of it just now.
    Reuse,
}

impl Server {
    pub(crate) fn new(rules: Rules) -> Self {
        Self { rules, consents: Vec::new(), refresh: Vec::new(), access: Vec::new(), granted: 0 }
    }

    /// A person connects the account: a family of its own.
    pub(crate) fn connect(&mut self) -> Family {
        if self.rules.new_consent_revokes {
            (0..self.consents.len()).for_each(|family| self.end(family, Ended::Revoked));
        }
        let family = self.consents.len();
        let current = self.new_refresh(family);
        self.consents.push(Consent { ended: None, current });
        family
    }

    /// A person logs in: the same, with a first access token.
    pub(crate) fn log_in(&mut self, time: u64) -> (AccessToken, RefreshToken) {
        let family = self.connect();
        let beside = self.consents[family].current;
        self.access.push(Access::new(family, time + self.rules.lifetime, beside));
        (self.access.len() - 1, beside)
    }

    /// The family of the newest consent.
    pub(crate) fn latest(&self) -> Family {
        self.consents.len().saturating_sub(1)
    }

    pub(crate) fn end(&mut self, family: Family, why: Ended) {
        self.consents[family].ended.get_or_insert(why);
        self.access.iter_mut().filter(|access| access.family == family).for_each(|access| access.revoked = true);
    }

    /// A token request with a refresh token.
    pub(crate) fn token(&mut self, time: u64, token: RefreshToken) -> Answered {
        let family = self.refresh[token].family;
        if self.consents[family].ended.is_some() {
            return Answered::InvalidGrant;
        }
        let successor = match (self.refresh[token].spent_at, self.refresh[token].successor) {
            (None, _) => {
                let successor = self.new_refresh(family);
                self.refresh[token].spent_at = Some(time);
                self.refresh[token].successor = Some(successor);
                self.consents[family].current = successor;
                successor
            }
            (Some(at), Some(successor)) if time - at <= self.rules.grace && self.refresh[successor].spent_at.is_none() => successor,
            _ if self.rules.kind != Kind::ReuseEnds => return Answered::Spent,
            _ => {
                self.end(family, Ended::Reused);
                return Answered::Reuse;
            }
        };
        self.granted += 1;
        if self.rules.one_at_a_time {
            self.access.iter_mut().filter(|access| access.family == family).for_each(|access| access.revoked = true);
        }
        self.access.push(Access::new(family, time + self.rules.lifetime, successor));
        Answered::Granted(self.access.len() - 1, successor)
    }

    /// Whether the API takes an access token.
    pub(crate) fn accepts(&self, time: u64, token: AccessToken) -> bool {
        let access = &self.access[token];
        !access.revoked && time < access.ends_at
    }

    /// Whether a refresh token could still be exchanged.
    pub(crate) fn is_live(&self, token: RefreshToken) -> bool {
        self.refresh[token].spent_at.is_none() && self.consents[self.refresh[token].family].ended.is_none()
    }

    /// The refresh token that was granted for this one.
    pub(crate) fn successor(&self, token: RefreshToken) -> Option<RefreshToken> {
        self.refresh[token].successor
    }

    /// The refresh token that this one was granted for.
    pub(crate) fn predecessor(&self, token: RefreshToken) -> Option<RefreshToken> {
        self.refresh[..token].iter().rposition(|earlier| earlier.successor == Some(token))
    }

    fn new_refresh(&mut self, family: Family) -> RefreshToken {
        self.refresh.push(Refresh { family, spent_at: None, successor: None });
        self.refresh.len() - 1
    }
}

/// The text of a refresh token.
pub(crate) fn refresh_text(token: RefreshToken) -> String {
    format!("refresh-{token}")
}

/// The number in the text of a token, whatever stands before it.
pub(crate) fn number(text: &str) -> Option<usize> {
    text.rsplit('-').next()?.parse().ok()
}
