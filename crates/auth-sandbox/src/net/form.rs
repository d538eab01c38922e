use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;

/// Undoes `application/x-www-form-urlencoded`; `None` when a percent sign is not followed by two hex digits or the
/// bytes are no UTF-8.
pub(crate) fn plus_decoded(text: &str) -> Option<String> {
    let mut bytes = text.bytes();
    let mut decoded = Vec::with_capacity(text.len());
    while let Some(byte) = bytes.next() {
        decoded.push(match byte {
            b'+' => b' ',
            b'%' => {
                let high = char::from(bytes.next()?).to_digit(16)?;
                let low = char::from(bytes.next()?).to_digit(16)?;
                u8::try_from(high * 16 + low).ok()?
            }
            other => other,
        });
    }
    String::from_utf8(decoded).ok()
}

/// The decoded fields of a form body; `None` when it is no form.
pub(crate) fn form_fields(body: &[u8]) -> Option<Vec<(String, String)>> {
    let text = std::str::from_utf8(body).ok()?;
    text.split('&')
        .filter(|pair| !pair.is_empty())
        .map(|pair| {
            let (name, value) = pair.split_once('=').unwrap_or((pair, ""));
            Some((plus_decoded(name)?, plus_decoded(value)?))
        })
        .collect()
}

/// The decoded value of one query parameter.
pub(crate) fn query_value(query: &str, name: &str) -> Option<String> {
    form_fields(query.as_bytes())?.into_iter().find(|(field, _)| field == name).map(|(_, value)| value)
}

/// User and password of `Basic <base64>`, still as the client encoded them; `None` when malformed.
pub(crate) fn basic_credentials(base64: &str) -> Option<(String, String)> {
    let text = String::from_utf8(STANDARD.decode(base64.trim()).ok()?).ok()?;
    let (user, password) = text.split_once(':')?;
    Some((user.to_owned(), password.to_owned()))
}
