//! A process of its own, for what holds for a whole process.

use crate::endpoint::Endpoint;
use crate::places::{Files, SharedPlace as _, open_at};
use auth_http::core::{Claim, Claimed, Lease, Record, Save, Saved};
use auth_http::{Client, Credential, FailureKind, Provider, TokenStore};
use std::fs::File;
use std::os::unix::process::CommandExt as _;
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

/// The variable in which the child finds what it needs.
const VARIABLE: &str = "LEDGERAUTH_TEST_REACH";

/// What a process is to do.
#[derive(Clone)]
pub(crate) struct Task {
    /// Scheme, host and port of API and token endpoint.
    pub(crate) root: String,
    /// The file with the authority that is trusted; empty for none of its own.
    pub(crate) ca: String,
    pub(crate) store: String,
    /// What the process does to itself.
    pub(crate) lack: Lack,
    /// How long a token request may take, in milliseconds.
    pub(crate) fetch_timeout: u64,
    /// How long its first call may take, in milliseconds.
    pub(crate) deadline: u64,
}

/// What a process lacks.
#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Lack {
    Nothing,
    /// Descriptors, from the claim of the lease to the next step of the store.
    Descriptors,
    /// The right to start a thread.
    Threads,
}

impl Task {
    pub(crate) fn new(root: impl Into<String>, place: &Files) -> Self {
        let store = place.address().replace('\n', "|");
        Self { root: root.into(), ca: String::new(), store, lack: Lack::Nothing, fetch_timeout: 30_000, deadline: 90_000 }
    }

    /// The same at this server.
    pub(crate) fn at(server: &Endpoint, place: &Files) -> Self {
        let mut task = Self::new(server.root(), place);
        if let Some(ca) = server.ca() {
            let file = place.folder.path().join("ca.pem");
            std::fs::write(&file, ca).expect("a file");
            task.ca = file.to_str().expect("a plain name").into();
        }
        task
    }

    fn to_text(&self) -> String {
        let lack = match self.lack {
            Lack::Nothing => "nothing",
            Lack::Descriptors => "descriptors",
            Lack::Threads => "threads",
        };
        let Self { root, ca, store, fetch_timeout, deadline, .. } = self;
        format!("{root} {store} {lack} {fetch_timeout} {deadline} {ca}")
    }

    fn from_text(text: &str) -> Self {
        let parts: Vec<&str> = text.split(' ').collect();
        Self {
            root: parts[0].into(),
            store: parts[1].replace('|', "\n"),
            lack: match parts[2] {
                "descriptors" => Lack::Descriptors,
                "threads" => Lack::Threads,
                _ => Lack::Nothing,
            },
            fetch_timeout: parts[3].parse().expect("a number"),
            deadline: parts[4].parse().expect("a number"),
            ca: parts[5].into(),
        }
    }

    /// A client of the account.
    pub(crate) fn client(&self) -> Client {
        let store = open_at(&self.store.replace('|', "\n"));
        let store: Arc<dyn TokenStore> = match self.lack {
            Lack::Descriptors => Arc::new(Hungry { store, taken: Mutex::default() }),
            Lack::Nothing | Lack::Threads => store,
        };
        let policy = auth_http::core::retry::Policy { fetch_timeout: Duration::from_millis(self.fetch_timeout), ..Default::default() };
        let builder = Client::builder(Provider::builtin("numeric").expect("a shipped profile"))
            .environment("production")
            .base_url(&self.root)
            .token_url(format!("{}/oauth/token", self.root))
            .insecure_loopback(true)
            .no_proxy()
            .policy(policy)
            .credential(Credential::refresh_token("client-1", "client-secret-1", "refresh-1"))
            .store(store);
        let builder = match &*self.ca {
            "" => builder,
            file => builder.ca(std::fs::read(file).expect("an authority")),
        };
        builder.build().expect("a client")
    }

    /// Starts a process that does it.
    pub(crate) fn start(&self) -> Child {
        self.spawn(&mut Command::new(program()))
    }

    /// The same as this user of the system.
    pub(crate) fn start_as(&self, user: u32, program: &Path) -> Child {
        self.spawn(Command::new(program).uid(user).gid(user))
    }

    /// The same in namespaces of its own without a network, after these commands of the shell.
    pub(crate) fn start_apart(&self, preparation: &str) -> Child {
        let script = format!("{preparation} exec \"$0\" \"$@\"");
        let mut command = Command::new("unshare");
        self.spawn(command.args(["--net", "--mount", "sh", "-ec", &script]).arg(program()))
    }

