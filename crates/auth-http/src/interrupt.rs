//! Waiting that can be given up: what a program whose signals are handled by its own interpreter needs.

use std::sync::Arc;
use std::time::Duration;

/// The longest time that nobody asks: 50 ms, because a person who presses Ctrl-C takes a tenth of a second for at once.
pub(crate) const SLICE: Duration = Duration::from_millis(50);

/// Whether to give up; asked in the thread that waits.
pub(crate) type Interrupt = Arc<dyn Fn() -> bool + Send + Sync>;
