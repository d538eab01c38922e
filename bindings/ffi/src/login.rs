//! Logins
//!
//! A person connects an account once, in a browser of this machine or on another device; the
//! tokens go into the client's store, and every client of that store and name goes on from there.
//! The client's credential is one of a client that had ledgerauth_credential_use_stored(); its
//! scopes are what the person is asked for.
//!
//! A login takes as long as the person does, and the thread that calls for it with it. Calls that
//! other threads make meanwhile go on with what there was before.

use crate::client::ledgerauth_client;
use crate::error::{Fault, ledgerauth_error};
use crate::gate::{Gate, Userdata};
use crate::guard::{ask, free, guard};
use crate::input::{get, handle, list, null, offer, read_sized, sized};
use crate::response::ledgerauth_header;
use crate::text::ledgerauth_str;
use auth_http::{Connected, Login, Prompt};
use std::ffi::c_void;
use std::time::Duration;

/// What a person has to be shown. It lives for as long as the callback runs.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_prompt {
    /// sizeof(ledgerauth_prompt) of the library.
    pub size: usize,
    /// The address to open.
    pub url: ledgerauth_str,
    /// The code to enter there; empty where a redirect does the rest.
    pub user_code: ledgerauth_str,
    /// The same address with the code in it, for a QR code or a link; empty if the server gives
    /// none.
    pub url_with_code: ledgerauth_str,
    /// When it ends, in milliseconds since 1970 UTC.
    pub until: u64,
}
sized!(ledgerauth_prompt, until: u64);

/// Shows a person where to go. Called once, in the thread that logs in. The callback must not
/// throw, must not leave by longjmp, and must not free its client.
pub type ledgerauth_prompt_fn = Option<unsafe extern "C" fn(userdata: *mut c_void, prompt: *const ledgerauth_prompt)>;

/// How a person logs in. Zero it, set size and on_prompt, and what is needed.
#[repr(C)]
#[derive(Clone, Copy)]
pub struct ledgerauth_login {
    /// sizeof(ledgerauth_login).
    pub size: usize,
    /// Shows the person where to go.
    pub on_prompt: ledgerauth_prompt_fn,
    /// Handed to on_prompt.
    pub userdata: *mut c_void,
    /// Where the browser comes back to, as the client is registered: an http address of this
    /// machine, with port 0 for any that is free; "http://127.0.0.1:0/callback" if not said.
    pub redirect_uri: ledgerauth_str,
    /// More parameters of the authorization request, such as "prompt" or "login_hint".
    pub parameters: *const ledgerauth_header,
    /// How many of them.
    pub parameter_count: usize,
    /// How long the person may take, in milliseconds; five minutes if 0, because a password and a
    /// second factor have to be found first.
    pub patience_ms: u64,
}
sized!(ledgerauth_login, patience_ms: u64);

/// What a server says of a connection that a person made; nothing of it is secret. It never
/// changes.
pub struct ledgerauth_connected(Connected);

/// Lets a person consent in a browser (RFC 6749 section 4.1 with PKCE and a redirect to this
/// machine, RFC 8252): on_prompt shows or opens the address. connected_out may be NULL; the caller
/// frees what is written there.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_login(
    client: *const ledgerauth_client,
    login: *const ledgerauth_login,
    connected_out: *mut *mut ledgerauth_connected,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        let (client, asked) = unsafe { (get(client, "client")?, read_sized(login, "login")?) };
        let mut login = Login::new(showing(asked.on_prompt, asked.userdata, &client.gate)?);
        // SAFETY: by the contract, here and below.
        if let Some(uri) = unsafe { asked.redirect_uri.given("redirect_uri") }? {
            login = login.redirect_uri(uri);
        }
        // SAFETY: as above.
        for parameter in unsafe { list(asked.parameters, asked.parameter_count, "parameters") }? {
            // SAFETY: as above.
            let (name, value) = unsafe { (parameter.name.text("name")?, parameter.value.text("value")?) };
            login = login.parameter(name, value);
        }
        if asked.patience_ms > 0 {
            login = login.patience(Duration::from_millis(asked.patience_ms));
        }
        let connected = client.client.login(login)?;
        // SAFETY: as above.
        unsafe { offer(connected_out, || handle(ledgerauth_connected(connected))) };
        Ok(())
    })
}

