//! Processes that refresh a single-use refresh token are killed (`SIGKILL`) at random moments; the next one goes on, or says exactly that a person has to
//! connect again.
//!
//! A child calls an API without end; the server ends each access token after one good call, so that every call needs a refresh. After each kill, the record
//! in the store says what may be expected:
//!
//! - no journal entry: its refresh token was never sent, so the next process must go on;
//! - a journal entry whose writer was killed before it learned that it is durable: nothing was sent, so the next process must go on;
//! - a journal entry, and beside it the tokens that were being saved, as a whole: the next process must go on with those;
//! - any other journal entry: its refresh token was perhaps sent. The next process sends it again, because nobody can wait for the answer any more: the store
//!   of files proves it by the kernel's lock, and over Redis the process waits for a whole lease span first. The server's log tells whether it had arrived
//!   before. If not, the process was killed between the journal and the sending, and the next one must go on. If it had, the new token was lost to the
//!   crash: the server refuses the old one, and the next process asks for a person and says why. Only where the vendor lets a refresh token be used again
//!   after a lost answer, as Xero does, it goes on then, too, and no kill may cost a person anything.
//!
//! How many kills: `LEDGERAUTH_KILLS` for each store, 40 if not said; 500 take one to two minutes.
#![cfg(unix)]

#[path = "stores/places.rs"]
#[allow(dead_code, reason = "the tests of stores use more of it")]
mod places;
#[cfg(feature = "redis")]
#[path = "stores/redis_server.rs"]
#[allow(dead_code, reason = "the tests of stores use more of it")]
mod redis_server;
mod support;

use auth_http::{Client, ClientBuilder, Clock, Credential, FailureKind, Provider, SystemClock, UnixTime};
use auth_sandbox::{Kind, Options, Sandbox, Service};
use places::{Files, SharedPlace, open_at};
use std::io::{BufRead as _, BufReader};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// What a process needs to know to go on with the connection.
struct Connection {
    provider: String,
    api: String,
    token_url: String,
    client_id: String,
    client_secret: String,
    refresh_token: String,
    store: String,
}

/// The variable in which a child finds it.
const VARIABLE: &str = "LEDGERAUTH_TEST_CONNECTION";

impl Connection {
    fn to_text(&self) -> String {
        [&self.provider, &self.api, &self.token_url, &self.client_id, &self.client_secret, &self.refresh_token, &self.store]
            .map(|part| part.replace('\n', "|"))
            .join(" ")
    }

    fn from_text(text: &str) -> Self {
        let mut parts = text.split(' ').map(|part| part.replace('|', "\n"));
        let mut next = || parts.next().expect("seven parts");
        Self {
            provider: next(),
            api: next(),
            token_url: next(),
            client_id: next(),
            client_secret: next(),
            refresh_token: next(),
            store: next(),
        }
    }

    fn client(&self) -> Client {
        self.builder().build().unwrap()
    }

    /// A client for which a wait is over 50 times as soon.
    fn hurried_client(&self) -> Client {
        self.builder().clock(Arc::new(Hurried::default())).build().unwrap()
    }

    fn builder(&self) -> ClientBuilder {
        Client::builder(Provider::builtin(&self.provider).unwrap())
            .environment("production")
            .base_url(&self.api)
            .token_url(&self.token_url)
            .insecure_loopback(true)
            .no_proxy()
            .credential(Credential::refresh_token(&self.client_id, self.client_secret.as_str(), self.refresh_token.as_str()))
            .store(open_at(&self.store))
    }
}

/// The system's clock, in which a sleep takes a 50th of its time.
#[derive(Default)]
struct Hurried(AtomicU64);

impl Clock for Hurried {
    fn now(&self) -> UnixTime {
        SystemClock.now().after(Duration::from_micros(self.0.load(Ordering::Relaxed)))
    }

    fn sleep(&self, span: Duration) -> bool {
        let really = span / 50;
        std::thread::sleep(really);
        self.0.fetch_add(u64::try_from(span.saturating_sub(really).as_micros()).unwrap(), Ordering::Relaxed);
        true
    }
}

/// One call: `Ok` if it was answered, `Err` with the failure's words if a person has to connect the account again.
fn call(client: &Client) -> Result<(), String> {
    match client.get("/v1/health").send().and_then(auth_http::Response::error_for_status) {
        Ok(_) => Ok(()),
        Err(error) if error.kind() == Some(FailureKind::ConsentRequired) => Err(error.to_string()),
        Err(error) => panic!("{error}"),
    }
}

#[test]
fn in_a_child() {
    let Ok(text) = std::env::var(VARIABLE) else { return };
    let client = Connection::from_text(&text).client();
    println!("\nstarted");
    for calls in 1.. {
        if let Err(words) = call(&client) {
            println!("\nhas to reconnect after {calls}: {words}");
            return;
        }
    }
}

/// A place that outlives who wrote there.
trait Lasting: SharedPlace {
    /// Half-written remains.
    fn remains(&self) -> usize;

