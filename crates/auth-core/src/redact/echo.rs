//! Echoes: known secrets in a text, in any form in which a server or a program may have written them.
//!
//! The text is decoded, not the secret encoded: every mixture of escapes ends in the same bytes, and
//! each decoded byte knows where it stood in the text. Twelve bytes of a secret in a row are a find.

use super::Found;
use super::view::{ALL, Escapes, View};
use crate::credential::Secret;
use alloc::vec;
use alloc::vec::Vec;
use core::ops::Range;
use zeroize::Zeroizing;

/// The bytes of a secret in a row that are taken out, however little of the rest stands there.
const PIECE: usize = 12;
/// Shorter secrets are not looked for: they would be found everywhere, and the gaps would tell them.
const SHORTEST: usize = 4;
/// How often escapes are undone: twice percent-encoded, and once quoted in JSON or HTML.
const UNESCAPES: usize = 3;
/// How much is looked through at once, in bytes.
const BLOCK: usize = 64 * 1024;
/// How far blocks overlap: twelve bytes in their longest form, `%255Cu00XX`, are shorter.
const OVERLAP: usize = 512;
/// The bits of the filter: one in a hundred is set by a thousand pieces.
const FILTER_BITS: usize = 1 << 16;

/// Secrets that are looked for, as their pieces.
///
/// The pieces are wiped when they are dropped, as a [`Secret`] is.
#[derive(Clone, Default)]
pub(super) struct Echoes {
    /// Every piece as a number, sorted, for each length that there is; the longest length first.
    pieces: Vec<(usize, Zeroizing<Vec<u128>>)>,
    /// Whether a piece may end with four bytes, by their hash.
    filter: Vec<u64>,
    secrets: usize,
    longest: usize,
}

impl Echoes {
    pub(super) fn is_empty(&self) -> bool {
        self.pieces.is_empty()
    }

    /// The number of secrets that were added.
    pub(super) fn len(&self) -> usize {
        self.secrets
    }

    /// The length of the longest secret, in bytes.
    pub(super) fn longest(&self) -> usize {
        self.longest
    }

