use std::io::{self, Read, Write};

use super::query_value;
use super::wire::Wire;

const HEAD_LIMIT: usize = 64 * 1024;
const BODY_LIMIT: usize = 32 * 1024 * 1024;
const HEADER_COUNT: usize = 128;

/// One request as it arrived.
#[derive(Debug, Default)]
pub(crate) struct Request {
    pub(crate) method: String,
    pub(crate) path: String,
    pub(crate) query: String,
    pub(crate) headers: Vec<(String, String)>,
    pub(crate) body: Vec<u8>,
    pub(crate) keep_alive: bool,
}

impl Request {
    /// The first header of that name.
    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.iter().find(|(field, _)| field.eq_ignore_ascii_case(name)).map(|(_, value)| value.as_str())
    }

    /// The decoded value of a query parameter.
    pub(crate) fn query_value(&self, name: &str) -> Option<String> {
        query_value(&self.query, name)
    }

    /// The method with HEAD taken as GET, for routing.
    pub(crate) fn verb(&self) -> &str {
        if self.method == "HEAD" { "GET" } else { &self.method }
    }

    /// The text after `Bearer ` (or another scheme, compared without regard to case).
    pub(crate) fn credential(&self, scheme: &str) -> Option<&str> {
        let (given, token) = self.header("authorization")?.split_once(' ')?;
        let token = token.trim_start_matches(' ');
        (given.eq_ignore_ascii_case(scheme) && !token.is_empty()).then_some(token)
    }
}

/// Why bytes were no request.
#[derive(Debug)]
pub(crate) struct Malformed {
    pub(crate) status: u16,
    pub(crate) why: String,
}

/// What reading came to.
pub(crate) enum Read1 {
    Request(Box<Request>),
    Malformed(Malformed),
    /// The client has gone, or the connection broke.
    End(Option<io::Error>),
}

/// Reads requests one after the other out of one reused buffer.
pub(crate) struct Reader {
    buffer: Vec<u8>,
    scratch: Box<[u8]>,
}

enum Trouble {
    Io(Option<io::Error>),
    Bad(u16, String),
}

impl From<io::Error> for Trouble {
    fn from(error: io::Error) -> Self {
        Self::Io(Some(error))
    }
}

fn bad(why: &str) -> Trouble {
    Trouble::Bad(400, why.to_owned())
}

#[derive(Default)]
struct Framing {
    length: Option<usize>,
    chunked: bool,
    wants_continue: bool,
}

impl Reader {
    pub(crate) fn new() -> Self {
        Self { buffer: Vec::with_capacity(16 * 1024), scratch: vec![0; 16 * 1024].into_boxed_slice() }
    }

    pub(crate) fn next(&mut self, wire: &mut Wire) -> Read1 {
        match self.read(wire) {
            Ok(request) => Read1::Request(Box::new(request)),
            Err(Trouble::Bad(status, why)) => Read1::Malformed(Malformed { status, why }),
            Err(Trouble::Io(error)) => Read1::End(error),
        }
    }

    fn fill(&mut self, wire: &mut Wire) -> Result<(), Trouble> {
        loop {
            match wire.read(&mut self.scratch) {
                Ok(0) => return Err(Trouble::Io(None)),
                Ok(count) => {
                    self.buffer.extend_from_slice(&self.scratch[..count]);
                    return Ok(());
                }
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                Err(error) => return Err(error.into()),
            }
        }
    }

    fn read(&mut self, wire: &mut Wire) -> Result<Request, Trouble> {
        let (mut request, framing, head) = loop {
            if !self.buffer.is_empty()
                && let Some(parsed) = parse_head(&self.buffer)?
            {
                break parsed;
            }
            if self.buffer.len() > HEAD_LIMIT {
                return Err(Trouble::Bad(431, "header section over 64 KiB".to_owned()));
            }
            self.fill(wire)?;
        };
        let has_body = framing.chunked || framing.length.is_some_and(|length| length > 0);
        if framing.wants_continue && has_body && self.buffer.len() == head {
            wire.write_all(b"HTTP/1.1 100 Continue\r\n\r\n")?;
            wire.flush()?;
        }
        let end = if framing.chunked {
            self.read_chunks(wire, head, &mut request.body)?
        } else {
            let length = framing.length.unwrap_or(0);
            if length > BODY_LIMIT {
                return Err(Trouble::Bad(413, "body over 32 MiB".to_owned()));
            }
            while self.buffer.len() < head + length {
                self.fill(wire)?;
            }
            request.body.extend_from_slice(&self.buffer[head..head + length]);
            head + length
        };
        self.buffer.drain(..end);
        Ok(request)
    }

