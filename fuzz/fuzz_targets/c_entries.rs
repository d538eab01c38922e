//! Any order of calls through the C interface, with any texts: each is a status that the header knows, writes its output on success only, and shows no key.
#![no_main]

use ledgerauth::*;
use libfuzzer_sys::fuzz_target;
use std::ffi::{CStr, c_void};
use std::mem::zeroed;
use std::ptr::{null, null_mut};
use std::sync::LazyLock;

const PROFILE: &str = "name = \"own\"\ntitle = \"Own\"\n[[environment]]\nname = \"production\"\nbase_url = \"https://api.own.example\"\n[key]\n\
                       [[key.format]]\nprefix = \"own_\"\nalphabet = \"hex\"\nlength = 16\n";
const KEY: &str = "own_0123456789abcdef";

unsafe extern "C" fn now(_: *mut c_void) -> u64 {
    1_764_000_000_000
}

unsafe extern "C" fn random(_: *mut c_void) -> u64 {
    7
}

/// No wait: the call that wants one ends.
unsafe extern "C" fn sleep(_: *mut c_void, _: u64) -> i32 {
    1
}

unsafe extern "C" fn send(_: *mut c_void, outgoing: *const ledgerauth_outgoing, answer: *mut ledgerauth_answer) -> i32 {
    // SAFETY: live by the header's word.
    unsafe {
        let wanted = (*outgoing).url.len as i32;
        ledgerauth_answer_set_status(answer, [200, 401, 429, 503, 302][wanted.unsigned_abs() as usize % 5], null_mut())
    }
}

/// One for all inputs, because making it takes longer than all the rest.
static REDACTOR: LazyLock<usize> = LazyLock::new(|| {
    // SAFETY: a place for the redactor.
    made(|out, error| unsafe { ledgerauth_redactor_new(out, error) }) as usize
});

/// What is left of the input.
struct Input<'a>(&'a [u8]);

impl<'a> Input<'a> {
    fn byte(&mut self) -> u8 {
        let Some((first, rest)) = self.0.split_first() else { return 0 };
        self.0 = rest;
        *first
    }

    fn text(&mut self) -> ledgerauth_str {
        let length = usize::from(self.byte());
        if length == 255 {
            return ledgerauth_str { data: null(), len: usize::from(self.byte()) };
        }
        let (text, rest) = self.0.split_at(length.min(self.0.len()));
        self.0 = rest;
        ledgerauth_str { data: text.as_ptr().cast(), len: text.len() }
    }
}

fn of(text: &str) -> ledgerauth_str {
    ledgerauth_str { data: text.as_ptr().cast(), len: text.len() }
}

/// A call that may fail: what it says has to fit together.
fn checked(call: impl FnOnce(*mut *mut ledgerauth_error) -> i32) -> bool {
    let mut error = null_mut();
    let status = call(&raw mut error);
    // SAFETY: an error of the library's, or NULL; a name that lives for ever.
    unsafe {
        assert_ne!(CStr::from_ptr(ledgerauth_status_name(status)), c"unknown");
        assert_ne!(status, LEDGERAUTH_PANIC);
        assert_eq!(status == LEDGERAUTH_OK, error.is_null());
        assert_eq!(ledgerauth_error_status(error), status);
        let line = ledgerauth_error_line(error);
        if line.len > 0 {
            let line = std::str::from_utf8(std::slice::from_raw_parts(line.data.cast(), line.len)).unwrap();
            assert!(!line.contains('\n') && !line.contains(&KEY[4..]), "{line}");
        }
        ledgerauth_error_free(error);
    }
    status == LEDGERAUTH_OK
}

/// Fills a place: it is written if, and only if, the call was fine.
fn made<T>(call: impl FnOnce(*mut *mut T, *mut *mut ledgerauth_error) -> i32) -> *mut T {
    let mut object = null_mut();
    let fine = checked(|error| call(&raw mut object, error));
    assert!(fine || object.is_null());
    object
}

/// A ring of two keys, the second with any notes.
unsafe fn ring(key: ledgerauth_str, input: &mut Input) -> *mut ledgerauth_credential {
    // SAFETY: zeros are a value of the struct; its texts point into the input.
    unsafe {
        let ring = made(|out, error| ledgerauth_credential_new_ring(out, error));
        let mut noted: ledgerauth_ring_key = zeroed();
        (noted.size, noted.text) = (size_of::<ledgerauth_ring_key>(), key);
        checked(|error| ledgerauth_credential_add_key(ring, &raw const noted, error));
        let permissions = [input.text(), input.text()];
        (noted.text, noted.name, noted.id, noted.integration) = (input.text(), input.text(), input.text(), input.text());
        (noted.permissions, noted.permission_count) = (permissions.as_ptr(), usize::from(input.byte() % 3));
        (noted.created_at, noted.relaxed) = (u64::from(input.byte()) << 33, i32::from(input.byte() % 2));
        checked(|error| ledgerauth_credential_add_key(ring, &raw const noted, error));
        ring
    }
}