/// Lets a person consent on another device (RFC 8628): on_prompt shows the address and the code,
/// which the person enters on a phone or another computer. connected_out may be NULL; the caller
/// frees what is written there.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_login_on_device(
    client: *const ledgerauth_client,
    on_prompt: ledgerauth_prompt_fn,
    userdata: *mut c_void,
    connected_out: *mut *mut ledgerauth_connected,
    error_out: *mut *mut ledgerauth_error,
) -> i32 {
    guard(error_out, || {
        // SAFETY: by the contract.
        let client = unsafe { get(client, "client") }?;
        let connected = client.client.login_on_device(showing(on_prompt, userdata, &client.gate)?)?;
        // SAFETY: by the contract.
        unsafe { offer(connected_out, || handle(ledgerauth_connected(connected))) };
        Ok(())
    })
}

/// Ends what a person granted: the tokens are revoked at the server (RFC 7009) and taken out of
/// the store. The next call of any client of that store and name says that a person has to connect
/// the account.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_client_revoke(client: *const ledgerauth_client, error_out: *mut *mut ledgerauth_error) -> i32 {
    // SAFETY: by the contract.
    guard(error_out, || Ok(unsafe { get(client, "client") }?.client.revoke()?))
}

/// The scopes that were granted, with spaces between them; empty if the server does not say. It
/// belongs to the connection.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_connected_scope(connected: *const ledgerauth_connected) -> ledgerauth_str {
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(connected, ledgerauth_str::NONE, |connected| ledgerauth_str::of_option(connected.0.scope.as_deref())) }
}

/// What the redirect brought beside what the RFCs name, such as the "realmId" of the company at
/// Intuit; data is NULL if it brought none of that name. It belongs to the connection.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_connected_parameter(connected: *const ledgerauth_connected, name: ledgerauth_str) -> ledgerauth_str {
    let parameter = |connected: &ledgerauth_connected| {
        // SAFETY: by the contract the name stands there.
        let name = unsafe { name.text("name") }.ok();
        let found = connected.0.parameters.iter().find(|(known, _)| Some(known.as_str()) == name);
        found.map_or(ledgerauth_str::NONE, |(_, value)| ledgerauth_str::of(value))
    };
    // SAFETY: NULL, or a live handle by the contract.
    unsafe { ask(connected, ledgerauth_str::NONE, parameter) }
}

/// Frees what a server said; NULL is fine.
///
/// Since 0.1.0.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn ledgerauth_connected_free(connected: *mut ledgerauth_connected) {
    // SAFETY: by the contract it came from this library and is freed once.
    unsafe { free(connected) };
}

/// The program's way to show a prompt.
fn showing(on_prompt: ledgerauth_prompt_fn, userdata: *mut c_void, gate: &Gate) -> Result<impl FnMut(&Prompt) + '_, Fault> {
    let (on_prompt, userdata) = (on_prompt.ok_or_else(|| null("on_prompt"))?, Userdata(userdata));
    Ok(move |prompt: &Prompt| {
        let shown = ledgerauth_prompt {
            size: size_of::<ledgerauth_prompt>(),
            url: ledgerauth_str::of(&prompt.url),
            user_code: ledgerauth_str::of_option(prompt.user_code.as_deref()),
            url_with_code: ledgerauth_str::of_option(prompt.url_with_code.as_deref()),
            until: prompt.until.as_millis(),
        };
        // SAFETY: the program's function, called as the header says; the prompt outlives the call.
        gate.call(|| unsafe { on_prompt(userdata.0, &raw const shown) });
    })
}
