//! Asking for a device code and for tokens, and what the answers lead to.

use super::{At, Consent, Then, Way};
use crate::credential::Secret;
use crate::oauth::device::{self, Code};
use crate::oauth::endpoints::missing;
use crate::provider::GrantKind;
use crate::time::UnixTime;
use crate::token::answer::{self, Granted};
use crate::token::denied::Denied;
use crate::token::record::Record;
use crate::token::request::TokenRequest;
use crate::verdict::answer::{Response, is_success};
use crate::verdict::failure::{Failure, FailureKind};
use crate::verdict::retry::Cause;
use alloc::boxed::Box;
use alloc::format;
use alloc::vec::Vec;

impl Consent {
    /// RFC 8628 section 3.1.
    pub(super) fn ask_for_device_code(&mut self, now: UnixTime) -> Option<TokenRequest> {
        let Some(url) = self.connection.endpoints().device.clone() else {
            self.fail(missing(self.connection.provider(), "device authorization endpoint", "device_authorization_url"));
            return None;
        };
        let scopes = self.grant.scopes().join(" ");
        let scope = [("scope", scopes.as_str())];
        self.at = At::ExpectDeviceCode(now);
        Some(self.request(now, &url, if scopes.is_empty() { &[] } else { &scope }))
    }

    pub(super) fn device_code_answer(&mut self, now: UnixTime, asked_at: UnixTime, response: &Response<'_>, dated_wrong: bool) {
        let code = if is_success(response.status) {
            Code::read(&self.connection, response, asked_at)
        } else {
            // An error here has the form of one at the token endpoint (RFC 8628 section 3.1).
            match self.read(GrantKind::DeviceCode, response, now, &[]) {
                Err(Denied::Refused(_) | Denied::Dead(_)) if dated_wrong && self.connection.signs() => {
                    self.at = At::Resting(now, Then::AskForDeviceCode);
                    return;
                }
                Err(Denied::Unclear(cause, failure)) => return self.again(now, cause, failure, Then::AskForDeviceCode),
                Err(denied) => Err(denied.into_failure()),
                Ok(_) => return self.misuse("a device code was taken for a token"),
            }
        };
        match code {
            Ok(code) => {
                self.attempts = 0;
                self.at = At::Show(code.prompt.clone());
                self.way = Way::Device(Some(Box::new(code)));
            }
            Err(failure) => self.fail(failure),
        }
    }

    /// When the device asks for its token next; never, if the code has ended by then.
    pub(super) fn next_question(&self, code: &Code, now: UnixTime) -> At {
        let next = code.next(now);
        if next < code.prompt.until {
            At::Resting(next, Then::AskForToken(code.secret.clone()))
        } else {
            At::Finished(Err(Code::expired(&self.connection)))
        }
    }

    /// RFC 6749 section 4.1.3 and RFC 8628 section 3.4.
    pub(super) fn ask_for_token(&mut self, now: UnixTime, code: Secret) -> Option<TokenRequest> {
        let Some(url) = self.connection.endpoints().token.clone() else {
            self.fail(missing(self.connection.provider(), "token endpoint", "token_url"));
            return None;
        };
        let request = if let Way::Code(asking) = &self.way {
            let (redirect_uri, verifier) = (asking.redirect_uri.clone(), asking.verifier.clone());
            let parameters = [
                ("grant_type", "authorization_code"),
                ("code", code.expose()),
                ("redirect_uri", &redirect_uri),
                ("code_verifier", verifier.expose()),
            ];
            self.request(now, &url, &parameters)
        } else {
            self.request(now, &url, &[("grant_type", device::GRANT), ("device_code", code.expose())])
        };
        self.at = At::ExpectToken { at: now, code, signed: request.to_sign().cloned().collect() };
        Some(request)
    }

