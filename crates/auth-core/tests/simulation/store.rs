//! The store that all processes share: under each id one durable record, one lease with an owner, a comparison before each save.

use crate::process::Seat;
use auth_core::{Claim, Claimed, Record, Save, Saved, UnixTime};

/// What is broken on purpose, to show that the checks notice.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Sabotage {
    #[default]
    Nothing,
    /// The store takes every save, whoever makes it and whatever it replaces.
    NoFencing,
    /// The store says that a journal's entry is durable, and drops it.
    NoJournal,
    /// Whoever reads a record does not see the journal's entry in it.
    BlindToTheJournal,
    /// The claim hands over no record.
    NoReread,
    /// The claim hands over the record before the last.
    StaleReread,
    /// The claim hands over the record as if its access token had ended.
    HidesTheAccessToken,
    /// The claim says that whoever made the journal's entry has died.
    ProvesTooMuch,
    /// Whoever reads a record does not see that its refresh token was refused.
    BlindToTheRefusal,
    /// Whoever reads that a refresh token was refused reads that it was only just refused.
    RefusedJustNow,
}

/// Who holds the lease, and until when by the store's clock.
#[derive(Clone, Copy)]
pub(crate) struct Held {
    pub(crate) owner: u64,
    pub(crate) until: u64,
    pub(crate) by: Seat,
    /// Whether its holder sent it back, or could not hear of it.
    pub(crate) excused: bool,
    /// The journal's entry that its holder made.
    pub(crate) mark: Option<u64>,
}

/// A durable store. Its clock is the right time: a lease is a span, so no other clock matters to it.
pub(crate) struct Store {
    ids: Vec<String>,
    pub(crate) entries: Vec<Entry>,
    strict: bool,
    /// Whether it can tell that the holder of a lease has died, as the store of files can by the kernel's locks.
    pub(crate) proves: bool,
    sabotage: Sabotage,
}

impl Store {
    pub(crate) fn new(strict: bool, proves: bool, sabotage: Sabotage) -> Self {
        Self { ids: Vec::new(), entries: Vec::new(), strict, proves, sabotage }
    }

    /// The place of an id among the entries.
    pub(crate) fn place(&mut self, id: String) -> usize {
        self.ids.iter().position(|known| *known == id).unwrap_or_else(|| {
            self.ids.push(id);
            self.entries.push(Entry::new(self.strict, self.sabotage));
            self.entries.len() - 1
        })
    }
}

/// What a store keeps under one id.
pub(crate) struct Entry {
    pub(crate) record: Option<Record>,
    pub(crate) lease: Option<Held>,
    /// Whether a lease that is over is refused although nobody else took it.
    strict: bool,
    sabotage: Sabotage,
    previous: Option<Record>,
    /// A limit that all processes keep, and until when.
    pause: Option<(u64, String)>,
}

impl Entry {
    fn new(strict: bool, sabotage: Sabotage) -> Self {
        Self { record: None, lease: None, strict, sabotage, previous: None, pause: None }
    }

    /// Grants the lease if nobody holds it; beside the answer, whose lease had run out without being given back. `has_died` says which holder's death the
    /// store can prove.
    pub(crate) fn claim(&mut self, time: u64, claim: &Claim, by: Seat, has_died: impl Fn(Seat) -> bool) -> (Claimed, Option<Held>) {
        let mut lapsed = None;
        let mut proven = None;
        if let Some(held) = self.lease.filter(|held| held.owner != claim.owner) {
            if has_died(held.by) {
                proven = held.mark;
            } else if time < held.until {
                return (Claimed::Busy, None);
            }
            lapsed = Some(held);
        }
        let span = u64::try_from(claim.span.as_millis()).unwrap_or(u64::MAX);
        self.lease = Some(Held { owner: claim.owner, until: time + span, by, excused: false, mark: None });
        let record = match self.sabotage {
            Sabotage::NoReread => None,
            Sabotage::StaleReread => self.previous.clone(),
            Sabotage::BlindToTheJournal => self.record.clone().map(|record| Record { spending: None, ..record }),
            Sabotage::HidesTheAccessToken => self.record.clone().map(|record| Record { access_token: None, ..record }),
            Sabotage::BlindToTheRefusal => self.record.clone().map(|record| Record { refusal: None, ..record }),
            Sabotage::RefusedJustNow => self.record.clone().map(|mut record| {
                record.refusal.iter_mut().for_each(|refusal| refusal.ends_at = UnixTime::NEVER);
                record
            }),
            _ => self.record.clone(),
        };
        let mark = record.as_ref().and_then(|record| record.spending).map(|spending| spending.mark);
        let is_proven = (mark.is_some() && mark == proven) || self.sabotage == Sabotage::ProvesTooMuch;
        (if is_proven { Claimed::TakenOver(record) } else { Claimed::Granted(record) }, lapsed)
    }

    /// The mark of the journal's entry that stands here.
    pub(crate) fn mark(&self) -> Option<u64> {
        self.record.as_ref()?.spending.map(|spending| spending.mark)
    }

    /// Whether a save would be taken: the caller's lease, and the generation that is to be replaced.
    pub(crate) fn takes(&self, time: u64, save: &Save) -> bool {
        if self.sabotage == Sabotage::NoFencing {
            return true;
        }
        let owner = self.lease.filter(|held| !self.strict || time < held.until).map(|held| held.owner);
        owner == save.lease.as_ref().map(|lease| lease.owner) && self.generation() == save.replaces
    }

    pub(crate) fn save(&mut self, time: u64, save: &Save) -> Saved {
        if !self.takes(time, save) {
            return Saved::Superseded;
        }
        let is_journal = save.record.spending.is_some();
        if let (Some(held), Some(spending)) = (&mut self.lease, save.record.spending) {
            held.mark = Some(spending.mark);
        }
        if !(is_journal && self.sabotage == Sabotage::NoJournal) {
            if save.record.generation > save.replaces {
                self.previous.clone_from(&self.record);
            }
            self.record = Some(save.record.clone());
        }
        Saved::Durable
    }

    /// Takes the lease back; one that is no longer the caller's is left alone.
    pub(crate) fn release(&mut self, owner: u64) {
        if self.lease.is_some_and(|held| held.owner == owner) {
            self.lease = None;
        }
    }

    /// Notes that whatever becomes of the lease of `owner` is not the owner's fault.
    pub(crate) fn excuse(&mut self, owner: u64) {
        if let Some(held) = self.lease.as_mut().filter(|held| held.owner == owner) {
            held.excused = true;
        }
    }

    /// The limit that is in force, and for how long yet.
    pub(crate) fn paused(&self, time: u64) -> Option<(u64, String)> {
        self.pause.as_ref().filter(|(until, _)| time < *until).map(|(until, why)| (until - time, why.clone()))
    }

    pub(crate) fn pause(&mut self, until: u64, why: &str) {
        self.pause = Some((until, why.to_owned()));
    }

    fn generation(&self) -> u64 {
        self.record.as_ref().map_or(0, |record| record.generation)
    }
}