    /// Adds secrets; of several lines each for itself, because line breaks are written in many ways.
    pub(super) fn add<'a>(&mut self, secrets: impl IntoIterator<Item = &'a Secret>) {
        for secret in secrets {
            self.secrets += 1;
            let lines = secret.expose().lines().map(str::trim);
            for line in lines.filter(|line| line.len() >= SHORTEST) {
                self.longest = self.longest.max(line.len());
                self.add_line(line.as_bytes());
            }
        }
        for (_, pieces) in &mut self.pieces {
            pieces.sort_unstable();
            pieces.dedup();
        }
    }

    fn add_line(&mut self, line: &[u8]) {
        let length = line.len().min(PIECE);
        self.filter.resize(FILTER_BITS / 64, 0);
        let index = self.pieces.iter().position(|(known, _)| *known == length).unwrap_or_else(|| {
            let place = self.pieces.iter().take_while(|(known, _)| *known > length).count();
            self.pieces.insert(place, (length, Zeroizing::default()));
            place
        });
        let list = &mut self.pieces[index].1;
        // At its full size from the start: a buffer that grows leaves copies that are not wiped.
        let mut grown = Zeroizing::new(Vec::with_capacity(list.len() + line.len()));
        grown.extend_from_slice(list);
        for piece in line.windows(length) {
            let number = piece.iter().fold(0, |number, byte| push(number, *byte));
            let bit = filter_bit(number);
            self.filter[bit / 64] |= 1 << (bit % 64);
            grown.push(number);
        }
        *list = grown;
    }

    /// Where secrets stand in the text from `from` on, in order, none touching another.
    pub(super) fn find(&self, text: &[u8], from: usize, mark: &[u8]) -> Vec<Found> {
        if self.is_empty() {
            return Vec::new();
        }
        let marks: Vec<usize> = memchr::memmem::find_iter(text, mark).collect();
        let mut hits = Hits { found: Vec::new(), marks: &marks, mark: mark.len() };
        let mut start = from;
        while start < text.len() {
            let end = text.len().min(start + BLOCK);
            let view = View::of(text, start..end);
            self.look_here(&view, &mut hits);
            self.look_decoded(&view, &mut hits);
            for escapes in view.escapes() {
                self.look_unescaped(&view, escapes, UNESCAPES, true, &mut hits);
            }
            start = if end == text.len() { end } else { end - OVERLAP };
        }
        joined(hits.found)
    }

    /// Looks into what a text says when its escapes are undone, once and again.
    fn look_unescaped(&self, view: &View<'_>, escapes: Escapes, times: usize, decodes: bool, hits: &mut Hits<'_>) {
        let Some(unescaped) = (times > 0).then(|| view.unescaped(escapes)).flatten() else { return };
        self.look_here(&unescaped, hits);
        if decodes {
            self.look_decoded(&unescaped, hits);
        }
        self.look_unescaped(&unescaped, escapes, times - 1, decodes, hits);
    }

    /// Looks into what a text says when its base64 and its hexadecimal digits are decoded.
    fn look_decoded(&self, view: &View<'_>, hits: &mut Hits<'_>) {
        for decoded in view.base64().into_iter().chain(view.hex()) {
            self.look_here(&decoded, hits);
            // What was encoded may be a form: `Basic` holds one (RFC 6749 section 2.3.1).
            self.look_unescaped(&decoded, ALL, 1, false, hits);
        }
    }

    fn look_here(&self, view: &View<'_>, hits: &mut Hits<'_>) {
        let mut last = 0_u128;
        for (index, byte) in view.bytes().iter().enumerate() {
            last = push(last, *byte);
            let bit = filter_bit(last);
            if self.filter[bit / 64] & 1 << (bit % 64) == 0 {
                continue;
            }
            let is_piece = |(length, pieces): &&(usize, Zeroizing<Vec<u128>>)| {
                let number = last & ((1 << (8 * length)) - 1);
                index + 1 >= *length && pieces.binary_search(&number).is_ok()
            };
            if let Some((length, _)) = self.pieces.iter().find(is_piece) {
                hits.add(view.place(index + 1 - length..index + 1));
            }
        }
    }
}

/// The last bytes as a number; a blank is a plus sign in a form, so both count as the same.
fn push(number: u128, byte: u8) -> u128 {
    number << 8 | u128::from(if byte == b' ' { b'+' } else { byte })
}

fn filter_bit(number: u128) -> usize {
    let [a, b, c, d, ..] = number.to_le_bytes();
    // Knuth's multiplicative hash: the upper bits of the product depend on all four bytes.
    let hash = u32::from_le_bytes([a, b, c, d]).wrapping_mul(2_654_435_769);
    (hash >> 16) as usize % FILTER_BITS
}

/// What was found, in the places of the text; what was taken out already is not looked into again.
struct Hits<'a> {
    found: Vec<Found>,
    marks: &'a [usize],
    mark: usize,
}

impl Hits<'_> {
    fn add(&mut self, place: Range<usize>) {
        let before = self.marks.partition_point(|mark| *mark < place.end);
        if before.checked_sub(1).is_some_and(|last| self.marks[last] + self.mark > place.start) {
            return;
        }
        match self.found.last_mut().filter(|last| last.start <= place.start && place.start <= last.end) {
            Some(last) => last.end = last.end.max(place.end),
            None => self.found.push(Found { start: place.start, end: place.end }),
        }
    }
}

/// Places in order, joined where they touch.
fn joined(mut found: Vec<Found>) -> Vec<Found> {
    found.sort_unstable_by_key(|found| found.start);
    let mut joined: Vec<Found> = vec![];
    for next in found {
        match joined.last_mut().filter(|last| next.start <= last.end) {
            Some(last) => last.end = last.end.max(next.end),
            None => joined.push(next),
        }
    }
    joined
}