    pub(super) fn token_answer(
        &mut self,
        now: UnixTime,
        asked_at: UnixTime,
        code: Secret,
        signed: &[Secret],
        response: &Response<'_>,
        dated_wrong: bool,
    ) {
        let kind = if matches!(self.way, Way::Code(_)) { GrantKind::AuthorizationCode } else { GrantKind::DeviceCode };
        let sent: Vec<&Secret> = signed.iter().chain([&code]).collect();
        match self.read(kind, response, now, &sent) {
            Ok(granted) => self.granted(now, asked_at, granted),
            Err(Denied::Unclear(cause, failure)) => self.no_token(now, cause, code, failure),
            // A server in trouble said it: a device asks once more before it is believed; another code is never sent twice.
            Err(Denied::Doubtful { cause, trouble, .. }) if matches!(self.way, Way::Device(_)) && !self.doubted => {
                self.doubted = true;
                self.no_token(now, cause, code, trouble);
            }
            Err(Denied::Dead(failure) | Denied::Doubtful { refusal: failure, .. }) => self.fail(failure),
            Err(Denied::Refused(failure)) => match (&mut self.way, failure.code()) {
                (Way::Device(Some(_)), Some("authorization_pending")) => self.ask_device_again(now, None),
                (Way::Device(Some(code)), Some("slow_down")) => {
                    code.slow_down();
                    self.ask_device_again(now, None);
                }
                // The client was refused for its date, and the code was not looked at.
                (_, Some("invalid_client")) if dated_wrong && !signed.is_empty() => self.at = At::Resting(now, Then::AskForToken(code)),
                _ => self.fail(failure),
            },
        }
    }

    /// No answer to the question for a token, or one that says nothing.
    pub(super) fn no_token(&mut self, now: UnixTime, cause: Cause, code: Secret, failure: Failure) {
        if let Way::Device(Some(code)) = &mut self.way
            && cause != Cause::Untrusted
        {
            code.back_off();
            return self.ask_device_again(now, failure.come_back_at());
        }
        if cause.proves_unprocessed() {
            return self.again(now, cause, failure, Then::AskForToken(code));
        }
        let what = format!("{}, and the code may be spent", failure.what());
        self.fail(Failure::new(failure.kind(), what, "a code is never sent twice, because that can end the whole grant: log in again"));
    }

    fn ask_device_again(&mut self, now: UnixTime, not_before: Option<UnixTime>) {
        let Way::Device(Some(code)) = &self.way else { return };
        self.at = match self.next_question(code, now) {
            At::Resting(at, then) => At::Resting(not_before.map_or(at, |other| at.max(other)), then),
            other => other,
        };
    }

    /// There is a token: to the store with it.
    fn granted(&mut self, now: UnixTime, asked_at: UnixTime, granted: Granted) {
        if granted.refresh_token.is_none() {
            let what = format!("{} granted an access token without a refresh token", self.connection.provider().name());
            let advice = "nothing could be renewed: ask for the scope offline_access and for consent (prompt=consent; access_type=offline at Google), and have refresh tokens allowed where the client is registered";
            return self.fail(Failure::new(FailureKind::GrantRefused, what, advice));
        }
        self.connected.scope = granted.scope;
        (self.unusable, self.oddity) = (granted.unusable, granted.oddity);
        let minted_at = self.servers(asked_at);
        self.record = Record {
            grant: self.grant.fingerprint(),
            minted_at,
            expires_at: minted_at.after(granted.lifetime),
            refresh_token: granted.refresh_token,
            refresh_ends_at: granted.refresh_lifetime.map(|lifetime| minted_at.after(lifetime)),
            consented_at: Some(minted_at),
            access_token: granted.access_token,
            ..Record::default()
        };
        self.begin_to_save(now);
    }

    /// Reads an answer in the words of the token endpoint; what was sent is taken out of whatever is quoted from it.
    fn read(&self, kind: GrantKind, response: &Response<'_>, now: UnixTime, sent: &[&Secret]) -> Result<Granted, Denied> {
        let verifier = if let Way::Code(asking) = &self.way { Some(&asking.verifier) } else { None };
        let own = self.grant.client.secret();
        let secrets: Vec<&Secret> = own.iter().chain(verifier).chain(sent.iter().copied()).collect();
        answer::read(self.connection.provider(), kind, response, now, &secrets)
    }
}