/// What is said about a credential after it was made.
unsafe fn say(credential: *mut ledgerauth_credential, input: &mut Input) {
    // SAFETY: the credential is NULL or live; texts point into the input.
    unsafe {
        match input.byte() % 4 {
            0 => drop(checked(|error| ledgerauth_credential_set_environment(credential, input.text(), error))),
            1 => drop(checked(|error| ledgerauth_credential_set_refresh_token(credential, input.text(), error))),
            2 => drop(checked(|error| ledgerauth_credential_use_stored(credential, error))),
            _ => {
                let scopes = [input.text(), input.text()];
                let count = usize::from(input.byte() % 3);
                checked(|error| ledgerauth_credential_set_scopes(credential, scopes.as_ptr(), count, error));
            }
        }
    }
}

/// How the keys of a client stand, and what to do with them; one look too far.
unsafe fn look(client: *const ledgerauth_client) {
    // SAFETY: the client is NULL or live; zeros are a value of the struct.
    unsafe {
        let states = made(|out, error| ledgerauth_client_keys(client, out, error));
        let plan = made(|out, error| ledgerauth_client_plan(client, out, error));
        let mut state: ledgerauth_key_state = zeroed();
        state.size = size_of::<ledgerauth_key_state>();
        for at in 0..=ledgerauth_key_states_count(states) {
            let fine = checked(|error| ledgerauth_key_states_at(states, at, &raw mut state, error));
            assert_eq!(fine, at < ledgerauth_key_states_count(states));
        }
        for at in 0..=ledgerauth_plan_count(plan) {
            let fine = checked(|error| ledgerauth_plan_at(plan, at, null_mut(), null_mut(), error));
            assert_eq!(fine, at < ledgerauth_plan_count(plan));
        }
        ledgerauth_plan_free(plan);
        ledgerauth_key_states_free(states);
    }
}

/// A client of a profile of our own, on a world that stands still.
unsafe fn client_of(
    provider: *const ledgerauth_provider,
    credential: *const ledgerauth_credential,
    input: &mut Input,
) -> *mut ledgerauth_client {
    // SAFETY: zeros are a value of both structs.
    unsafe {
        let mut transport: ledgerauth_transport = zeroed();
        transport.size = size_of::<ledgerauth_transport>();
        transport.now = Some(now);
        transport.random = Some(random);
        transport.sleep = Some(sleep);
        transport.send = Some(send);
        let mut options: ledgerauth_client_options = zeroed();
        options.size = size_of::<ledgerauth_client_options>();
        (options.own_provider, options.credential, options.transport, options.no_threads) = (provider, credential, &raw const transport, 1);
        match input.byte() % 8 {
            0 => options.environment = input.text(),
            1 => options.base_url = input.text(),
            2 => options.header = input.text(),
            3 => options.scheme = input.text(),
            4 => options.client_auth = input.text(),
            5 => options.max_attempts = u32::from(input.byte()),
            _ => {}
        }
        made(|out, error| ledgerauth_client_new(&raw const options, out, error))
    }
}

fuzz_target!(|bytes: &[u8]| {
    let mut input = Input(bytes);
    // SAFETY: every handle is NULL or live, and freed once, at the end; texts point into the input.
    unsafe {
        let own = input.byte() % 4 == 0;
        let profile = if own { input.text() } else { of(PROFILE) };
        let provider = made(|out, error| ledgerauth_provider_from_toml(profile, out, error));
        let key = if input.byte() % 4 == 0 { input.text() } else { of(KEY) };
        let parsed = made(|out, error| ledgerauth_key_parse(provider, key, out, error));
        let credential = match input.byte() % 4 {
            0 => made(|out, error| ledgerauth_credential_from_client(of("id"), key, out, error)),
            1 => made(|out, error| ledgerauth_credential_from_refresh_token(of("id"), of("secret"), key, out, error)),
            2 => ring(key, &mut input),
            _ => made(|out, error| ledgerauth_credential_from_key(key, out, error)),
        };
        if input.byte() % 4 == 0 {
            say(credential, &mut input);
        }
        let client = client_of(provider, credential, &mut input);
        let answer = made(|out, error| ledgerauth_answer_new(out, error));
        let mut exchange: *mut ledgerauth_exchange = null_mut();
        for _ in 0..64 {
            if input.0.is_empty() {
                break;
            }
            one(&mut input, client, credential, answer, &mut exchange);
        }
        ledgerauth_exchange_free(exchange);
        ledgerauth_answer_free(answer);
        ledgerauth_client_free(client);
        ledgerauth_credential_free(credential);
        ledgerauth_key_free(parsed);
        ledgerauth_provider_free(provider);
    }
});

