//! Streams: the same for text that comes in pieces, wherever it was cut.

use super::Redactor;
use super::field::Open;
use super::value::{MARK, Text};
use alloc::vec::Vec;
use core::fmt;
use zeroize::Zeroizing;

/// The longest line, in bytes, for which a stream gives exactly what [`Redactor::redact_bytes`] gives: 64 KiB, because a line of a log is rarely longer
/// and a stream keeps that much memory.
pub const MAX_LINE: usize = 64 * 1024;
/// How much of an over-long line is kept back while the rest is written, in bytes: more than any credential that servers accept in a header.
const OVERLAP: usize = 8 * 1024;
/// How much of what was written is kept for looking back, in bytes: a name and the quote before it.
const CONTEXT: usize = 256;

/// `RedactStream` takes secrets out of text that comes in pieces; made by [`Redactor::stream`].
///
/// Whole lines are written as soon as they are complete; the beginning of a line waits for its end. Whatever the borders of the pieces, the output is that
/// of [`Redactor::redact_bytes`] for the whole, as long as no line is longer than [`MAX_LINE`]. Of a longer line all but the last 8 KiB (or the length
/// of the longest known secret) is written early; secrets across that border are still found, and a single value that is longer than that is taken out
/// together with the rest of its line.
///
/// The text that waits is wiped when the stream is dropped. `Debug` shows its length only.
///
/// ```
/// let mut stream = auth_core::Redactor::new().stream();
/// let mut out = Vec::new();
/// for piece in ["x-api-", "key: 0a1b", "2c3d\nnext line"] {
///     stream.push(piece.as_bytes(), &mut out);
/// }
/// stream.finish(&mut out);
/// assert_eq!(out, b"x-api-key: [redacted]\nnext line");
/// ```
pub struct RedactStream {
    redactor: Redactor,
    /// The line that has begun, after the last bytes that were written of it.
    line: Zeroizing<Vec<u8>>,
    /// How much of `line` was written.
    written: usize,
    limit: usize,
    overlap: usize,
    /// What the line before left open.
    open: Open,
    /// The front of the line was written already.
    begun: bool,
    /// Everything to the end of the line belongs to a value that was taken out.
    skipping: bool,
}

impl RedactStream {
    pub(super) fn new(redactor: Redactor) -> Self {
        let overlap = OVERLAP.max(4 * redactor.0.echoes.longest());
        let limit = MAX_LINE.max(4 * overlap) + CONTEXT;
        // At its full size from the start: a buffer that grows leaves copies of itself behind that are not wiped.
        Self {
            redactor,
            line: Zeroizing::new(Vec::with_capacity(limit)),
            written: 0,
            limit,
            overlap,
            open: Open::Nothing,
            begun: false,
            skipping: false,
        }
    }

    /// Takes the next piece and appends what can be written already to `out`.
    pub fn push(&mut self, piece: &[u8], out: &mut Vec<u8>) {
        let mut piece = piece;
        if self.skipping || !self.line.is_empty() {
            let end = memchr::memchr(b'\n', piece).map_or(piece.len(), |found| found + 1);
            self.hold(&piece[..end], out);
            if !piece[..end].ends_with(b"\n") {
                return;
            }
            self.end_line(out);
            piece = &piece[end..];
        }
        let whole = memchr::memrchr(b'\n', piece).map_or(0, |found| found + 1);
        self.open = self.redactor.redact_lines(&piece[..whole], self.open, out);
        self.hold(&piece[whole..], out);
    }

    /// Writes what waits for its line to end. The stream can be used again for another text.
    pub fn finish(&mut self, out: &mut Vec<u8>) {
        self.end_line(out);
        self.open = Open::Nothing;
    }

    fn end_line(&mut self, out: &mut Vec<u8>) {
        self.settle(false, out);
        self.line.clear();
        self.written = 0;
        self.begun = false;
        self.skipping = false;
    }

    /// Adds to the line, and writes the front of it when it becomes too long.
    fn hold(&mut self, mut piece: &[u8], out: &mut Vec<u8>) {
        while !piece.is_empty() {
            if self.skipping {
                // Of a line that is left out its end still has to be seen.
                out.extend_from_slice(if piece.ends_with(b"\n") { b"\n" } else { b"" });
                return;
            }
            let fits = piece.len().min(self.limit - self.line.len());
            self.line.extend_from_slice(&piece[..fits]);
            piece = &piece[fits..];
            if self.line.len() == self.limit {
                self.settle(!self.line.ends_with(b"\n"), out);
            }
        }
    }

    /// Writes the line, or the front of it if there is `more` to come.
    fn settle(&mut self, more: bool, out: &mut Vec<u8>) {
        if self.begun && self.written == self.line.len() {
            return;
        }
        let line = self.line.as_slice();
        let mut border = if more { line.len() - self.overlap } else { line.len() };
        let mut copied = self.written;
        let mut cut_off = false;
        let open = if self.begun { Open::Nothing } else { self.open };
        self.open = self.redactor.0.each(Text { bytes: line, more }, self.written, open, |at, found, joined| {
            if at >= border {
                // Not yet.
                border = border.min(found.start);
                return true;
            }
            if !joined {
                out.extend_from_slice(&line[copied..found.start]);
                out.extend_from_slice(MARK);
            }
            copied = found.end;
            border = border.max(copied);
            // It may go on in what is not here yet.
            cut_off = more && found.end == line.len();
            !cut_off
        });
        self.begun = true;
        if cut_off {
            self.line.clear();
            self.written = 0;
            self.skipping = true;
            return;
        }
        out.extend_from_slice(&line[copied..border]);
        let context = border.min(CONTEXT);
        self.line.drain(..border - context);
        self.written = context;
    }
}

impl fmt::Debug for RedactStream {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "RedactStream({} bytes wait for the end of their line)", self.line.len() - self.written)
    }
}