    /// Lets the time pass for which a killed holder's lease would keep others out, if that is long.
    fn outlast_leases(&self);
}

impl Lasting for Files {
    fn remains(&self) -> usize {
        self.ending(".new").len()
    }

    /// The operating system takes a dead process's lock away.
    fn outlast_leases(&self) {}
}

#[cfg(feature = "redis")]
impl Lasting for redis_server::At<'_> {
    fn remains(&self) -> usize {
        0
    }

    /// The holder is dead, and nothing happens until its lease ends by itself: that end is brought forward. That it comes is tested with the stores.
    fn outlast_leases(&self) {
        for lease in self.server.command(&["KEYS", "*:lease"]).lines() {
            self.server.command(&["PEXPIRE", lease, "1"]);
        }
    }
}

#[test]
fn plain_files_survive_kills() {
    Trial::new("numeric", Files::plain()).run();
}

#[test]
fn sealed_files_survive_kills() {
    Trial::new("numeric", Files::sealed()).run();
}

#[test]
fn with_a_vendor_that_forgives_a_lost_answer_no_kill_costs_a_consent() {
    Trial::new("xero", Files::plain()).run();
}

#[cfg(feature = "redis")]
#[test]
fn redis_survives_kills() {
    let Some(server) = redis_server::Server::start(&[]) else { return };
    Trial::new("numeric", redis_server::At { server: &server, way: redis_server::Way::Tls }).run();
}

#[cfg(feature = "redis")]
#[test]
fn over_redis_too_no_kill_costs_a_consent_where_a_lost_answer_is_forgiven() {
    let Some(server) = redis_server::Server::start(&[]) else { return };
    Trial::new("xero", redis_server::At { server: &server, way: redis_server::Way::Socket }).run();
}

/// What came of the kills.
#[derive(Debug, Default)]
struct Counts {
    kills: usize,
    went_on: usize,
    /// The journal was written, and the refresh token had not arrived: the next process sends it.
    never_arrived: usize,
    /// The new tokens were being saved, and stand there as a whole: the next process ends the save.
    saved_after_all: usize,
    /// The server had rotated, and the new refresh token was not saved: lost to the crash. The old one was sent again and refused.
    answer_lost: usize,
    /// The journal was written, and the vendor lets what it names be sent again.
    sent_again: usize,
    refreshes: usize,
}

struct Trial<P> {
    sandbox: Arc<Sandbox>,
    place: P,
    /// Whether the vendor lets a refresh token be used again after a lost answer.
    forgiving: bool,
    connection: Connection,
    counts: Counts,
}

impl<P: Lasting> Trial<P> {
    fn new(provider: &str, place: P) -> Self {
        let options = Options { tls: false, limits: false, log_capacity: 1_000_000, ..Options::default() };
        let sandbox = Arc::new(Sandbox::start(options).unwrap());
        sandbox.rotate_refresh_tokens(true);
        let forgiving = provider == "xero";
        if forgiving {
            sandbox.reuse_grace(1_800);
        }
        let behind = Arc::downgrade(&sandbox);
        // One good call for each access token.
        sandbox.on_entry(move |entry| {
            if let Some(sandbox) = behind.upgrade().filter(|_| entry.kind == Kind::Api && entry.status == Some(200)) {
                sandbox.revoke_tokens(Service::NumericAuth);
            }
        });
        let keys = sandbox.keys();
        let connection = Connection {
            provider: provider.to_owned(),
            api: sandbox.url(Service::NumericApi),
            token_url: format!("{}/oauth/token", sandbox.url(Service::NumericAuth)),
            client_id: keys.numeric.client_id.clone(),
            client_secret: keys.numeric.client_secret.clone(),
            refresh_token: sandbox.issue_refresh_token(&keys.numeric.client_id).unwrap(),
            store: place.address(),
        };
        Self { sandbox, place, forgiving, connection, counts: Counts::default() }
    }

    fn run(mut self) {
        let kills = std::env::var("LEDGERAUTH_KILLS").ok().and_then(|text| text.parse().ok()).unwrap_or(40);
        while self.counts.kills < kills {
            self.kill_one();
            self.look();
        }
        println!("{:?}", self.counts);
        assert!(self.counts.refreshes > kills, "hardly anything happened: {:?}", self.counts);
        assert_eq!(self.place.remains(), 0, "half-written files are left");
    }

    /// A child runs for a random while and is killed.
    fn kill_one(&mut self) {
        let mut child = Command::new(std::env::current_exe().unwrap())
            .args(["--exact", "in_a_child", "--nocapture"])
            .env(VARIABLE, self.connection.to_text())
            .stdout(Stdio::piped())
            .spawn()
            .unwrap();
        wait_for_start(&mut child);
        std::thread::sleep(Duration::from_micros(fastrand::u64(0..120_000)));
        let had_ended = child.try_wait().unwrap();
        assert!(had_ended.is_none(), "the child ended by itself: {had_ended:?}, {:?}", rest_of(&mut child));
        child.kill().unwrap();
        child.wait().unwrap();
        self.place.outlast_leases();
        self.counts.kills += 1;
    }