/// One call of any kind.
unsafe fn one(
    input: &mut Input,
    client: *mut ledgerauth_client,
    credential: *mut ledgerauth_credential,
    answer: *mut ledgerauth_answer,
    exchange: &mut *mut ledgerauth_exchange,
) {
    let mut step: ledgerauth_step = unsafe { zeroed() };
    step.size = size_of::<ledgerauth_step>();
    let number = i32::from(input.byte());
    // SAFETY: as the caller says.
    unsafe {
        let text = |input: &mut Input| input.text();
        match number % 21 {
            0 | 1 => {
                let mut call: ledgerauth_call = zeroed();
                (call.size, call.method, call.path) =
                    (size_of::<ledgerauth_call>(), of(["GET", "POST"][number as usize / 21 % 2]), input.text());
                (call.body, call.own_store) = (input.text(), number / 42 % 2);
                // A program that forgot to set it.
                call.size = [call.size, call.size, call.size, 0, usize::MAX][usize::from(input.byte() % 5)];
                ledgerauth_exchange_free(std::mem::replace(exchange, null_mut()));
                *exchange = made(|out, error| ledgerauth_exchange_new(client, &raw const call, out, error));
            }
            2..=5 => drop(checked(|error| ledgerauth_exchange_poll(*exchange, &raw mut step, error))),
            6 => drop(checked(|error| ledgerauth_exchange_handle_response(*exchange, answer, error))),
            7 => drop(checked(|error| ledgerauth_exchange_handle_failure(*exchange, number / 21 % 2, text(input), error))),
            8 => drop(checked(|error| ledgerauth_exchange_handle_claimed(*exchange, number / 21, text(input), error))),
            9 => drop(checked(|error| ledgerauth_exchange_handle_saved(*exchange, number / 21, text(input), error))),
            10 => drop(checked(|error| ledgerauth_exchange_handle_looked(*exchange, u64::from(input.byte()) << 33, text(input), error))),
            11 => drop(checked(|error| ledgerauth_exchange_handle_loaded(*exchange, client, credential, error))),
            12 => drop(checked(|error| ledgerauth_answer_set_status(answer, i32::from(input.byte()) * 3, error))),
            13 => drop(checked(|error| ledgerauth_answer_add_header_line(answer, text(input), error))),
            14 => drop(checked(|error| ledgerauth_answer_add_header(answer, text(input), text(input), error))),
            15 => drop(checked(|error| ledgerauth_answer_add_body(answer, text(input), error))),
            16 => drop(checked(|error| ledgerauth_answer_clear(answer, error))),
            17 => {
                let said = input.text();
                let redactor = *REDACTOR as *const ledgerauth_redactor;
                ledgerauth_text_free(made(|out, error| ledgerauth_redactor_redact(redactor, said, out, error)));
                let stream = made(|out, error| ledgerauth_redact_stream_new(redactor, out, error));
                ledgerauth_text_free(made(|out, error| ledgerauth_redact_stream_push(stream, said, out, error)));
                ledgerauth_text_free(made(|out, error| ledgerauth_redact_stream_finish(stream, out, error)));
                ledgerauth_redact_stream_free(stream);
            }
            18 => {
                ledgerauth_text_free(made(|out, error| ledgerauth_client_explain(client, out, error)));
                look(client);
            }
            19 => {
                let renewal = made(|out, error| ledgerauth_exchange_renewal(client, out, error));
                let polled = checked(|error| ledgerauth_exchange_poll(renewal, &raw mut step, error));
                assert_eq!(polled, !renewal.is_null());
                ledgerauth_exchange_free(renewal);
            }
            _ => {
                let mut buffer = [0; 64];
                let path = input.text();
                checked(|error| {
                    ledgerauth_client_authorize(client, path, buffer.as_mut_ptr(), usize::from(input.byte() % 64), null_mut(), error)
                });
                ledgerauth_response_free(made(|out, error| ledgerauth_client_get(client, path, out, error)));
            }
        }
    }
}
