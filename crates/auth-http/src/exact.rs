//! A body of a stated length, from a reader that keeps to it or fails.

use std::io::{self, Read};

/// Reads exactly so many bytes: a file can shrink or grow while it is sent, and a message whose length is
/// wrong breaks the connection for whoever comes next.
pub(crate) struct Exact<R> {
    reader: R,
    length: u64,
    left: u64,
}

impl<R: Read> Exact<R> {
    pub(crate) fn new(reader: R, length: u64) -> Self {
        Self { reader, length, left: length }
    }

    pub(crate) fn length(&self) -> u64 {
        self.length
    }

    /// Whether the reader has more than was stated.
    fn has_more(&mut self) -> io::Result<bool> {
        let mut next = [0];
        loop {
            match self.reader.read(&mut next) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                read => return read.map(|count| count > 0),
            }
        }
    }
}

impl<R: Read> Read for Exact<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let room = buffer.len().min(usize::try_from(self.left).unwrap_or(usize::MAX));
        if room == 0 {
            return Ok(0);
        }
        let count = self.reader.read(&mut buffer[..room])?;
        self.left -= count as u64;
        let (length, read) = (self.length, self.length - self.left);
        if count == 0 {
            return Err(io::Error::other(format!("the body ended after {read} of {length} bytes: it shrank while it was sent")));
        }
        // Before the last bytes leave, so that the server never has the whole of a wrong body.
        if self.left == 0 && self.has_more()? {
            return Err(io::Error::other(format!("the body has more than {length} bytes: it grew while it was sent")));
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn sent(body: &[u8], length: u64) -> Result<Vec<u8>, (Vec<u8>, String)> {
        let mut seen = Vec::new();
        let mut exact = Exact::new(body, length);
        let mut piece = [0; 4];
        loop {
            match exact.read(&mut piece) {
                Ok(0) => return Ok(seen),
                Ok(count) => seen.extend_from_slice(&piece[..count]),
                Err(error) => return Err((seen, error.to_string())),
            }
        }
    }

    #[test]
    fn a_body_has_the_stated_length_or_never_leaves_whole() {
        assert_eq!(sent(b"abcdefgh", 8).unwrap(), b"abcdefgh");
        assert_eq!(sent(b"", 0).unwrap(), b"");
        let (seen, error) = sent(b"abcdef", 8).unwrap_err();
        assert!(seen == b"abcdef" && error.contains("after 6 of 8 bytes"), "{error}");
        let (seen, error) = sent(b"abcdefghi", 8).unwrap_err();
        assert!(seen == b"abcd" && error.contains("more than 8 bytes"), "{error}");
    }
}