    /// What the store holds now, what the server has seen, and what the next process makes of it.
    fn look(&mut self) {
        let client = self.connection.hurried_client();
        let store = open_at(&self.connection.store);
        let id = self.store_id();
        let record = store.load(&id).unwrap_or_else(|why| panic!("torn: {why}"));
        let (next, journal) = match &record {
            None => (self.connection.refresh_token.clone(), None),
            Some(record) => (record.refresh_token.as_ref().unwrap().expose().to_owned(), record.spending),
        };
        // What the child had sent is answered to nobody, but acted upon, perhaps only now.
        if journal.is_some() {
            self.wait_for_the_server();
        }
        let arrived = self.arrivals(&next);
        let outcome = call(&client);
        let mut refused = 0;
        match (journal, outcome) {
            (None, outcome) => {
                assert_eq!(arrived, 0, "sent without a journal entry");
                assert_eq!(outcome, Ok(()), "a refresh token that was never sent was given up");
                self.counts.went_on += 1;
            }
            (Some(_), Err(words)) => {
                assert!(!self.forgiving, "given up although it could have been sent again: {words}");
                assert!(words.contains("a person has to connect the account again"), "{words}");
                assert!(words.contains("the refresh token was sent again"), "{words}");
                assert_eq!((arrived, self.arrivals(&next)), (1, 2), "given up although its successor was not lost");
                self.counts.answer_lost += 1;
                refused = 1;
                // A person connects the account again.
                self.connection.refresh_token = self.sandbox.issue_refresh_token(&self.connection.client_id).unwrap();
                assert_eq!(call(&self.connection.client()), Ok(()));
            }
            (Some(_), Ok(())) => {
                // Not the one that may be spent, unless it never left.
                match (arrived, self.arrivals(&next)) {
                    (0, 1) => self.counts.never_arrived += 1,
                    (1, 1) => self.counts.saved_after_all += 1,
                    (1, 2) if self.forgiving => self.counts.sent_again += 1,
                    other => panic!("a refresh token that was sent before was sent again: {other:?}"),
                }
            }
        }
        self.counts.refreshes += self.sandbox.count(|entry| entry.acted && entry.kind == Kind::Token);
        let spent = self.sandbox.count(|entry| entry.decision.contains("used before"));
        assert_eq!(spent, refused, "a spent refresh token was sent");
        self.sandbox.clear_log();
    }

    /// Waits until the server has read all that was sent to it: then it has closed every connection, as their other ends are dead.
    fn wait_for_the_server(&self) {
        let ports = [&self.connection.api, &self.connection.token_url].map(|url| {
            let port = url.trim_start_matches("http://").split(['/', ':']).nth(1).unwrap().parse::<u16>().unwrap();
            format!(":{port:04X}")
        });
        let Ok(_) = std::fs::metadata("/proc/net/tcp") else {
            std::thread::sleep(Duration::from_millis(500));
            return;
        };
        // The state of a connection that is in use is 01, that of one whose other end has closed it is 08.
        let is_open = |line: &str| {
            let fields: Vec<&str> = line.split_whitespace().collect();
            ports.iter().any(|port| fields[1].ends_with(port)) && matches!(fields[3], "01" | "08")
        };
        for _ in 0..30_000 {
            if !std::fs::read_to_string("/proc/net/tcp").unwrap().lines().any(is_open) {
                return;
            }
            std::thread::sleep(Duration::from_millis(1));
        }
        panic!("the server still has open connections");
    }

    /// How often this refresh token has arrived at the token endpoint.
    fn arrivals(&self, token: &str) -> usize {
        self.sandbox.count(|entry| entry.kind == Kind::Token && entry.body_text().contains(token))
    }

    /// The id under which the connection is kept.
    fn store_id(&self) -> String {
        use auth_http::core::{ClientCredentials, Connection, Credential, Grant, Session};
        let provider = Provider::builtin(&self.connection.provider).unwrap();
        let client = ClientCredentials::parse(&provider, &self.connection.client_id, self.connection.client_secret.as_str()).unwrap();
        let credential = Credential::Grant(Grant::refresh_token(client, self.connection.refresh_token.as_str()));
        let connection = Connection::builder(provider)
            .environment("production")
            .base_url(&self.connection.api)
            .token_url(&self.connection.token_url)
            .insecure_loopback(true)
            .build(&credential)
            .unwrap();
        Session::new(Arc::new(connection), credential, false).store_id(None)
    }
}

fn wait_for_start(child: &mut Child) {
    let output = child.stdout.as_mut().unwrap();
    assert!(BufReader::new(output).lines().map_while(Result::ok).any(|line| line == "started"));
}

fn rest_of(child: &mut Child) -> Vec<String> {
    let output = child.stdout.as_mut().unwrap();
    BufReader::new(output).lines().map_while(Result::ok).collect()
}