    /// Removes the chunked coding; returns where the request ends in the buffer.
    fn read_chunks(&mut self, wire: &mut Wire, head: usize, body: &mut Vec<u8>) -> Result<usize, Trouble> {
        let mut at = head;
        loop {
            let parsed = httparse::parse_chunk_size(&self.buffer[at..]);
            let (start, size) = match parsed.map_err(|_| bad("a chunk size that is no number"))? {
                httparse::Status::Partial => {
                    self.fill(wire)?;
                    continue;
                }
                httparse::Status::Complete(found) => found,
            };
            at += start;
            if size == 0 {
                return self.skip_trailers(wire, at);
            }
            let size = usize::try_from(size)
                .ok()
                .filter(|size| body.len().saturating_add(*size) <= BODY_LIMIT)
                .ok_or_else(|| Trouble::Bad(413, "body over 32 MiB".to_owned()))?;
            while self.buffer.len() < at + size + 2 {
                self.fill(wire)?;
            }
            body.extend_from_slice(&self.buffer[at..at + size]);
            at += size;
            if &self.buffer[at..at + 2] != b"\r\n" {
                return Err(bad("a chunk without its end"));
            }
            at += 2;
        }
    }

    fn skip_trailers(&mut self, wire: &mut Wire, mut at: usize) -> Result<usize, Trouble> {
        loop {
            let line_end = self.buffer[at..].windows(2).position(|two| two == b"\r\n");
            match line_end {
                Some(0) => return Ok(at + 2),
                Some(end) => at += end + 2,
                None if self.buffer.len() - at > HEAD_LIMIT => {
                    return Err(bad("trailers over 64 KiB"));
                }
                None => self.fill(wire)?,
            }
        }
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Request, Framing, usize)>, Trouble> {
    let mut fields = [httparse::EMPTY_HEADER; HEADER_COUNT];
    let mut parsed = httparse::Request::new(&mut fields);
    let head = match parsed.parse(bytes) {
        Ok(httparse::Status::Complete(head)) => head,
        Ok(httparse::Status::Partial) => return Ok(None),
        Err(error) => return Err(Trouble::Bad(400, format!("not HTTP/1.1: {error}"))),
    };
    let target = parsed.path.unwrap_or("/");
    let (path, query) = split_target(target);
    let mut request = Request {
        method: parsed.method.unwrap_or("").to_owned(),
        path: path.to_owned(),
        query: query.to_owned(),
        headers: Vec::with_capacity(parsed.headers.len()),
        body: Vec::new(),
        keep_alive: parsed.version == Some(1),
    };
    let mut framing = Framing::default();
    for field in parsed.headers.iter() {
        let value = String::from_utf8_lossy(field.value).into_owned();
        let name = field.name;
        if name.eq_ignore_ascii_case("content-length") {
            let length = value.trim().parse().map_err(|_| bad("a Content-Length that is no number"))?;
            if framing.length.is_some_and(|earlier| earlier != length) {
                return Err(bad("two different Content-Length fields"));
            }
            framing.length = Some(length);
        } else if name.eq_ignore_ascii_case("transfer-encoding") {
            if !value.trim().eq_ignore_ascii_case("chunked") {
                return Err(Trouble::Bad(501, "a transfer coding other than chunked".to_owned()));
            }
            framing.chunked = true;
        } else if name.eq_ignore_ascii_case("expect") {
            framing.wants_continue = value.trim().eq_ignore_ascii_case("100-continue");
        } else if name.eq_ignore_ascii_case("connection") && value.to_ascii_lowercase().contains("close") {
            request.keep_alive = false;
        }
        request.headers.push((name.to_owned(), value));
    }
    if framing.chunked && framing.length.is_some() {
        return Err(bad("both Content-Length and Transfer-Encoding"));
    }
    Ok(Some((request, framing, head)))
}

/// Splits `/path?query`, or the same behind a scheme and host.
fn split_target(target: &str) -> (&str, &str) {
    let local = match target.split_once("://") {
        Some((scheme, rest)) if !scheme.contains('/') => rest.find('/').map_or("/", |slash| &rest[slash..]),
        _ => target,
    };
    local.split_once('?').unwrap_or((local, ""))
}
