//! The live account: what is printed, and how it looks.

use crate::proof::Proof;
use auth_sandbox::{Entry, Kind, Service};
use std::collections::HashMap;
use std::io::{IsTerminal, Write, stdout};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, Instant};

/// How many good answers of one service are shown one by one before the rest is only counted.
const SHOWN: usize = 4;
/// How wide sentences may get.
const WIDTH: usize = 110;

/// `Account` prints. Clones print to the same place; the threads of the sandbox use one to tell what arrives.
#[derive(Clone)]
pub(crate) struct Account {
    start: Instant,
    coloured: bool,
    silent: bool,
    seen: Arc<Mutex<Seen>>,
}

/// What has arrived so far, as far as it explains what arrives next.
#[derive(Default)]
struct Seen {
    row: Row,
    tokens: HashMap<Service, usize>,
    /// When the last request with an id arrived, on the server's clock.
    requests: HashMap<String, u64>,
}

/// A row of good answers from one service.
#[derive(Default)]
struct Row {
    service: Option<Service>,
    length: usize,
}

/// How a text looks on a terminal (ECMA-48, SGR).
#[derive(Clone, Copy)]
pub(crate) enum Look {
    Plain,
    Bold,
    Dim,
    Good,
    Bad,
    Notable,
}

impl Account {
    pub(crate) fn new() -> Self {
        let coloured = stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none_or(|value| value.is_empty());
        Self { start: Instant::now(), coloured, silent: false, seen: Arc::default() }
    }

    /// Prints nothing, for who wants the outcome alone.
    pub(crate) fn silent() -> Self {
        Self { silent: true, ..Self::new() }
    }

    /// A heading.
    pub(crate) fn title(&self, text: &str) {
        self.line(&format!("\n{}", self.dress(Look::Bold, text)));
    }

    /// What is going to happen and why.
    pub(crate) fn text(&self, text: &str) {
        for line in wrap(text, WIDTH) {
            self.line(&self.dress(Look::Dim, &line));
        }
    }

    /// What the program that closes the month says: what it set up, or what the client handed it.
    pub(crate) fn say(&self, text: &str) {
        let mut lead = format!("{}  »", self.time());
        for line in wrap(text, WIDTH - 11) {
            self.line(&format!("{lead} {}", self.dress(Look::Bold, &line)));
            lead = " ".repeat(10);
        }
    }

    /// A request as the sandbox saw it. Long rows of good answers are counted.
    pub(crate) fn arrived(&self, entry: &Entry) {
        let usual = entry.kind == Kind::Api && entry.status == Some(200);
        let mut seen = self.seen.lock().unwrap_or_else(PoisonError::into_inner);
        let why = seen.explain(entry);
        let row = &mut seen.row;
        if usual && row.service == Some(entry.service) {
            row.length += 1;
            if row.length > SHOWN {
                return;
            }
        } else {
            self.end(row);
            *row = Row { service: usual.then_some(entry.service), length: 1 };
        }
        let status = entry.status.map_or_else(|| "cut".to_owned(), |status| status.to_string());
        let look = match (entry.kind, entry.status) {
            (Kind::Token, Some(200)) => Look::Notable,
            (_, Some(200..=299)) => Look::Plain,
            _ => Look::Bad,
        };
        let what = format!("{:<12} {:<4} {:<36} {status}", entry.service.name(), entry.method, fit(&entry.path, 36));
        self.write(&format!("{}  {}  {}", self.time(), self.dress(look, &what), self.dress(Look::Dim, &why)));
    }

    /// What a chapter was expected to leave in the log, and what it left.
    pub(crate) fn proof(&self, proof: &Proof) {
        for check in proof.checks() {
            let (mark, look) = if check.holds { ("✓", Look::Good) } else { ("✗", Look::Bad) };
            self.line(&format!("   {} {:<62} {}", self.dress(look, mark), check.name, self.dress(look, &check.seen)));
        }
    }

    /// The last line.
    pub(crate) fn verdict(&self, good: bool, text: &str) {
        let (mark, look) = if good { ("✓", Look::Good) } else { ("✗", Look::Bad) };
        self.line(&format!("\n{} after {:.1} s", self.dress(look, &format!("{mark} {text}")), self.start.elapsed().as_secs_f64()));
    }

    /// A line, after the row of answers before it has been brought to its end.
    pub(crate) fn line(&self, text: &str) {
        self.end(&mut self.seen.lock().unwrap_or_else(PoisonError::into_inner).row);
        self.write(text);
    }

    /// The text as it looks on a terminal; elsewhere, the text.
    pub(crate) fn dress(&self, look: Look, text: &str) -> String {
        let code = match look {
            _ if !self.coloured => return text.to_owned(),
            Look::Plain => return text.to_owned(),
            Look::Bold => "1",
            Look::Dim => "2",
            Look::Good => "32",
            Look::Bad => "31",
            Look::Notable => "36",
        };
        format!("\x1b[{code}m{text}\x1b[0m")
    }

    /// Writes a line. A reader that has gone away is no reason to stop the close.
    fn write(&self, text: &str) {
        if self.silent {
            return;
        }
        let mut out = stdout().lock();
        drop(writeln!(out, "{text}").and_then(|()| out.flush()));
    }

    fn time(&self) -> String {
        self.dress(Look::Dim, &format!("{:>7.3}", self.start.elapsed().as_secs_f64()))
    }

    fn end(&self, row: &mut Row) {
        let hidden = row.length.saturating_sub(SHOWN);
        if let (Some(service), 1..) = (row.service, hidden) {
            self.write(&format!(
                "{}  {}",
                self.time(),
                self.dress(Look::Dim, &format!("{:<12} and {hidden} more, each answered 200", service.name()))
            ));
        }
        *row = Row::default();
    }
}

impl Seen {
    /// The server's reason, with what it means after all that came before: a repeat, a further token.
    fn explain(&mut self, entry: &Entry) -> String {
        let before = entry.header("x-request-id").and_then(|id| self.requests.insert(id.to_owned(), entry.at_millis));
        let count = self.tokens.entry(entry.service).or_default();
        *count += usize::from(entry.kind == Kind::Token);
        match (entry.kind, before) {
            (Kind::Token, _) if *count > 1 => format!("token no. {count}: {}", fit(&entry.decision, 40)),
            (_, Some(before)) => {
                let later = Duration::from_millis(entry.at_millis.saturating_sub(before)).as_secs_f64();
                format!("the same call again, {later:.3} s later: {}", fit(&entry.decision, 40))
            }
            _ => fit(&entry.decision, 52),
        }
    }
}

/// The text in lines of at most so many characters, unless a word is longer.
fn wrap(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split(' ') {
        let line = lines.last_mut().filter(|line| line.is_empty() || line.chars().count() + 1 + word.chars().count() <= width);
        match line {
            Some(line) if line.is_empty() => line.push_str(word),
            Some(line) => line.extend([" ", word]),
            None => lines.push(word.to_owned()),
        }
    }
    lines
}

/// The text in so many characters at most, its middle left out if need be.
fn fit(text: &str, width: usize) -> String {
    let length = text.chars().count();
    if length <= width {
        return text.to_owned();
    }
    let (head, tail) = (width / 2, width - width / 2 - 1);
    let start: String = text.chars().take(head).collect();
    let end: String = text.chars().skip(length - tail).collect();
    format!("{start}…{end}")
}
