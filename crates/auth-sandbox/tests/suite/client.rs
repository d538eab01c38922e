use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

use auth_sandbox::{Options, Sandbox, Service};
use serde_json::Value;
use ureq::Agent;
use ureq::tls::{Certificate, ClientCert, PrivateKey, RootCerts, TlsConfig};

pub(crate) type Problem = Box<dyn std::error::Error>;
pub(crate) type Tried = Result<(), Problem>;

/// A plain-HTTP sandbox: most behaviour does not depend on TLS.
pub(crate) fn plain() -> Sandbox {
    Sandbox::start(Options { tls: false, ..Options::default() }).unwrap()
}

pub(crate) fn agent_with(sandbox: &Sandbox, proxy: Option<ureq::Proxy>, identity: Option<(String, String)>) -> Agent {
    let ca = Certificate::from_pem(sandbox.ca_pem().as_bytes()).unwrap();
    let client = identity.map(|(certificate, key)| {
        let certificate = Certificate::from_pem(certificate.as_bytes()).unwrap();
        let key = PrivateKey::from_pem(key.as_bytes()).unwrap();
        ClientCert::new_with_certs(&[certificate.to_owned()], key)
    });
    Agent::config_builder()
        .http_status_as_error(false)
        .max_redirects(0)
        .max_redirects_will_error(false)
        .proxy(proxy)
        .timeout_global(Some(Duration::from_secs(10)))
        .tls_config(TlsConfig::builder().root_certs(RootCerts::new_with_certs(&[ca])).client_cert(client).build())
        .build()
        .into()
}

/// Sends requests to one sandbox, whatever the machine's environment variables say.
pub(crate) struct Client<'a> {
    pub(crate) sandbox: &'a Sandbox,
    pub(crate) agent: Agent,
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: ureq::http::HeaderMap,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or(Value::Null)
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).and_then(|value| value.to_str().ok())
    }

    pub(crate) fn code(&self) -> String {
        self.json()["error"]["code"].as_str().unwrap_or("").to_owned()
    }
}

impl<'a> Client<'a> {
    pub(crate) fn new(sandbox: &'a Sandbox) -> Self {
        Self { sandbox, agent: agent_with(sandbox, None, None) }
    }

    pub(crate) fn send(&self, service: Service, method: &str, path: &str, headers: &[(&str, &str)], body: &str) -> Result<Answer, Problem> {
        let url = format!("{}{path}", self.sandbox.url(service));
        let mut request = ureq::http::Request::builder().method(method).uri(url);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let response = self.agent.run(request.body(body.as_bytes().to_vec())?)?;
        let (parts, mut body) = response.into_parts();
        Ok(Answer {
            status: parts.status.as_u16(),
            headers: parts.headers,
            body: body.with_config().limit(16 * 1024 * 1024).read_to_vec()?,
        })
    }

    pub(crate) fn get(&self, service: Service, path: &str, key: &str) -> Answer {
        self.bearer(service, "GET", path, key, "")
    }

    pub(crate) fn post(&self, service: Service, path: &str, key: &str, body: &str) -> Answer {
        self.bearer(service, "POST", path, key, body)
    }

    pub(crate) fn bearer(&self, service: Service, method: &str, path: &str, key: &str, body: &str) -> Answer {
        let authorization = format!("Bearer {key}");
        let headers = [("Authorization", authorization.as_str()), ("Content-Type", "application/json")];
        self.send(service, method, path, &headers, body).unwrap()
    }

    /// A form to Numeric's token endpoint.
    pub(crate) fn form(&self, path: &str, authorization: Option<&str>, form: &str) -> Answer {
        let mut headers = vec![("Content-Type", "application/x-www-form-urlencoded")];
        if let Some(authorization) = authorization {
            headers.push(("Authorization", authorization));
        }
        self.send(Service::NumericAuth, "POST", path, &headers, form).unwrap()
    }

    /// A Numeric production token for the ready-made client.
    pub(crate) fn numeric_token(&self) -> String {
        let keys = self.sandbox.keys();
        let form =
            format!("grant_type=client_credentials&client_id={}&client_secret={}", keys.numeric.client_id, keys.numeric.client_secret);
        let answer = self.form("/oauth/token", None, &form);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }

    pub(crate) fn get_access(&self, client_id: &str, secret: &str) -> Answer {
        let authorization = basic(client_id, secret);
        let headers = [("Authorization", authorization.as_str())];
        self.send(Service::AdaasAuth, "GET", "/getAccess", &headers, "").unwrap()
    }

    /// An ADaaS production token for the ready-made key.
    pub(crate) fn adaas_token(&self) -> String {
        let key = &self.sandbox.keys().adaas;
        let answer = self.get_access(&key.client_id, &key.secret);
        answer.json()["access_token"].as_str().unwrap().to_owned()
    }
}

pub(crate) fn basic(user: &str, password: &str) -> String {
    use base64::Engine as _;
    let text = base64::engine::general_purpose::STANDARD.encode(format!("{user}:{password}"));
    format!("Basic {text}")
}

/// Writes raw bytes to a plain service.
pub(crate) fn raw_socket(sandbox: &Sandbox, service: Service) -> TcpStream {
    let url = sandbox.url(service);
    let port: u16 = url.rsplit_once(':').unwrap().1.parse().unwrap();
    let socket = TcpStream::connect(("127.0.0.1", port)).unwrap();
    socket.set_read_timeout(Some(Duration::from_secs(5))).unwrap();
    socket
}

/// Writes raw bytes and reads until the server closes; an error is what reading ended with.
pub(crate) fn raw(sandbox: &Sandbox, service: Service, bytes: &[u8]) -> std::io::Result<String> {
    let mut socket = raw_socket(sandbox, service);
    socket.write_all(bytes)?;
    let mut answer = Vec::new();
    socket.read_to_end(&mut answer)?;
    Ok(String::from_utf8_lossy(&answer).into_owned())
}
