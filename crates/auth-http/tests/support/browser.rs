//! A person's browser in a few lines: follows redirects, keeps cookies, sends the form of a page.

use std::collections::BTreeMap;
use ureq::http::Uri;

/// What was seen last.
pub struct Seen {
    pub url: String,
    pub status: u16,
    pub body: String,
}

/// Opens an address in a browser of its own and follows it to its end.
pub fn visit(address: &str) -> Seen {
    Browser::default().open(address)
}

/// A browser with its cookies.
#[derive(Default)]
pub struct Browser {
    cookies: BTreeMap<String, String>,
}

impl Browser {
    /// Opens the start page of a login; the authorization request to which it leads.
    pub fn begin(&mut self, address: &str) -> String {
        let answer = self.ask(address, false);
        assert_eq!(answer.status(), 303, "{address}");
        answer.headers()["location"].to_str().unwrap().to_owned()
    }

    /// Opens an address and follows it to its end.
    pub fn open(&mut self, address: &str) -> Seen {
        let mut url = address.to_owned();
        let mut send_form = false;
        for _ in 0..20 {
            let mut answer = self.ask(&url, send_form);
            if let Some(location) = answer.headers().get("location") {
                (url, send_form) = (absolute(&url, location.to_str().unwrap()), false);
                continue;
            }
            let (status, body) = (answer.status().as_u16(), answer.body_mut().read_to_string().unwrap());
            if body.contains("<form method=post>") {
                send_form = true;
                continue;
            }
            return Seen { url, status, body };
        }
        panic!("{url}: redirected without end");
    }

    /// One request, whose cookies are kept.
    fn ask(&mut self, url: &str, send_form: bool) -> ureq::http::Response<ureq::Body> {
        let config = ureq::Agent::config_builder().proxy(None).http_status_as_error(false);
        let agent: ureq::Agent = config.max_redirects(0).max_redirects_will_error(false).build().into();
        let jar = self.cookies.iter().map(|(name, value)| format!("{name}={value}")).collect::<Vec<_>>().join("; ");
        let answer =
            if send_form { agent.post(url).header("cookie", jar).send_empty() } else { agent.get(url).header("cookie", jar).call() };
        let answer = answer.unwrap_or_else(|error| panic!("{url}: {error}"));
        for cookie in answer.headers().get_all("set-cookie") {
            let (name, value) = cookie.to_str().unwrap().split(';').next().unwrap().split_once('=').unwrap();
            self.cookies.insert(name.to_owned(), value.to_owned());
        }
        answer
    }
}

fn absolute(base: &str, location: &str) -> String {
    if !location.starts_with('/') {
        return location.to_owned();
    }
    let base: Uri = base.parse().unwrap();
    format!("{}://{}{location}", base.scheme_str().unwrap(), base.authority().unwrap())
}
