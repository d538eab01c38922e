//! The loop around a consent: does what the machine says, and tells it what came of it.

use super::listen::Listener;
use super::page::Page;
use super::visit::Visitor;
use crate::audit::Heard;
use crate::error::Error;
use crate::fetch::fetch;
use crate::shared::Shared;
use auth_core::{AuditEvent, Connected, Consent, ConsentStep, Prompt};

/// Runs a consent to its end.
pub(super) fn drive(
    shared: &Shared,
    mut consent: Consent,
    listener: Option<&Listener>,
    show: &mut dyn FnMut(&Prompt),
) -> Result<Connected, Error> {
    // Who came back from the server waits for how it ends.
    let mut browser: Option<Visitor> = None;
    loop {
        match consent.poll(shared.now()) {
            ConsentStep::Show(prompt) => show(&prompt),
            ConsentStep::Redirect(until) => {
                browser = listener.map_or(Ok(None), |listener| listener.listen(shared, until, &mut consent))?;
            }
            ConsentStep::Fetch(request) => match fetch(&*shared.transport, request) {
                Ok(answer) => consent.handle_response(shared.now(), &answer.for_machine()),
                Err(lost) => consent.handle_failure(shared.now(), lost),
            },
            ConsentStep::Claim(claim) => {
                let claimed = shared.store.claim(&shared.store_id(), &claim);
                consent.handle_claimed(shared.now(), claimed);
            }
            ConsentStep::Save(save) => {
                let saved = shared.store.save(&shared.store_id(), &save);
                consent.handle_saved(shared.now(), saved);
            }
            ConsentStep::Release(lease) => shared.store.release(&shared.store_id(), &lease),
            ConsentStep::Wait(until) => shared.sleep_until(until)?,
            ConsentStep::Done(result) => {
                if shared.audit.heard() > Heard::Nothing {
                    let now = shared.now();
                    let events: Vec<AuditEvent> = consent.warning(now).into_iter().chain(consent.event(now)).collect();
                    shared.audit.deliver(&events);
                }
                if result.is_ok() {
                    shared.with(|session, _| session.forget());
                }
                if let Some(browser) = browser {
                    browser.answer(&Page::end(result.as_ref()));
                }
                return Ok(result?);
            }
        }
    }
}
