//! ureq's errors in the machine's words: how far did the request get, what happened, what to do.

use super::Lost;
use super::stage::{NeverSent, Stage};
use crate::language::{Language, Named};
use auth_core::Unanswered;
use rustls::{AlertDescription, CertificateError, Error as Tls};
use std::io;
use ureq::{Error, Timeout};

pub(super) fn lost(error: &Error, language: Language) -> Lost {
    if let Error::Other(other) = error
        && let Some(NeverSent { stage, error }) = other.downcast_ref()
    {
        return not_sent(*stage, error, language);
    }
    let (how, what, advice) = match error {
        Error::HostNotFound => {
            (Unanswered::NotSent, "the host name is not known".into(), "check the host name, and the DNS of this network")
        }
        Error::ConnectionFailed => {
            (Unanswered::NotSent, "no connection could be made".into(), "check the address, the network and the proxy")
        }
        Error::ConnectProxyFailed(reason) => {
            let what = format!("the proxy did not connect: {reason}");
            (Unanswered::NotSent, what, "check the proxy's address, user name and password")
        }
        Error::Timeout(Timeout::Resolve | Timeout::Connect) => {
            (Unanswered::NotSent, "connecting took too long".into(), "check the address, the network and the proxy")
        }
        Error::Timeout(what) => (Unanswered::Lost, format!("no answer in time ({what})"), ""),
        Error::Io(error) if error.kind() == io::ErrorKind::ConnectionRefused => {
            (Unanswered::NotSent, "the connection was refused".into(), "check host and port, and that the server runs")
        }
        Error::Io(error) => {
            let tls = error.get_ref().and_then(|inner| inner.downcast_ref());
            let (how, advice) = tls.map_or((Unanswered::Lost, String::new()), |tls| of_tls(tls, language));
            return Lost { how, what: error.to_string(), advice };
        }
        Error::BadUri(_) => (Unanswered::NotSent, "the URL cannot be sent".into(), "check its length and characters"),
        Error::Tls(what) => (Unanswered::NotSent, (*what).into(), ""),
        // What a connection is set up with.
        Error::Rustls(error) => {
            let advice = format!("look at the certificates of this machine, or pass some by {}", language.name(Named::Ca));
            return Lost { how: Unanswered::NotSent, what: error.to_string(), advice };
        }
        other => (Unanswered::Lost, other.to_string(), ""),
    };
    Lost { how, what, advice: advice.into() }
}

/// The same failure, with the proxy in it: the proxy may be the one that failed.
pub(super) fn through(proxy: Option<&str>, lost: Lost) -> Lost {
    let Some(proxy) = proxy else { return lost };
    let what = format!("{}; the way led through {proxy}", lost.what);
    let advice = match lost.how {
        Unanswered::NotSent => "check the proxy's address, user name and password".into(),
        _ => lost.advice,
    };
    Lost { what, advice, ..lost }
}

/// Nothing of the request was sent, whatever the error's kind; an untrusted certificate stays one.
fn not_sent(stage: Stage, error: &Error, language: Language) -> Lost {
    let Lost { how, what, advice } = lost(error, language);
    let how = if how == Unanswered::Untrusted { how } else { Unanswered::NotSent };
    let usual = match (stage, error) {
        (_, Error::Io(error)) if lacks_descriptors(error) => {
            "the program has too many files open: close some, or raise the limit (ulimit -n)"
        }
        (Stage::Resolve, _) => "check the host name, and the DNS of this network",
        (Stage::Connect, _) => "check the address, the network and the proxy",
        (Stage::Send, _) => "",
    };
    Lost { how, what, advice: if advice.is_empty() { usual.into() } else { advice } }
}

/// Whether the process, or the machine, has no file descriptor left.
fn lacks_descriptors(error: &io::Error) -> bool {
    #[cfg(unix)]
    let known = [rustix::io::Errno::MFILE, rustix::io::Errno::NFILE].map(rustix::io::Errno::raw_os_error);
    #[cfg(not(unix))]
    // WSAEMFILE.
    let known = [10_024];
    error.raw_os_error().is_some_and(|number| known.contains(&number))
}

/// How far a request got that met a TLS error, and what to do about it. An alert or a broken record can come after the request has arrived as well, so
/// only what is said about the server's certificate, or about versions, proves anything.
fn of_tls(error: &Tls, language: Language) -> (Unanswered, String) {
    match error {
        Tls::InvalidCertificate(fault) => (Unanswered::Untrusted, of_certificate(fault, language)),
        Tls::PeerIncompatible(_) | Tls::AlertReceived(AlertDescription::ProtocolVersion) => {
            (Unanswered::NotSent, "the server speaks an old version of TLS only: at least 1.2 is needed".into())
        }
        Tls::AlertReceived(AlertDescription::CertificateRequired) => {
            let certificate = language.name(Named::Certificate);
            (Unanswered::Lost, format!("the server wants a client certificate: pass one by {certificate}"))
        }
        _ => (Unanswered::Lost, String::new()),
    }
}

fn of_certificate(fault: &CertificateError, language: Language) -> String {
    use CertificateError as Fault;
    let (ca, platform) = (language.name(Named::Ca), language.name(Named::Platform));
    let advice = match fault {
        Fault::UnknownIssuer => {
            return format!(
                "the certificate is from an authority that is not trusted here: pass a company's own by {ca}, or use {platform}"
            );
        }
        Fault::BadSignature => return format!("the certificate is not from the authority that it names: pass the right one by {ca}"),
        Fault::NotValidForName | Fault::NotValidForNameContext { .. } => "the certificate is for another host: check the URL",
        Fault::Expired | Fault::ExpiredContext { .. } => "the certificate has expired, or this machine's clock is wrong",
        Fault::NotValidYet | Fault::NotValidYetContext { .. } => "the certificate is not valid yet, or this machine's clock is wrong",
        // rustls has no word of its own for it.
        Fault::Other(other) if format!("{other:?}").contains("CaUsedAsEndEntity") => {
            return format!(
                "the server shows a certificate authority's own certificate (CA:TRUE, as openssl req -x509 makes it): give the server one \
                 that the authority has issued, and trust the authority by {ca}"
            );
        }
        _ => "look at the server's certificate",
    };
    advice.into()
}