    fn spawn(&self, command: &mut Command) -> Child {
        command
            .args(["--exact", "child::in_a_child", "--nocapture"])
            .env(VARIABLE, self.to_text())
            .stdout(Stdio::piped())
            .spawn()
            .expect("a process")
    }
}

fn program() -> std::path::PathBuf {
    std::env::current_exe().expect("this program")
}

/// What the child said of each of its two calls.
pub(crate) fn outcomes(child: Child) -> Vec<String> {
    outcomes_and_cpu(child).0
}

/// The same, and for how many milliseconds it computed, of how many that its calls took.
pub(crate) fn outcomes_and_cpu(child: Child) -> (Vec<String>, [u64; 2]) {
    let output = child.wait_with_output().expect("an end");
    let text = String::from_utf8_lossy(&output.stdout).into_owned();
    let found: Vec<String> = text.lines().filter_map(|line| line.strip_prefix("outcome: ")).map(Into::into).collect();
    assert!(!found.is_empty(), "the child said nothing: {text}");
    let cpu = text.lines().find_map(|line| {
        let (used, took) = line.strip_prefix("cpu: ")?.strip_suffix(" ms")?.split_once(" of ")?;
        Some([used.parse().ok()?, took.parse().ok()?])
    });
    (found, cpu.unwrap_or_else(|| panic!("the child computed: {text}")))
}

/// What the store holds of the only account in it.
pub(crate) fn record_of(place: &Files) -> Option<Record> {
    let found = place.ending(".record").into_iter().next();
    let bytes = std::fs::read(found?).expect("a record");
    Some(Record::from_bytes(&bytes).expect("a whole record"))
}

#[test]
fn in_a_child() {
    let Ok(text) = std::env::var(VARIABLE) else { return };
    let task = Task::from_text(&text);
    if task.lack == Lack::Threads {
        limit(rustix::process::Resource::Nproc, 1);
        assert!(std::thread::Builder::new().spawn(|| {}).is_err(), "a thread was started");
    }
    let client = task.client();
    println!("\nstarted");
    let (begun, used_before) = (Instant::now(), cpu_time());
    for deadline in [task.deadline, 90_000] {
        let deadline = Duration::from_millis(deadline);
        let answer = client.get("/v1/health").deadline(deadline).send();
        match answer.and_then(auth_http::Response::error_for_status) {
            Ok(_) => println!("outcome: ok"),
            Err(error) => println!("outcome: {}", words(&error)),
        }
        if deadline == Duration::from_secs(90) {
            break;
        }
    }
    let (used, took) = (cpu_time().saturating_sub(used_before), begun.elapsed());
    println!("cpu: {} of {} ms", used.as_millis(), took.as_millis());
}

/// How long this process has computed.
fn cpu_time() -> Duration {
    let used = rustix::time::clock_gettime(rustix::time::ClockId::ProcessCPUTime);
    Duration::new(used.tv_sec.unsigned_abs(), u32::try_from(used.tv_nsec).expect("less than a second"))
}

fn words(error: &auth_http::Error) -> String {
    let kind = error.kind().map_or("none", FailureKind::name);
    format!("{kind}: {}", error.to_string().replace('\n', " "))
}

fn limit(resource: rustix::process::Resource, most: u64) {
    let mut limit = rustix::process::getrlimit(resource);
    limit.current = Some(most);
    rustix::process::setrlimit(resource, limit).expect("a limit");
}

/// A store whose process has no descriptor left while it does not use the store.
struct Hungry {
    store: Arc<dyn TokenStore>,
    taken: Mutex<Vec<File>>,
}

impl Hungry {
    fn sated<T>(&self, work: impl FnOnce() -> T) -> T {
        self.taken.lock().expect("no panic").clear();
        work()
    }

    /// Takes every descriptor that is left.
    fn starve(&self) {
        limit(rustix::process::Resource::Nofile, 48);
        let mut taken = self.taken.lock().expect("no panic");
        while let Ok(file) = File::open("/dev/null") {
            taken.push(file);
        }
    }
}

impl TokenStore for Hungry {
    fn load(&self, id: &str) -> Result<Option<Record>, String> {
        // A claim looks for a record of version 1, and the hunger goes on after it.
        let loaded = self.sated(|| self.store.load(id));
        self.starve();
        loaded
    }

    fn claim(&self, id: &str, claim: &Claim) -> Claimed {
        let claimed = self.sated(|| self.store.claim(id, claim));
        self.starve();
        claimed
    }

    fn save(&self, id: &str, save: &Save) -> Saved {
        self.sated(|| self.store.save(id, save))
    }

    fn release(&self, id: &str, lease: &Lease) {
        self.sated(|| self.store.release(id, lease));
    }
}
