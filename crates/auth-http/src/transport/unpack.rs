//! Content codings: bodies that come packed, unpacked as they are read (RFC 9110 section 8.4.1).
//!
//! The names count in any case, `x-gzip` is `gzip`, and a body may be packed several times. What is unpacked is never held as a whole, so a body that grows
//! without end is bounded by its reader.

use super::Body;
use crate::response::Fields;
use auth_core::{Headers, MAX_TOKEN_ANSWER};
use flate2::bufread::{DeflateDecoder, MultiGzDecoder, ZlibDecoder};
use http::header::{CONTENT_ENCODING, CONTENT_LENGTH};
use http::{HeaderMap, Response};
use std::io::{self, BufRead, BufReader, Read};
use zeroize::Zeroizing;

/// How often a body may be packed: more is no server's mistake any more.
const MOST_LAYERS: usize = 4;

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Coding {
    Gzip,
    Deflate,
}

/// The codings of a body in the order in which they were applied; none if one is not known here, because then nothing of it can be unpacked.
fn codings(headers: &dyn Headers) -> Vec<Coding> {
    let (mut codings, mut known) = (Vec::new(), true);
    headers.values(CONTENT_ENCODING.as_str(), &mut |field| {
        for name in field.split(|byte| *byte == b',').map(<[u8]>::trim_ascii) {
            match name.to_ascii_lowercase().as_slice() {
                b"" | b"identity" => {}
                b"gzip" | b"x-gzip" => codings.push(Coding::Gzip),
                b"deflate" => codings.push(Coding::Deflate),
                _ => known = false,
            }
        }
    });
    if known && codings.len() <= MOST_LAYERS { codings } else { Vec::new() }
}

/// The answer with its body as it was before it was packed. The header fields that were about the packed one are taken out.
///
/// A body that a caller's own HTTP library has unpacked already, although its header fields still say otherwise, is left as it is.
pub(crate) fn unpacked(mut response: Response<Body>) -> Response<Body> {
    let codings = codings(&Fields(response.headers()));
    if codings.is_empty() {
        return response;
    }
    take_out(response.headers_mut());
    response.map(|body| codings.into_iter().rev().fold(body, |body, coding| Body::from_reader(Layer::new(coding, body))))
}

/// The same of a body that is here as a whole, as far as the machine reads it; `None` if it is not packed, or damaged.
pub(crate) fn unpacked_whole(headers: &dyn Headers, body: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
    let codings = codings(headers);
    if codings.is_empty() {
        return None;
    }
    let first: Box<dyn Read + '_> = Box::new(body);
    let reader = codings.into_iter().rev().fold(first, |body, coding| Box::new(Layer::new(coding, body)));
    let mut whole = Zeroizing::new(Vec::with_capacity(16 * 1_024));
    reader.take(MAX_TOKEN_ANSWER as u64 + 1).read_to_end(&mut whole).ok()?;
    Some(whole)
}

fn take_out(headers: &mut HeaderMap) {
    headers.remove(CONTENT_ENCODING);
    headers.remove(CONTENT_LENGTH);
}

/// One coding, unpacked.
struct Layer<R> {
    coding: Coding,
    state: State<R>,
}

enum State<R> {
    /// Nothing of it was read; `None` while it is looked at.
    Unread(Option<R>),
    Plain(BufReader<R>),
    Gzip(Box<MultiGzDecoder<BufReader<R>>>),
    Zlib(Box<ZlibDecoder<BufReader<R>>>),
    Deflate(Box<DeflateDecoder<BufReader<R>>>),
}

impl<R: Read> Layer<R> {
    fn new(coding: Coding, body: R) -> Self {
        Self { coding, state: State::Unread(Some(body)) }
    }

    /// Looks at how the body begins, because its header fields may be wrong about it.
    fn begin(&mut self, body: R) -> io::Result<()> {
        let mut body = BufReader::new(body);
        let start = body.fill_buf()?;
        let (first, second) = (start.first().copied().unwrap_or_default(), start.get(1).copied());
        // RFC 1952 section 2.3.1 and RFC 1950 section 2.2. A body may begin with one byte alone.
        let is_gzip = first == 0x1f && second.is_none_or(|second| second == 0x8b);
        let is_zlib = first & 0x0f == 8 && second.is_none_or(|second| (u16::from(first) << 8 | u16::from(second)) % 31 == 0);
        // What JSON, a form, a page or a text begins with; servers that send a bare deflate stream begin with none of it.
        let is_text = matches!(first, b'{' | b'[' | b'<' | b'"' | b' ' | b'\t' | b'\r' | b'\n' | 0xef);
        self.state = match self.coding {
            Coding::Gzip if is_gzip => State::Gzip(Box::new(MultiGzDecoder::new(body))),
            Coding::Deflate if is_zlib => State::Zlib(Box::new(ZlibDecoder::new(body))),
            Coding::Deflate if !start.is_empty() && !is_text => State::Deflate(Box::new(DeflateDecoder::new(body))),
            _ => State::Plain(body),
        };
        Ok(())
    }
}

