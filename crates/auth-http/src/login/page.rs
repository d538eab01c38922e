//! The pages that a browser sees at the end of a login: small, without scripts, and with nothing from elsewhere.

use auth_core::{Connected, Failure, Secret};
use zeroize::Zeroizing;

/// What a page looks like: the system's own type, one column, light or dark as the person likes it.
const STYLE: &str = ":root{color-scheme:light dark}body{font:1.1rem/1.5 system-ui,sans-serif;max-width:34rem;margin:18vh auto;padding:0 1.5rem}h1{font-size:1.5rem}";

/// One answer to a browser.
pub(super) struct Page {
    status: &'static str,
    title: &'static str,
    text: String,
    /// Where the browser goes on, and with which cookie.
    onward: Option<(String, Secret)>,
}

impl Page {
    /// How the login ended.
    pub(super) fn end(result: Result<&Connected, &Failure>) -> Self {
        match result {
            Ok(connected) => {
                // The person sees which account it was, as far as the server says.
                let said: Vec<String> = connected.parameters.iter().map(|(name, value)| format!("{name} {value}")).collect();
                let account = if said.is_empty() { String::new() } else { format!("The server says: {}. ", said.join(", ")) };
                Self::new("200 OK", "Connected", format!("{account}You can close this window and go back to the program."))
            }
            Err(failure) => {
                let mut text = capitalised(failure.what());
                text.push('.');
                if !failure.advice().is_empty() {
                    text.push(' ');
                    text.push_str(&capitalised(failure.advice()));
                    text.push('.');
                }
                Self::new("400 Bad Request", "Not connected", text)
            }
        }
    }

    /// The start of the login: on to the server, with the cookie that the redirect has to bring.
    pub(super) fn start(location: &str, set_cookie: &Secret) -> Self {
        let page = Self::new("303 See Other", "Going on", "The browser goes on to the server.");
        Self { onward: Some((location.to_owned(), set_cookie.clone())), ..page }
    }

    /// For a visit that has nothing to do with this login.
    pub(super) fn foreign(why: &str) -> Self {
        let text = format!(
            "This address does not belong to the login that is going on: {why}. Go on in the window in which you began, or begin again."
        );
        Self::new("400 Bad Request", "Not this login", text)
    }

    /// For any other path.
    pub(super) fn absent() -> Self {
        Self::new("404 Not Found", "Nothing here", "A login comes back to another path of this address.")
    }

    /// For what is no request of a browser.
    pub(super) fn unreadable() -> Self {
        Self::new("400 Bad Request", "Not understood", "A login comes back by a plain GET.")
    }

    fn new(status: &'static str, title: &'static str, text: impl Into<String>) -> Self {
        Self { status, title, text: text.into(), onward: None }
    }

    /// The whole response. Nothing of it may be kept, framed or told to another site, because the address that leads here carries a code.
    pub(super) fn response(&self) -> Zeroizing<Vec<u8>> {
        let Self { status, title, text, onward } = self;
        let onward = Zeroizing::new(
            onward
                .as_ref()
                .map_or(String::new(), |(location, cookie)| format!("Location: {location}\r\nSet-Cookie: {}\r\n", cookie.expose())),
        );
        let body = format!(
            "<!doctype html><html lang=en><meta charset=utf-8><meta name=viewport content=\"width=device-width\"><title>{title}</title><style>{STYLE}</style><h1>{title}</h1><p>{}</p></html>\n",
            escaped(text)
        );
        let response = format!(
            "HTTP/1.1 {status}\r\n{}Content-Type: text/html; charset=utf-8\r\nContent-Length: {}\r\nConnection: close\r\nCache-Control: no-store\r\nReferrer-Policy: no-referrer\r\nX-Content-Type-Options: nosniff\r\nContent-Security-Policy: default-src 'none'; style-src 'unsafe-inline'; frame-ancestors 'none'\r\n\r\n{body}",
            *onward,
            body.len()
        );
        Zeroizing::new(response.into_bytes())
    }
}

fn capitalised(text: &str) -> String {
    let mut chars = text.chars();
    chars.next().map_or(String::new(), |first| first.to_uppercase().chain(chars).collect())
}

/// Text that cannot become markup.
fn escaped(text: &str) -> String {
    text.chars().fold(String::with_capacity(text.len()), |mut safe, c| {
        match c {
            '<' => safe.push_str("&lt;"),
            '>' => safe.push_str("&gt;"),
            '&' => safe.push_str("&amp;"),
            '"' => safe.push_str("&quot;"),
            '\'' => safe.push_str("&#39;"),
            c => safe.push(c),
        }
        safe
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use auth_core::FailureKind;

    #[test]
    fn what_a_server_said_cannot_become_markup() {
        let failure = Failure::new(FailureKind::GrantRefused, "<script>alert(1)</script>", "a \"b\" & 'c'");
        let page = String::from_utf8(Page::end(Err(&failure)).response().to_vec()).unwrap();
        assert!(page.contains("&lt;script&gt;") && page.contains("A &quot;b&quot; &amp; &#39;c&#39;."), "{page}");
        assert!(!page.contains("<script"));
        let (head, body) = page.split_once("\r\n\r\n").unwrap();
        assert!(head.contains(&format!("Content-Length: {}\r\n", body.len())) && head.starts_with("HTTP/1.1 400 "));
    }
}
