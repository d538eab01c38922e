//! What happened in a run: always as one number, so that two runs can be compared, and as lines where somebody wants to read them.

use crate::survey::number_of;
use std::collections::VecDeque;

/// How many of the last lines are kept, unless `SIMULATION_LINES` says otherwise.
const LINES: u64 = 80;

pub(crate) struct Trace {
    hash: u64,
    pub(crate) steps: u64,
    lines: Option<VecDeque<String>>,
    most: usize,
}

impl Trace {
    pub(crate) fn new(with_lines: bool) -> Self {
        let most = number_of("SIMULATION_LINES").unwrap_or(LINES);
        Self {
            hash: 0xcbf2_9ce4_8422_2325,
            steps: 0,
            lines: with_lines.then(VecDeque::new),
            most: usize::try_from(most).unwrap_or_default(),
        }
    }

    /// Notes what happened at `time`: numbers for the hash, words for a reader.
    pub(crate) fn note(&mut self, time: u64, numbers: [u64; 4], words: impl FnOnce() -> String) {
        self.steps += 1;
        for number in [time].into_iter().chain(numbers) {
            self.hash = (self.hash ^ number).wrapping_mul(0x0100_0000_01b3).rotate_left(23);
        }
        if let Some(lines) = &mut self.lines {
            if lines.len() == self.most {
                lines.pop_front();
            }
            lines.push_back(format!("{:>13.3} s  {}", std::time::Duration::from_millis(time).as_secs_f64(), words()));
        }
    }

    /// The run as one number.
    pub(crate) fn hash(&self) -> u64 {
        self.hash
    }

    pub(crate) fn into_lines(self) -> Vec<String> {
        self.lines.map(Vec::from).unwrap_or_default()
    }
}