impl<R: Read> Read for Layer<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if let State::Unread(body) = &mut self.state {
            let body = body.take().ok_or_else(|| io::Error::other("the body broke off before"))?;
            self.begin(body)?;
        }
        let (count, rest) = match &mut self.state {
            State::Unread(_) => return Ok(0),
            State::Plain(body) => return body.read(buffer),
            State::Gzip(decoder) => (decoder.read(buffer)?, decoder.get_mut()),
            State::Zlib(decoder) => (decoder.read(buffer)?, decoder.get_mut()),
            State::Deflate(decoder) => (decoder.read(buffer)?, decoder.get_mut()),
        };
        if count == 0 && !buffer.is_empty() {
            // The body's own end is read too, so that its connection can be used again.
            let left = rest.fill_buf()?.len();
            rest.consume(left);
        }
        Ok(count)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use flate2::Compression;
    use flate2::read::{DeflateEncoder, GzEncoder, ZlibEncoder};
    use http::HeaderValue;

    const TEXT: &[u8] = br#"{"access_token":"t","expires_in":60}"#;

    fn all(mut reader: impl Read) -> Vec<u8> {
        let mut bytes = Vec::new();
        reader.read_to_end(&mut bytes).unwrap();
        bytes
    }

    fn gzip(bytes: &[u8]) -> Vec<u8> {
        all(GzEncoder::new(bytes, Compression::fast()))
    }

    fn headers(fields: &[&str]) -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(CONTENT_LENGTH, HeaderValue::from_static("7"));
        for field in fields {
            headers.append(CONTENT_ENCODING, HeaderValue::from_str(field).unwrap());
        }
        headers
    }

    fn response(fields: &[&str], body: Vec<u8>) -> Response<Body> {
        let mut response = Response::new(Body::from_reader(io::Cursor::new(body)));
        *response.headers_mut() = headers(fields);
        response
    }

    #[test]
    fn a_body_is_unpacked_however_it_is_named() {
        let zlib = all(ZlibEncoder::new(TEXT, Compression::fast()));
        let bare = all(DeflateEncoder::new(TEXT, Compression::fast()));
        for (fields, packed) in [
            (&["gzip"][..], gzip(TEXT)),
            (&["GZIP"], gzip(TEXT)),
            (&["x-gzip"], gzip(TEXT)),
            (&["gzip, gzip"], gzip(&gzip(TEXT))),
            (&["gzip", "X-Gzip"], gzip(&gzip(TEXT))),
            (&[" identity , gzip,"], gzip(TEXT)),
            (&["deflate"], zlib.clone()),
            (&["Deflate"], bare),
            (&["deflate, gzip"], gzip(&zlib)),
            (&["gzip"], [gzip(&TEXT[..9]), gzip(&TEXT[9..])].concat()),
            // Unpacked already by a caller's own library.
            (&["gzip"], TEXT.into()),
            (&["deflate"], TEXT.into()),
        ] {
            let whole = unpacked_whole(&Fields(headers(fields)), &packed);
            assert_eq!(whole.as_ref().map(|whole| whole.as_slice()), Some(TEXT), "{fields:?}");
            let (head, body) = unpacked(response(fields, packed)).into_parts();
            assert_eq!(all(body), TEXT, "{fields:?}");
            assert!(head.headers.is_empty(), "{fields:?}");
        }
    }

    #[test]
    fn what_is_not_known_is_left_as_it_is() {
        for fields in [&["br"][..], &["gzip, br"], &["gzip,gzip,gzip,gzip,gzip"], &[]] {
            assert!(unpacked_whole(&Fields(headers(fields)), b"packed").is_none(), "{fields:?}");
            let (head, body) = unpacked(response(fields, b"packed".into())).into_parts();
            assert_eq!((all(body).as_slice(), head.headers.len()), (&b"packed"[..], 1 + fields.len()), "{fields:?}");
        }
    }

    #[test]
    fn a_damaged_body_is_an_error_and_one_that_grows_is_bounded() {
        let (headers, packed) = (Fields(headers(&["gzip"])), gzip(TEXT));
        let cut_off = packed[..packed.len() - 9].to_vec();
        assert!(unpacked_whole(&headers, &cut_off).is_none());
        assert!(unpacked(response(&["gzip"], cut_off)).into_body().read_to_end(&mut Vec::new()).is_err());
        let bomb = gzip(&vec![0; 10 << 20]);
        assert_eq!(unpacked_whole(&headers, &bomb).map(|bytes| bytes.len()), Some(MAX_TOKEN_ANSWER + 1));
        assert_eq!(unpacked_whole(&headers, b"").map(|bytes| bytes.len()), Some(0));
    }
}
