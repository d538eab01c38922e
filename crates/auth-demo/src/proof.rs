//! Expectations, and whether they hold.

/// `Proof` is what one chapter is expected to leave behind.
#[derive(Default)]
pub(crate) struct Proof(Vec<Check>);

/// `Check` is one expectation: its name, whether it holds, and what was seen.
pub(crate) struct Check {
    pub(crate) name: String,
    pub(crate) holds: bool,
    pub(crate) seen: String,
}

impl Proof {
    /// Notes an expectation with what was seen, whether it holds or not.
    pub(crate) fn expect(&mut self, name: impl Into<String>, holds: bool, seen: impl Into<String>) {
        self.0.push(Check { name: name.into(), holds, seen: seen.into() });
    }

    pub(crate) fn checks(&self) -> impl Iterator<Item = &Check> {
        self.0.iter()
    }

    /// How many expectations do not hold.
    pub(crate) fn failed(&self) -> usize {
        self.checks().filter(|check| !check.holds).count()
    }

    /// How many expectations there are.
    pub(crate) fn count(&self) -> usize {
        self.0.len()
    }
}
